"""What must hold of any event stream: one function a rule, a file a subject.

``reading`` holds what several rules ask of what was seen; ``rule`` says what a rule is. The rules of one kind of stream
alone stand in ``ssegauge.conformance.profiles``; ``ssegauge.conformance.catalogue`` has all of them.
"""

from ssegauge.conformance.rules.rule import Rule, Source, Verdict, fetch, own, profile, rfc, rule, whatwg
from ssegauge.conformance.seen import Level

__all__ = ["Level", "Rule", "Source", "Verdict", "fetch", "own", "profile", "rfc", "rule", "whatwg"]
