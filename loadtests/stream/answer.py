"""The answer to one request: a stream from its request to its end, which its events, its server or we ourselves make.

An answer is over with its end marker where one is promised (``promises.ends``), else with the end of the response.
``Answer.ask`` needs a greenlet until the head is there; from then on the loop calls, as for every ``Reader``.
"""

from __future__ import annotations

from collections.abc import Callable

import gevent
from gevent import Greenlet, GreenletExit

from ssegauge.conformance.sse import Message
from ssegauge.loadtests.measuring.answers import NO_MARKER, AnswerMeter, Tally
from ssegauge.loadtests.measuring.samples import OPEN, TURNED_AWAY
from ssegauge.loadtests.stream import clock
from ssegauge.loadtests.stream.reader import Reader
from ssegauge.loadtests.stream.session import Books
from ssegauge.loadtests.stream.stream import EventStream, StreamFailed

NO_EVENT = "ended without one event"
FELL_SILENT = "fell silent in its midst"
NO_ROOM = frozenset({429, 503})  # a server's words for it
CLOSE_S = 0.25  # after its end marker a server is left to end the response itself, for so long


class Answer(Reader):
    """One request and its answer; ``done`` takes its end, or that there is none, from the loop or from who asked.

    Attributes:
        retry_after_s: for how long the server wants to be left alone.
        has_answer: whether there is, or was, a stream.
    """

    __slots__ = (
        *("_asking", "_done", "_is_open", "_meter", "_number", "_on", "_silence", "_tally"),
        *("has_answer", "retry_after_s"),
    )

    def __init__(
        self, meter: AnswerMeter, tally: Tally, number: int, on: Books, done: Callable[[Answer], None]
    ) -> None:
        super().__init__(on.traffic)
        self._meter, self._tally, self._number, self._on, self._done = meter, tally, number, on, done
        self._is_open = self.has_answer = False
        self._asking: Greenlet | None = None
        self.retry_after_s = 0.0
        self._silence = ""  # what to say of it if it is cut

    def ask(self, stream: EventStream, timeout: float) -> None:
        """Send the request and wait for the head, for ``timeout`` seconds at most; from a greenlet."""
        self._asking = gevent.getcurrent()
        self._tally.asked += 1
        self.record = stream.record
        try:
            stream.open(timeout)
        except StreamFailed as failure:
            self._fail(failure, stream.arrived_ns)
            return
        except GreenletExit:
            self._asking, self.ending = None, "closed"
            self.ended()
            return
        self._asking = None
        self._opened(stream)
        self.listen(stream)

    def take(self, messages: list[Message], arrived_ns: int, delay_ns: int) -> None:
        """Measure the events of a read; an end marker, or an error, ends the answer."""
        meter, note = self._meter, self._on.types.note
        for kind, data, _ in messages:
            self._on.schemas.take(kind, data)
        meter.note_types([note(kind, data) for kind, data, _ in messages], arrived_ns, delay_ns)
        meter.take(messages, arrived_ns, delay_ns, self._on.watch.waited_ns)
        if meter.has_marker and not self.ending:
            gevent.spawn_later(CLOSE_S, self.hang_up)

    def ended(self) -> None:
        """Settle what became of it."""
        if self._is_open:
            self._is_open = False
            # An answer is over with its last event, which has the kernel's stamp; what broke off, when that was seen.
            ended_ns = self._meter.last_ns if self._is_whole() else 0
            self._on.rows.add(OPEN, ended_ns or clock.now(), self._number, -1.0, -1)
            self._on.counts.open -= 1
        if reason := self._reason():
            self._tally.cut += 1
            self._on.count(self._tally.cuts, reason)
        elif self._is_whole():
            self._meter.finish()
        else:
            self._tally.unfinished += 1
        self._done(self)

    def broke(self, error: Exception) -> None:
        """Void the run."""
        self._on.count(self._on.counts.errors, f"{type(error).__name__} while reading an answer: {error}")

    def cut(self, patience_s: float) -> None:
        """Wait no more for it: the run is over. One that told nothing for as long as ``patience_s`` is broken."""
        if self._meter.has_events and clock.now() - self._meter.last_ns >= patience_s * 1e9:
            self._silence = FELL_SILENT
        if self._asking:
            self._asking.kill(block=False)
        else:
            self.hang_up()

    def _opened(self, stream: EventStream) -> None:
        on, arrived_ns = self._on, stream.arrived_ns
        self._is_open = self.has_answer = True
        self._meter.head(stream.head_ns, on.watch.lag_ns)
        on.rows.add(OPEN, arrived_ns, self._number, 1.0, -1)
        on.clocks.note_date(stream.date, stream.sent_ns, stream.head_ns)
        on.counts.open += 1
        on.counts.opened += 1

    def _fail(self, failure: StreamFailed, arrived_ns: int) -> None:
        self._asking = None
        if failure.status in NO_ROOM:
            self._on.rows.add(TURNED_AWAY, arrived_ns, self._number, float(failure.status), -1)
        self.ending = str(failure)
        self.retry_after_s = failure.retry_after_s
        self._tally.failed += 1
        self._tally.told_to_wait_s = max(self._tally.told_to_wait_s, failure.wait.wanted_s if failure.wait else 0.0)
        self._on.counts.told_to_wait(failure.wait)
        self._on.count(self._tally.failures, str(failure))
        self._done(self)

    def _is_whole(self) -> bool:
        return self._meter.has_marker or self.ending == "complete"

    def _reason(self) -> str:
        """Return why an answer that has ended is none to be counted as finished; empty for one that is, or was cut."""
        meter = self._meter
        if meter.error:
            return f"told an error: {meter.error}"
        if meter.has_marker or self.ending == "closed":
            return self._silence
        if self.ending != "complete":
            return self.ending
        if not meter.has_events:
            return NO_EVENT
        return NO_MARKER if meter.wants_marker else ""
