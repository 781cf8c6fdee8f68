"""Every fifth user opens a stream and reads nothing of it; what is measured is how the others fare.

A server that waits for its slowest reader makes all others late; one that keeps everything for it grows, which its
memory (``--spawn``, ``observe.pid``) tells.
"""

from __future__ import annotations

from ssegauge.loadtests.running.coming import SlowUser


class Crowd(SlowUser):
    """One in five does not read."""

    scenario = "slow"
    one_in = 5
