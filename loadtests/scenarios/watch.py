"""Every user watches the same stream: any stream at all, or that of one task that they share (fan-out).

With [task.create_manual] and [task.update] the shared task is driven, with [publish] the stream itself, and latency
counts from the planned time of its updates; else it comes from the events' own time stamps.
"""

from __future__ import annotations

from ssegauge.loadtests.running.users import SSEUser


class WatchUser(SSEUser):
    """Watches what all watch."""

    scenario = "watch"
    drives = True
