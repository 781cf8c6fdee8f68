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

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ssegauge.reports import schema
from ssegauge.reports.errors import BadRunFolder
from ssegauge.reports.folder import shown
from ssegauge.reports.pages import check_footer, unpacked

COLUMNS = ["at_ms", "kind", "value", "delay_ms", "phase"]
LABELS = ["type", "stage"]
CATEGORIES = ["kind", "phase", *LABELS]
MOST_ROWS = 20_000_000  # some 950 MiB of memory while a report is made; 50,000 events a second for six minutes
MOST_NAMES = 10_000  # of kinds, phases, types or stages: runs name some hundreds
MOST_BYTES_A_ROW = 64
MOST_BYTES_A_PART = 1 << 20  # besides its rows
AT_ONCE = 1 << 18  # rows
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
    columns = [*COLUMNS, *LABELS] if labels else COLUMNS
    kept, unreadable = _Kept(columns), []
    paths = sorted(path for path in folder.glob("*.parquet") if not path.name.startswith((".", "_")))
    for path in paths:
        try:
            kept.take(_read_part(path, MOST_ROWS - kept.rows, columns))
        except FileNotFoundError:
            raise BadRunFolder(f"{shown(path)}: gone while it was read; wait for the end of the run") from None
        except (pa.ArrowException, OSError, ValueError):
            unreadable.append(shown(path.name))
    return Samples(kept.frame(), len(paths), tuple(unreadable))


class _Kept:
    """The rows read so far, as arrays of numbers: Arrow's own tables, and pieces put together, take twice the memory.

    Room that is never written to is none: of it the system gives only what is used.
    """

    def __init__(self, columns: Sequence[str]) -> None:
        self.rows = 0
        self._columns = {name: np.empty(MOST_ROWS, _dtype(name)) for name in columns}
        self._codes: dict[str, dict[str, int]] = {name: {} for name in columns if name in CATEGORIES}

    def take(self, batches: Iterable[pa.RecordBatch]) -> None:
        """Take a part, batch by batch; all of it or, where reading it fails, nothing."""
        rows = self.rows
        for batch in batches:
            for name, column in self._columns.items():
                column[rows : rows + batch.num_rows] = self._numbers(batch, name)
            rows += batch.num_rows
        self.rows = rows

    def frame(self) -> pd.DataFrame:
        """Return the rows, and hold them no longer."""
        return pd.DataFrame({name: self._column(name) for name in [*self._columns]}, copy=False)

    def _numbers(self, batch: pa.RecordBatch, name: str) -> npt.NDArray[Any]:
        if (codes := self._codes.get(name)) is None:
            return np.asarray(batch[name])
        if name not in batch.schema.names:  # a part of an older version has no labels
            return np.full(batch.num_rows, codes.setdefault("", len(codes)))
        dictionary = batch[name].dictionary
        named = [codes.setdefault(one, len(codes)) for one in dictionary[: MOST_NAMES + 1].to_pylist()]
        if max(len(codes), len(dictionary)) > MOST_NAMES:
            raise ValueError(f"too many names of a {name}")
        places: npt.NDArray[Any] = batch[name].indices.fill_null(-1).to_numpy(zero_copy_only=False)
        numbers: npt.NDArray[Any] = np.array([*named, -1])[places]
        return numbers

    def _column(self, name: str) -> npt.NDArray[Any] | pd.Categorical:
        numbers = self._columns.pop(name)[: self.rows]
        if name not in self._codes:
            return numbers
        return pd.Categorical.from_codes(numbers, pd.Index([*self._codes[name]], dtype="str"))


def _read_part(path: Path, most: int, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
    if not path.is_file() and path.exists():
        raise ValueError("a folder or a pipe")
    with path.open("rb") as file:
        check_footer(file)
    found = pq.read_schema(path)
    _check_columns(path, found)
    categories = [name for name in CATEGORIES if name in found.names]
    # One file, not a data set: folder names must not turn into columns.
    with pq.ParquetFile(path, read_dictionary=categories, page_checksum_verification=True) as part:
        wanted = [name for name in columns if name in found.names]
        _check_size(path, part.metadata, most, wanted)
        yield from map(_sane, part.iter_batches(AT_ONCE, columns=wanted, use_threads=False))


def _check_columns(path: Path, found: pa.Schema) -> None:
    columns = {column.name: str(column.type) for column in found}
    try:
        schema.validate("samples", columns, where=shown(path), newer_keys=True)
    except schema.SchemaError as error:
        raise BadRunFolder(f"{error}; run it again with this version of ssegauge") from error


def _check_size(path: Path, metadata: pq.FileMetaData, most: int, wanted: Iterable[str]) -> None:
    """Raise BadRunFolder for more rows than may be, ValueError for rows that are longer than a sample."""
    if metadata.num_rows > most:
        raise BadRunFolder(f"{shown(path)}: with it the run has more than {MOST_ROWS:,} samples, too many for a report")
    left = metadata.num_rows * MOST_BYTES_A_ROW + MOST_BYTES_A_PART
    with path.open("rb") as file:
        for size in unpacked(file, metadata, frozenset(wanted)):
            if (left := left - size) < 0:
                raise ValueError("longer than its samples")


def _sane(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Return the rows if they hold what they say: text that is text, times that are numbers; raises ValueError."""
    batch.validate(full=True)
    for name in ("at_ms", "value"):
        column = batch.column(batch.schema.get_field_index(name))
        longest = pc.max(pc.abs(column)).as_py() or 0.0
        if column.null_count or not longest <= LONGEST_MS or (name == "at_ms" and pc.any(pc.is_nan(column)).as_py()):
            raise ValueError(f"{name} holds what is no time")
    return batch


def _dtype(name: str) -> str:
    return "int32" if name in CATEGORIES else "float32" if name == "delay_ms" else "float64"
