"""The faults of the chat server: which code breaks which part."""

from ssegauge.reference_server.chat.app import Parts
from ssegauge.reference_server.common.registry import Registry

registry = Registry(Parts)
breaks, breaks_by = registry.breaks, registry.breaks_by
