"""A run folder's documents, read and checked: JSON to dictionaries, without the libraries for the samples.

A folder of a killed or partial run is fine: what is not there is None. A folder that holds no run, or a document
that breaks its schema, raises `BadRunFolder`.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ssegauge.reports import schema
from ssegauge.reports.errors import BadRunFolder

Document = dict[str, Any]


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
        raise BadRunFolder(f"{path}: no such folder; give the folder that `ssegauge run --out` wrote")
    run, conformance, load = _read(path, "run"), _read(path, "conformance"), _read(path, "load")
    folder = RunFolder(path, run, conformance, load, _transcripts(path))
    if not (folder.run or folder.conformance or folder.load):
        raise BadRunFolder(f"{path}: holds no run (no run.json, conformance.json or load.json)")
    return folder


def _read(folder: Path, kind: schema.Kind) -> Document | None:
    path = folder / f"{kind}.json"
    if not path.exists():
        return None
    try:
        document: Document = json.loads(path.read_text("utf-8"))
        schema.validate(kind, document, where=str(path), newer_keys=True)
    except schema.SchemaError as error:
        raise BadRunFolder(f"{error}; run it again with this version of ssegauge") from error
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise BadRunFolder(f"{path}: cannot be read as JSON ({error}); run it again") from error
    return document


def _transcripts(folder: Path) -> tuple[str, ...]:
    return tuple(sorted(path.stem for path in (folder / "transcripts").glob("*.jsonl")))
