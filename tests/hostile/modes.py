"""What hostile servers do: a table, each mode an answer and what a check may say of it.

A mode's exit statuses are those of its verdict: 1 where what the server sends breaks a rule, 2 where there is no event
stream to judge, 0 where it is odd but right. Both are given where the verdict hangs on how far the bytes came in time.
"""

import gzip
import socket
import struct
import time
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import count, repeat

import brotli

from tests.hostile.server import Answer

STREAM = b"Content-Type: text/event-stream\r\nCache-Control: no-cache\r\n"
EVENTS = b"data: 1\n\ndata: 2\n\n"
BLOCK = 1 << 16
UNJUDGED, BROKEN, EITHER, FINE = {2}, {1}, {1, 2}, {0, 1, 2}


@dataclass(frozen=True)
class Mode:
    """An answer, the exit statuses a check of it may have, and words that its output must hold; and those of a load.

    A load of 3 streams for 3 s is mostly too short to judge; it never passes what a check may fail.
    """

    answer: Answer
    status: set[int]
    told: str = ""
    load: frozenset[int] = frozenset({1, 2})
    load_told: str = "Load:"
    brisk: bool = False  # in the bounded part that runs in every test run


def sends(*pieces: bytes, more: Iterable[bytes] = (), pause_s: float = 0.0, reset: bool = False) -> Answer:
    """Send pieces, then more of them for as long as somebody reads."""

    def answer(connection: socket.socket) -> None:
        connection.sendall(b"".join(pieces))
        for piece in more:
            connection.sendall(piece)
            time.sleep(pause_s)
        if reset:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            connection.close()

    return answer


def head(fields: bytes = STREAM, status: bytes = b"HTTP/1.1 200 OK") -> bytes:
    return status + b"\r\n" + fields + b"\r\n"


def whole(body: bytes, fields: bytes = STREAM, status: bytes = b"HTTP/1.1 200 OK") -> Answer:
    """A response with its length, as a server sends that closes nothing."""
    return sends(head(fields + b"Content-Length: %d\r\n" % len(body), status), body)


def chunked(*pieces: bytes, more: Iterable[bytes] = (), end: bytes = b"") -> Answer:
    return sends(head(STREAM + b"Transfer-Encoding: chunked\r\n"), *map(chunk, pieces), end, more=more)


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


def forever(piece: bytes) -> Iterator[bytes]:
    """The piece again and again, in blocks."""
    return repeat(piece * max(1, BLOCK // len(piece)))


def endless(piece: bytes, begin: bytes = b"") -> Answer:
    """A stream of a beginning and then the same piece without end."""

    def answer(connection: socket.socket) -> None:
        sends(head(), begin, more=forever(piece))(connection)

    return answer


def event(data: bytes) -> bytes:
    return b"data: " + data + b"\n\n"


def coded(coding: bytes, body: bytes) -> Answer:
    return whole(body, STREAM + b"Content-Encoding: " + coding + b"\r\n")


def redirect(location: bytes, status: bytes = b"HTTP/1.1 302 Found") -> Answer:
    return whole(b"", b"Location: " + location + b"\r\n", status)


def _ever_new() -> Answer:
    numbers = count()

    def answer(connection: socket.socket) -> None:
        redirect(b"/new/%d" % next(numbers))(connection)

    return answer


def _numbered(connection: socket.socket) -> None:
    connection.sendall(head())
    for at in count(0, 2000):
        connection.sendall(b"".join(b"id: %d\ndata: %d\n\n" % (n, n) for n in range(at, at + 2000)))


def _gigabyte(connection: socket.socket) -> None:
    sends(head(), b"data: ", more=repeat(b"x" * BLOCK, (1 << 30) // BLOCK))(connection)


def _million_members() -> Iterator[bytes]:
    return forever(gzip.compress(b""))


ZEROS = gzip.compress(bytes(100 << 20))
DEEP = b"[" * 200_000 + b"]" * 200_000
RAW_BOMB = zlib.compress(bytes(100 << 20))
HTML = b"<script>alert(1)</script><img src=x onerror=alert(1)>"
ESCAPES = b"\x1b]0;owned\x07\x1b[2J\x1b[31mred"

HEADS: dict[str, Mode] = {
    "status line without end": Mode(sends(b"HTTP/1.1 200 ", more=forever(b"A")), UNJUDGED, "256 KiB"),
    "field without end": Mode(sends(b"HTTP/1.1 200 OK\r\nX: ", more=forever(b"A")), UNJUDGED, "256 KiB"),
    "field name without end": Mode(sends(b"HTTP/1.1 200 OK\r\n", more=forever(b"A")), UNJUDGED, "256 KiB"),
    "fields without end": Mode(sends(b"HTTP/1.1 200 OK\r\n", more=forever(b"X-A: b\r\n")), UNJUDGED, "256 KiB"),
    "folded field without end": Mode(sends(b"HTTP/1.1 200 OK\r\nX: a\r\n", more=forever(b" b\r\n")), UNJUDGED),
    "cookies without end": Mode(sends(b"HTTP/1.1 200 OK\r\n", more=forever(b"Set-Cookie: a=b\r\n")), UNJUDGED),
    "2,000 fields": Mode(sends(head(STREAM + b"X-A: b\r\n" * 2000), EVENTS), UNJUDGED, "1,000 fields", brisk=True),
    "a head of 200 KiB": Mode(sends(head(STREAM + b"X: " + b"a" * 200_000 + b"\r\n"), EVENTS), FINE),
    "1xx without end": Mode(sends(more=forever(b"HTTP/1.1 103 Early Hints\r\n\r\n")), UNJUDGED, "no response"),
    "100 without end": Mode(sends(more=forever(b"HTTP/1.1 100 Continue\r\n\r\n")), UNJUDGED),
    "a head that drips": Mode(sends(b"HTTP/1.1 200 OK\r\nX: ", more=repeat(b"a"), pause_s=0.1), UNJUDGED),
    "HTTP/0.9": Mode(sends(EVENTS), UNJUDGED, "not HTTP as expected"),
    "HTTP/2 preface": Mode(sends(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), UNJUDGED, "not HTTP as expected"),
    "HTTP/2 settings": Mode(sends(b"\0\0\0\4\0\0\0\0\0" * 3), UNJUDGED),
    "HTTP/3.7": Mode(sends(head(status=b"HTTP/3.7 200 OK"), EVENTS), UNJUDGED, "version HTTP/3.7"),
    "101": Mode(sends(b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n", EVENTS), EITHER),
    "TLS where none was asked": Mode(sends(b"\x15\x03\x01\0\2\2\x46"), UNJUDGED),
    "another protocol": Mode(sends(b"220 mail.example ESMTP\r\n"), UNJUDGED),
    "status 999": Mode(whole(b"", status=b"HTTP/1.1 999 What"), EITHER),
    "status 000": Mode(whole(b"", status=b"HTTP/1.1 000 What"), EITHER),
    "status of four digits": Mode(whole(b"", status=b"HTTP/1.1 2000 OK"), UNJUDGED),
    "status minus": Mode(whole(b"", status=b"HTTP/1.1 -20 OK"), UNJUDGED),
    "NUL in a field": Mode(sends(head(STREAM + b"X: a\0b\r\n"), EVENTS), UNJUDGED),
    "NUL in a field's name": Mode(sends(head(STREAM + b"X\0: a\r\n"), EVENTS), UNJUDGED),
    "CR in a field": Mode(sends(head(STREAM + b"X: a\rb\r\n"), EVENTS), UNJUDGED),
    "bytes over 127 in a field": Mode(sends(head(STREAM + b"X: \xff\xfe\r\n"), EVENTS), FINE),
    "escapes in the reason": Mode(whole(b"", status=b"HTTP/1.1 404 " + ESCAPES), UNJUDGED, brisk=True),
    "HTML in the reason": Mode(whole(b"", status=b"HTTP/1.1 404 " + HTML), UNJUDGED),
    "HTML in the media type": Mode(whole(b"", b"Content-Type: text/html" + HTML + b"\r\n"), BROKEN, "content-type"),
    "heads one upon the other": Mode(sends(head(), head(), EVENTS), FINE),
    "no answer": Mode(sends(), UNJUDGED, "no response"),
    "reset at once": Mode(sends(reset=True), UNJUDGED),
}
FRAMING: dict[str, Mode] = {
    "length too long": Mode(sends(head(STREAM + b"Content-Length: 99\r\n"), EVENTS), FINE),
    "length too short": Mode(sends(head(STREAM + b"Content-Length: 5\r\n"), EVENTS), EITHER),
    "two lengths": Mode(sends(head(STREAM + b"Content-Length: 5\r\nContent-Length: 6\r\n"), EVENTS), UNJUDGED),
    "negative length": Mode(sends(head(STREAM + b"Content-Length: -5\r\n"), EVENTS), UNJUDGED),
    "length with a plus": Mode(sends(head(STREAM + b"Content-Length: +5\r\n"), EVENTS), UNJUDGED),
    "length of words": Mode(sends(head(STREAM + b"Content-Length: many\r\n"), EVENTS), UNJUDGED),
    "length of 30 digits": Mode(sends(head(STREAM + b"Content-Length: " + b"9" * 30 + b"\r\n"), EVENTS), EITHER | {0}),
    "length and chunks": Mode(
        sends(head(STREAM + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"), chunk(EVENTS)), FINE
    ),
    "unknown transfer coding": Mode(sends(head(STREAM + b"Transfer-Encoding: rot13\r\n"), EVENTS), UNJUDGED),
    "chunked twice": Mode(sends(head(STREAM + b"Transfer-Encoding: chunked, chunked\r\n"), EVENTS), UNJUDGED),
    "chunk size of letters": Mode(chunked(EVENTS, end=b"zz\r\n"), BROKEN, "truncated"),
    "negative chunk size": Mode(chunked(EVENTS, end=b"-1\r\n"), BROKEN),
    "chunk size of 20 digits": Mode(chunked(EVENTS, end=b"F" * 20 + b"\r\n" + EVENTS), FINE),
    "chunk size without end": Mode(chunked(EVENTS, more=forever(b"0")), BROKEN, "truncated"),
    "chunk extension without end": Mode(chunked(EVENTS, end=b"1;", more=forever(b"a")), BROKEN, "truncated"),
    "chunk without its line end": Mode(chunked(EVENTS, end=b"1\r\nxyz"), EITHER),
    "trailers without end": Mode(chunked(EVENTS, end=b"0\r\n", more=forever(b"X: y\r\n")), BROKEN, "truncated"),
    "one byte a chunk": Mode(chunked(more=forever(chunk(b"a"))), BROKEN),
    "reset in the midst": Mode(sends(head(), EVENTS, reset=True), FINE),
    "head and nothing more": Mode(sends(head()), FINE),
}
BODIES: dict[str, Mode] = {
    "line without end": Mode(endless(b"a", b"data: "), BROKEN, "no event"),
    "lines of data without end": Mode(endless(b"data: " + b"x" * 990 + b"\n"), BROKEN, "no event"),
    "comment without end": Mode(endless(b"a", b": "), FINE),
    "comments without end": Mode(endless(b":\n"), FINE),
    "id without end": Mode(endless(b"a", b"data: 1\nid: "), BROKEN),
    "field name without end": Mode(endless(b"a"), EITHER),
    "unknown fields without end": Mode(endless(b"x: y\n"), EITHER),
    "blank lines without end": Mode(endless(b"\n"), EITHER),
    "retry of many digits": Mode(endless(b"9", b"data: 1\nretry: "), BROKEN),
    "byte order marks without end": Mode(endless(b"\xef\xbb\xbf"), EITHER),
    "carriage returns without end": Mode(endless(b"\r"), EITHER),
    "zeros without end": Mode(endless(b"\0"), EITHER),
    "not UTF-8": Mode(endless(b"data: \xff\xfe\n\n"), BROKEN, "wire/invalid-utf8"),
    "100,000 events a second": Mode(endless(b"data: 1\n\n"), FINE),
    "events with ids at full speed": Mode(_numbered, FINE),
    "events of 1 MB": Mode(endless(event(b"x" * 1_000_000)), FINE),
    "wide events of 1 MB": Mode(endless(event(b"\xf0\x9f\x98\x80" + b"x" * 1_000_000)), FINE),
    "an event of 1 GB": Mode(_gigabyte, BROKEN),
    "JSON of many lists": Mode(endless(event(b"[" + b"[]," * 300_000 + b"1]")), FINE),
    "JSON of many keys": Mode(endless(event(b"{" + b",".join(b'"%d":1' % n for n in range(60_000)) + b"}")), FINE),
    "JSON of one key many times": Mode(endless(event(b"{" + b'"a":1,' * 100_000 + b'"a":2}')), FINE),
    "deep JSON": Mode(sends(head(), event(DEEP)), FINE, brisk=True),
    "deep JSON at full speed": Mode(endless(event(DEEP)), FINE),
    "a number of 400 digits": Mode(sends(head(), event(b'{"timestamp": ' + b"9" * 400 + b"}")), FINE),
    "a number of 9,000 digits": Mode(sends(head(), event(b'{"timestamp": ' + b"9" * 9000 + b"}")), FINE),
    "numbers past any": Mode(sends(head(), event(b'{"timestamp": 1e999, "n": -1e999, "x": NaN}')), FINE),
    "half a surrogate pair": Mode(sends(head(), event(b'{"taskId": "\\ud800", "\\udfff": 1}')), FINE),
    "escapes for terminals": Mode(sends(head(), ESCAPES + b": 1\n", event(ESCAPES)), FINE, brisk=True),
    "HTML in events": Mode(sends(head(), HTML + b": 1\n", event(HTML)), FINE),
    "line separators": Mode(sends(head(), event("\u2028\u2029\u0085".encode())), FINE),
    "rubbish": Mode(sends(head(), bytes(range(256)) * 64), BROKEN),
    "a body that drips": Mode(sends(head(), more=repeat(b"d"), pause_s=0.05), FINE),
    "an image": Mode(whole(b"\x89PNG\r\n\x1a\n" + bytes(1000), b"Content-Type: image/png\r\n"), BROKEN),
}


def _brotli_bomb(connection: socket.socket) -> None:
    packer = brotli.Compressor(quality=1)
    zeros = b"".join(packer.process(bytes(1 << 20)) for _ in range(100)) + packer.finish()
    coded(b"br", zeros)(connection)


CODINGS: dict[str, Mode] = {
    "gzip bomb": Mode(coded(b"gzip", ZEROS), EITHER),
    "gzip in gzip": Mode(coded(b"gzip, gzip", gzip.compress(ZEROS)), EITHER),
    "deflate bomb": Mode(coded(b"deflate", RAW_BOMB), EITHER),
    "brotli bomb": Mode(_brotli_bomb, EITHER),
    "ten codings": Mode(coded(b", ".join([b"gzip"] * 10), ZEROS), EITHER),
    "gzip that is none": Mode(coded(b"gzip", EVENTS), FINE),
    "gzip cut off": Mode(coded(b"gzip", gzip.compress(EVENTS * 100)[:30]), FINE),
    "empty gzip members without end": Mode(
        sends(head(STREAM + b"Content-Encoding: gzip\r\n"), more=_million_members()), FINE
    ),
    "brotli that is none": Mode(coded(b"br", bytes(range(256))), FINE),
    "a coding of 9,000 names": Mode(coded(b"x," * 9000, EVENTS), FINE),
}
REDIRECTS: dict[str, Mode] = {
    "to itself": Mode(redirect(b"/"), UNJUDGED, "redirected", brisk=True),
    "ever new": Mode(_ever_new(), UNJUDGED, "redirected"),
    "to a broken address": Mode(redirect(b"http://[::1"), UNJUDGED),
    "to port 99999": Mode(redirect(b"http://127.0.0.1:99999/x"), UNJUDGED, "redirected"),
    "to a host that is none": Mode(redirect(b"http://no.such.host.invalid/"), UNJUDGED, "redirected"),
    "to another scheme": Mode(redirect(b"ftp://127.0.0.1/x"), UNJUDGED, "redirected"),
    "to a script": Mode(redirect(b"javascript:" + HTML), UNJUDGED),
    "to a file": Mode(redirect(b"file:///etc/passwd"), UNJUDGED, "redirected"),
    "to nowhere": Mode(whole(b"", b"X: y\r\n", b"HTTP/1.1 302 Found"), UNJUDGED, "redirected"),
    "to a very long address": Mode(redirect(b"/" + b"a" * 200_000), UNJUDGED),
    "to escapes": Mode(redirect(b"/%1b" + b"\xff\xfe"), UNJUDGED, "redirected"),
}
# Of these nothing can be opened, and a load says so.
CLOSED = frozenset(
    {f"head: {name}" for name in HEADS}
    - {f"head: {name}" for name in ("a head of 200 KiB", "bytes over 127 in a field", "heads one upon the other")}
    | {f"framing: {name}" for name in ("two lengths", "negative length", "length with a plus", "length of words")}
    | {f"framing: {name}" for name in ("unknown transfer coding", "chunked twice", "length of 30 digits")}
    | {"body: an image"}
    | {f"coding: {name}" for name in CODINGS}
    | {f"redirect: {name}" for name in REDIRECTS}
)
MODES: dict[str, Mode] = {
    f"{group}: {name}": mode
    for group, modes in {
        "head": HEADS,
        "framing": FRAMING,
        "body": BODIES,
        "coding": CODINGS,
        "redirect": REDIRECTS,
    }.items()
    for name, mode in modes.items()
}
MODES |= {
    name: replace(MODES[name], load=frozenset(UNJUDGED), load_told="no stream could be opened") for name in CLOSED
}
# What fills the memory of who keeps something of every event, with many streams.
FLOODS = ("body: events with ids at full speed", "body: 100,000 events a second")
