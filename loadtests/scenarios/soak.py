"""Every user watches the same stream for a long time: what grows, and by how much an hour?

Memory and descriptors of the server (``--spawn``, ``observe.pid``) and latency are told as slopes with their
uncertainty; an hour (``--duration 1h``) shows what a minute hides.
"""

from __future__ import annotations

from ssegauge.loadtests.running.users import SSEUser


class Watcher(SSEUser):
    """Watches what all watch."""

    scenario = "soak"
    drives = True
