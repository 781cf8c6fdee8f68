"""The samples of a run, read: `samples/*.parquet` into one pandas data frame.

Columns (`COLUMNS`; others are not read):

    at_ms     float64   arrival, ms since the start of the load run
    kind      category  connect, first_event, update, gap, existing, open
    value     float64   ms; for "open" +1 (opened) or -1 (closed)
    delay_ms  float32   the generator's own delay, NaN when unknown
    phase     category  phase of the run, "" when there are none
    type      category  type of the event that the sample is of, "" for none; these two only where they are asked for
    stage     category  stage that it tells, "" for none

Parts that are still being written have other names and are not read. A part that is torn, damaged or holds what
cannot be (a time that is no number) is named in `Samples.unreadable`, never silently dropped.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ssegauge.reports import schema
from ssegauge.reports.errors import BadRunFolder
from ssegauge.reports.folder import shown

COLUMNS = ["at_ms", "kind", "value", "delay_ms", "phase"]
LABELS = ["type", "stage"]
CATEGORIES = ["kind", "phase", *LABELS]
MOST_ROWS = 20_000_000  # some 2 GiB of memory while a report is made; 50,000 events a second for six minutes
MOST_BYTES_A_ROW = 64
MOST_BYTES_A_PART = 1 << 20  # besides its rows
LONGEST_MS = 1e11  # three years


@dataclass(frozen=True, slots=True)
class Samples:
    """The samples of a run: one row each, and the parts that could not be read."""

    frame: pd.DataFrame
    parts: int = 0
    unreadable: tuple[str, ...] = ()


def read_samples(folder: Path, *, labels: bool = False) -> Samples:
    """Read every whole part of a samples folder; it may be missing. ``labels``: the types and stages of events too.

    Raises:
        BadRunFolder: a part has other columns than the contract's, the folder changes meanwhile, or it holds more
            than can be held in memory.
    """
    tables, unreadable, rows = [], [], 0
    columns = [*COLUMNS, *LABELS] if labels else COLUMNS
    paths = sorted(path for path in folder.glob("*.parquet") if not path.name.startswith((".", "_")))
    for path in paths:
        try:
            tables.append(_read_part(path, MOST_ROWS - rows, columns))
        except FileNotFoundError:
            raise BadRunFolder(f"{shown(path)}: gone while it was read; wait for the end of the run") from None
        except (pa.ArrowException, OSError, ValueError):
            unreadable.append(shown(path.name))
        else:
            rows += len(tables[-1])
    return Samples(_to_frame(tables, columns), len(paths), tuple(unreadable))


def _read_part(path: Path, most: int, columns: Sequence[str]) -> pa.Table:
    if not path.is_file() and path.exists():
        raise ValueError("a folder or a pipe")
    found = pq.read_schema(path)
    _check_columns(path, found)
    categories = [name for name in CATEGORIES if name in found.names]
    # One file, not a data set: folder names must not turn into columns.
    with pq.ParquetFile(path, read_dictionary=categories, page_checksum_verification=True) as part:
        _check_size(path, part.metadata, most)
        # What pandas noted there is not asked for.
        return _whole(_sane(part.read(columns=list(columns)).replace_schema_metadata()), columns)


def _whole(part: pa.Table, columns: Sequence[str]) -> pa.Table:
    """Return a part with all columns: that of an older version has no labels."""
    nothing = pa.array([""] * part.num_rows, pa.string()).dictionary_encode()
    for name in set(columns) - set(part.column_names):
        part = part.append_column(name, nothing)
    return part.select(list(columns))


def _check_columns(path: Path, found: pa.Schema) -> None:
    columns = {column.name: str(column.type) for column in found}
    try:
        schema.validate("samples", columns, where=shown(path), newer_keys=True)
    except schema.SchemaError as error:
        raise BadRunFolder(f"{error}; run it again with this version of ssegauge") from error


def _check_size(path: Path, metadata: pq.FileMetaData, most: int) -> None:
    """Raise BadRunFolder for more rows than may be, ValueError for rows that are longer than a sample."""
    if metadata.num_rows > most:
        raise BadRunFolder(f"{shown(path)}: with it the run has more than {MOST_ROWS:,} samples, too many for a report")
    groups = (metadata.row_group(index) for index in range(metadata.num_row_groups))
    if sum(group.total_byte_size for group in groups) > metadata.num_rows * MOST_BYTES_A_ROW + MOST_BYTES_A_PART:
        raise ValueError("longer than its samples")


def _sane(part: pa.Table) -> pa.Table:
    """Return the part if it holds what it says: text that is text, times that are numbers; raises ValueError."""
    part.validate(full=True)
    values = part.select(["at_ms", "value"])
    for name, column in zip(values.column_names, values.columns, strict=True):
        longest = pc.max(pc.abs(column)).as_py() or 0.0
        if column.null_count or not longest <= LONGEST_MS or (name == "at_ms" and pc.any(pc.is_nan(column)).as_py()):
            raise ValueError(f"{name} holds what is no time")
    return part


def _to_frame(tables: list[pa.Table], columns: Sequence[str]) -> pd.DataFrame:
    if not tables:
        return pd.DataFrame({name: pd.Series(dtype=_dtype(name)) for name in columns})
    table = pa.concat_tables(tables, promote_options="permissive").unify_dictionaries()
    tables.clear()  # the columns are handed over below, one by one, so that they are never held twice
    frame: pd.DataFrame = table.to_pandas(categories=[], split_blocks=True, self_destruct=True)
    return frame


def _dtype(name: str) -> str:
    return "category" if name in CATEGORIES else "float32" if name == "delay_ms" else "float64"
