"""Samples: rows in memory, then Parquet parts in the run folder, one each second, so that a killed run keeps them.

A row is one measured thing (see the run folder's contract): when it arrived, of what kind, at which stream,
its value, the generator's own delay, the phase it belongs to, and the type of the event that it is of (see
``event_types``). In memory, and on the way from a worker to the master, a row is seven doubles.

A part is written under another name and then renamed, so every ``*.parquet`` is whole. ``merge`` makes one
file of all parts at the end.
"""

from __future__ import annotations

import math
import shutil
import struct
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from ssegauge.conformance.errors import CannotJudge

KINDS: Final = (
    *("connect", "first_event", "update", "gap", "existing", "open"),
    # of streams that answer a request (see ``answers``): ms, but for the last three
    *("first_token", "token_gap", "token_gap_late", "duration", "time_per_token"),
    *("token_rate", "input_tokens", "output_tokens"),
    # of the server's process (see ``server``): percent of a core, MiB, files
    *("server_cpu", "server_memory", "server_descriptors"),
    # of a process, since its last report: events that came, bytes of their streams; streams that failed and were
    # dropped, updates that were refused, where there are any
    *("events", "bytes", "failed", "dropped", "refused"),
    "recover",  # from the cut of a stream until its reader has one again, ms
    # beside a first token that was read with others, late: by how many ms it may have come earlier
    "first_token_late",
    "first_of_type",  # from a request to the first event of each type in its answer, ms
    "gap_open",  # from a stream's last event until the run was over: the pause may be longer, ms
    "turned_away",  # a request that was refused for want of room (429, 503): by which status
)
CONNECT, FIRST_EVENT, UPDATE, GAP, EXISTING, OPEN = range(6)
FIRST_TOKEN, TOKEN_GAP, TOKEN_GAP_LATE, DURATION, TIME_PER_TOKEN, TOKEN_RATE, INPUT_TOKENS, OUTPUT_TOKENS = range(6, 14)
SERVER_CPU, SERVER_MEMORY, SERVER_DESCRIPTORS = range(14, 17)
EVENTS, BYTES, FAILED, DROPPED, REFUSED, RECOVER = range(17, 23)
FIRST_TOKEN_LATE, FIRST_OF_TYPE, GAP_OPEN, TURNED_AWAY = range(23, 27)
UNKNOWN: Final = math.nan
GROUP: Final = 1 << 17  # rows
_WIDTH: Final = 7
_pack: Final = struct.Struct(f"{_WIDTH}d").pack
_NAMES: Final = pa.array(KINDS)
Floats = np.ndarray[Any, np.dtype[np.float64]]
Ints = np.ndarray[Any, np.dtype[np.int64]]
Texts = np.ndarray[Any, np.dtype[np.object_]]
Labels = Sequence[tuple[str, str]]
ROUNDING_MS: Final = 1.0  # of stamps in whole milliseconds
NO_LABELS: Final[Labels] = (("", ""),)


def phase_name(phase: int) -> str:
    """Return a phase's name: 0 is between phases, odd ones have no streams, even ones have them."""
    return "" if phase == 0 else f"{'off' if phase % 2 else 'on'}-{(phase + 1) // 2}"


def percentiles(values: Floats) -> dict[str, Any]:
    """Return p50, p95, p99 and max, None for no samples; less than 0 (another clock) beyond rounding stays so."""
    if not values.size:
        return {"p50": None, "p95": None, "p99": None, "max": None, "samples": 0}
    found = (*np.percentile(values, (50, 95, 99)), values.max())
    p50, p95, p99, most = (0.0 if -ROUNDING_MS < value < 0 else round(float(value), 4) for value in found)
    return {"p50": p50, "p95": p95, "p99": p99, "max": most, "samples": values.size}


class Rows:
    """Rows of samples in memory."""

    __slots__ = ("_numbers", "phase", "timed_until_ns")

    def __init__(self) -> None:
        self._numbers = bytearray()
        self.phase = 0
        self.timed_until_ns = 2**63  # updates that are due later are counted, not timed

    def add(self, kind: int, arrived_ns: int, stream: int, value: float, delay_ns: int, event_type: int = 0) -> None:
        """Add a row; ``value`` in ms (or +1, -1), ``delay_ns`` negative when unknown, the type by its code."""
        delay = delay_ns / 1e6 if delay_ns >= 0 else UNKNOWN
        self._numbers += _pack(arrived_ns / 1e6, kind, stream, value, delay, self.phase, event_type)

    def add_many(self, kind: int, at_ms: Floats, stream: Ints, value: Floats, delay_ns: Ints, event_type: Ints) -> None:
        """Add rows of a kind."""
        delay = np.where(delay_ns >= 0, delay_ns / 1e6, UNKNOWN)
        kinds, phases = np.full(at_ms.size, kind), np.full(at_ms.size, self.phase)
        rows = np.column_stack((at_ms, kinds, stream, value, delay, phases, event_type))
        self._numbers += rows.astype(np.float64).tobytes()

    def take(self) -> bytes:
        """Return all rows as bytes, and forget them."""
        taken, self._numbers = self._numbers, bytearray()
        return bytes(taken)


def matrix(rows: bytes) -> Floats:
    """Return rows as an array of shape (n, 7)."""
    return np.frombuffer(rows, dtype=np.float64).reshape(-1, _WIDTH)


def table(rows: bytes, started_ms: float, labels: Labels = NO_LABELS) -> pa.Table:
    """Return rows as the run folder wants them, times relative to the run's start (epoch ms).

    ``labels`` are the types and stages of events, by code.
    """
    numbers = matrix(rows)
    at, kind, stream, value, delay, phase, event_type = numbers.T
    phases, index = np.unique(phase.astype(np.int32), return_inverse=True)
    names = pa.array([phase_name(int(code)) for code in phases], pa.string())
    types, stages = (_labelled(event_type, [label[part] for label in labels]) for part in (0, 1))
    return pa.table(
        {
            "at_ms": at - started_ms,
            "kind": pa.DictionaryArray.from_arrays(kind.astype(np.int32), _NAMES),
            "stream": stream.astype(np.int32),
            "value": np.ascontiguousarray(value),
            "delay_ms": delay.astype(np.float32),
            "phase": pa.DictionaryArray.from_arrays(index.astype(np.int32), names),
            "type": types,
            "stage": stages,
        }
    )


def _labelled(codes: Floats, names: Sequence[str]) -> pa.DictionaryArray:
    """Return names by code, each of them once: several labels have the same type, or stage."""
    distinct = list(dict.fromkeys(names))
    place = np.array([distinct.index(name) for name in names], dtype=np.int32)
    return pa.DictionaryArray.from_arrays(place[codes.astype(np.int32)], pa.array(distinct, pa.string()))


class Parts:
    """Writes the parts of one run folder.

    Raises CannotJudge when the folder cannot be written to, or holds the samples of another run.
    """

    def __init__(self, run_folder: Path, started_ms: float) -> None:
        self.folder = run_folder / "samples"
        self._started_ms = started_ms
        self._count = 0
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            if next(self.folder.glob("*.parquet"), None):
                raise CannotJudge(f"{run_folder}: holds the samples of another run; choose another --out")
            self._write(b"", self.folder / "trial.tmp")  # also loads what later writes must not wait for
            (self.folder / "trial.tmp").unlink()
        except OSError as error:
            raise CannotJudge(f"{run_folder}: cannot be written to ({error.strerror}); choose another --out") from None

    def write(self, rows: bytes, labels: Labels = NO_LABELS) -> None:
        """Write a part, unless there is nothing to write. Raises OSError, and leaves no piece of it behind."""
        if not rows:
            return
        self._count += 1
        unfinished = self.folder / f"part-{self._count:06}.tmp"
        try:
            self._write(rows, unfinished, labels)
        except OSError:
            unfinished.unlink(missing_ok=True)  # a full disk then has room for the verdict
            raise
        unfinished.rename(unfinished.with_suffix(".parquet"))

    def _write(self, rows: bytes, path: Path, labels: Labels = NO_LABELS) -> None:
        pq.write_table(table(rows, self._started_ms, labels), path, compression="zstd", write_page_checksum=True)

    def merge(self) -> None:
        """Make one file of all parts. Interrupted at any point, the rows are still there, once, in a folder.

        Where there is no room for it the parts stay.
        """
        merged = self.folder.with_name("samples.merged")
        try:
            self._merge(merged)
        except OSError:
            shutil.rmtree(merged, ignore_errors=True)
            return
        pa.default_memory_pool().release_unused()
        parts = self.folder.rename(self.folder.with_name("samples.parts"))
        merged.rename(self.folder)
        shutil.rmtree(parts)

    def _merge(self, merged: Path) -> None:
        merged.mkdir(exist_ok=True, mode=0o700)
        file, options = merged / "samples.parquet", {"compression": "zstd", "write_page_checksum": True}
        with pq.ParquetWriter(file, _schema(), **options) as writer:
            for rows in _together(sorted(self.folder.glob("*.parquet"))):
                writer.write_table(rows)


def _together(parts: Iterable[Path]) -> Iterator[pa.Table]:
    """Yield the rows of parts, some `GROUP` at a time: a reader holds a kilobyte for each group of them."""
    held: list[pa.Table] = []
    for part in parts:
        held.append(pq.read_table(part).cast(_schema()))
        if sum(one.num_rows for one in held) >= GROUP:
            yield pa.concat_tables(held).unify_dictionaries()
            held.clear()
    if held:
        yield pa.concat_tables(held).unify_dictionaries()


def read(run_folder: Path, kind: int, *columns: str) -> tuple[Floats, ...]:
    """Return columns of all samples of a kind, as doubles, in no particular order."""
    parts = [str(part) for part in (run_folder / "samples").glob("*.parquet")]
    if not parts:
        return tuple(np.empty(0) for _ in columns)
    wanted = ds.field("kind") == KINDS[kind]
    found = ds.dataset(parts, schema=_schema()).to_table(columns=list(columns), filter=wanted)
    return tuple(_doubles(found.column(name)) for name in columns)


def read_phases(run_folder: Path, kind: int) -> Iterator[tuple[str, Floats]]:
    """Yield, for each phase, its name and the values of a kind in it."""
    parts = [str(part) for part in (run_folder / "samples").glob("*.parquet")]
    wanted = (ds.field("kind") == KINDS[kind]) & (ds.field("phase") != "")
    found = ds.dataset(parts, schema=_schema()).to_table(columns=["phase", "value"], filter=wanted)
    names = found.column("phase").cast(pa.string()).to_numpy()
    values = _doubles(found.column("value"))
    for name in np.unique(names):
        yield str(name), values[names == name]


def read_types(run_folder: Path, kind: int) -> Iterator[tuple[str, str, Floats]]:
    """Yield, for each type and stage of events, the values of a kind."""
    parts = [str(part) for part in (run_folder / "samples").glob("*.parquet")]
    if not parts:
        return
    found = ds.dataset(parts, schema=_schema()).to_table(columns=["type", "stage", "value"], filter=_is(kind))
    types, stages = (_texts(found.column(name)) for name in ("type", "stage"))
    values = _doubles(found.column("value"))
    for name, stage in sorted({*zip(types, stages, strict=True)}):
        yield name, stage, values[(types == name) & (stages == stage)]


def _is(kind: int) -> ds.Expression:
    return ds.field("kind") == KINDS[kind]


def _texts(column: pa.ChunkedArray) -> Texts:
    return np.asarray(column.cast(pa.string()).fill_null("").to_numpy(), dtype=object)


def _doubles(column: pa.ChunkedArray) -> Floats:
    return np.asarray(column.to_numpy(), dtype=np.float64)


def _schema() -> pa.Schema:
    text = pa.dictionary(pa.int32(), pa.string())
    return pa.schema(
        [
            ("at_ms", pa.float64()),
            ("kind", text),
            ("stream", pa.int32()),
            ("value", pa.float64()),
            ("delay_ms", pa.float32()),
            ("phase", text),
            ("type", text),
            ("stage", text),
        ]
    )
