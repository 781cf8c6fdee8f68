"""What one load process measures: its streams, its tasks, its samples and counts.

Users open streams through ``Node.open``. Whoever conducts the run (this process, or the master of several)
gives orders (``obey``) and collects ``report`` each second; both are plain values, fit for Locust's messages.
"""

from __future__ import annotations

import json
import secrets
from array import array
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any, Final, NamedTuple, Protocol, cast

import gevent
import numpy as np
from gevent.event import Event
from gevent.lock import Semaphore
from gevent.pool import Pool

from ssegauge.conformance.errors import CannotJudge
from ssegauge.conformance.recording.redaction import Redactor
from ssegauge.conformance.recording.transcript import Request
from ssegauge.conformance.target import Call, Target, each_its_own, fill, is_each_its_own
from ssegauge.loadtests.driving.before import Kept, Preparation
from ssegauge.loadtests.driving.client import Client
from ssegauge.loadtests.driving.updates import Driver, Hooks, Task
from ssegauge.loadtests.judging.under_load import MOST_STREAMS, Recording, Shelf, findings
from ssegauge.loadtests.measuring.answers import Tally
from ssegauge.loadtests.measuring.clocks import Clocks
from ssegauge.loadtests.measuring.event_types import EventTypes
from ssegauge.loadtests.measuring.generator import Watch, cpu_s, resident_kib
from ssegauge.loadtests.measuring.integrity import Tokens
from ssegauge.loadtests.measuring.log import Log
from ssegauge.loadtests.measuring.meters import UNDRIVEN, Driven, Meter
from ssegauge.loadtests.measuring.returning import Visit, returned
from ssegauge.loadtests.measuring.samples import BYTES, DROPPED, EVENTS, FAILED, REFUSED, Rows
from ssegauge.loadtests.measuring.shape import Shape
from ssegauge.loadtests.measuring.witnesses import Diary, Room, compare
from ssegauge.loadtests.running.asking import Desk
from ssegauge.loadtests.running.crowd import Crowd
from ssegauge.loadtests.running.orders import Orders
from ssegauge.loadtests.stream import clock
from ssegauge.loadtests.stream.connection import Headers, path_of, resolve, stream_headers
from ssegauge.loadtests.stream.session import Books, Counts, OnEvent, Session, plain
from ssegauge.loadtests.stream.stream import EventStream, Recorder, StreamFailed, asked_for

OPENING_PATIENCE: Final = 10.0  # times the limit: a stream that has not opened for so long has failed
POLL_S: Final = 0.02
ENDERS: Final = 16  # tasks that are ended at once
ENDING_S: Final = 0.01
TRAFFIC: Final = (EVENTS, BYTES, FAILED, DROPPED, REFUSED)
ALWAYS: Final = (EVENTS, BYTES)
OFFERED: Final = ("planned", "accepted", "refused")
STREAMS_PER_NODE: Final = 1_000_000
NOTHING_KEPT: Final[Kept] = {}


class Follower(Protocol):
    """Who follows a stream."""

    def stream_ended(self, ending: str) -> None:
        """Take how it ended; called from the loop."""


class Scattered(Protocol):
    """A reader of a herd."""

    def scatter(self) -> None:
        """Be cut, and come back."""


class Asked(NamedTuple):
    """A stream's request."""

    method: str
    path: str
    headers: Headers
    payload: bytes


class Subject(NamedTuple):
    """Who follows a session, and the task it is about."""

    user: Follower
    task: Task | None


class Node:
    """A load process. ``replies`` are (name, ms, failure) of the hooks' requests, for Locust's statistics."""

    def __init__(
        self,
        target: Target,
        number: int = 0,
        measure: str = "",
        opening_rate: float = 100.0,
        sources: Sequence[str] = (),
    ) -> None:
        self.target = target
        self.origin = resolve(target.base_url, target.tls, sources)
        self.clock = clock.start()
        self.rows = Rows()
        self.counts = Counts()
        self.client = Client(self.origin, timeout=max(10.0, 5 * target.limits.update_s))
        self.tokens = Tokens(secrets.token_hex(4))
        self.hooks = Hooks(target, self.origin, self.client, self.tokens, self._on_reply)
        self.sending_ms = self.hooks.sending_ms
        self.preparation = Preparation(target, self.hooks.ask)
        self.crowd = Crowd()
        self.tasks: list[Task] = []
        self._unwatched: set[Task] = set()  # they are not driven, until somebody watches again
        self.sessions: set[Session] = set()
        self.wanted = Event()
        self.measuring = Event()  # all users are there
        self.finishing = False  # from then on users start nothing
        self.replies: list[tuple[str, float, str]] = []
        self.watch = Watch()
        self.clocks = Clocks()
        self.opening_rate = max(1.0, opening_rate)  # streams per second, while users are started
        self.types = EventTypes(self._redacted, staged=target.profile == "task-progress")
        self._told = (0, 0, 0, 0, 0)  # what the last report told of events, bytes and errors
        ends_itself = target.profile == "task-progress"
        self._room = Room()
        self.log = Log(self.rows, self.types, self.clocks, self._room, measure, self.tokens.find)
        self.books = Books(
            self.rows, self.counts, self.watch, ends_itself, self.clocks, self._redacted, self.types, self.log
        )
        self._is_each_its_own = is_each_its_own(target.stream)
        self._asked: tuple[Any, Asked] | None = None  # what was asked for last, and by which values
        self._streams = number * STREAMS_PER_NODE
        self._users = self._recordings = 0
        self._recorded: list[Recording] = []
        self._shelf = Shelf()
        self._judged: dict[str, Any] | None = None
        self._diaries: list[Diary] = []
        self.herds = False  # readers are cut all at once, and come back
        self.publishes = False  # what all are told, where there is no task to move
        self.herd: list[Scattered] = []
        self._visits: dict[Follower, list[Diary]] = {}  # of each reader of a herd
        self._returned: dict[str, Any] | None = None
        self._witnessed: dict[str, Any] | None = None
        self._driver: Driver | None = None
        self._rate = 0.0  # of updates, once they are wanted
        self._shared: Task | None = None
        self._sharing = Semaphore()
        self._number = number
        self.desk: Desk | None = None

    # The users' side.

    def next_user(self) -> int:
        """Return a new user's number, from 0."""
        self._users += 1
        return self._users - 1

    @property
    def users_so_far(self) -> int:
        """How many users have their numbers; the next one's is this."""
        return self._users

    def next_stream(self) -> int:
        """Return a new stream's number."""
        self._streams += 1
        return self._streams

    def take_orders(self, orders: Orders) -> None:
        """Be a process that asks: see ``asking``."""
        self.desk = Desk(self, orders, self._number)

    def stream_for(self, call: Call, values: Mapping[str, Any]) -> EventStream:
        """Return a stream that is yet to be opened, of a request that is filled in; the first are recorded."""
        asked = self._made(fill(call, each_its_own(values)))
        stream = EventStream(self.origin, asked.path, asked.headers, asked.method, asked.payload)
        self._recording(stream, asked, None)
        return stream

    def new_task(self) -> Task:
        """Start a task that moves only when told to; raises CannotJudge when that is impossible."""
        call = self.target.task.create_manual
        if not call or not self.target.task.update:
            raise CannotJudge("no [task.create_manual] and [task.update] in the target; add them")
        task = self.hooks.create(call)
        self.tasks.append(task)
        self._drive(self._rate)
        return task

    def watched(self, task: Task) -> None:
        """Drive a task again that nobody watched."""
        if task in self._unwatched:
            self._unwatched.remove(task)
            self.tasks.append(task)
            self._drive(self._rate)

    def unwatched(self, task: Task) -> None:
        """Drive a task no more, where it is one user's own: nobody watches it now."""
        if task is not self._shared and task in self.tasks:
            self.tasks.remove(task)
            self._unwatched.add(task)

    def shared_task(self) -> Task | None:
        """Return the task that all users watch: started by the first, renewed by the first to come after its end."""
        with self._sharing:
            if self._shared is None or self._shared.ended:
                self._shared = self._start_shared()
            return self._shared

    def prepare(self, spent: Kept | None = None) -> Kept:
        """Make the calls that a user's stream needs first; see ``Preparation``."""
        kept = self.preparation.prepare(spent)
        self.hooks.kept = self.hooks.kept or kept
        return kept

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
        number = self.next_stream()
        asked = self._request(task, path, kept)
        if last_event_id:
            asked = asked._replace(headers=[*asked.headers, ("Last-Event-ID", last_event_id)])
        stream = EventStream(self.origin, asked.path, asked.headers, asked.method, asked.payload)
        session = Session(self._meter(task), number, self.books, self, Subject(user, task))
        recording = None if last_event_id else self._recording(stream, asked, task)
        if self.herds or not (task and task.driven):
            session.diary = Diary(clock.now() / 1e6, self._room)
        try:
            session.open(stream, self._patience_s, on_event)
        except StreamFailed as failure:
            self.counts.told_to_wait(failure.wait)
            self.failed(str(failure))
            self.keep(recording, stream.ending)
            raise
        if not session.ending:
            self.sessions.add(session)
        return session

    def session_ended(self, session: Session) -> None:
        """Take the end of a session."""
        self.sessions.discard(session)
        if session.diary:
            self._close(session.diary, session)
        self.keep(session.record, session.ending)
        user, task = cast("Subject", session.subject)
        if task and task.id and session.ending == "complete":
            task.ended = True
        user.stream_ended(session.ending)

    def _close(self, diary: Diary, session: Session) -> None:
        user, task = cast("Subject", session.subject)
        diary.closed_ms = clock.now() / 1e6
        if self.herds:
            self._visits.setdefault(user, []).append(diary)
        if not (task and task.driven):
            self._diaries.append(diary)

    def keep(self, recording: Recorder | None, ending: str) -> None:
        """Keep what was recorded of a stream, to be judged."""
        if isinstance(recording, Recording) and recording.has_head:
            recording.finish(ending, clock.now())
            self._recorded.append(recording)

    def failed(self, reason: str) -> None:
        """Count a stream that could not be opened, or its task not started."""
        self.counts.failed += 1
        self.books.count(self.counts.failures, reason)

    def found_wrong(self, reason: str) -> None:
        """Count an event that the user's own code found wrong."""
        self.books.count(self.counts.checks, reason)

    def erred(self, mistake: str) -> None:
        """Count a mistake that is not the server's: it voids the run."""
        self.books.count(self.counts.errors, mistake)

    # The conductor's side.

    def obey(self, order: Mapping[str, Any]) -> None:
        """Do what the conductor says.

        ``{"do": "drive" | "measure" | "shape" | "streams" | "scatter" | "phase" | "arrive" | "drain", ...}``.
        """
        deeds: Mapping[str, Callable[[], object]] = {
            "arrive": lambda: self._desk.arrive(order["rate"]),
            "drive": lambda: self._drive(order["rate"]),
            "measure": lambda: self._measure_latency(wanted=order["wanted"]),
            "shape": lambda: self._follow(order["points"], order["of"]),
            "streams": lambda: self._want_streams(wanted=order["wanted"]),
            "scatter": lambda: self._scatter(order["staying"]),
            "phase": lambda: self._begin_phase(order["phase"]),
            "drain": self._drain,
        }
        deeds[order["do"]]()

    def report(self) -> dict[str, Any]:
        """Return what was measured since the last report, and the counts so far."""
        self.log.settle()
        self._add_traffic()
        return {
            "types": self.types.plain(),
            "at_ms": clock.now() / 1e6,
            "cpu_s": cpu_s(),
            "resident_kib": resident_kib(),
            "rows": self.rows.take(),
            "sending_ms": taken(self.hooks.sending_ms),
            "looping_ms": taken(self.watch.lateness_ms),
            "cpu_shares": taken(self.watch.cpu_shares),
            "clock_step_ms": self.watch.clock_step_ms,
            "clock": self.clock,
            "clocks": self.clocks.plain(),
            "standstill_ms": self.watch.longest_ms,
            "counts": plain(self.counts) | {name: getattr(self.hooks, name) for name in OFFERED},
            "conformance": self._judged,
            "witnessed": self._witnessed,
            "returned": self._returned,
            "answers": self.desk.tally.plain() if self.desk else None,
        }

    def _add_traffic(self) -> None:
        """Add what came, and what went wrong, since the last report as samples."""
        counts, now_ns = self.counts, clock.now()
        tally = self.desk.tally if self.desk else Tally()
        wrong = (counts.failed + tally.failed, counts.dropped + tally.cut, self.hooks.refused)
        told = (self.types.total, self.books.traffic.bytes, *wrong)
        for kind, after, before in zip(TRAFFIC, told, self._told, strict=True):
            if kind in ALWAYS or after > before:
                self.rows.add(kind, now_ns, self._number, float(after - before), -1)
        self._told = told

    @property
    def grace_s(self) -> float:
        """How long an update may still arrive before it counts as lost: what is late is late, not lost."""
        return 2 * self.target.limits.update_s

    @property
    def _desk(self) -> Desk:
        assert self.desk
        return self.desk

    @property
    def _patience_s(self) -> float:
        return OPENING_PATIENCE * self.target.limits.connect_s

    def _start_shared(self) -> Task | None:
        if self.publishes:
            self.tasks.append(task := self.hooks.published())
            self._drive(self._rate)
            return task
        hooks = self.target.task
        call = hooks.create_manual if hooks.create_manual and hooks.update else hooks.create
        if call is None:
            if self.target.needs_task:
                raise CannotJudge("stream.path wants a {task_id}; add [task.create] or [task.create_manual]")
            return None
        task = self.hooks.create(call)
        if call is hooks.create_manual:
            self.tasks.append(task)
            self._drive(self._rate)
        return task

    def _meter(self, task: Task | None) -> Meter:
        if task and task.driven:
            return Driven(self.rows, self._streams, task)
        return UNDRIVEN

    def _request(self, task: Task | None, path: str, kept: Kept) -> Asked:
        """Return what to ask for; most often it is what was asked for last."""
        key = (task, path, tuple(kept.items()))
        if not self._asked or self._asked[0] != key or self._is_each_its_own:
            wanted = replace(self.target.stream, path=path) if path else self.target.stream
            filled = fill(wanted, each_its_own({**kept, **({"task_id": task.id} if task else {})}))
            self._asked = key, self._made(filled)
        return self._asked[1]

    def _made(self, call: Call) -> Asked:
        where, headers = path_of(self.target, call.path), stream_headers(self.target, call)
        return Asked(call.method or "GET", where, headers, _payload(call))

    def _recording(self, stream: EventStream, asked: Asked, task: Task | None) -> Recording | None:
        """Have the first streams kept, to be judged by the rules."""
        if self._recordings >= MOST_STREAMS:
            return None
        self._recordings += 1
        url = self.target.base_url.rstrip("/") + asked.path
        request = Request(asked.method, url, asked_for(asked.headers))
        task_id = task.id if task and task.id else None
        late = bool(task_id and task and task.sent)
        stream.record = Recording(self._streams, request, clock.now(), task_id, self._shelf, late=late)
        return stream.record

    def _drive(self, rate: float) -> None:
        """Drive what tasks there are; those that come later join in."""
        self._rate = rate
        if self.tasks and rate > 0 and not self.finishing and not (self._driver and self._driver.is_going):
            self._driver = Driver(self.hooks, self.tasks, rate)

    def _measure_latency(self, *, wanted: bool) -> None:
        """Begin to measure; or go on without timing the updates that are due from now on."""
        if wanted:
            self.measuring.set()
            self.watch.forget()
        else:
            self.rows.timed_until_ns = clock.now()

    def _begin_phase(self, phase: int) -> None:
        self.log.settle()
        self.rows.phase = phase

    def _follow(self, points: Iterable[Sequence[float]], of: int) -> None:
        gevent.spawn(self.crowd.follow, Shape(tuple((at_s, int(users)) for at_s, users in points)), self._number, of)

    def _scatter(self, staying: int) -> None:
        for reader in self.herd[staying:]:
            reader.scatter()

    def _want_streams(self, *, wanted: bool) -> None:
        if wanted:
            self.wanted.set()
        else:
            self.wanted.clear()
            self._end_streams()

    def _end_streams(self) -> None:
        """Hang up every stream once nothing is outstanding on it, at the latest after the grace."""
        for session in self.sessions:
            session.meter.freeze()
        self._wait_for_sessions(hang_up=True)

    def _drain(self) -> None:
        """Stop driving, wait for what is outstanding, end the tasks, end the streams."""
        self.finishing = True
        self.wanted.clear()
        if self._driver:
            self._driver.stop(self.grace_s)
        if self.desk:
            self.desk.drain()
        self._wait_for_sessions(hang_up=False)
        enders = Pool(ENDERS)
        for task in [task for task in (*self.tasks, *self._unwatched) if not task.ended]:
            enders.spawn(self.hooks.complete, task)
        enders.join(timeout=self.grace_s + len(self.tasks) * ENDING_S)
        self._end_streams()
        self.watch.stop()  # to compare and judge is no standstill
        self.log.settle()
        # In a thread: of many streams it takes long, and a process that says nothing meanwhile passes for dead.
        pool = gevent.get_hub().threadpool
        diaries = tuple(self._diaries)  # a stream that was yet to open may still end
        compared = pool.apply(compare, (diaries,)) if diaries else None
        self._witnessed = asdict(compared) if compared else None
        self._returned = asdict(pool.apply(returned, (self._readers(),))) if self.herds else None
        chunks = self._shelf.chunks()
        judged = findings([recording.transcript(chunks) for recording in self._recorded], self.target)
        self._shelf.close()
        self._room.spool.close()
        self._judged = Redactor(self.preparation.secrets).value(judged) if self.preparation.secrets else judged
        self.client.close()

    def _readers(self) -> list[list[Visit]]:
        """Return what the readers of a herd had, each from visit to visit."""
        told = self._room.entries()
        nothing = np.empty(0, dtype=np.int64), np.empty(0)
        return [
            [Visit(one.opened_ms, one.closed_ms, *told.get(one.number, nothing)) for one in diaries]
            for diaries in self._visits.values()
        ]

    def _wait_for_sessions(self, *, hang_up: bool) -> None:
        waiting = set(self.sessions)
        give_up = clock.now() + int(self.grace_s * 1e9)
        while waiting and clock.now() < give_up:
            settled = {session for session in waiting if session.meter.is_settled()}
            for session in settled if hang_up else ():
                session.hang_up()
            gevent.sleep(POLL_S)
            waiting = (waiting & self.sessions) - (set() if hang_up else settled)
        for session in waiting if hang_up else ():
            session.hang_up()
        gevent.sleep(POLL_S)

    def _redacted(self, text: str) -> str:
        """Return a text without the target's secrets and those that [[before]] has kept."""
        return Redactor(self.target.secrets | self.preparation.secrets).text(text)

    def _on_reply(self, name: str, sent_ns: int, arrived_ns: int, failure: str) -> None:
        self.replies.append((name, (arrived_ns - sent_ns) / 1e6, failure))
        if name == "update":
            self.counts.updates += 1
            if failure:
                self.books.count(self.counts.refusals, failure)


def taken(numbers: array[float]) -> bytes:
    """Empty an array of doubles; return what was in it."""
    content = numbers.tobytes()
    del numbers[:]
    return content


def _payload(call: Call) -> bytes:
    return b"" if call.json is None else json.dumps(call.json).encode()
