"""What this profile makes of general rules: the level that a sentence of its own gives them."""

from collections.abc import Mapping

from ssegauge.conformance.rules.rule import Tightened, profile
from ssegauge.conformance.seen import Level

_LEVELS: Mapping[str, tuple[Level, str]] = {
    "capacity/serves-few-at-once": ("advice", "C8.1"),
    "errors/401-without-challenge": ("advice", "C7.8"),
    "security/stream-without-auth": ("advice", "C7.9"),
    "response/head-held-until-first-event": ("advice", "C8.2"),
}
TIGHTENED: Mapping[str, Tightened] = {
    code: Tightened(level, profile(number)) for code, (level, number) in _LEVELS.items()
}
