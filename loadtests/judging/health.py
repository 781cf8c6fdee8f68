"""Is it the server or the generator? When the generator's own figures void a run.

The generator's own delay is how much later than it could have it did something: read bytes after the kernel had
stamped them, sent an update after it was due, noticed a timer after it had run out. All of it is reported;
but reading late lengthens nothing that is measured where the kernel stamps arrivals, except for events that
were read together (see ``clock``). What does get into values is lateness in sending and reading together,
which lengthen update latency, and a late event loop, which lengthens connects (and everything else where
arrivals are stamped in user space). So the generator was the limit, and voids what depends on it, when

* the 99th percentile of any of them passes ``DELAY_SHARE`` of the limit that it works against, so that no percentile
  is off by more than that: updates sent or read late void update latency, a late loop voids connect times.

It voids everything when

* it stood still, while it measured, for longer than an update may take; or
* the process used ``CPU_SHARE`` of a core in more than ``BUSY_SHARE`` of the seconds: then it may have offered
  less load than was asked for; or
* the system clock was set during the run, or two processes that make it have clocks of their own; or
* a bound of this machine kept streams from opening.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from ssegauge.conformance.target import Limits
from ssegauge.loadtests.measuring.samples import Floats

DELAY_SHARE: Final = 0.1
CPU_SHARE: Final = 0.95
BUSY_SHARE: Final = 0.2
CLOCK_STEP_MS: Final = 20.0
APART_MS: Final = 1000.0
# Reasons of this machine's kernel (errno, in lower case) why a stream cannot be opened, and what helps.
OWN_LIMITS: Final[Mapping[str, str]] = {
    "too many open files": "raise `ulimit -Hn`, or use more processes or machines",
    "too many open files in system": "raise fs.file-max, or use more machines",
    "cannot assign requested address": "an address has so many ports towards one server as net.ipv4.ip_local_port_range"
    " says; name more addresses with --source, or use more machines",
    "cannot allocate memory": "use more machines",
    "no buffer space available": "use more machines",
}
REMEDY: Final = "use fewer users or a lower rate, --processes, or a faster machine"


@dataclass(frozen=True, slots=True)
class Health:
    """The generator's figures over all its processes.

    Attributes:
        sending_ms: how late each update was sent.
        reading_ms: by how much at most each update's arrival is stamped too late.
        looping_ms: how late the event loop was, each time that lengthened something measured.
        cpu_shares: CPU time per second of each process (1.0 is a core).
        clock_step_ms: by how much the system clock was set.
        standstill_ms: the longest that the event loop stood still while measuring.
    """

    sending_ms: Floats
    reading_ms: Floats
    looping_ms: Floats
    cpu_shares: Floats
    clock_step_ms: float = 0.0
    standstill_ms: float = 0.0
    stamped: bool = True  # by the kernel

    def complaint(self, limits: Limits) -> str:
        """Return why nothing of the run can be judged, or an empty string."""
        if self.clock_step_ms > CLOCK_STEP_MS:
            return f"the system clock was set by {self.clock_step_ms:.0f} ms during the run; run again"
        if self.standstill_ms > limits.update_s * 1e3:
            return f"the generator was the limit: it stood still for {self.standstill_ms / 1e3:.1f} s; {REMEDY}"
        if self.cpu_shares.size and (busy := float(np.mean(self.cpu_shares >= CPU_SHARE))) > BUSY_SHARE:
            return f"the generator was the limit: it used a whole core for {busy:.0%} of the time; {REMEDY}"
        return "" if self.stamped else _late("the event loop was", self.looping_ms, limits.connect_s)

    def update_complaint(self, limits: Limits) -> str:
        """Return why update latency cannot be judged."""
        late = _late("updates were sent", self.sending_ms, limits.update_s)
        return late or _late("arrivals were read", self.reading_ms, limits.update_s)

    def arrival_complaint(self, limits: Limits) -> str:
        """Return why nothing that counts from a request's planned moment can be judged."""
        return _late("requests were sent", self.sending_ms, limits.connect_s)

    def connect_complaint(self, limits: Limits) -> str:
        """Return why connect times cannot be judged."""
        return _late("the event loop was", self.looping_ms, limits.connect_s)


def clocks_apart(apart_ms: Mapping[str, float]) -> str:
    """Return which process has a clock of its own, by how much later its reports came than it said; else nothing."""
    node = max(apart_ms, key=lambda name: abs(apart_ms[name]), default="")
    if not node or abs(apart_ms[node]) <= APART_MS:
        return ""
    which = "behind" if apart_ms[node] > 0 else "ahead of"
    return (
        f"the clock of {node} is {abs(apart_ms[node]) / 1e3:,.1f} s {which} that of the master; have both set by NTP,"
        " and run again"
    )


def own_limit(failures: Counter[str]) -> str:
    """Return which bound of this machine, and not the server, kept streams from opening; else nothing."""
    reason = next((reason for reason in failures if _own(reason) in OWN_LIMITS), "")
    return reason and f"the generator was the limit: {reason} x {failures[reason]:,}; {OWN_LIMITS[_own(reason)]}"


def _own(reason: str) -> str:
    """Return what the kernel said, without where a redirect had led."""
    return reason.rpartition(": ")[2]


def _late(what: str, delays_ms: Floats, limit_s: float) -> str:
    most = DELAY_SHARE * limit_s * 1e3
    p99 = float(np.percentile(delays_ms, 99)) if delays_ms.size else 0.0
    shown = math.ceil(p99)  # never as large as what it exceeds
    return (
        f"the generator was the limit: {what} {shown} ms late (p99, at most {most:g}); {REMEDY}" if p99 > most else ""
    )
