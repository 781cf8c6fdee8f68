"""A run folder's documents, read and checked: JSON to dictionaries, without the libraries for the samples.

A folder of a killed or partial run is fine: what is not there is None. A folder that holds no run, or a document
that breaks its schema, raises `BadRunFolder`.
"""

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ssegauge.reports import schema
from ssegauge.reports.errors import BadRunFolder
from ssegauge.reports.render.visible import prose

Document = dict[str, Any]
LARGEST = 8 << 20  # bytes of a document; a check of all rules writes some 200 KiB
MOST_VALUES = 300_000  # of a document; each may take some 100 bytes of memory
DEEPEST = 60
LONGEST_NUMBER = 300  # digits; a float holds no more


def shown(path: Path | str) -> str:
    """Return a path for people and for files in UTF-8: the bytes of a name that are no text are pictured."""
    return prose(str(path))


@dataclass(frozen=True, slots=True)
class RunFolder:
    """The documents of a run folder; None where the run did not write one."""

    path: Path
    run: Document | None
    conformance: Document | None
    load: Document | None
    transcripts: tuple[str, ...] = ()


def open_run(path: Path) -> RunFolder:
    """Read a run folder's documents.

    Raises:
        BadRunFolder: there is no such folder, no run in it, or a document breaks its schema.
    """
    if not path.is_dir():
        raise BadRunFolder(f"{shown(path)}: no such folder; give the folder that `ssegauge run --out` wrote")
    run, conformance, load = _read(path, "run"), _read(path, "conformance"), _read(path, "load")
    folder = RunFolder(path, run, conformance, load, _transcripts(path))
    if not (folder.run or folder.conformance or folder.load):
        raise BadRunFolder(f"{shown(path)}: holds no run (no run.json, conformance.json or load.json)")
    return folder


def _read(folder: Path, kind: schema.Kind) -> Document | None:
    path = folder / f"{kind}.json"
    try:
        document = _parsed(path)
        if schema.is_newer(kind, document):
            raise BadRunFolder(f"{shown(path)}: a newer ssegauge wrote it; read it with that version, or a newer one")
        if document is not None:
            schema.validate(kind, document, where=shown(path), newer_keys=True)
    except schema.SchemaError as error:
        raise BadRunFolder(f"{error}; run it again with this version of ssegauge") from error
    except (OSError, ValueError, RecursionError) as error:
        reason = (isinstance(error, OSError) and error.strerror) or error
        raise BadRunFolder(f"{shown(path)}: cannot be read as JSON ({prose(str(reason))}); run it again") from error
    return document


def _parsed(path: Path) -> Document | None:
    """Return what is in the file, of any type; None where there is none. Raises OSError, ValueError, RecursionError."""
    if not path.exists():
        return None
    if not path.is_file():  # to open a pipe would be to wait for its other end
        raise ValueError("it is no file")
    with path.open("rb") as file:
        text = file.read(LARGEST + 1)
    if len(text) > LARGEST:
        raise ValueError(f"it is larger than {LARGEST >> 20} MiB, which no run writes")
    if sum(map(text.count, (b",", b"[", b"{"))) > MOST_VALUES:
        raise ValueError(f"it holds more than {MOST_VALUES:,} values, which no run writes")
    document: Document = json.loads(text, parse_constant=_refuse, parse_float=_finite, parse_int=_whole)
    if _is_deeper(document, DEEPEST):
        raise ValueError(f"it is nested deeper than {DEEPEST} levels, which no run writes")
    return document


def _refuse(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


def _finite(text: str) -> float:
    if not math.isfinite(number := float(text)):
        raise ValueError(f"{text:.20} is out of range")
    return number


def _whole(text: str) -> int:
    if len(text) > LONGEST_NUMBER:
        raise ValueError(f"{text:.20} is out of range")
    return int(text)


def _is_deeper(value: object, levels: int) -> bool:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return levels < 0 or any(_is_deeper(one, levels - 1) for one in inner)


def _transcripts(folder: Path) -> tuple[str, ...]:
    return tuple(sorted(shown(path.stem) for path in (folder / "transcripts").glob("*.jsonl")))
