"""Reads what was recorded, for judging without a network: transcripts, run folders, and bytes that curl captured."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO, cast

from ssegauge.conformance.errors import CannotJudge
from ssegauge.conformance.jsontext import read_json
from ssegauge.conformance.recording.bounds import EXCHANGE_BYTES, Meter, Pool
from ssegauge.conformance.recording.transcript import (
    MOST_HEAD,
    SCHEMA,
    Chunk,
    End,
    Transcript,
    end_row,
    from_capture,
    read_chunk,
    read_head,
)
from ssegauge.conformance.sse import BlockWithoutData, Comment, Event, Observation, Retry, UnfinishedTail, decode
from ssegauge.conformance.target import Ends, Limits, Profile, Promises

MOST_ROW, MOST_ROWS, MOST_FILES = 4 << 20, 512 << 20, 10_000  # bytes of a row, of a transcript; transcripts
PIECE = 64 << 10


@dataclass(frozen=True, slots=True)
class Recorded:
    """Transcripts, and the profile, limits and promises they were recorded under, where that is known.

    ``notes`` say what was left out because it is more than is judged at once.
    """

    transcripts: list[Transcript]
    profile: Profile | None = None
    limits: Limits | None = None
    promises: Promises | None = None
    notes: tuple[str, ...] = ()


def read(where: str) -> Recorded:
    """Read a transcript, a run folder, or captured bytes; ``-`` is standard input.

    Raises CannotJudge, with the place, for what cannot be read or holds nothing.
    """
    path = Path(where)
    if where != "-" and path.is_dir():
        return _run(path)
    try:
        with contextlib.nullcontext(sys.stdin.buffer) if where == "-" else path.open("rb") as stream:
            return read_stream(stream, where)
    except OSError as error:
        raise CannotJudge(f"{where}: {error.strerror or error}; give a file, a run folder, or - for input") from None


def load(path: Path, pool: Pool | None = None) -> Transcript:
    """Read a transcript file, leaving out an unfinished last row, and what is more than is judged at once.

    Raises CannotJudge with the place when the file is not a transcript.
    """
    try:
        with path.open("rb") as stream:
            return loads(stream, str(path), pool)
    except OSError as error:
        raise CannotJudge(f"{path}: {error.strerror or error}; was the run folder changed meanwhile?") from None


def loads(stream: BinaryIO, where: str, pool: Pool | None = None) -> Transcript:
    """Read a transcript from a stream of bytes; ``where`` names it in errors (CannotJudge)."""
    try:
        return Transcript.from_rows(_bounded(_rows(stream, where), where, pool or Pool()))
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        raise CannotJudge(f"{where}: not a transcript ({type(error).__name__}: {error})") from None


def _rows(stream: BinaryIO, where: str) -> Iterator[Any]:
    number = taken = 0
    while line := stream.readline(MOST_ROW + 1):
        number, taken = number + 1, taken + len(line)
        if len(line) > MOST_ROW or taken > MOST_ROWS:
            raise CannotJudge(f"{where}:{number}: longer than any transcript's rows are; is this a transcript?")
        try:
            if line.strip():
                yield read_json(line.decode())
        except ValueError as error:
            if not line.endswith(b"\n"):
                return  # the writer was killed inside this row
            raise CannotJudge(f"{where}:{number}: not a JSON row ({error}); is this a transcript?") from None


def _bounded(rows: Iterator[Mapping[str, Any]], where: str, pool: Pool) -> Iterator[Mapping[str, Any]]:
    """Yield rows for as long as an exchange may go on; then the end that says so."""
    meter = Meter(pool)
    for row in rows:
        if "head" in row:
            meter.on_head(read_head(row["head"]))
        elif "chunk" in row:
            chunk = read_chunk(row["chunk"])
            meter.take(chunk.data)
            if meter.full:
                pool.notes.append(f"{where}: judged in part; {meter.full}")
                yield end_row(End(chunk.at_ms, "cut", meter.full))
                return
        yield row


def read_stream(stream: BinaryIO, where: str) -> Recorded:
    """Return what a file holds: a transcript, or captured bytes."""
    named, pool = "standard input" if where == "-" else where, Pool()
    raw = stream.read(EXCHANGE_BYTES + 1)
    if not raw.strip():
        raise CannotJudge(f"{named}: nothing in it to judge")
    is_transcript = raw.lstrip()[:1] == b"{" and SCHEMA.encode() in raw[:200]
    if is_transcript and where != "-":
        del raw
        return Recorded([load(Path(where), pool)], notes=tuple(pool.notes))
    if len(raw) > EXCHANGE_BYTES:
        pool.notes.append(f"{named}: judged in part; its first {EXCHANGE_BYTES >> 20} MiB alone")
        raw = raw[:-1]
    one = loads(BytesIO(raw), named, pool) if is_transcript else _capture(raw, where, pool)
    return Recorded([one], notes=tuple(pool.notes))


def _capture(raw: bytes, where: str, pool: Pool) -> Transcript:
    """Return captured bytes as a transcript; raises CannotJudge when no event stream is in them."""
    start = raw[:MOST_HEAD]
    if raw.startswith(b"HTTP/") and not (b"\n\r\n" in start or b"\n\n" in start):
        raise CannotJudge(f"{where}: its head has no end within {MOST_HEAD >> 10} KiB; capture with `curl -iN URL`")
    captured = _within(from_capture(raw, "standard-input" if where == "-" else Path(where).stem), where, pool)
    if captured.head is None and not any(map(_is_of_a_stream, decode(captured.body))):
        raise CannotJudge(f"{where}: no event stream in it; capture one with `curl -iN URL`")
    return captured


def _within(captured: Transcript, where: str, pool: Pool) -> Transcript:
    """Return a capture up to where it is more than is judged at once."""
    meter, body = Meter(pool, captured.head), captured.body
    for at in range(0, len(body), PIECE):
        meter.take(body[at : at + PIECE])
        if meter.full:
            pool.notes.append(f"{where}: judged in part; {meter.full}")
            return replace(captured, chunks=(Chunk(0.0, body[:at]),), end=End(0.0, "cut", meter.full))
    return captured


def _is_of_a_stream(item: Event | Observation) -> bool:
    if isinstance(item, UnfinishedTail):
        return item.loses_fields
    return isinstance(item, Event | Comment | Retry | BlockWithoutData)


def _run(path: Path) -> Recorded:
    folder = path / "transcripts" if (path / "transcripts").is_dir() else path
    files = [file for file in sorted(folder.glob("*.jsonl")) if not _is_only_begun(file)]
    if not 0 < len(files) <= MOST_FILES:
        raise CannotJudge(f"{path}: {'too many' if files else 'no'} transcripts (*.jsonl) here")
    pool = Pool()
    transcripts = [load(file, pool) for file in files]
    return Recorded(transcripts, *_described(path / "run.json"), tuple(pool.notes))


def _is_only_begun(file: Path) -> bool:
    """Whether the writer was killed, or the disk full, within the first row: there is no exchange then."""
    try:
        with file.open("rb") as stream:
            return not stream.readline(MOST_ROW).endswith(b"\n")
    except OSError:
        return False  # whoever reads it says what is wrong


def _described(run: Path) -> tuple[Profile | None, Limits | None, Promises | None]:
    """Return the profile, limits and promises that a run folder was recorded under."""
    try:
        target = read_json(run.read_bytes())["target"]
        return cast("Profile", target["profile"]), Limits(**target["limits"]), _promises(target.get("promises", {}))
    except FileNotFoundError:
        return None, None, None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise CannotJudge(f"{run}: not the run.json of a run ({type(error).__name__}: {error})") from None


def _promises(table: Mapping[str, Any]) -> Promises:
    ends = table.get("ends")
    known = Ends(**{**ends, "in_": tuple(ends.get("in_", ()))}) if ends else None
    return Promises(**{**table, "ends": known})
