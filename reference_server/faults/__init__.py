"""Deliberate defects, one for each rule of the suite: a fault has the code of the rule that it breaks."""

from reference_server.faults.registry import codes, compose

__all__ = ["codes", "compose"]
