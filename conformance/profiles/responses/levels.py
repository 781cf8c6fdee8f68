"""What this profile makes of general rules: the level that a sentence of its own gives them."""

from collections.abc import Mapping

from ssegauge.conformance.rules.rule import Tightened, profile
from ssegauge.conformance.seen import Level

_LEVELS: Mapping[str, tuple[Level, str]] = {
    "capacity/serves-few-at-once": ("advice", "R7.1"),
    "end/events-after-marker": ("must", "R5.2"),
    "end/marker-missing": ("must", "R5.1"),
    "end/open-after-marker": ("must", "R5.3"),
    "errors/401-without-challenge": ("advice", "R7.2"),
    "shape/breaks-schema": ("must", "R1.2"),
}
TIGHTENED: Mapping[str, Tightened] = {
    code: Tightened(level, profile(number)) for code, (level, number) in _LEVELS.items()
}
