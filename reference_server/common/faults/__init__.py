"""Deliberate defects that every server can have, by the code of the rule that each breaks."""

from typing import Any

from ssegauge.reference_server.common.encoding import Encoder
from ssegauge.reference_server.common.faults import requests, streams, texts
from ssegauge.reference_server.common.registry import Registry
from ssegauge.reference_server.common.streaming import Streaming

STREAMS: dict[str, type[Streaming]] = {
    "cleanup/open-count-wrong": streams.Miscounting,
    "cleanup/socket-held-after-fin": streams.HoldsAfterFin,
    "cleanup/socket-held-after-rst": streams.HoldsAfterRst,
    "cleanup/descriptors-grow": streams.Opening,
    "cleanup/memory-grows": streams.Remembering,
    "cleanup/head-leaves-work": streams.HeadBegins,
    "errors/head-hangs": streams.HeadHangs,
}
SECURITY = {
    "errors/405-without-allow": requests.NoAllow,
    "errors/401-without-challenge": requests.NoChallenge,
    "security/cors-star": requests.Star,
    "security/cors-star-with-credentials": requests.StarWithCredentials,
    "security/cors-reflects-origin": requests.Reflecting,
    "security/cors-reflects-origin:by-its-end": requests.ComparingEnds,
    "security/allowed-origin-shut-out": requests.ShuttingOut,
    "security/allowed-origin-shut-out:twice": requests.ShuttingOutTwice,
    "security/vary-origin-missing": requests.NotVarying,
}
MIDDLEWARES = {
    "errors/method-not-allowed": requests.take_any_method,
    "errors/odd-request-hangs": requests.ignore_other_methods,
    "errors/query-garbage-5xx": requests.fail_for_query,
    "errors/large-header-5xx": requests.fail_for_large_header,
    "errors/malformed-request-5xx": requests.fail_for_codings,
}


def register(registry: Registry[Any], stream: type[Streaming], encoder: type[Encoder]) -> None:
    """Register all of them with a server that has these kinds of stream and encoder."""
    for code, mixin in STREAMS.items():
        registry.breaks(code)(type(mixin.__name__, (mixin, stream), {"__doc__": mixin.__doc__}))
    for code, subclass in SECURITY.items():
        registry.breaks(code)(subclass)
    for code, middleware in MIDDLEWARES.items():
        registry.breaks_by(code)(middleware)
    for code in texts.RAW:
        registry.breaks(f"security/injection-{code}")(texts.unescaping(encoder, code))
