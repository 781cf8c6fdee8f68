"""Users come and go: each watches a stream for a while, leaves, and opens the next at once.

Every other one leaves by RST, as a phone does that has lost its network, the rest by FIN, as a page that is closed.
With ``--users 100`` and two seconds a stay a server sees 50 readers go and come each second, and holds 100. What it
must not do is let them go slowly: its descriptors (``--spawn``, ``observe.pid``) and the time of opening tell.
"""

from __future__ import annotations

from ssegauge.loadtests.running.coming import ComingUser


class Visitor(ComingUser):
    """Stays for two seconds, more or less."""

    scenario = "churn"
    stay_s = 2.0
