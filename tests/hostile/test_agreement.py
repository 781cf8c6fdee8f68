"""`check` and `load` read HTTP with different libraries, and agree on what is HTTP and on where it ends."""

import asyncio
from typing import NamedTuple

import pytest

from ssegauge.conformance.facts import Facts
from ssegauge.conformance.recording.live import Recording
from ssegauge.conformance.recording.server import Server
from ssegauge.conformance.seen import View
from ssegauge.conformance.target import Call, Target, Tls
from ssegauge.loadtests.stream.connection import resolve
from ssegauge.loadtests.stream.stream import EventStream, StreamFailed
from tests.loadtests.servers import PATIENCE, chunk, scripted
from tests.loadtests.test_stream import all_data, sends

TYPE = b"Content-Type: text/event-stream\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"
EVENT, LAST = b"data: a\n\n", b"0\r\n\r\n"


class Read(NamedTuple):
    """What became of an answer: whether it was a stream, the data of its events, whether it ended as it should."""

    is_stream: bool
    told: list[str]
    whole: bool


def head(fields: bytes = TYPE, status: bytes = b"HTTP/1.1 200 OK") -> bytes:
    return status + b"\r\n" + fields + b"\r\n"


def sized(length: bytes) -> bytes:
    return head(TYPE + b"Content-Length: " + length + b"\r\n") + EVENT


def coded(coding: bytes) -> bytes:
    return head(TYPE + b"Transfer-Encoding: " + coding + b"\r\n") + chunk(EVENT) + LAST


def framed(size: bytes, end: bytes = b"\r\n" + LAST) -> bytes:
    """A chunked body whose first chunk begins with these bytes."""
    return head(TYPE + CHUNKED) + size + EVENT + end


def status(line: bytes) -> bytes:
    return head(status=line) + EVENT


def field(line: bytes) -> bytes:
    return head(TYPE + line + b"\r\n") + EVENT


def typed(value: bytes) -> bytes:
    return head(b"Content-Type:" + value + b"\r\n") + EVENT


def after(first: bytes) -> bytes:
    return first + head() + EVENT


CODES = ("20", "2000", "099", "600", "999", "000")
ANSWERS = {
    "ends with the connection": head() + EVENT,
    "length": sized(b"9"),
    "length with spaces": sized(b"  9  "),
    "length too long": sized(b"20"),
    "length too short": sized(b"5"),
    "two lengths": field(b"Content-Length: 9\r\nContent-Length: 8"),
    "length with a plus": sized(b"+9"),
    "negative length": sized(b"-9"),
    "length in hexadecimal": sized(b"0x9"),
    "empty length": sized(b""),
    "length with an underscore": sized(b"1_0"),
    "length and chunks": head(TYPE + CHUNKED + b"Content-Length: 3\r\n") + chunk(EVENT) + LAST,
    "chunks": coded(b"chunked"),
    "chunks in capitals": coded(b"CHUNKED"),
    "chunks behind a tab": coded(b"\tchunked"),
    "chunked twice": head(TYPE + CHUNKED * 2) + chunk(EVENT) + LAST,
    "chunked, chunked": coded(b"chunked, chunked"),
    "gzip, chunked": coded(b"gzip, chunked"),
    "identity": head(TYPE + b"Transfer-Encoding: identity\r\n") + EVENT,
    "unknown coding": coded(b"xchunked"),
    "no last chunk": head(TYPE + CHUNKED) + chunk(EVENT),
    "extension": framed(b"9;a=b\r\n"),
    "quoted extension": framed(b'9;a="b c"\r\n'),
    "size and a space": framed(b"9 \r\n"),
    "a space and size": framed(b" 9\r\n"),
    "size with zeros": framed(b"0000009\r\n"),
    "size in capitals": framed(b"A\r\n", b"\n\r\n" + LAST),
    "size with 0x": framed(b"0x9\r\n"),
    "negative size": framed(b"-9\r\n"),
    "size with a plus": framed(b"+9\r\n"),
    "no size": framed(b"\r\n"),
    "size of letters": framed(b"zz\r\n"),
    "size behind LF alone": framed(b"9\n", b"\n0\n\n"),
    "size behind CR alone": framed(b"9\r", b"\r0\r\r"),
    "no end of a chunk": framed(b"9\r\n", LAST),
    "another end of a chunk": framed(b"9\r\n", b"xx\r\n" + LAST),
    "trailers": framed(b"9\r\n", b"\r\n0\r\nX: y\r\n\r\n"),
    "trailers that are none": framed(b"9\r\n", b"\r\n0\r\nno colon\r\n\r\n"),
    "no blank line at the end": framed(b"9\r\n", b"\r\n0\r\n"),
    "more behind the end": coded(b"chunked") + b"more",
    "HTTP/1.0": status(b"HTTP/1.0 200 OK"),
    "HTTP/1.0 in chunks": head(TYPE + CHUNKED, b"HTTP/1.0 200 OK") + chunk(EVENT) + LAST,
    "HTTP/1.2": status(b"HTTP/1.2 200 OK"),
    "HTTP/2.0 as text": status(b"HTTP/2.0 200 OK"),
    "HTTP/3.7": status(b"HTTP/3.7 200 OK"),
    "http/1.1": status(b"http/1.1 200 OK"),
    "HTTP/1": status(b"HTTP/1 200 OK"),
    "HTTP/11.1": status(b"HTTP/11.1 200 OK"),
    "ICY": status(b"ICY 200 OK"),
    "no reason": status(b"HTTP/1.1 200"),
    "no reason behind a space": status(b"HTTP/1.1 200 "),
    "two spaces": status(b"HTTP/1.1  200 OK"),
    "a tab": status(b"HTTP/1.1\t200 OK"),
    **{
        f"status {code}": status(b"HTTP/1.1 %s X" % code.encode())
        for code in ("20", "2000", "099", "600", "999", "000")
    },
    "reason in Latin-1": status(b"HTTP/1.1 200 \xe9t\xe9"),
    "reason with controls": status(b"HTTP/1.1 200 O\x01K"),
    "reason with escapes": status(b"HTTP/1.1 200 \x1b[31mOK"),
    "LF alone": b"HTTP/1.1 200 OK\nContent-Type: text/event-stream\n\n" + EVENT,
    "CR alone": b"HTTP/1.1 200 OK\rContent-Type: text/event-stream\r\r" + EVENT,
    "LF and CRLF": b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\n\r\n" + EVENT,
    "behind a blank line": after(b"\r\n"),
    "behind five": after(b"\r\n" * 5),
    "behind LF": after(b"\n"),
    "behind a space": after(b" "),
    "a space before the colon": head(b"Content-Type : text/event-stream\r\n") + EVENT,
    "no colon": field(b"Nonsense"),
    "no name": field(b": x"),
    "a name of two words": field(b"X Y: z"),
    "a name with brackets": field(b"X(a): z"),
    "a name in UTF-8": field(b"X-\xc3\xa9: z"),
    "a name with NUL": field(b"X\0: z"),
    "NUL": field(b"X: a\0b"),
    "CR": field(b"X: a\rb"),
    "a control character": field(b"X: a\x01b"),
    "Latin-1": field(b"X: \xe9"),
    "an escape": field(b"X: \x1b[31m"),
    "DEL": field(b"X: \x7f"),
    "an empty field": field(b"X:"),
    "a long name": field(b"X" * 70_000 + b": y"),
    "900 fields": field(b"\r\n".join([b"X: y"] * 900)),
    "1,000 fields": field(b"\r\n".join([b"X: y"] * 999)),
    "1,001 fields": field(b"\r\n".join([b"X: y"] * 1000)),
    "a folded field": typed(b"\r\n text/event-stream"),
    "Connection: close": field(b"Connection: close"),
    "an upgrade to WebSocket": field(b"Connection: Upgrade\r\nUpgrade: websocket"),
    "an upgrade that is offered": field(b"Upgrade: h2c"),
    "100": after(b"HTTP/1.1 100 Continue\r\n\r\n"),
    "103": after(b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"),
    "199": after(b"HTTP/1.1 199 X\r\n\r\n"),
    "100 with a length": after(b"HTTP/1.1 100 Continue\r\nContent-Length: 5\r\n\r\n"),
    **{f"status {code}": status(b"HTTP/1.1 %d X" % code) for code in (101, 204, 205)},
    "HTTP/0.9": EVENT,
    "nothing": b"",
    "half a status line": b"HTTP/1.1 2",
    "half a head": b"HTTP/1.1 200 OK\r\nContent-Ty",
    "a type that is replaced": field(b"Content-Type: text/plain"),
    "a type with parameters": typed(b" text/event-stream;charset=utf-8"),
    "a type in capitals": typed(b" TEXT/Event-Stream"),
    "a type between tabs": typed(b"\ttext/event-stream\t"),
    "a type with a semicolon": typed(b" text/event-stream;"),
    "a type twice in one": typed(b" text/event-stream, text/event-stream"),
    "two types in one": typed(b" text/plain, text/event-stream"),
}
# Both are allowed, or nobody sends it.
APART = {
    "the same length twice": field(b"Content-Length: 9\r\nContent-Length: 9"),  # RFC 9110 section 8.6: either
    "a length that is a list": sized(b"9, 9"),  # likewise
    "an extension behind a space": framed(b"9 ;a=b\r\n"),
    "a size of 31 digits": framed(b"0" * 30 + b"9\r\n"),
    "a size of 17 digits": framed(b"f" * 17 + b"\r\n"),
    "a first line that is folded": b"HTTP/1.1 200 OK\r\n X: y\r\n" + TYPE + b"\r\n" + EVENT,
}


@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS)
def test_both_take_the_same_for_a_stream(answer: bytes) -> None:
    with scripted(sends(answer)) as url:
        assert read_by_load(url) == asyncio.run(read_by_check(url))


@pytest.mark.parametrize("answer", APART.values(), ids=APART)
def test_where_they_differ_is_known(answer: bytes) -> None:
    with scripted(sends(answer)) as url:
        assert read_by_load(url) != asyncio.run(read_by_check(url))


async def read_by_check(url: str) -> Read:
    target = Target(url, Call("/", "GET"), "event-stream")
    async with Server(target, Recording()) as server:
        live = server.begin("stream", target.stream, Facts())
        await live.until(lambda: live.over, PATIENCE)
        view, end = View(live.transcript), live.transcript.end
    if not view.is_event_stream:
        return Read(is_stream=False, told=[], whole=False)
    return Read(is_stream=True, told=[one.event.data for one in view.messages], whole=bool(end and end.how == "eof"))


def read_by_load(url: str) -> Read:
    stream = EventStream(resolve(url, Tls()), "/")
    try:
        stream.open(PATIENCE)
    except StreamFailed:
        return Read(is_stream=False, told=[], whole=False)
    told = all_data(stream)
    return Read(is_stream=True, told=told, whole=stream.ending == "complete")
