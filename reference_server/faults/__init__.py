"""Deliberate defects, one for each rule of the suite: a fault has the code of the rule that it breaks."""

from ssegauge.reference_server.faults import (
    cleanup,
    errors,
    http10,
    lifecycle,
    polling,
    response,
    resume,
    security,
    shape,
    ticket,
    timing,
    wire,
)
from ssegauge.reference_server.faults.registry import codes, compose, registry

GROUPS = (response, http10, wire, shape, lifecycle, resume, timing, polling, errors, cleanup, security, ticket)

__all__ = ["GROUPS", "codes", "compose", "registry"]
