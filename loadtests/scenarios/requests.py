"""Every user asks, reads the answer to its end, thinks (``--think``), and asks again: chats, searches, exports.

With ``--arrivals 20/s`` nobody waits for an answer: requests come by a plan, and their times count from it.
"""

from __future__ import annotations

from ssegauge.loadtests.running.users import RequestUser


class Requester(RequestUser):
    """Asks again and again."""

    scenario = "requests"
