"""The rules, one function each, grouped by file; importing this package registers them all in ``RULES``."""

from conformance.rules import (
    cleanup,
    delivery,
    errors,
    errors_told,
    liveness,
    response,
    security,
    security_injection,
    shape,
    shape_progress,
    slow,
    wire,
    wire_fields,
)
from conformance.rules.rule import RULES, Level, Rule, Source, Verdict, fetch, profile, rfc, rule, whatwg

__all__ = [
    "RULES",
    "Level",
    "Rule",
    "Source",
    "Verdict",
    "cleanup",
    "delivery",
    "errors",
    "errors_told",
    "fetch",
    "liveness",
    "profile",
    "response",
    "rfc",
    "rule",
    "security",
    "security_injection",
    "shape",
    "shape_progress",
    "slow",
    "whatwg",
    "wire",
    "wire_fields",
]
