"""What holds for every reader of bytes that others wrote, whatever the bytes: a value, or its one documented error.

``READERS`` are the fuzz targets; each takes one input and raises when something does not hold.
"""

import asyncio
import json
import os
import ssl
from collections.abc import Callable, Sequence
from contextlib import suppress
from contextvars import ContextVar
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import httpcore
import httpx
from httptools import HttpParserError

from ssegauge.conformance.errors import CannotJudge
from ssegauge.conformance.jsontext import read_json
from ssegauge.conformance.judge import judge
from ssegauge.conformance.recording.capture import loads, read_stream
from ssegauge.conformance.recording.live import Recording
from ssegauge.conformance.recording.redaction import REDACTED, Redactor, dump_rows
from ssegauge.conformance.recording.server import Server
from ssegauge.conformance.recording.transcript import Chunk, Head, Request, Transcript, read_chunk
from ssegauge.conformance.seen.coding import MOST_TEXT, CannotDecode, Uncoder
from ssegauge.conformance.target import Call, Target, from_toml
from ssegauge.loadtests.driving import bodies
from ssegauge.loadtests.stream.body import framed
from ssegauge.loadtests.stream.head import Head as ResponseHead
from ssegauge.loadtests.stream.head import whole
from tests.fuzz import decoder_target

CODINGS = ("gzip", "deflate", "br", "gzip, gzip", "deflate, br", "x", "identity")
TRUST = ssl.create_default_context()  # it takes a while to make
SECRETS = ("s3cr/t-Ä", "hunter2-hunter2", "YWxpY2U6c2VzYW1l")
REDACTOR = Redactor(SECRETS)


def transcript(data: bytes) -> None:
    """A transcript's rows are read, written and read again the same, or refused in one line."""
    with suppress(CannotJudge):
        one = loads(BytesIO(data), "x")
        text = dump_rows(one.rows(), Redactor())
        assert loads(BytesIO(text.encode()), "x").chunks == one.chunks


def capture(data: bytes) -> None:
    """What was captured is judged by every rule without a failure of ours, or refused in one line."""
    captures([data])


def captures(many: Sequence[bytes]) -> None:
    """The same of several, judged as those of one run: most of a judgement's cost is the same for one and for many."""
    seen = []
    for number, data in enumerate(many):
        with suppress(CannotJudge):
            seen += [replace(one, name=f"{one.name}-{number}") for one in read_stream(BytesIO(data), "-").transcripts]
    results = judge(seen, profile="event-stream")
    assert [one.summary for one in results if one.verdict == "harness_error"] == []


def toml(data: bytes) -> None:
    """A target file gives a target whose bodies can be sent, or one line that says what is wrong."""
    with suppress(UnicodeDecodeError, CannotJudge):
        target = from_toml(data.decode(), "x.toml", {"NAME": "s3cret"})
        json.dumps(target.stream.json, allow_nan=False)


def jsontext(data: bytes) -> None:
    """JSON gives a value that can be written and shown from any depth of calls, or ValueError."""
    with suppress(ValueError):
        value = read_json(data)
        repr(value)
        json.dumps(value)


def coding(data: bytes) -> None:
    """Any cut of a coded body gives the same text, and never more than the bound."""
    name, size, body = CODINGS[data[0] % len(CODINGS)] if data else "gzip", (data[1:2] or b"\1")[0] + 1, data[2:]
    texts = []
    for step in (size, len(body) + 1):
        uncoder, text = Uncoder(name), b""
        with suppress(CannotDecode):
            for at in range(0, len(body), step):
                text += uncoder.feed(body[at : at + step])
            texts.append(None if uncoder.exceeded else text)
        assert len(text) <= MOST_TEXT
    assert len({text for text in texts if text is not None}) <= 1 or len(texts) < 2


def redaction(data: bytes) -> None:
    """However a stream with a secret in it is cut, the secret is in none of its rows."""
    secret = SECRETS[(data[:1] or b"\0")[0] % 2].encode()
    size, body = (data[1:2] or b"\1")[0] // 4 + 1, data[2:]
    body = body[: len(body) // 2] + secret + body[len(body) // 2 :]
    chunks = tuple(Chunk(float(at), body[at : at + size]) for at in range(0, len(body), size))
    one = Transcript("x", Request("GET", "/"), head=Head(0.0, 200), chunks=chunks)
    rows = map(json.loads, dump_rows(one.rows(), REDACTOR).splitlines())
    kept = [read_chunk(row["chunk"]).data for row in rows if "chunk" in row]
    assert secret.lower() not in b"".join(kept).lower()
    assert REDACTED.encode() in b"".join(kept)
    assert len(kept) == len(chunks)


SAID: ContextVar[list[bytes]] = ContextVar("SAID")


class Told(Server):
    """A server whose connection says what it is told to say by whoever begins an exchange."""

    def _client(self) -> httpx.AsyncClient:
        http2 = self.target.base_url.startswith("https")
        backend = httpcore.AsyncMockBackend(SAID.get(), http2=http2)
        transport = httpx.AsyncHTTPTransport(verify=TRUST, http2=http2)
        transport._pool = httpcore.AsyncConnectionPool(TRUST, http2=http2, network_backend=backend)
        return httpx.AsyncClient(transport=transport, timeout=None, trust_env=False)


TOLD = [Told(Target(base_url, Call("/", "GET")), Recording()) for base_url in ("http://x", "https://x")]


def http(data: bytes) -> None:
    """An answer in HTTP/1.1 or HTTP/2 ends as a transcript: well, or with what was wrong in one line."""
    answers([data])


def answers(many: Sequence[bytes]) -> None:
    """The same of several at a time, on one event loop."""
    for server in TOLD:
        server.recording = Recording()  # which bounds what all exchanges of a run cost

    async def all_over() -> list[Transcript]:
        return await asyncio.gather(*map(_answer, many))

    for one in asyncio.run(all_over()):
        assert one.end is not None
        assert one.end.how in {"eof", "error"}
        assert "\n" not in one.end.detail
        assert not one.end.detail.startswith("the harness failed")


async def _answer(data: bytes) -> Transcript:
    server, size, body = TOLD[data[0] & 1 if data else 0], (data[1:2] or b"\1")[0] + 1, data[2:]
    SAID.set([body[at : at + size] for at in range(0, len(body), size)])
    live = server.begin("stream", server.target.stream)
    await live.until(lambda: live.over, 60)
    await live.stop()
    return live.transcript


def load_http(data: bytes) -> None:
    """A response gives ``load`` the same head, body and ending however it is cut, or one of two errors."""
    size, said = (data[:1] or b"\1")[0] + 1, data[1:]
    cut, at_once = ([said[at : at + step] for at in range(0, len(said), step)] for step in (size, len(said) + 1))
    assert _response(cut) == _response(at_once)
    with suppress(HttpParserError, ConnectionResetError):
        if found := whole(said):
            one, rest = found
            assert (one.status, one.fields, _body(one, [rest])) == _response(at_once)


def _response(pieces: Sequence[bytes]) -> tuple[int, list[tuple[str, str]], tuple[bytes, str] | None] | None:
    """Return status, fields, and what there is of the body; None where it is no response of HTTP/1.1, or not whole."""
    one = ResponseHead()
    with suppress(HttpParserError, ConnectionResetError):
        for at, piece in enumerate(pieces):
            if (rest := one.take(piece)) is not None:
                return one.status, one.fields, _body(one, [rest, *pieces[at + 1 :]])
    return None


def _body(one: ResponseHead, pieces: Sequence[bytes]) -> tuple[bytes, str] | None:
    try:
        body = framed(one.fields)
    except ConnectionResetError:
        return None
    return b"".join(map(body.take, filter(None, pieces))), body.ending


def requests(data: bytes) -> None:
    """The bodies of ``--requests`` are JSON that can be sent, or one line says which line is none."""
    with os.fdopen(os.memfd_create("requests"), "wb", buffering=0) as file, suppress(CannotJudge):  # on no disk
        file.write(data)
        for one in bodies.read(Path(f"/proc/self/fd/{file.fileno()}"), {"NAME": 's3cr"et'}).bodies:
            json.dumps(one, allow_nan=False)


READERS: dict[str, Callable[[bytes], None]] = {
    "decoder": decoder_target.check,
    "transcript": transcript,
    "capture": capture,
    "toml": toml,
    "json": jsontext,
    "coding": coding,
    "redaction": redaction,
    "http": http,
    "load-http": load_http,
    "requests": requests,
}
# Of these readers several inputs at a time take far less time each.
BATCHES: dict[str, Callable[[Sequence[bytes]], None]] = {"capture": captures, "http": answers}
