"""All readers come at once, are cut at once, and come back together, again and again: a proxy that restarts.

Each waits for as long as the server's ``retry`` says, names the last event that it had, and wants its stream back. How
long until everybody is back, who was refused, and what they missed meanwhile is told for each wave: one each 10 s, or
each third of a run of less than 30 s.
"""

from __future__ import annotations

from ssegauge.loadtests.running.herding import HerdUser


class Reader(HerdUser):
    """Watches what all watch."""

    scenario = "herd"
    drives = True
