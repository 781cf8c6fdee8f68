"""Deliberate defects of the feed, one for each rule on any event stream: a fault has the code of the rule it breaks."""

from ssegauge.reference_server.feed.faults import addresses, cost, delivery, ends, http2, liveness, resume, wire
from ssegauge.reference_server.feed.faults.registry import registry

GROUPS = (addresses, wire, delivery, liveness, ends, resume, cost, http2)

__all__ = ["GROUPS", "registry"]
