"""The faults of the server of messages: which code breaks which part."""

from ssegauge.reference_server.common.registry import Registry
from ssegauge.reference_server.generation.faults import register
from ssegauge.reference_server.messages.app import Parts
from ssegauge.reference_server.messages.form import Messages

registry = Registry(Parts)
register(registry, Messages)
breaks, breaks_by = registry.breaks, registry.breaks_by
