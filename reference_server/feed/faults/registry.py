"""The faults of the feed: which code breaks which part."""

from ssegauge.reference_server.common.faults import register
from ssegauge.reference_server.common.registry import Registry
from ssegauge.reference_server.feed.app import Parts
from ssegauge.reference_server.feed.events import Events
from ssegauge.reference_server.feed.streams import Streams

registry = Registry(Parts)
register(registry, Streams, Events)
breaks, breaks_by = registry.breaks, registry.breaks_by
