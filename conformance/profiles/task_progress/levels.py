"""What this profile makes of general rules: the level that a sentence of its own gives them."""

from collections.abc import Mapping

from ssegauge.conformance.rules.rule import Level, Tightened, profile

_LEVELS: Mapping[str, tuple[Level, str]] = {}
TIGHTENED: Mapping[str, Tightened] = {
    code: Tightened(level, profile(number)) for code, (level, number) in _LEVELS.items()
}
