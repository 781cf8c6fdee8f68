"""What a process tells the conductor each second, as plain values, fit for Locust's messages."""

from __future__ import annotations

from array import array
from typing import Any, Final

from ssegauge.loadtests.driving.updates import Hooks
from ssegauge.loadtests.measuring.answers import Tally
from ssegauge.loadtests.measuring.generator import cpu_s, resident_kib
from ssegauge.loadtests.measuring.samples import BYTES, DROPPED, EVENTS, FAILED, REFUSED
from ssegauge.loadtests.running.node.streams import Judged
from ssegauge.loadtests.stream import clock
from ssegauge.loadtests.stream.clock import Clock
from ssegauge.loadtests.stream.session import Books, plain

TRAFFIC: Final = (EVENTS, BYTES, FAILED, DROPPED, REFUSED)
ALWAYS: Final = (EVENTS, BYTES)
OFFERED: Final = ("planned", "accepted", "refused")


class Reporter:
    """Reports of process ``number`` what its books and its hooks have."""

    def __init__(self, number: int, stamps: Clock, books: Books, hooks: Hooks) -> None:
        self._number, self._stamps, self._books, self._hooks = number, stamps, books, hooks
        self._told = (0, 0, 0, 0, 0)  # what the last report told of events, bytes and errors

    def report(self, tally: Tally | None, judged: Judged) -> dict[str, Any]:
        """Return what was measured since the last report, and the counts so far; ``tally`` is that of requests."""
        books, hooks = self._books, self._hooks
        books.log.settle()
        self._add_traffic(tally or Tally())
        return {
            "types": books.types.plain(),
            "at_ms": clock.now() / 1e6,
            "cpu_s": cpu_s(),
            "resident_kib": resident_kib(),
            "rows": books.rows.take(),
            "sending_ms": _taken(hooks.sending_ms),
            "looping_ms": _taken(books.watch.lateness_ms),
            "cpu_shares": _taken(books.watch.cpu_shares),
            "clock_step_ms": books.watch.clock_step_ms,
            "clock": self._stamps,
            "clocks": books.clocks.plain(),
            "standstill_ms": books.watch.longest_ms,
            "counts": plain(books.counts) | {name: getattr(hooks, name) for name in OFFERED},
            "answers": tally.plain() if tally else None,
            **judged._asdict(),
        }

    def _add_traffic(self, tally: Tally) -> None:
        """Add what came, and what went wrong, since the last report as samples."""
        books, now_ns = self._books, clock.now()
        wrong = (books.counts.failed + tally.failed, books.counts.dropped + tally.cut, self._hooks.refused)
        told = (books.types.total, books.traffic.bytes, *wrong)
        for kind, after, before in zip(TRAFFIC, told, self._told, strict=True):
            if kind in ALWAYS or after > before:
                books.rows.add(kind, now_ns, self._number, float(after - before), -1)
        self._told = told


def _taken(numbers: array[float]) -> bytes:
    """Empty an array of doubles; return what was in it."""
    content = numbers.tobytes()
    del numbers[:]
    return content
