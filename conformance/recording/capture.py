"""Reads what was recorded, for judging without a network: transcripts, run folders, and bytes that curl captured."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from ssegauge.conformance.errors import CannotJudge
from ssegauge.conformance.recording.transcript import SCHEMA, Transcript, from_capture, load, loads
from ssegauge.conformance.sse import BlockWithoutData, Comment, Event, Observation, Retry, UnfinishedTail, decode
from ssegauge.conformance.target import Ends, Limits, Profile, Promises

MOST_BYTES = 64 << 20


@dataclass(frozen=True, slots=True)
class Recorded:
    """Transcripts, and the profile, limits and promises they were recorded under, where that is known."""

    transcripts: list[Transcript]
    profile: Profile | None = None
    limits: Limits | None = None
    promises: Promises | None = None


def read(where: str) -> Recorded:
    """Read a transcript, a run folder, or captured bytes; ``-`` is standard input.

    Raises CannotJudge, with the place, for what cannot be read or holds nothing.
    """
    path = Path(where)
    if where != "-" and path.is_dir():
        return _run(path)
    try:
        raw = sys.stdin.buffer.read() if where == "-" else path.read_bytes()
    except OSError as error:
        raise CannotJudge(f"{where}: {error.strerror or error}; give a file, a run folder, or - for input") from None
    if not raw.strip():
        raise CannotJudge(f"{'standard input' if where == '-' else where}: nothing in it to judge")
    if raw.lstrip().startswith(b"{") and SCHEMA.encode() in raw[:200]:
        return Recorded([loads(raw.decode("utf-8", "replace"), where)])
    return Recorded([_capture(raw, where)])


def _capture(raw: bytes, where: str) -> Transcript:
    """Return captured bytes as a transcript; raises CannotJudge when no event stream is in them."""
    if len(raw) > MOST_BYTES:
        raise CannotJudge(f"{where}: larger than {MOST_BYTES >> 20} MiB; judge a part of it")
    captured = from_capture(raw, "standard-input" if where == "-" else Path(where).stem)
    if captured.head is None and not any(map(_is_of_a_stream, decode(captured.body))):
        raise CannotJudge(f"{where}: no event stream in it; capture one with `curl -iN URL`")
    return captured


def _is_of_a_stream(item: Event | Observation) -> bool:
    if isinstance(item, UnfinishedTail):
        return item.loses_fields
    return isinstance(item, Event | Comment | Retry | BlockWithoutData)


def _run(path: Path) -> Recorded:
    folder = path / "transcripts" if (path / "transcripts").is_dir() else path
    files = sorted(folder.glob("*.jsonl"))
    if not files:
        raise CannotJudge(f"{path}: no transcripts (*.jsonl) here")
    return Recorded([load(file) for file in files], *_described(path / "run.json"))


def _described(run: Path) -> tuple[Profile | None, Limits | None, Promises | None]:
    """Return the profile, limits and promises that a run folder was recorded under."""
    try:
        target = json.loads(run.read_text(encoding="utf-8"))["target"]
        return cast("Profile", target["profile"]), Limits(**target["limits"]), _promises(target.get("promises", {}))
    except FileNotFoundError:
        return None, None, None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CannotJudge(f"{run}: not the run.json of a run ({type(error).__name__}: {error})") from None


def _promises(table: Mapping[str, Any]) -> Promises:
    ends = table.get("ends")
    known = Ends(**{**ends, "in_": tuple(ends.get("in_", ()))}) if ends else None
    return Promises(**{**table, "ends": known})
