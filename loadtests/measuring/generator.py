"""Watches the generator itself: how late its timers are noticed, how much CPU it uses, whether the clock was set.

What follows from the figures is said in ``health``.
"""

from __future__ import annotations

import resource
import time
from array import array
from typing import Final

import gevent

PROBE_S: Final = 0.02


class Watch:
    """Watches this process: a timer's lateness 50 times a second, CPU time each second.

    ``lag_ns`` is how late the event loop was lately; ``polled_ns`` when it last asked what has arrived (real-time
    clock): what is read now came after that; ``longest_ms`` its longest standstill since ``forget``.
    """

    def __init__(self) -> None:
        self.lateness_ms = array("d")
        self.cpu_shares = array("d")
        self.lag_ns = 0
        self.longest_ms = 0.0
        self.polled_ns = time.time_ns()
        self._polling = gevent.get_hub().loop.prepare()
        self._polling.start(self._polls)
        self._offset_ms = _clock_offset_ms()
        self.clock_step_ms = 0.0
        self._loops = [gevent.spawn(self._probe), gevent.spawn(self._account)]

    def stop(self) -> None:
        """Watch no more."""
        self._polling.stop()
        self._polling.close()
        gevent.killall(self._loops)

    def forget(self) -> None:
        """Begin anew with ``longest_ms``: what comes now is measured."""
        self.longest_ms = 0.0

    def _polls(self) -> None:
        self.polled_ns = time.time_ns()

    def _probe(self) -> None:
        before = 0.0
        while True:
            due = time.perf_counter() + PROBE_S
            gevent.sleep(PROBE_S)
            late = max(0.0, time.perf_counter() - due)
            self.lateness_ms.append(late * 1e3)
            self.longest_ms = max(self.longest_ms, late * 1e3)
            self.lag_ns = int(max(late, before) * 1e9)
            before = late

    def _account(self) -> None:
        before = time.perf_counter(), cpu_s()
        while True:
            gevent.sleep(1.0)
            after = time.perf_counter(), cpu_s()
            self.cpu_shares.append((after[1] - before[1]) / (after[0] - before[0]))
            self.clock_step_ms = max(self.clock_step_ms, abs(_clock_offset_ms() - self._offset_ms))
            before = after


def cpu_s() -> float:
    """Return the CPU time of this process so far, user and system, in seconds."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _clock_offset_ms() -> float:
    return (time.time_ns() - time.monotonic_ns()) / 1e6
