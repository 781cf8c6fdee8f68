"""The recorded exchanges behind findings, as a report shows them: what was asked, and the bytes about the evidence.

Reads `transcripts/NAME.jsonl` once each and keeps a window of chunks about each piece of evidence, so that a report is
small however long the streams were, and no row is held longer than it takes to look at it. A transcript that is cut,
damaged or foreign gives what can be read of it.
"""

import base64
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

from ssegauge.reports.folder import Document, RunFolder

BEFORE, AFTER = 5, 4  # chunks about the one that shows it
MOST_EVIDENCE = 2  # pieces of a finding whose exchange is shown
MOST_EXCHANGES = 1_000  # of a report; all rules, each broken under load too, come to half of that
MOST_ASKED = 8 << 20  # bytes of the rows that say what was asked, of all exchanges
MOST_LINES = 200_000
LONGEST_LINE = 1 << 20
LONGEST_CHUNK = 320  # bytes of a chunk that are shown
MOST_MS = 1e11  # three years
HEAD, END = ("http_version", "status", "reason"), ("how", "detail")
Place = tuple[str, int | None]  # a transcript and a chunk of it, as evidence names them


@dataclass(frozen=True, slots=True)
class Piece:
    """A chunk of the body: when it came (ms), where it begins, its length and first bytes; whether it is evidence."""

    at_ms: float
    offset: int
    length: int
    data: bytes
    is_evidence: bool

    @property
    def text(self) -> str:
        """The first bytes as text; what is not UTF-8 as escapes."""
        return self.data.decode("utf-8", "backslashreplace")

    @property
    def rest(self) -> int:
        """How many bytes of it are not shown."""
        return self.length - len(self.data)


@dataclass(frozen=True, slots=True)
class Exchange:
    """What was asked (as in the transcript), the answer's head, some of its chunks, and the end if it was reached."""

    request: Mapping[str, Any]
    head: Mapping[str, Any] | None
    pieces: tuple[Piece, ...]
    left_out: int  # chunks before the first piece
    end: Mapping[str, Any] | None


def exchanges(folder: RunFolder) -> dict[Place, Exchange]:
    """Return the exchange behind each piece of evidence that a report shows, by its place.

    Those past `MOST_EXCHANGES`, or past `MOST_ASKED`, are not shown.
    """
    wanted: dict[str, set[int | None]] = {}
    for name, chunk in islice(_places(folder), MOST_EXCHANGES):
        wanted.setdefault(name, set()).add(chunk)
    found: dict[Place, Exchange] = {}
    room = MOST_ASKED
    for name in sorted(wanted.keys() & set(folder.transcripts)):
        rows = _rows(folder.path / "transcripts" / f"{name}.jsonl", _last_row(wanted[name]))
        opening, length = next(rows, ({}, 0))
        room -= length
        if room >= 0 and _is_opening(opening):
            found |= {(name, chunk): one for chunk, one in _exchanges(opening["request"], rows, wanted[name])}
    return found


def _places(folder: RunFolder) -> Iterator[Place]:
    results = folder.conformance["results"] if folder.conformance else []
    under_load = folder.load["conformance"]["findings"] if folder.load else []
    for one in (*(result for result in results if result["verdict"] == "fail"), *under_load):
        yield from ((seen["transcript"], seen.get("chunk")) for seen in one.get("evidence", ())[:MOST_EVIDENCE])


def _last_row(chunks: Iterable[int | None]) -> int:
    return min(MOST_LINES, 4 + BEFORE + AFTER + max((chunk or 0) for chunk in chunks))


def _rows(path: Path, most: int) -> Iterator[tuple[Document, int]]:
    """Yield the rows of a transcript, and how long they are, until one cannot be read."""
    if not path.is_file():
        return
    with path.open("rb") as file:
        for line in islice(iter(lambda: file.readline(LONGEST_LINE), b""), most):
            try:
                row = json.loads(line)
            except (ValueError, RecursionError):
                return
            if not isinstance(row, dict):
                return
            yield row, len(line)


def _is_opening(row: Document) -> bool:
    request = row.get("request")
    return (
        isinstance(request, dict)
        and all(isinstance(request.get(key), str) for key in ("method", "url"))
        and all(_is_pair(field) for field in request.get("headers") or ())
        and isinstance(request.get("body"), str | None)
    )


def _is_pair(field: object) -> bool:
    return isinstance(field, list) and len(field) == 2 and all(isinstance(part, str) for part in field)


def _exchanges(
    request: Mapping[str, Any], rows: Iterable[tuple[Document, int]], wanted: set[int | None]
) -> Iterator[tuple[int | None, Exchange]]:
    """Yield what is shown of each wanted chunk, of a transcript that is read once."""
    shown = {number for chunk in wanted for number in _window(chunk)}
    head = end = None
    pieces: dict[int, Piece] = {}
    number = offset = 0
    for row, _ in rows:
        if isinstance(chunk := row.get("chunk"), dict):
            data = _data(chunk)
            if number in shown:
                at_ms = _number(chunk.get("at_ms"))
                pieces[number] = Piece(at_ms, offset, len(data), data[:LONGEST_CHUNK], is_evidence=False)
            number, offset = number + 1, offset + len(data)
        head = head or (_row_of(row["head"], HEAD) if isinstance(row.get("head"), dict) else None)
        end = end or (_row_of(row["end"], END) if isinstance(row.get("end"), dict) else None)
    for one in wanted:
        seen = tuple(replace(pieces[at], is_evidence=at == one) for at in _window(one) if at in pieces)
        yield one, Exchange(request, head, seen, max(0, min((one or 0) - BEFORE, number)), end)


def _window(chunk: int | None) -> range:
    middle = chunk or 0
    return range(max(0, middle - BEFORE), middle + AFTER + 1)


def _data(chunk: Mapping[str, Any]) -> bytes:
    try:
        if "text" in chunk:
            return str(chunk["text"]).encode("utf-8", "surrogatepass")
        return base64.b64decode(str(chunk.get("b64", "")))
    except ValueError:
        return b""


def _row_of(row: Mapping[str, Any], words: Iterable[str]) -> dict[str, Any]:
    """Return a row with its time and these words, whatever a foreign transcript holds or lacks."""
    found = {name: "" if row.get(name) is None else str(row[name])[:LONGEST_CHUNK] for name in words}
    return {**found, "at_ms": _number(row.get("at_ms"))}


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) and abs(value) < MOST_MS else float("nan")
