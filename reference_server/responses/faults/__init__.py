"""Deliberate defects of the server of responses: a fault has the code of the rule it breaks."""

from ssegauge.reference_server.responses.faults import ends, events, items
from ssegauge.reference_server.responses.faults.registry import registry

GROUPS = (ends, events, items)

__all__ = ["GROUPS", "registry"]
