"""What this profile makes of general rules: the level that a sentence of its own gives them."""

from collections.abc import Mapping

from ssegauge.conformance.rules.rule import Tightened, profile
from ssegauge.conformance.seen import Level

_LEVELS: Mapping[str, tuple[Level, str]] = {
    "cleanup/descriptors-grow": ("must", "S8.1"),
    "cleanup/memory-grows": ("should", "S8.1"),
    "cleanup/open-count-wrong": ("must", "S8.1"),
    "cleanup/refuses-after-storm": ("must", "S8.3"),
    "cleanup/socket-held-after-fin": ("must", "S8.1"),
    "cleanup/socket-held-after-rst": ("must", "S8.1"),
    "delivery/batched": ("must", "S3.10"),
    "delivery/held-by-compression": ("must", "S3.10"),
    "delivery/polled": ("advice", "S3.10"),
    "delivery/update-late": ("must", "S3.9"),
    "errors/error-leaks-internals": ("must", "S7.4"),
    "errors/odd-request-hangs": ("must", "S7.5"),
    "errors/query-garbage-5xx": ("must", "S7.5"),
    "liveness/heartbeat-is-an-event": ("should", "S6.2"),
    "liveness/heartbeat-missing": ("should", "S6.1"),
    "resume/duplicate-on-resume": ("must", "S5.2"),
    "resume/gap-on-resume": ("must", "S5.2"),
    "resume/ids-repeated": ("must", "S5.1"),
    "security/cors-reflects-origin": ("must", "S9.1"),
    "security/cors-star": ("advice", "S9.1"),
    "security/cors-star-with-credentials": ("must", "S9.1"),
    "security/injection-cr": ("must", "S1.9"),
    "security/injection-crlf": ("must", "S1.9"),
    "security/injection-lf": ("must", "S1.9"),
    "security/injection-nul": ("must", "S1.9"),
    "security/injection-separator": ("must", "S1.9"),
    "security/stream-without-auth": ("must", "S9.3"),
    "slow/slow-reader-grows-memory": ("should", "S8.5"),
    "slow/slow-reader-stalls-others": ("must", "S8.4"),
}
TIGHTENED: Mapping[str, Tightened] = {
    code: Tightened(level, profile(number)) for code, (level, number) in _LEVELS.items()
}
