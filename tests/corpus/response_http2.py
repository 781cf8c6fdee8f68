"""Responses in HTTP/2 that are as they must be, and such that are not."""

from dataclasses import replace
from typing import Any

from ssegauge.conformance.recording.transcript import Transcript
from tests.corpus.build import Case, exchange, healthy, task

GAVE_UP = {"how": "error", "detail": "malformed HTTP/2: InvalidBodyLengthError: Expected 20 bytes, received 24"}


def in_http2(transport: str | None = None, *, version: str = "HTTP/2", **more: Any) -> Transcript:
    """A whole healthy stream as HTTP/2 brings it, with one more header field."""
    fields = {"Transfer-Encoding": None, **({transport: "x"} if transport else {})}
    one = exchange(*task(), headers=fields, **more)
    if one.head is None:
        return one
    own = () if transport is None else ((transport, "x"),)
    lower = tuple((name.lower(), value) for name, value in one.head.headers if name != transport)
    return replace(one, head=replace(one.head, http_version=version, headers=(*lower, *own)))


def room_for(streams: int) -> Transcript:
    """A stream of a connection that may have so many at once."""
    one = in_http2()
    assert one.head
    return replace(one, head=replace(one.head, most_streams=streams))


CASES = {
    "response/connection-field-in-http2": Case(
        good=((in_http2(),), (in_http2("te"),)),
        bad=tuple((in_http2(name),) for name in ("connection", "Keep-Alive", "proxy-connection", "transfer-encoding")),
        silent=((healthy(),), (in_http2("connection", version="HTTP/1.1"),)),
    ),
    "response/few-streams-in-http2": Case(
        good=((in_http2(),), (room_for(100),), (room_for(8),)),
        bad=((room_for(1),), (room_for(0),), (room_for(6),)),
        silent=((healthy(),),),
    ),
    "response/malformed-http2": Case(
        good=((in_http2(),), (in_http2("connection", how="cut"),)),
        bad=((in_http2(**GAVE_UP),), (in_http2("X-Powered-By"),), (exchange(answered=False, **GAVE_UP),)),
        silent=((healthy(),), (healthy(how="error", detail="Connection reset by peer"),)),
    ),
}
