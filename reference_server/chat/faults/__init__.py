"""Deliberate defects of the chat server: a fault has the code of the rule it breaks."""

from ssegauge.reference_server.chat.faults import chunks, ends, events, refusals, tools
from ssegauge.reference_server.chat.faults.registry import registry

GROUPS = (ends, events, chunks, tools, refusals)

__all__ = ["GROUPS", "registry"]
