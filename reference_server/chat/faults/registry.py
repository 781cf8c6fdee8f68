"""The faults of the chat server: which code breaks which part."""

from ssegauge.reference_server.chat.app import Parts
from ssegauge.reference_server.chat.completions import Completions
from ssegauge.reference_server.common.registry import Registry
from ssegauge.reference_server.generation.faults import register

registry = Registry(Parts)
register(registry, Completions)
breaks, breaks_by = registry.breaks, registry.breaks_by
