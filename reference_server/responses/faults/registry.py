"""The faults of the server of responses: which code breaks which part."""

from ssegauge.reference_server.common.registry import Registry
from ssegauge.reference_server.generation.faults import register
from ssegauge.reference_server.responses.app import Parts
from ssegauge.reference_server.responses.form import Responses

registry = Registry(Parts)
register(registry, Responses)
breaks, breaks_by = registry.breaks, registry.breaks_by
