"""The streams of a process: each is opened, followed to its end, and kept in mind for what is judged of it then."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple, Protocol, cast

import gevent

from ssegauge.conformance.target import Call, Target
from ssegauge.loadtests.driving.before import Kept
from ssegauge.loadtests.driving.updates import Task
from ssegauge.loadtests.measuring.meters import UNDRIVEN, Driven, Meter
from ssegauge.loadtests.measuring.witnesses import Room
from ssegauge.loadtests.running.node.calls import Calls
from ssegauge.loadtests.running.node.diaries import Diaries
from ssegauge.loadtests.running.node.recordings import Recordings
from ssegauge.loadtests.stream import clock
from ssegauge.loadtests.stream.body import COMPLETE
from ssegauge.loadtests.stream.connection import Origin
from ssegauge.loadtests.stream.session import Books, OnEvent, Session
from ssegauge.loadtests.stream.stream import EventStream, Recorder, StreamFailed

OPENING_PATIENCE: Final = 10.0  # times the limit: a stream that has not opened for so long has failed
POLL_S: Final = 0.02
NO_CONTENT: Final = 204
STREAMS_PER_NODE: Final = 1_000_000
NOTHING_KEPT: Final[Kept] = {}


class Follower(Protocol):
    """Who follows a stream."""

    def stream_ended(self, ending: str) -> None:
        """Take how it ended; called from the loop."""


class Subject(NamedTuple):
    """Who follows a session, and the task it is about."""

    user: Follower
    task: Task | None


class Judged(NamedTuple):
    """What is known of a process's streams when the run is over, as plain values; None until then.

    ``conformance``: see ``findings``; ``witnessed`` and ``returned``: see ``Diaries``.
    """

    conformance: dict[str, Any] | None = None
    witnessed: dict[str, Any] | None = None
    returned: dict[str, Any] | None = None


class Streams:
    """See the module. ``number`` is that of the process, from 0; ``herds``: its readers are cut all at once."""

    def __init__(self, target: Target, origin: Origin, books: Books, room: Room, number: int, *, herds: bool) -> None:
        self._target, self._origin, self._books = target, origin, books
        self._calls = Calls(target)
        self._recordings = Recordings(target)
        self.diaries = Diaries(room, herds=herds)
        self._patience_s = OPENING_PATIENCE * target.limits.connect_s
        self._last = number * STREAMS_PER_NODE
        self._sessions: set[Session] = set()

    def next_number(self) -> int:
        """Return a new stream's number."""
        self._last += 1
        return self._last

    def open(
        self,
        user: Follower,
        task: Task | None,
        path: str = "",
        on_event: OnEvent | None = None,
        kept: Kept = NOTHING_KEPT,
        last_event_id: str = "",
    ) -> Session:
        """Open a stream, from a greenlet; ``user`` is told of its end. Raises StreamFailed when it did not open."""
        number = self.next_number()
        asked = self._calls.watching(task, path, kept).after(last_event_id)
        stream = asked.stream(self._origin)
        session = Session(self._meter(task, number), number, self._books, self, Subject(user, task))
        recording = None if last_event_id else self._recordings.begin(stream, asked, number, task)
        session.diary = self.diaries.begin(task)
        try:
            session.open(stream, self._patience_s, on_event)
        except StreamFailed as failure:
            self._books.counts.told_to_wait(failure.wait)
            if last_event_id and failure.status == NO_CONTENT:  # there is nothing more, as it may say
                self._books.counts.stopped += 1
            else:
                self._books.failed(str(failure))
            self.keep(recording, stream.ending)
            raise
        self._books.counts.resumed += bool(last_event_id)
        if not session.ending:
            self._sessions.add(session)
        return session

    def goes_on(self, ending: str, task: Task | None) -> bool:
        """Whether a stream that has ended like this is one to come back to, as an EventSource does."""
        ends = self._target.promises.ends
        is_whole = ending == COMPLETE and ends is not None and ends.how != "never"
        return ending != "closed" and not is_whole and not (task and task.ended)

    def asking(self, call: Call, values: Mapping[str, Any]) -> EventStream:
        """Return a stream that somebody else opens and follows, of a request that is filled in."""
        asked = self._calls.filled(call, values)
        stream = asked.stream(self._origin)
        self._recordings.begin(stream, asked, self._last)
        return stream

    def keep(self, recording: Recorder | None, ending: str) -> None:
        """Keep what was recorded of a stream, to be judged."""
        self._recordings.keep(recording, ending)

    def session_ended(self, session: Session) -> None:
        """Take the end of a session."""
        self._sessions.discard(session)
        user, task = cast("Subject", session.subject)
        if task and task.id and session.ending == COMPLETE:
            task.ended = True
        if session.diary:
            self.diaries.close(session.diary, user, task, comes_back=self.goes_on(session.ending, task))
        self.keep(session.record, session.ending)
        user.stream_ended(session.ending)

    def note_end(self) -> None:
        """Take that driving is over, and nothing new is to come: silence from now on is nobody's."""
        self._recordings.stop()
        self._books.log.note_silence(clock.now())

    def settle(self, grace_s: float) -> None:
        """Wait until nothing is outstanding on any stream, at the latest until the grace is over."""
        self._wait(grace_s, hang_up=False)

    def end(self, grace_s: float) -> None:
        """Hang up every stream once nothing is outstanding on it, at the latest after the grace."""
        for session in self._sessions:
            session.meter.freeze()
        self._wait(grace_s, hang_up=True)

    def judged(self, secrets: set[str]) -> Judged:
        """Return what is known now that all are over, without these secrets."""
        witnessed, returned = self.diaries.compared(), self.diaries.returned()
        found = self._recordings.judged(secrets)
        self.diaries.room.spool.close()
        return Judged(found, witnessed, returned)

    def _meter(self, task: Task | None, number: int) -> Meter:
        return Driven(self._books.rows, number, task) if task and task.driven else UNDRIVEN

    def _wait(self, grace_s: float, *, hang_up: bool) -> None:
        waiting = set(self._sessions)
        give_up = clock.now() + int(grace_s * 1e9)
        while waiting and clock.now() < give_up:
            settled = {session for session in waiting if session.meter.is_settled()}
            for session in settled if hang_up else ():
                session.hang_up()
            gevent.sleep(POLL_S)
            waiting = (waiting & self._sessions) - (set() if hang_up else settled)
        for session in waiting if hang_up else ():
            session.hang_up()
        gevent.sleep(POLL_S)
