"""The rules, one function each, grouped by file; importing this package registers them all in ``RULES``."""

from conformance.rules import response, shape, shape_progress, wire, wire_fields
from conformance.rules.rule import RULES, Level, Rule, Source, Verdict, fetch, profile, rfc, rule, whatwg

__all__ = [
    "RULES",
    "Level",
    "Rule",
    "Source",
    "Verdict",
    "fetch",
    "profile",
    "response",
    "rfc",
    "rule",
    "shape",
    "shape_progress",
    "whatwg",
    "wire",
    "wire_fields",
]
