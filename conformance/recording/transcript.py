"""What was seen: one HTTP exchange with a server, as values.

A transcript holds the request, the response head, the body as chunks with their arrival times, and how it
ended. Times are milliseconds on one monotonic clock, relative to ``started_ms``, which is that clock's
reading in Unix epoch milliseconds; so ``started_ms + at_ms`` compares across transcripts of one run.

On disk a transcript is JSON Lines, one row per happening (``request``, ``head``, ``chunk``..., ``end``), so
a file that was cut off anywhere still holds all whole rows before the cut. ``Transcript.rows`` and
``from_rows`` are exact inverses.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, get_args

from ssegauge.conformance.facts import Facts, Role, known_role

SCHEMA = "ssegauge/transcript/1"
Headers = tuple[tuple[str, str], ...]
How = Literal["eof", "cut", "timeout", "error"]
MOST_HEAD: Final = 256 << 10
BOUNDED: Final = "ssegauge's own bound: "  # begins the detail of an end that says nothing of the server


@dataclass(frozen=True, slots=True)
class Request:
    """What was asked; the body is the text sent, or None."""

    method: str
    url: str
    headers: Headers = ()
    body: str | None = None

    def header(self, name: str) -> str | None:
        """Return the field's value, several joined as RFC 9110 section 5.2 says, or None."""
        return _joined(self.headers, name)


@dataclass(frozen=True, slots=True)
class Head:
    """The response's status line and header fields, and when they had arrived.

    ``connected_ms``: when the connection stood, after the start of the exchange; None where nobody noted it.
    ``most_streams``: how many at once the server lets a connection of HTTP/2 have; None where it said nothing.
    """

    at_ms: float
    status: int
    headers: Headers = ()
    reason: str = ""
    http_version: str = "HTTP/1.1"
    connected_ms: float | None = None
    most_streams: int | None = None

    def header(self, name: str) -> str | None:
        """Return the field's value, several joined as RFC 9110 section 5.2 says, or None."""
        return _joined(self.headers, name)


@dataclass(frozen=True, slots=True)
class Chunk:
    """Body bytes as one read returned them (transfer coding removed, content coding kept)."""

    at_ms: float
    data: bytes


@dataclass(frozen=True, slots=True)
class End:
    """How it ended: ``eof`` by the server, ``cut`` by us, ``timeout`` of our patience, ``error``."""

    at_ms: float
    how: How
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Transcript:
    """One exchange. ``role`` and ``facts`` say what it was for, in terms the rules know."""

    name: str
    request: Request
    probe: str = ""
    role: Role = "stream"
    started_ms: float = 0.0
    head: Head | None = None
    chunks: tuple[Chunk, ...] = ()
    end: End | None = None
    facts: Facts = field(default_factory=Facts)

    @property
    def body(self) -> bytes:
        """All body bytes that arrived."""
        return b"".join(chunk.data for chunk in self.chunks)

    def rows(self) -> Iterator[dict[str, Any]]:
        """Yield the JSON Lines rows, in the order in which things happened."""
        yield opening_row(self)
        if self.head:
            yield head_row(self.head)
        yield from (chunk_row(chunk) for chunk in self.chunks)
        if self.end:
            yield end_row(self.end)

    @classmethod
    def from_rows(cls, rows: Iterable[Mapping[str, Any]]) -> Transcript:
        """Build a transcript from its rows; raises KeyError, TypeError or ValueError on rows that are not ours."""
        rows = iter(rows)
        if (opening := next(rows, None)) is None:
            raise ValueError("no row")
        if opening["transcript"] != SCHEMA:
            raise ValueError(f"schema {opening['transcript']!r:.60}, expected {SCHEMA!r}")
        head, end, chunks = None, None, []
        for row in rows:
            match dict(row):
                case {"chunk": chunk, **none} if not none:
                    chunks.append(read_chunk(chunk))
                case {"head": value, **none} if not none and head is None:
                    head = read_head(value)
                case {"end": value, **none} if not none and end is None:
                    end = _read_end(value)
                case other:
                    raise ValueError(f"an unknown or second row {', '.join(other)!r:.60}")
        return cls(
            _text(opening["name"]),
            _read_request(opening["request"]),
            _text(opening["probe"]),
            known_role(opening["role"]),
            _number(opening["started_ms"]),
            head,
            tuple(chunks),
            end,
            Facts.read(opening["facts"]),
        )


def opening_row(seen: Transcript) -> dict[str, Any]:
    """Return the first row: what was asked, when, and what for."""
    request = seen.request
    return {
        "transcript": SCHEMA,
        **{key: getattr(seen, key) for key in ("name", "probe", "role", "started_ms")},
        "request": {
            "method": request.method,
            "url": request.url,
            "headers": [list(pair) for pair in request.headers],
            "body": request.body,
        },
        "facts": seen.facts.as_json(),
    }


def head_row(head: Head) -> dict[str, Any]:
    """Return the row of a response head."""
    fields = {key: getattr(head, key) for key in ("at_ms", "status", "reason", "http_version")}
    for key in ("connected_ms", "most_streams"):
        if getattr(head, key) is not None:
            fields[key] = getattr(head, key)
    return {"head": {**fields, "headers": [list(pair) for pair in head.headers]}}


def chunk_row(chunk: Chunk) -> dict[str, Any]:
    """Return the row of a chunk: as text where it is whole UTF-8, else base64."""
    try:
        return {"chunk": {"at_ms": chunk.at_ms, "text": chunk.data.decode()}}
    except UnicodeDecodeError:
        return {"chunk": {"at_ms": chunk.at_ms, "b64": base64.b64encode(chunk.data).decode()}}


def end_row(end: End) -> dict[str, Any]:
    """Return the row that says how it ended."""
    return {"end": {"at_ms": end.at_ms, "how": end.how, "detail": end.detail}}


def row_text(row: Mapping[str, Any]) -> str:
    """Return one JSON line.

    What some readers take for the end of a line is escaped: JSON allows it inside strings, ``splitlines`` does not; so
    is half a surrogate pair, which UTF-8 has no bytes for.
    """
    text = json.dumps(row, ensure_ascii=False, separators=(",", ":")).translate(_LINE_ENDS) + "\n"
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()


def from_capture(raw: bytes, name: str = "capture") -> Transcript:
    """Make a transcript of captured bytes: a bare event stream, or with the head as ``curl -i`` prints it.

    There are no times in a capture, so every chunk is at 0 ms and rules about time have nothing to see.
    A capture that ends says nothing about who ended it: the end is ``cut``.
    """
    head, body = _captured_head(raw)
    request = Request("GET", f"capture:{name}")
    chunks = (Chunk(0.0, body),) if body else ()
    return Transcript(name, request, "capture", "stream", 0.0, head, chunks, End(0.0, "cut"), Facts(capture=True))


def _captured_head(raw: bytes) -> tuple[Head | None, bytes]:
    """Return the last of the heads at the start, and what follows: curl -iL and 1xx responses print several."""
    head, at = None, 0
    while match := _HEAD.match(raw, at, at + MOST_HEAD):
        version, status, reason, block = (part.decode("latin-1") for part in match.groups())
        fields = (line.partition(":") for line in block.split("\n"))
        headers = tuple((name.strip(), value.strip()) for name, _, value in fields)
        at = match.end()
        if not status.startswith("1") or status == "101":  # an interim response is not the answer
            head = Head(0.0, int(status), headers, reason, f"HTTP/{version}")
    return head, raw[at:] if at else raw


_HEAD = re.compile(rb"HTTP/(\d(?:\.\d)?) (\d{3})[ ]?([^\r\n]*)\r?\n(.*?)\r?\n\r?\n", re.DOTALL)
_LINE_ENDS = {0x85: "\\u0085", 0x2028: "\\u2028", 0x2029: "\\u2029"}


def _joined(headers: Headers, name: str) -> str | None:
    wanted = name.lower()
    values = [value for key, value in headers if key.lower() == wanted]
    return ", ".join(values) if values else None


def _pairs(rows: Iterable[Iterable[str]]) -> Headers:
    return tuple((_text(name), _text(value)) for name, value in rows)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r:.60} is no text")
    return value


def _number(value: object) -> float:
    """Return a number that a time or a count may be: finite, and not one in which all other digits are lost."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not -1e15 < value < 1e15:
        raise ValueError(f"{value!r:.60} is no time")
    return value


def read_chunk(row: Mapping[str, Any]) -> Chunk:
    """Return the chunk of a row; raises KeyError, TypeError or ValueError when it is none."""
    data = _text(row["text"]).encode() if "text" in row else base64.b64decode(_text(row["b64"]))
    return Chunk(_number(row["at_ms"]), data)


def read_head(row: Mapping[str, Any]) -> Head:
    """Return the head of a row; raises KeyError, TypeError or ValueError when it is none."""
    status = int(_number(row["status"]))
    connected_ms = None if row.get("connected_ms") is None else _number(row["connected_ms"])
    most_streams = None if row.get("most_streams") is None else int(_number(row["most_streams"]))
    texts = _text(row["reason"]), _text(row["http_version"])
    return Head(_number(row["at_ms"]), status, _pairs(row["headers"]), *texts, connected_ms, most_streams)


def _read_end(row: Mapping[str, Any]) -> End:
    if row["how"] not in get_args(How):
        raise ValueError(f"{row['how']!r:.60} is no way to end")
    return End(_number(row["at_ms"]), row["how"], _text(row["detail"]))


def _read_request(row: Mapping[str, Any]) -> Request:
    body = None if row["body"] is None else _text(row["body"])
    return Request(_text(row["method"]), _text(row["url"]), _pairs(row["headers"]), body)
