"""Watches the generator itself: how late its timers are noticed, how much CPU it uses, whether the clock was set.

What follows from the figures is said in ``health``.
"""

from __future__ import annotations

import os
import resource
import time
from array import array
from pathlib import Path
from typing import Final

import gevent

PROBE_S: Final = 0.02
STATM: Final = Path("/proc/self/statm")


class Watch:
    """Watches this process: a timer's lateness 50 times a second, CPU time each second, when its loop woke.

    ``lag_ns`` is how late the event loop was lately; ``longest_ms`` its longest standstill since ``forget``.
    """

    def __init__(self) -> None:
        self.lateness_ms = array("d")
        self.cpu_shares = array("d")
        self.lag_ns = 0
        self.longest_ms = 0.0
        # After all that gevent does before it asks, and before anything that was asked for is done.
        self._asking = gevent.get_hub().loop.prepare(priority=-2)
        self._waking = gevent.get_hub().loop.check(priority=2)
        self._asking.start(self._asks)
        self._waking.start(self._wakes)
        self._woke_ns, self._busy_ns = time.time_ns(), 0
        self._queue = Queue()
        self._queued_ns = self._queue.waited_ns()
        self._offset_ms = _clock_offset_ms()
        self.clock_step_ms = 0.0
        self._loops = [gevent.spawn(self._probe), gevent.spawn(self._account)]

    def stop(self) -> None:
        """Watch no more."""
        for watcher in (self._asking, self._waking):
            watcher.stop()
            watcher.close()
        gevent.killall(self._loops)
        self._queue.close()

    def forget(self) -> None:
        """Begin anew with ``longest_ms``: what comes now is measured."""
        self.longest_ms = 0.0

    def waited_ns(self) -> int:
        """Return how long what is read now may have waited, at most; -1 when unknown.

        It came since the loop last woke: while the loop was busy, while it waited for a core (the last 20 ms count), or
        when there was nothing else to do, and then it woke the loop.
        """
        queued_ns = self._queue.waited_ns()
        if queued_ns < 0:
            return -1
        return time.time_ns() - self._woke_ns + self._busy_ns + queued_ns - self._queued_ns

    def _asks(self) -> None:
        self._busy_ns = time.time_ns() - self._woke_ns

    def _wakes(self) -> None:
        self._woke_ns = time.time_ns()

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
            self._queued_ns = self._queue.waited_ns()

    def _account(self) -> None:
        before = time.perf_counter(), cpu_s()
        while True:
            gevent.sleep(1.0)
            after = time.perf_counter(), cpu_s()
            self.cpu_shares.append((after[1] - before[1]) / (after[0] - before[0]))
            self.clock_step_ms = max(self.clock_step_ms, abs(_clock_offset_ms() - self._offset_ms))
            before = after


class Queue:
    """How long this thread has waited for a core, as Linux tells it: the second number of its ``schedstat``."""

    def __init__(self) -> None:
        try:
            self._file = os.open("/proc/thread-self/schedstat", os.O_RDONLY)
        except OSError:
            self._file = -1

    def waited_ns(self) -> int:
        """Return the sum so far, -1 where nobody tells it."""
        if self._file < 0:
            return -1
        try:
            return int(os.pread(self._file, 96, 0).split()[1])
        except (OSError, IndexError, ValueError):
            return -1

    def close(self) -> None:
        """Close the file."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1


def cpu_s() -> float:
    """Return the CPU time of this process so far, user and system, in seconds."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def resident_kib() -> float:
    """Return the memory of this process that is resident now, in KiB; 0 where nobody tells it."""
    try:
        pages = int(STATM.read_bytes().split()[1])
    except OSError:
        return 0.0
    return pages * resource.getpagesize() / 1024


def _clock_offset_ms() -> float:
    return (time.time_ns() - time.monotonic_ns()) / 1e6
