"""The faults of the feed: which code breaks which part."""

from ssegauge.reference_server.common.registry import Registry
from ssegauge.reference_server.feed.app import Parts

registry = Registry(Parts)
breaks, breaks_by = registry.breaks, registry.breaks_by
