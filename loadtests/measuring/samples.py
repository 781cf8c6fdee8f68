"""Samples: rows in memory, then Parquet parts in the run folder, one each second, so that a killed run keeps them.

A row is one measured thing (see the run folder's contract): when it arrived, of what kind, at which stream,
its value, the generator's own delay, and the phase it belongs to. In memory, and on the way from a worker to
the master, a row is six doubles.

A part is written under another name and then renamed, so every ``*.parquet`` is whole. ``merge`` makes one
file of all parts at the end.
"""

from __future__ import annotations

import math
import shutil
import struct
from array import array
from collections.abc import Iterator
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
    # beside a first token that was read with others, late: by how many ms it may have come earlier
    "first_token_late",
)
CONNECT, FIRST_EVENT, UPDATE, GAP, EXISTING, OPEN = range(6)
FIRST_TOKEN, TOKEN_GAP, TOKEN_GAP_LATE, DURATION, TIME_PER_TOKEN, TOKEN_RATE, INPUT_TOKENS, OUTPUT_TOKENS = range(6, 14)
SERVER_CPU, SERVER_MEMORY, SERVER_DESCRIPTORS = range(14, 17)
FIRST_TOKEN_LATE: Final = 17
UNKNOWN: Final = math.nan
_WIDTH: Final = 6
_pack: Final = struct.Struct(f"{_WIDTH}d").pack
_NAMES: Final = pa.array(KINDS)
Floats = np.ndarray[Any, np.dtype[np.float64]]


def phase_name(phase: int) -> str:
    """Return a phase's name: 0 is between phases, odd ones have no streams, even ones have them."""
    return "" if phase == 0 else f"{'off' if phase % 2 else 'on'}-{(phase + 1) // 2}"


class Rows:
    """Rows of samples in memory."""

    __slots__ = ("_numbers", "phase", "timed_until_ns")

    def __init__(self) -> None:
        self._numbers = array("d")
        self.phase = 0
        self.timed_until_ns = 2**63  # updates that are due later are counted, not timed

    def add(self, kind: int, arrived_ns: int, stream: int, value: float, delay_ns: int) -> None:
        """Add a row; ``value`` in ms (or +1, -1), ``delay_ns`` negative when unknown."""
        delay = delay_ns / 1e6 if delay_ns >= 0 else UNKNOWN
        self._numbers.frombytes(_pack(arrived_ns / 1e6, kind, stream, value, delay, self.phase))

    def take(self) -> bytes:
        """Return all rows as bytes, and forget them."""
        taken, self._numbers = self._numbers, array("d")
        return taken.tobytes()


def matrix(rows: bytes) -> Floats:
    """Return rows as an array of shape (n, 6)."""
    return np.frombuffer(rows, dtype=np.float64).reshape(-1, _WIDTH)


def table(rows: bytes, started_ms: float) -> pa.Table:
    """Return rows as the run folder wants them, times relative to the run's start (epoch ms)."""
    numbers = matrix(rows)
    at, kind, stream, value, delay, phase = numbers.T
    phases, index = np.unique(phase.astype(np.int32), return_inverse=True)
    names = pa.array([phase_name(int(code)) for code in phases], pa.string())
    return pa.table(
        {
            "at_ms": at - started_ms,
            "kind": pa.DictionaryArray.from_arrays(kind.astype(np.int32), _NAMES),
            "stream": stream.astype(np.int32),
            "value": np.ascontiguousarray(value),
            "delay_ms": delay.astype(np.float32),
            "phase": pa.DictionaryArray.from_arrays(index.astype(np.int32), names),
        }
    )


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

    def write(self, rows: bytes) -> None:
        """Write a part, unless there is nothing to write. Raises OSError, and leaves no piece of it behind."""
        if not rows:
            return
        self._count += 1
        unfinished = self.folder / f"part-{self._count:06}.tmp"
        try:
            self._write(rows, unfinished)
        except OSError:
            unfinished.unlink(missing_ok=True)  # a full disk then has room for the verdict
            raise
        unfinished.rename(unfinished.with_suffix(".parquet"))

    def _write(self, rows: bytes, path: Path) -> None:
        pq.write_table(table(rows, self._started_ms), path, compression="zstd", write_page_checksum=True)

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
        parts = self.folder.rename(self.folder.with_name("samples.parts"))
        merged.rename(self.folder)
        shutil.rmtree(parts)

    def _merge(self, merged: Path) -> None:
        merged.mkdir(exist_ok=True, mode=0o700)
        file, options = merged / "samples.parquet", {"compression": "zstd", "write_page_checksum": True}
        with pq.ParquetWriter(file, _schema(), **options) as writer:
            for part in sorted(self.folder.glob("*.parquet")):
                writer.write_table(pq.read_table(part).cast(_schema()))


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
        ]
    )
