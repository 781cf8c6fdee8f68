"""Deliberate defects of the chat server: a fault has the code of the rule it breaks."""

from ssegauge.reference_server.chat.faults import ends, events, pace
from ssegauge.reference_server.chat.faults.registry import registry

GROUPS = (ends, events, pace)

__all__ = ["GROUPS", "registry"]
