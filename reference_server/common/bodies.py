"""Bodies of requests: JSON objects that a schema allows, explained in its words."""

import asyncio
import json
import zlib
from collections.abc import Callable
from functools import partial
from typing import Any

import brotli
from aiohttp import web
from jsonschema import Draft202012Validator

from ssegauge.reference_server.common.encoding import Json
from ssegauge.reference_server.common.refusals import TOO_LARGE, RefusedError

LIMIT = 64 * 1024
TIMEOUT_S = 10.0
NESTING = 50  # levels; at some hundreds, writing the value again exhausts the stack


async def read(request: web.Request, allowed: Draft202012Validator) -> Json:
    """Return the request's object; an empty body is an empty object.

    Raises:
        RefusedError: 400, 408, 413 or 415.
        web.HTTPException: 413, by aiohttp.
    """
    try:
        async with asyncio.timeout(TIMEOUT_S):
            body = await request.read()
    except TimeoutError:
        raise RefusedError(408, "request_timeout", f"The body took longer than {TIMEOUT_S:g} seconds.") from None
    # other types come from plain forms, which any page may send unasked (Fetch, #cors-safelisted-request-header)
    if body and request.content_type != "application/json":
        raise RefusedError(415, "unsupported_media_type", "Send Content-Type: application/json.")
    try:
        body = decoded(body, request.headers.get("Content-Encoding", "identity"))
        return checked(json.loads(body or "{}", parse_float=_number), allowed)
    except (ValueError, RecursionError) as error:
        raise RefusedError(400, "bad_request", f"The body is wrong: {error}.") from None


def decoded(body: bytes, coding: str) -> bytes:
    """Return the body without its content coding, whole and at most `LIMIT` long; raises ValueError or RefusedError."""
    if not body or coding.lower() == "identity":
        return body
    if coding.lower() not in DECODERS:
        raise RefusedError(415, "unsupported_media_type", f"Send no Content-Encoding, or one of {', '.join(DECODERS)}.")
    try:
        text, is_whole = DECODERS[coding.lower()](body)
    except (zlib.error, brotli.error):
        raise ValueError(f"it is not in the coding {coding.lower()}") from None
    if len(text) > LIMIT:
        raise RefusedError(413, "request_entity_too_large", TOO_LARGE)
    if not is_whole:
        raise ValueError(f"it ends before its coding {coding.lower()} does, or after it")
    return text


def _inflate(body: bytes, wbits: int) -> tuple[bytes, bool]:
    inflater = zlib.decompressobj(wbits)
    text = inflater.decompress(body, LIMIT + 1)
    return text, inflater.eof and not inflater.unused_data


def _deflate(body: bytes) -> tuple[bytes, bool]:
    # Some clients leave out the zlib wrapper (RFC 9110, section 8.4.1.2); its first byte says the method, 8.
    return _inflate(body, zlib.MAX_WBITS if body[0] & 0x0F == 8 else -zlib.MAX_WBITS)


def _unbrotli(body: bytes) -> tuple[bytes, bool]:
    decompressor = brotli.Decompressor()
    return decompressor.process(body, output_buffer_limit=LIMIT + 1), decompressor.is_finished()


DECODERS: dict[str, Callable[[bytes], tuple[bytes, bool]]] = {
    "gzip": partial(_inflate, wbits=16 + zlib.MAX_WBITS),
    "deflate": _deflate,
    "br": _unbrotli,
}


def checked(value: Any, allowed: Draft202012Validator) -> Json:  # noqa: ANN401 - any JSON value
    """Return the value if it is an object that is allowed, and can be written again; raises ValueError."""
    if _is_deeper(value, NESTING):
        raise ValueError(f"it is nested deeper than {NESTING} levels")
    json.dumps(value, allow_nan=False)  # NaN and 1e999 are no JSON, but pass Python's reader
    assert isinstance(allowed.schema, dict)
    known = allowed.schema["properties"]
    for error in allowed.iter_errors(value):
        if error.path:
            raise ValueError(f"{error.path[0]} must be {known[str(error.path[0])]['description']}")
        raise ValueError(f"{error.message:.100}; known members are {', '.join(known)}")
    return dict(value)


def _is_deeper(value: Any, levels: int) -> bool:  # noqa: ANN401 - any JSON value
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return levels < 0 or any(_is_deeper(one, levels - 1) for one in inner)


def _number(text: str) -> float:
    """Return the number; 5.0 as 5, which it is to JSON Schema."""
    number = float(text)
    return int(number) if number.is_integer() else number
