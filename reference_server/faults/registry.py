"""The faults of the ticket's server: which code breaks which part."""

from ssegauge.reference_server.app import Parts
from ssegauge.reference_server.common.faults import register
from ssegauge.reference_server.common.registry import Registry
from ssegauge.reference_server.events import Events
from ssegauge.reference_server.stream import Streams

registry = Registry(Parts)
register(registry, Streams, Events)
breaks, breaks_by, codes, compose = registry.breaks, registry.breaks_by, registry.codes, registry.compose
