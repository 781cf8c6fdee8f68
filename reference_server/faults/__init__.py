"""Deliberate defects, one for each rule of the suite: a fault has the code of the rule that it breaks."""

from reference_server.faults import cleanup, errors, lifecycle, response, resume, security, shape, ticket, timing, wire
from reference_server.faults.registry import codes, compose

GROUPS = (response, wire, shape, lifecycle, resume, timing, errors, cleanup, security, ticket)

__all__ = ["GROUPS", "codes", "compose"]
