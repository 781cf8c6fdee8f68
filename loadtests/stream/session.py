"""One stream from its opening to its end: what is measured on it, and how its end is judged.

A stream is open when its server has kept its word: with its first event, which the task-progress profile promises at
once; in any other stream, which may have nothing to say for long, with its head, as for EventSource.

A session ends well when we close it, when the server ends it after a terminal event, or, where the profile
knows no terminal events, when the server ends it as HTTP says it should. Everything else is a drop.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Final

import gevent

from ssegauge.conformance.sse import Message
from ssegauge.conformance.target import Profile
from ssegauge.loadtests.measuring.clocks import Clocks
from ssegauge.loadtests.measuring.generator import Watch
from ssegauge.loadtests.measuring.integrity import Account
from ssegauge.loadtests.measuring.meters import Meter, is_terminal
from ssegauge.loadtests.measuring.samples import CONNECT, FIRST_EVENT, OPEN, Rows
from ssegauge.loadtests.stream import clock
from ssegauge.loadtests.stream.stream import EventStream, StreamFailed

OnEvent = Callable[[str, str, str], None]  # type, data, last event ID
MOST_REASONS: Final = 100
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
    updates: int = 0
    refusals: Counter[str] = field(default_factory=Counter)
    account: Account = field(default_factory=Account)


@dataclass(frozen=True, slots=True)
class Books:
    """Where all sessions of a process write what they see."""

    rows: Rows
    counts: Counts
    watch: Watch
    profile: Profile
    clocks: Clocks
    redact: Callable[[str], str]  # reasons hold what a server sent

    def count(self, counter: Counter[str], reason: str) -> None:
        """Count a reason, without secrets; a server that has ever new ones fills no memory."""
        told = self.redact(reason)
        counter[told if told in counter or len(counter) < MOST_REASONS else "other reasons"] += 1


def plain(counts: Counts) -> dict[str, Any]:
    """Return counts as plain values, fit for a message."""
    whole = {item.name: getattr(counts, item.name) for item in fields(counts)}
    reasons = {name: dict(whole[name]) for name in ("failures", "drops", "errors", "refusals")}
    return whole | reasons | {"account": asdict(counts.account)}


class Session:
    """A stream with its meter; ``run`` follows it to its end."""

    __slots__ = ("_is_told", "_last_data", "_number", "_on", "meter", "stream")

    def __init__(self, stream: EventStream, meter: Meter, number: int, on: Books) -> None:
        self.stream, self.meter, self._number, self._on = stream, meter, number, on
        self._last_data, self._is_told = "", False

    def run(self, timeout: float, on_event: OnEvent | None, on_open: Callable[[Session], Any]) -> str:
        """Open and follow the stream; return how it ended (``EventStream.ending``).

        ``timeout`` bounds each wait until the stream is open, in seconds. Raises StreamFailed when it did not open.
        """
        stream = self.stream
        stream.open(timeout)
        try:
            messages = self._first(timeout) if self._on.profile == "task-progress" else []
            stream.wait_at_most(None)
        except BaseException:
            stream.close()
            raise
        self._opened()
        try:
            on_open(self)
            self._read(messages, on_event)
        except BaseException:  # the greenlet is killed
            self.meter.abandon()
            raise
        finally:
            stream.close()
            self._closed()
        return stream.ending

    def _first(self, timeout: float) -> list[Message]:
        give_up = clock.now() + int(timeout * 1e9)
        while (messages := self.stream.read()) is not None:
            if messages:
                return messages
            if clock.now() > give_up:
                break
        raise StreamFailed(f"no event before it {_said(self.stream.ending)}")

    def _read(self, messages: list[Message] | None, on_event: OnEvent | None) -> None:
        stream, take, watch = self.stream, self.meter.take, self._on.watch
        before_ns = waiting_ns = stream.head_ns
        while messages is not None:
            if messages:
                arrived_ns, delay_ns = stream.arrived_ns, stream.delay_ns
                self._told()
                # The kernel's stamp is that of the last one; the others came after we had last looked.
                looked_ns = watch.polled_ns if waiting_ns <= watch.polled_ns else before_ns
                early_ns = delay_ns + arrived_ns - looked_ns if delay_ns >= 0 else -1
                before_ns = arrived_ns + delay_ns
                for message in messages[:-1]:
                    take(message[0], message[1], arrived_ns, max(delay_ns, early_ns))
                take(messages[-1][0], messages[-1][1], arrived_ns, delay_ns)
                self._last_data = messages[-1][1]
                if on_event:
                    self._hand_over(messages, on_event)
            waiting_ns = clock.now()
            messages = stream.read()

    def _hand_over(self, messages: list[Message], on_event: OnEvent) -> None:
        """Call the user's own code, which may be slow, and must not keep all others waiting."""
        for message in messages:
            on_event(*message)
            gevent.sleep(0)
            if self.stream.ending == "closed":
                return

    def _opened(self) -> None:
        stream, add = self.stream, self._on.rows.add
        arrived_ns = stream.arrived_ns
        add(CONNECT, arrived_ns, self._number, (arrived_ns - stream.started_ns) / 1e6, self._on.watch.lag_ns)
        add(OPEN, arrived_ns, self._number, 1.0, -1)
        self._on.clocks.note_date(stream.date, stream.sent_ns, stream.head_ns)
        self._on.counts.open += 1
        self._on.counts.opened += 1

    def _told(self) -> None:
        if not self._is_told:
            self._is_told, stream = True, self.stream
            waited_ms = (stream.arrived_ns - stream.sent_ns) / 1e6
            self._on.rows.add(FIRST_EVENT, stream.arrived_ns, self._number, waited_ms, stream.delay_ns)

    def _closed(self) -> None:
        self._on.rows.add(OPEN, clock.now(), self._number, -1.0, -1)
        self._on.counts.open -= 1
        self._on.counts.account += self.meter.settle()
        if reason := self._drop_reason():
            self._on.counts.dropped += 1
            self._on.count(self._on.counts.drops, reason)

    def _drop_reason(self) -> str:
        ending = self.stream.ending
        if ending == "closed":
            return ""
        if ending != "complete":
            return ending
        return ENDED_EARLY if self._on.profile == "task-progress" and not is_terminal(self._last_data) else ""


def _said(ending: str) -> str:
    return {"complete": "ended", "timed out": "timed out", "": "timed out"}.get(ending, f"broke off ({ending})")
