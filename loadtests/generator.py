"""Is it the server or the generator? The generator's own delay and CPU share, and when they void a run.

Own delay: how much later than it could have the generator did something: an update started after it was due,
bytes read after the kernel had stamped them, a timer noticed after it had run out. Of these only the first
(and the last, for connects) is in a measured value, and with the user-space clock the second too.

A run is saturated, and judges nothing, when

* the 99th percentile of the own delay passes ``DELAY_MS``: a twentieth of the ticket's tightest limit, so
  that a percentile is off by no more than that; or
* the process used ``CPU_SHARE`` of a core in more than ``BUSY_SHARE`` of the seconds: it may have offered
  less load than was asked for.
"""

from __future__ import annotations

import resource
import time
from array import array
from dataclasses import dataclass
from typing import Final

import gevent
import numpy as np

DELAY_MS: Final = 50.0
CPU_SHARE: Final = 0.95
BUSY_SHARE: Final = 0.2
PROBE_S: Final = 0.02
CLOCK_STEP_MS: Final = 20.0


class Watch:
    """Watches this process: a timer's lateness 50 times a second, CPU time each second."""

    def __init__(self) -> None:
        self.lateness_ms = array("d")
        self.cpu_shares = array("d")
        self._offset_ms = _clock_offset_ms()
        self.clock_step_ms = 0.0
        self._loops = [gevent.spawn(self._probe), gevent.spawn(self._account)]

    def stop(self) -> None:
        """Watch no more."""
        gevent.killall(self._loops)

    def _probe(self) -> None:
        while True:
            due = time.perf_counter() + PROBE_S
            gevent.sleep(PROBE_S)
            self.lateness_ms.append(max(0.0, (time.perf_counter() - due) * 1e3))

    def _account(self) -> None:
        before = time.perf_counter(), cpu_s()
        while True:
            gevent.sleep(1.0)
            after = time.perf_counter(), cpu_s()
            self.cpu_shares.append((after[1] - before[1]) / (after[0] - before[0]))
            self.clock_step_ms = max(self.clock_step_ms, abs(_clock_offset_ms() - self._offset_ms))
            before = after


@dataclass(frozen=True, slots=True)
class Health:
    """The generator's own figures: delays in ms, CPU shares per second (1.0 is a core), all processes."""

    delays_ms: np.ndarray
    cpu_shares: np.ndarray
    clock_step_ms: float = 0.0

    def complaint(self) -> str:
        """Return why the run cannot be judged, or an empty string."""
        if self.clock_step_ms > CLOCK_STEP_MS:
            return f"the system clock was set by {self.clock_step_ms:.0f} ms during the run; run again"
        delay = float(np.percentile(self.delays_ms, 99)) if self.delays_ms.size else 0.0
        if delay > DELAY_MS:
            remedy = "use fewer users or a lower rate, --processes, or a faster machine"
            return f"the generator's own delay was {delay:.0f} ms (p99, at most {DELAY_MS:.0f}); {remedy}"
        busy = float(np.mean(self.cpu_shares >= CPU_SHARE)) if self.cpu_shares.size else 0.0
        if busy > BUSY_SHARE:
            return f"the generator used a whole core for {busy:.0%} of the time; use --processes"
        return ""


def cpu_s() -> float:
    """Return the CPU time of this process so far, user and system, in seconds."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _clock_offset_ms() -> float:
    return (time.time_ns() - time.monotonic_ns()) / 1e6
