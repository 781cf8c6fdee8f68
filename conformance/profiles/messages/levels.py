"""What this profile makes of general rules: the level that a sentence of its own gives them."""

from collections.abc import Mapping

from ssegauge.conformance.rules.rule import Tightened, profile
from ssegauge.conformance.seen import Level

_LEVELS: Mapping[str, tuple[Level, str]] = {
    "capacity/serves-few-at-once": ("advice", "M7.1"),
    "end/events-after-marker": ("must", "M5.6"),
    "end/marker-missing": ("must", "M5.5"),
    "end/open-after-marker": ("must", "M5.7"),
    "errors/401-without-challenge": ("advice", "M7.2"),
    "shape/breaks-schema": ("must", "M1.2"),
}
TIGHTENED: Mapping[str, Tightened] = {
    code: Tightened(level, profile(number)) for code, (level, number) in _LEVELS.items()
}
