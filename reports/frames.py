"""The samples of a run, read: `samples/*.parquet` into one pandas data frame.

Columns (`COLUMNS`; others are not read):

    at_ms     float64   arrival, ms since the start of the load run
    kind      category  connect, first_event, update, gap, existing, open
    value     float64   ms; for "open" +1 (opened) or -1 (closed)
    delay_ms  float32   the generator's own delay, NaN when unknown
    phase     category  phase of the run, "" when there are none

Parts that are still being written have other names and are not read; a part without a whole footer (its
writer was killed) is named in `Samples.unreadable`, never silently dropped.
"""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from ssegauge.reports import schema
from ssegauge.reports.errors import BadRunFolder

COLUMNS = ["at_ms", "kind", "value", "delay_ms", "phase"]
CATEGORIES = ["kind", "phase"]


@dataclass(frozen=True, slots=True)
class Samples:
    """The samples of a run: one row each, and the parts that could not be read."""

    frame: pd.DataFrame
    parts: int = 0
    unreadable: tuple[str, ...] = ()


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


def _read_part(path: Path) -> pa.Table:
    columns = {column.name: str(column.type) for column in pq.read_schema(path)}
    try:
        schema.validate("samples", columns, where=str(path), newer_keys=True)
    except schema.SchemaError as error:
        raise BadRunFolder(f"{error}; run it again with this version of ssegauge") from error
    # One file, not a data set: folder names must not turn into columns.
    with pq.ParquetFile(path, read_dictionary=CATEGORIES) as part:
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
