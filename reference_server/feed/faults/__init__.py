"""Deliberate defects of the feed, one for each rule on any event stream."""

from ssegauge.reference_server.feed.faults.registry import registry

__all__ = ["registry"]
