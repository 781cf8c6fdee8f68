"""Deliberate defects of the chat server: a fault has the code of the rule it breaks."""

from ssegauge.reference_server.chat.faults import ends, events
from ssegauge.reference_server.chat.faults.registry import registry

GROUPS = (ends, events)

__all__ = ["GROUPS", "registry"]
