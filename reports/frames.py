"""A run folder, read: its documents as dictionaries, its samples as a pandas data frame.

`open_run(path)` reads and checks the JSON documents. A folder of a killed or partial run is fine: what is
not there is None. A folder that holds no run, or a document that breaks its schema, raises
`BadRunFolder`.

`read_samples(path)` reads `samples/*.parquet` into one frame with the columns of `COLUMNS`:

    at_ms     float64   arrival, ms since the start of the load run
    kind      category  connect, first_event, update, gap, existing, open
    value     float64   ms; for "open" +1 (opened) or -1 (closed)
    delay_ms  float32   the generator's own delay, NaN when unknown
    phase     category  phase of the run, "" when there are none

Parts that are still being written have other names and are not read; a part without a whole footer (its
writer was killed) is named in `Samples.unreadable`, never silently dropped.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from reports import schema
from reports.errors import BadRunFolder

Document = dict[str, Any]
COLUMNS = ["at_ms", "kind", "value", "delay_ms", "phase"]
CATEGORIES = ["kind", "phase"]


@dataclass(frozen=True, slots=True)
class Samples:
    """The samples of a run: one row each, and the parts that could not be read."""

    frame: pd.DataFrame
    parts: int = 0
    unreadable: tuple[str, ...] = ()

    def of(self, kind: str) -> pd.DataFrame:
        """Return the rows of one kind."""
        return self.frame[self.frame["kind"] == kind]


@dataclass(frozen=True, slots=True)
class RunFolder:
    """The documents of a run folder; None where the run did not write one."""

    path: Path
    run: Document | None
    conformance: Document | None
    load: Document | None
    transcripts: tuple[str, ...] = ()

    def samples(self) -> Samples:
        """Read the samples; an empty frame when there are none."""
        return read_samples(self.path / "samples")


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


def read_samples(folder: Path) -> Samples:
    """Read every whole part of a samples folder; it may be missing.

    Raises:
        BadRunFolder: a part has other columns than the contract's.
    """
    tables, unreadable = [], []
    paths = sorted(path for path in folder.glob("*.parquet") if not path.name.startswith((".", "_")))
    for path in paths:
        try:
            tables.append(_read_part(path))
        except pa.ArrowInvalid:
            unreadable.append(path.name)
    return Samples(_to_frame(tables), len(paths), tuple(unreadable))


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


def _read_part(path: Path) -> pa.Table:
    with pq.ParquetFile(path, read_dictionary=CATEGORIES) as part:
        columns = {column.name: str(column.type) for column in part.schema_arrow}
        try:
            schema.validate("samples", columns, where=str(path), newer_keys=True)
        except schema.SchemaError as error:
            raise BadRunFolder(f"{error}; run it again with this version of ssegauge") from error
        return part.read(columns=COLUMNS)


def _to_frame(tables: list[pa.Table]) -> pd.DataFrame:
    if not tables:
        return pd.DataFrame({name: pd.Series(dtype=_dtype(name)) for name in COLUMNS})
    table = pa.concat_tables(tables, promote_options="permissive").unify_dictionaries()
    tables.clear()  # the columns are handed over below, one by one, so that they are never held twice
    frame: pd.DataFrame = table.to_pandas(categories=[], split_blocks=True, self_destruct=True)
    return frame


def _dtype(name: str) -> str:
    return "category" if name in CATEGORIES else "float32" if name == "delay_ms" else "float64"
