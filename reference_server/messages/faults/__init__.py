"""Deliberate defects of the server of messages: a fault has the code of the rule it breaks."""

from ssegauge.reference_server.messages.faults import ends, events
from ssegauge.reference_server.messages.faults.registry import registry

GROUPS = (ends, events)

__all__ = ["GROUPS", "registry"]
