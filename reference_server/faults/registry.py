"""The faults of the ticket's server: which code breaks which part."""

from ssegauge.reference_server.app import Parts
from ssegauge.reference_server.common.registry import Registry

registry = Registry(Parts)
breaks, breaks_by, codes, compose = registry.breaks, registry.breaks_by, registry.codes, registry.compose
