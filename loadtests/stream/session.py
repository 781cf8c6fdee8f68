"""One stream from its opening to its end: what is measured on it, and how its end is judged.

A stream is open when its server has kept its word: with its first event, which the task-progress profile promises at
once; in any other stream, which may have nothing to say for long, with its head, as for EventSource.

A session ends well when we close it, when the server ends it after a terminal event, or, where the profile
knows no terminal events, when the server ends it as HTTP says it should. Everything else is a drop.
"""

from __future__ import annotations

import math
from collections import Counter, deque
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Final, Protocol

import gevent
from gevent.event import Event

from ssegauge.conformance.sse import Message
from ssegauge.loadtests.measuring.clocks import Clocks
from ssegauge.loadtests.measuring.event_types import EventTypes
from ssegauge.loadtests.measuring.generator import Watch
from ssegauge.loadtests.measuring.integrity import Account
from ssegauge.loadtests.measuring.log import Known, Log
from ssegauge.loadtests.measuring.meters import Driven, Meter, is_terminal
from ssegauge.loadtests.measuring.samples import CONNECT, OPEN, Rows
from ssegauge.loadtests.measuring.schemas import NOTHING_PROMISED, Schemas
from ssegauge.loadtests.measuring.witnesses import Diary
from ssegauge.loadtests.stream import clock
from ssegauge.loadtests.stream.body import COMPLETE, UNFRAMED
from ssegauge.loadtests.stream.clock import Ancillary
from ssegauge.loadtests.stream.connection import RECEIVE_BYTES
from ssegauge.loadtests.stream.reader import Reader, Traffic
from ssegauge.loadtests.stream.retry_after import Wait
from ssegauge.loadtests.stream.stream import EventStream, StreamFailed

OnEvent = Callable[[str, str, str], None]  # type, data, last event ID
UNKNOWN: Final[dict[bytes, Known]] = {}  # it stays empty
MOST_WAITING: Final = 1000  # events for the user's own code, before a stream is not read
MOST_REASONS: Final = 100
MOST_ENTRIES: Final = 16_384  # reads that wait to be settled
NOTHING: Final = -1, ""  # what a read has told (``Log.reading``), and the id of its first event: none
ENDED_EARLY: Final = "ended by the server before a terminal event"


@dataclass(slots=True)
class Counts:
    """What a load process counts; ``open`` and ``ready`` are gauges, the rest only grows."""

    ready: int = 0
    open: int = 0
    opened: int = 0
    failed: int = 0
    dropped: int = 0
    failures: Counter[str] = field(default_factory=Counter)
    drops: Counter[str] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)  # in the user's own code
    checked: int = 0  # events that a promised schema or the user's own code is for, and why they are wrong
    checks: Counter[str] = field(default_factory=Counter)
    left_by_fin: int = 0  # streams that a user left in the midst
    left_by_rst: int = 0
    ended: int = 0  # streams that the server ended in order, and how long they had lasted
    ended_least_s: float = math.inf
    ended_most_s: float = 0.0
    resumed: int = 0  # streams whose readers came back with the last id that they had
    stopped: int = 0  # readers of a herd that 204 told to stay away, and for how long the server has all of them wait
    retry_s: float | None = None
    refusals_to_wait: int = 0  # refusals with a Retry-After, the longest of them, and those that nobody waits for
    longest_wait_s: float = 0.0
    shortened_waits: int = 0
    updates: int = 0
    refusals: Counter[str] = field(default_factory=Counter)
    account: Account = field(default_factory=Account)

    def ended_after(self, lasted_s: float) -> None:
        """Count a stream that the server ended in order."""
        self.ended += 1
        self.ended_least_s = min(self.ended_least_s, lasted_s)
        self.ended_most_s = max(self.ended_most_s, lasted_s)

    def looked_at(self, many: int, wrong: str) -> None:
        """Count events that were held to a schema; ``wrong`` says why they break it, and is empty where they do not."""
        self.checked += many
        if wrong:
            self.checks[wrong] += many

    def told_to_wait(self, wait: Wait | None) -> None:
        """Count a refusal, where the server said for how long it wants to be left alone."""
        if wait:
            self.refusals_to_wait += 1
            self.longest_wait_s = max(self.longest_wait_s, wait.wanted_s)
            self.shortened_waits += wait.is_shortened


@dataclass(frozen=True, slots=True)
class Books:
    """Where all sessions of a process write what they see."""

    rows: Rows
    counts: Counts
    watch: Watch
    ends_itself: bool  # the profile knows events after which a stream ends, and promises one at its start
    clocks: Clocks
    redact: Callable[[str], str]  # reasons hold what a server sent
    types: EventTypes
    log: Log
    schemas: Schemas = NOTHING_PROMISED
    traffic: Traffic = field(default_factory=Traffic)

    def count(self, counter: Counter[str], reason: str) -> None:
        """Count a reason, without secrets; a server that has ever new ones fills no memory."""
        told = self.redact(reason)
        counter[told if told in counter or len(counter) < MOST_REASONS else "other reasons"] += 1

    def failed(self, reason: str) -> None:
        """Count a stream that could not be opened, or its task not started."""
        self.counts.failed += 1
        self.count(self.counts.failures, reason)

    def found_wrong(self, reason: str) -> None:
        """Count an event that the user's own code found wrong."""
        self.count(self.counts.checks, reason)

    def erred(self, mistake: str) -> None:
        """Count a mistake that is not the server's: it voids the run."""
        self.count(self.counts.errors, mistake)


def plain(counts: Counts) -> dict[str, Any]:
    """Return counts as plain values, fit for a message."""
    whole = {item.name: getattr(counts, item.name) for item in fields(counts)}
    reasons = {name: dict(whole[name]) for name in ("failures", "drops", "errors", "checks", "refusals")}
    return whole | reasons | {"account": asdict(counts.account)}


class Owner(Protocol):
    """Who has a session."""

    def session_ended(self, session: Session) -> None:
        """Take its end; called from the loop."""


class Session(Reader):
    """A stream with what is expected of it.

    Attributes:
        meter: that.
        subject: what it is about, for its owner.
        owner: who is told of its end.
        diary: what came, where streams are to witness each other.
    """

    __slots__ = (
        *("_driven", "_inbox", "_known", "_last_data", "_looked_ns", "_number", "_on", "_place", "_told"),
        *("diary", "meter", "owner", "subject"),
    )

    def __init__(self, meter: Meter, number: int, on: Books, owner: Owner, subject: object = None) -> None:
        super().__init__(on.traffic)
        self.meter, self.owner, self.subject, self._number, self._on = meter, owner, subject, number, on
        self.diary: Diary | None = None  # for what the other streams of its feed say
        self._driven = meter if isinstance(meter, Driven) else None
        self._last_data = ""
        self._looked_ns = 0  # when we last read all there was, where that was not when the loop last looked
        self._inbox: Inbox | None = None
        self._known = UNKNOWN  # what bytes tell where nothing of an event has come yet
        self._told = NOTHING
        self._place = -1

    def open(self, stream: EventStream, timeout: float, on_event: OnEvent | None = None) -> None:
        """Open a stream, from a greenlet, and follow it from the loop on.

        ``timeout`` bounds, in seconds, how long it takes. Raises StreamFailed when it did not open.
        """
        stream.open(timeout)
        messages: list[Message] = []
        try:
            if self._on.ends_itself:
                messages = self._first(stream, timeout)
            self._inbox = Inbox(self, on_event) if on_event else None
            self._opened(stream)
        except BaseException:
            stream.close()
            raise
        if messages:
            self.take(messages, stream.arrived_ns, stream.delay_ns)
        self.listen(stream)

    def take(self, messages: list[Message], arrived_ns: int, delay_ns: int) -> None:
        """Measure the events of a read."""
        log = self._on.log
        reading = log.reading(messages)
        self._told = reading, messages[0][2]
        looked_ns = self._looked_ns or self._poll.looked_ns
        log.note(self._place, reading, arrived_ns, delay_ns, looked_ns)
        if self._driven:
            self._measure(self._driven, reading, arrived_ns, delay_ns, looked_ns)
        self._looked_ns = 0
        self._last_data = messages[-1][1]
        if self._inbox:
            self._inbox.put(messages)

    def ended(self) -> None:
        """Settle the account."""
        on = self._on
        on.rows.add(OPEN, clock.now(), self._number, -1.0, -1)
        on.counts.open -= 1
        on.counts.account += self.meter.settle()
        if reason := self._drop_reason():
            on.counts.dropped += 1
            on.count(on.counts.drops, reason)
        elif self.ending == COMPLETE and not on.ends_itself:
            on.counts.ended_after(on.log.age_s(self._place, clock.now()))
        on.log.leave(self._place)
        if self._inbox:
            self._inbox.close()
        self.owner.session_ended(self)

    def broke(self, error: Exception) -> None:
        """Void the run."""
        self._on.erred(f"{type(error).__name__} while reading a stream: {error}")

    def abandon(self, *, reset: bool = False) -> None:
        """Close it, by RST or FIN, and expect nothing that has not arrived yet: we are the ones who leave."""
        self.meter.abandon()
        if reset:
            self.reset()
        else:
            self.hang_up()

    def stop_reading(self, most_bytes: int) -> None:
        """Read no more; expect nothing, and witness nothing: what is not read is no silence of the server's."""
        self.meter.abandon()
        self._record_no_more()
        self.diary = None
        self._on.log.witness_no_more(self._place)
        super().stop_reading(most_bytes)

    def pause(self, *, wanted: bool) -> None:
        """Read no more for now, or go on; what comes meanwhile came at any time since."""
        if wanted:
            self._looked_ns = clock.now()
            self._record_no_more()
        super().pause(wanted=wanted)

    def _record_no_more(self) -> None:
        if self.record:
            self.record.stop(clock.now())

    def _is_known(self, data: bytes, ancillary: Ancillary, read_ns: int) -> bool:
        """Take a read whose bytes were read before; see ``Reader``."""
        known = self._known.get(data)
        if known is None or not ancillary or self._looked_ns:
            return False
        reading, before, after, size, self._last_data = known
        decoder, on = self._decoder, self._on
        if before is not None and before != decoder.last_event_id:
            return False
        decoder.last_event_id = after
        decoder.passed += size
        on.traffic.bytes += size
        looked_ns = self._poll.looked_ns
        entries = on.log.entries
        entries.append((self._place, reading, ancillary[0][2], read_ns, looked_ns))
        if len(entries) >= MOST_ENTRIES:
            on.log.settle()
        if self._driven:
            arrived_ns = clock.stamp(ancillary)
            self._measure(self._driven, reading, arrived_ns, read_ns - arrived_ns, looked_ns)
        return True

    def _taken(self, data: bytes, arrived_ns: int, delay_ns: int) -> None:
        """Take a read; remember what it told, where whole events came between others."""
        decoder, known, looked_ns = self._decoder, self._known, self._looked_ns or self._poll.looked_ns
        before, passed, self._told = decoder.last_event_id, decoder.passed, NOTHING
        super()._taken(data, arrived_ns, delay_ns)
        if len(data) == RECEIVE_BYTES:  # the rest may have come as early
            self._looked_ns = looked_ns
        self._known = self._knowable()
        size = decoder.passed - passed  # of the body, where the exact decoder was not needed
        reading, first_id = self._told
        if reading >= 0 and size > 0 and known is not UNKNOWN and known is self._known:
            its_own = None if first_id != before else before
            self._on.log.remember(known, data, Known(reading, its_own, decoder.last_event_id, size, self._last_data))

    def _knowable(self) -> dict[bytes, Known]:
        """Return what is known of reads in the state in which this stream is."""
        is_between = self._body.between_chunks and self._decoder.between_blocks and not self.ending
        if not is_between or self._tls or self._inbox or (self.record and not self.record.is_full):
            return UNKNOWN
        return self._on.log.known[self._body is not UNFRAMED]

    def _measure(self, meter: Driven, reading: int, arrived_ns: int, delay_ns: int, looked_ns: int) -> None:
        """Measure events by what they show. All but the last may have come at any time since we had looked."""
        *early, last = self._on.log.tokens(reading)
        early_ns = max(delay_ns, delay_ns + arrived_ns - looked_ns) if delay_ns >= 0 else -1
        for token, event_type in early:
            meter.take(token, event_type, arrived_ns, early_ns)
        meter.take(*last, arrived_ns, delay_ns)

    def _first(self, stream: EventStream, timeout: float) -> list[Message]:
        try:
            with gevent.Timeout(timeout, TimeoutError()):
                while (messages := stream.read()) is not None:
                    if messages:
                        return messages
        except TimeoutError:
            raise StreamFailed("no event before it timed out") from None
        raise StreamFailed(f"no event before it {_said(stream.ending)}")

    def _opened(self, stream: EventStream) -> None:
        on, arrived_ns = self._on, stream.arrived_ns
        on.rows.add(CONNECT, arrived_ns, self._number, (arrived_ns - stream.started_ns) / 1e6, on.watch.lag_ns)
        on.rows.add(OPEN, arrived_ns, self._number, 1.0, -1)
        on.clocks.note_date(stream.date, stream.sent_ns, stream.head_ns)
        on.counts.open += 1
        on.counts.opened += 1
        self._looked_ns = stream.sent_ns  # until the first event
        if self.diary:  # before its head nobody is known to listen
            self.diary.opened_ms = arrived_ns / 1e6
        diary = self.diary.number if self.diary else 0
        self._place = on.log.admit(
            self._number, stream.sent_ns, stream.started_ns, diary, is_driven=self._driven is not None
        )

    def _drop_reason(self) -> str:
        if self.ending == "closed":
            return ""
        if self.ending != "complete":
            return self.ending
        return ENDED_EARLY if self._on.ends_itself and not is_terminal(self._last_data) else ""


class Inbox:
    """Hands the events of a stream to the user's own code, in a greenlet of its own: it may be slow, and may wait."""

    def __init__(self, session: Session, on_event: OnEvent) -> None:
        self._session, self._on_event = session, on_event
        self._waiting: deque[Message] = deque()
        self._filled = Event()
        self._is_paused = False
        self._worker = gevent.spawn(self._run)

    def put(self, messages: Iterable[Message]) -> None:
        """Hand events over; the stream is not read while too many wait."""
        self._waiting.extend(messages)
        self._filled.set()
        if len(self._waiting) > MOST_WAITING and not self._is_paused:
            self._is_paused = True
            self._session.pause(wanted=True)

    def close(self) -> None:
        """Hand over no more: what waits when the stream ends by itself is still handed over."""
        if self._session.ending == "closed":
            self._waiting.clear()
        self._filled.set()

    def _run(self) -> None:
        while self._waiting or not self._session.ending:
            self._filled.wait()
            self._filled.clear()
            while self._waiting:
                self._on_event(*self._waiting.popleft())
                gevent.sleep(0)  # it must not keep all others waiting
            if self._is_paused:
                self._is_paused = False
                self._session.pause(wanted=False)


def _said(ending: str) -> str:
    return {"complete": "ended", "timed out": "timed out", "": "timed out"}.get(ending, f"broke off ({ending})")
