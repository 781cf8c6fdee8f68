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
import html
import json
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal
from urllib.parse import quote, quote_plus

from ssegauge.conformance.credentials import is_credential
from ssegauge.conformance.errors import CannotJudge
from ssegauge.conformance.facts import WORDS, Facts, Role, known_role

SCHEMA = "ssegauge/transcript/1"
Headers = tuple[tuple[str, str], ...]
How = Literal["eof", "cut", "timeout", "error"]


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
    """The response's status line and header fields, and when they had arrived."""

    at_ms: float
    status: int
    headers: Headers = ()
    reason: str = ""
    http_version: str = "HTTP/1.1"

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
        """Build a transcript from its rows; raises KeyError or ValueError on rows that are not ours."""
        opening, *rest = rows
        if opening["transcript"] != SCHEMA:
            raise ValueError(f"schema {opening['transcript']!r}, expected {SCHEMA!r}")
        found: dict[str, list[Any]] = {"head": [], "chunk": [], "end": []}
        for row in rest:
            ((kind, value),) = row.items()
            found[kind].append(_READERS[kind](value))
        return cls(
            **{key: opening[key] for key in ("name", "probe", "started_ms")},
            role=known_role(opening["role"]),
            facts=Facts.read(opening["facts"]),
            request=Request(
                opening["request"]["method"],
                opening["request"]["url"],
                _pairs(opening["request"]["headers"]),
                opening["request"]["body"],
            ),
            head=found["head"][0] if found["head"] else None,
            chunks=tuple(found["chunk"]),
            end=found["end"][0] if found["end"] else None,
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


def dump_row(row: Mapping[str, Any], redact: Redactor | None = None) -> str:
    """Return one JSON line, with secrets replaced.

    What some readers take for the end of a line is escaped: JSON allows it inside strings, ``splitlines`` does not.
    """
    clean = redact.row(row) if redact else row
    return json.dumps(clean, ensure_ascii=False, separators=(",", ":")).translate(_LINE_ENDS) + "\n"


def load(path: Path) -> Transcript:
    """Read a transcript file, leaving out an unfinished last row.

    Raises CannotJudge with the place when the file is not a transcript.
    """
    return loads(path.read_text(encoding="utf-8"), str(path))


def loads(text: str, where: str) -> Transcript:
    """Read a transcript's text; ``where`` names it in errors (CannotJudge)."""
    rows = []
    lines = text.split("\n")
    for number, line in enumerate(lines, 1):
        if not line:
            continue
        try:
            rows.append(json.loads(line))
        except ValueError as error:
            if number == len(lines):
                break  # the writer was killed inside this row
            raise CannotJudge(f"{where}:{number}: not a JSON row ({error}); is this a transcript?") from None
    try:
        return Transcript.from_rows(rows)
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        raise CannotJudge(f"{where}: not a transcript ({type(error).__name__}: {error})") from None


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
    match = re.match(rb"HTTP/(\d(?:\.\d)?) (\d{3})[ ]?([^\r\n]*)\r?\n(.*?)\r?\n\r?\n", raw, re.DOTALL)
    if not match:
        return None, raw
    version, status, reason, block = (part.decode("latin-1") for part in match.groups())
    fields = (line.partition(":") for line in block.splitlines())
    headers = tuple((name.strip(), value.strip()) for name, _, value in fields)
    head = Head(0.0, int(status), headers, reason, f"HTTP/{version}")
    rest = raw[match.end() :]
    # curl -iL and 1xx responses print several heads; the last is the stream's.
    return _captured_head(rest) if rest.startswith(b"HTTP/") else (head, rest)


_LINE_ENDS = {0x85: "\\u0085", 0x2028: "\\u2028", 0x2029: "\\u2029"}
_OURS = ("transcript", "name", "probe", "role")  # of an opening row: words and names that are never a server's
_HALF_CHARACTER = re.compile(r"(?:\\x[0-9a-f]{2}){1,3}\Z")  # where an excerpt was cut inside a character
REDACTED: Final = "[redacted]"
SHORTEST: Final = 4


class Redactor:
    """Replaces secrets in what is written: known strings anywhere, and the values of credential headers.

    A secret is found as it is, without white space around it, and as JSON, Python, HTML, percent-encoding and bytes
    that are not whole UTF-8 write it. Of one that the edge of a chunk or an ellipsis cuts in two, each piece is found
    that is half of it or 8 characters, and never fewer than 4. Not found: shorter pieces, one that spans three chunks,
    one inside a content coding or base64, one written as a JSON number.

    Keys are never a secret. One of under 4 characters is ignored: anybody can guess it, and it is in every document.
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._secrets = set(secrets)
        self.learn(())

    def learn(self, secrets: Iterable[str]) -> None:
        """Replace these from now on, too."""
        self._secrets |= set(secrets)
        found = {form for secret in self._secrets if len(secret.strip()) >= SHORTEST for form in _forms(secret)}
        self._forms = sorted(found, key=len, reverse=True)
        self._mirrored = [form[::-1] for form in self._forms]
        self._pattern = re.compile("|".join(map(re.escape, self._forms)))

    def text(self, text: str) -> str:
        """Return the text without the known secrets."""
        if not self._forms:
            return text
        *cut, rest = self._pattern.sub(REDACTED, text).split("…")
        return "…".join([*(self._tail(_HALF_CHARACTER.sub("", piece)) for piece in cut), rest])

    def value(self, value: Any, ours: Collection[str] = ()) -> Any:  # noqa: ANN401 - any JSON value
        """Return a JSON value without secrets; what stands under the keys ``ours`` stays, at any depth."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return {key: item if key in ours else self._entry(key, item, ours) for key, item in value.items()}
        if isinstance(value, list | tuple):
            if len(value) == 2 and _is_secret(value[0]):
                return [value[0], REDACTED]
            return [self.value(item, ours) for item in value]
        return value

    def row(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """Return a transcript's row without secrets."""
        if "chunk" in row:
            return {"chunk": self._chunk(row["chunk"])}
        if "end" in row:
            return {"end": self.value(row["end"], ("how",))}
        return {**self.value(row, WORDS), **{key: row[key] for key in _OURS if key in row}}

    def _entry(self, key: str, item: Any, ours: Collection[str]) -> Any:  # noqa: ANN401
        return REDACTED if _is_secret(key) and isinstance(item, str) else self.value(item, ours)

    def _chunk(self, chunk: Mapping[str, Any]) -> dict[str, Any]:
        if "text" in chunk:
            return {**chunk, "text": self._piece(chunk["text"])}
        raw = base64.b64decode(chunk["b64"]).decode("latin-1")
        return {**chunk, "b64": base64.b64encode(self._piece(raw).encode("latin-1")).decode()}

    def _piece(self, text: str) -> str:
        """Return a chunk without secrets, also those that begin before it or end after it."""
        text = self._tail(self._pattern.sub(REDACTED, text) if self._forms else text)
        begun = max((_overlap(text[::-1], form) for form in self._mirrored), default=0)
        return REDACTED + text[begun:] if begun else text

    def _tail(self, text: str) -> str:
        """Return the text without the piece of a secret at its end."""
        cut = max((_overlap(text, form) for form in self._forms), default=0)
        return text[:-cut] + REDACTED if cut else text


def _forms(secret: str) -> set[str]:
    """Return how a secret may be written."""
    secret = secret.strip()
    raw = secret.encode("utf-8", "surrogatepass")
    escaped = {json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]}
    percent = {quote(raw, safe=""), quote(raw), quote_plus(raw)}
    return {
        secret,
        raw.decode("latin-1"),
        repr(secret)[1:-1],
        repr(raw)[2:-1],
        html.escape(secret),
        *escaped,
        *(text.replace("/", "\\/") for text in escaped),  # as PHP's json_encode does
        *percent,
        *(re.sub("%..", lambda code: code[0].lower(), text) for text in percent),
    }


def _overlap(text: str, secret: str) -> int:
    """Return how many characters at the text's end begin the secret; 0 when they are too few to tell."""
    least = max(SHORTEST, min(8, (len(secret) + 1) // 2))
    at = text.find(secret[:least], max(0, len(text) - len(secret) + 1))
    while at >= 0 and not secret.startswith(text[at:]):
        at = text.find(secret[:least], at + 1)
    return len(text) - at if at >= 0 else 0


def _is_secret(key: Any) -> bool:  # noqa: ANN401 - any JSON value
    return isinstance(key, str) and is_credential(key)


def _joined(headers: Headers, name: str) -> str | None:
    wanted = name.lower()
    values = [value for key, value in headers if key.lower() == wanted]
    return ", ".join(values) if values else None


def _pairs(rows: Iterable[Iterable[str]]) -> Headers:
    return tuple((name, value) for name, value in rows)


def _read_chunk(row: Mapping[str, Any]) -> Chunk:
    data = row["text"].encode() if "text" in row else base64.b64decode(row["b64"])
    return Chunk(row["at_ms"], data)


def _read_head(row: Mapping[str, Any]) -> Head:
    return Head(row["at_ms"], row["status"], _pairs(row["headers"]), row["reason"], row["http_version"])


def _read_end(row: Mapping[str, Any]) -> End:
    return End(row["at_ms"], row["how"], row["detail"])


_READERS: dict[str, Callable[[Mapping[str, Any]], Any]] = {
    "head": _read_head,
    "chunk": _read_chunk,
    "end": _read_end,
}
