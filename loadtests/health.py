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

from dataclasses import dataclass
from typing import Final

import numpy as np

from loadtests.samples import Floats

DELAY_MS: Final = 50.0
CPU_SHARE: Final = 0.95
BUSY_SHARE: Final = 0.2
CLOCK_STEP_MS: Final = 20.0


@dataclass(frozen=True, slots=True)
class Health:
    """The generator's own figures: delays in ms, CPU shares per second (1.0 is a core), all processes."""

    delays_ms: Floats
    cpu_shares: Floats
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
