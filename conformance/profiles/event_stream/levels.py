"""What this profile makes of general rules: nothing, they are made for it."""

from collections.abc import Mapping

from ssegauge.conformance.rules.rule import Tightened

TIGHTENED: Mapping[str, Tightened] = {}
