"""Requests that are no proper HTTP, or whose bodies are not what they say: what a server must refuse without failing.

No HTTP library sends these, so they go over plain sockets. Refusing, also by closing the connection, is right, and so
is bearing them; a stream that is opened for one is left at its head.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import h11

from ssegauge.conformance.facts import Facts
from ssegauge.conformance.probes.probe import probe
from ssegauge.conformance.probes.requests import LEAST_PATIENCE_S, ask
from ssegauge.conformance.recording.live import now_ms
from ssegauge.conformance.recording.reader import converse
from ssegauge.conformance.recording.server import NO_FACTS, PROBE, Server
from ssegauge.conformance.recording.transcript import Chunk, End, Request, Transcript, from_capture
from ssegauge.conformance.target import Call, Target, each_its_own, fill, merge_headers

AT_ONCE = 4
JSON = json.dumps({"text": "x" * 2000}).encode()
RUBBISH = bytes(range(128, 256)) * 2
# A body, and what its Content-Encoding says it is; none of them is JSON, so that none starts anything.
BODIES: Mapping[str, tuple[str, bytes]] = {
    "a gzip body that is none": ("gzip", RUBBISH),
    "a gzip body that is cut": ("gzip", gzip.compress(JSON)[:-12]),
    "a deflate body that is none": ("deflate", RUBBISH),
    "a deflate body that is cut": ("deflate", zlib.compress(JSON)[:-6]),
    "a br body that is none": ("br", RUBBISH),
    "a body of an unknown coding": ("x-unheard-of", RUBBISH),
}


@dataclass(frozen=True, slots=True)
class Odd:
    """What is odd about a request for the stream: more of its path, header fields as bytes, a body."""

    path: str = ""
    fields: bytes = b""
    body: bytes = b""


REQUESTS: Mapping[str, Odd] = {
    "an expectation that nobody knows": Odd(fields=b"Expect: tea\r\n"),
    "a length and chunks": Odd(fields=b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", body=b"0\r\n\r\n"),
    "a chunk size that is none": Odd(fields=b"Transfer-Encoding: chunked\r\n", body=b"zz\r\n\r\n"),
    "a NUL in a field": Odd(fields=b"X-Odd: a\0b\r\n"),
    "control characters in a field": Odd(fields=b"X-Odd: a\x01\x1b[2J\x7fb\r\n"),
    "a field of 100 kB": Odd(fields=b"X-Odd: " + b"x" * 100_000 + b"\r\n"),
    "a path segment of 5,000 bytes": Odd(path="x" * 5000),
    "a path that is not UTF-8": Odd(path="%ff"),
}


@probe("cheap", "gets", streams=AT_ONCE, asks=len(REQUESTS), adapts=True)
async def malformed(server: Server) -> None:
    """Send requests for the stream that are no proper HTTP."""
    await _send_all(server, _requests(await server.ready()))


@probe("cheap", stage="last", streams=AT_ONCE, asks=len(BODIES) + 1, adapts=True)
async def malformed_bodies(server: Server) -> None:
    """Send bodies that are no JSON to what takes JSON, when nobody reads: some publish whatever they are sent.

    Then see whether the server is still there.
    """
    if bodies := _bodies(await server.ready()):
        await _send_all(server, bodies)
        await ask(server, "head", NO_FACTS, replace(server.target.stream, method="HEAD", json=None))


async def _send_all(server: Server, wanted: Iterable[tuple[str, Call, Odd]]) -> None:
    at_once = asyncio.Semaphore(min(AT_ONCE, server.most_readers or AT_ONCE))

    async def one(case: str, call: Call, odd: Odd) -> None:
        async with at_once:
            await _send(server, case, call, odd)

    await asyncio.gather(*(one(*each) for each in wanted))


def _bodies(target: Target) -> list[tuple[str, Call, Odd]]:
    """Return what to send to the first of the target's hooks that takes JSON; a POST stream is one."""
    hooks = (target.task.create, target.task.create_manual, target.publish, target.stream)
    call = next((one for one in hooks if one and one.json is not None and one.method not in {"", "GET"}), None)
    return [
        (case, call, Odd("", f"Content-Type: application/json\r\nContent-Encoding: {coding}\r\n".encode(), body))
        for case, (coding, body) in (BODIES.items() if call else ())
        if isinstance(call, Call)
    ]


def _requests(target: Target) -> list[tuple[str, Call, Odd]]:
    return [(case, target.stream, odd) for case, odd in REQUESTS.items()]


async def _send(server: Server, case: str, call: Call, odd: Odd) -> None:
    call = fill(call, each_its_own(await server.subject()))
    url = server.target.url(call.path, task_id="none")
    if odd.path:
        bare, mark, query = url.partition("?")
        url = f"{bare.rstrip('/')}/{odd.path}{mark}{query}"
    request = Request(call.method or "GET", url, merge_headers({}, server.target.headers, call.headers))
    patience_s = max(LEAST_PATIENCE_S, 2 * server.target.limits.connect_s)
    asked_ms = now_ms()
    said, how = await converse(server.target, request, odd.fields, odd.body, patience_s)
    took_ms = round(now_ms() - asked_ms, 3)
    head = from_capture(said).head if said.startswith(b"HTTP/1") else None
    refusal = _body(said) if head and head.status >= 400 else b""
    name = server.recording.unique("malformed-request")
    seen = Transcript(name, request, PROBE.get(), "malformed-request", asked_ms, facts=Facts(case=case))
    chunks = (Chunk(took_ms, refusal),) if refusal else ()
    head = replace(head, at_ms=took_ms) if head else None
    server.recording.write(replace(seen, head=head, chunks=chunks, end=End(took_ms, how)))


def _body(said: bytes) -> bytes:
    """Return what of a body came, without the framing that could hide a secret or a path in it."""
    client, body = h11.Connection(h11.CLIENT), b""
    client.send(h11.Request(method="GET", target="/", headers=[("Host", "x")]))
    client.send(h11.EndOfMessage())
    try:
        client.receive_data(said)
        while not isinstance(event := client.next_event(), type) and not isinstance(event, h11.EndOfMessage):
            body += event.data if isinstance(event, h11.Data) else b""
    except h11.RemoteProtocolError:
        pass
    return body
