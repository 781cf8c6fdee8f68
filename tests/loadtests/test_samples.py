"""Samples on disk: what was added is there, whole, once, and as the contract says."""

from __future__ import annotations

import errno
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from ssegauge.conformance.errors import CannotJudge
from ssegauge.conformance.runfolder import RunFolder
from ssegauge.conformance.target import Call, Target
from ssegauge.loadtests.judging.summary import peak_open, read_together
from ssegauge.loadtests.measuring import samples
from ssegauge.loadtests.measuring.samples import (
    CONNECT,
    EXISTING,
    OPEN,
    UPDATE,
    Parts,
    Rows,
    percentiles,
    read,
    read_phases,
)
from ssegauge.loadtests.running.conducting.conductor import Conductor, Plan
from ssegauge.reports import schema

STARTED_MS = 1_700_000_000_000.0


def rows(count: int, kind: int = UPDATE, phase: int = 0) -> bytes:
    made = Rows()
    made.phase = phase
    for number in range(count):
        at_ns = int((STARTED_MS + number) * 1e6)
        made.add(kind, at_ns, number, number / 2, 1000 * number if number else -1)
    return made.take()


def test_what_was_added_is_read_back(tmp_path: Path) -> None:
    parts = Parts(tmp_path, STARTED_MS)
    parts.write(rows(3))
    parts.write(rows(2, CONNECT))
    at_ms, stream, value, delay_ms = read(tmp_path, UPDATE, "at_ms", "stream", "value", "delay_ms")
    assert at_ms == pytest.approx([0, 1, 2], abs=0.001)
    assert stream.tolist() == [0, 1, 2]
    assert value.tolist() == [0, 0.5, 1]
    assert np.isnan(delay_ms[0])
    assert delay_ms[1:] == pytest.approx([0.001, 0.002])
    assert read(tmp_path, CONNECT, "value")[0].size == 2
    assert read(tmp_path, EXISTING, "value")[0].size == 0


def test_columns_follow_the_contract_before_and_after_merging(tmp_path: Path) -> None:
    parts = Parts(tmp_path, STARTED_MS)
    parts.write(rows(3, phase=1))
    parts.write(rows(3, phase=2))
    for _ in range(2):
        for part in (tmp_path / "samples").glob("*.parquet"):
            schema.validate("samples", {column.name: str(column.type) for column in pq.read_schema(part)})
        parts.merge()
    frame = pd.read_parquet(tmp_path / "samples")
    assert len(frame) == 6
    assert set(frame.phase) == {"off-1", "on-1"}
    assert [path.name for path in (tmp_path / "samples").iterdir()] == ["samples.parquet"]
    assert [path.name for path in tmp_path.iterdir()] == ["samples"]


def test_phases_are_told_apart(tmp_path: Path) -> None:
    parts = Parts(tmp_path, STARTED_MS)
    for phase in (1, 2, 3, 0):
        parts.write(rows(phase + 1, EXISTING, phase))
    assert {name: values.size for name, values in read_phases(tmp_path, EXISTING)} == {
        "off-1": 2,
        "on-1": 3,
        "off-2": 4,
    }


def test_an_unfinished_part_is_not_read(tmp_path: Path) -> None:
    parts = Parts(tmp_path, STARTED_MS)
    parts.write(rows(3))
    (tmp_path / "samples" / "part-000002.tmp").write_bytes(b"PAR1 cut off")
    assert read(tmp_path, UPDATE, "value")[0].size == 3


def test_the_samples_of_another_run_are_not_mixed_in(tmp_path: Path) -> None:
    Parts(tmp_path, STARTED_MS).write(rows(1))
    with pytest.raises(CannotJudge, match="choose another --out"):
        Parts(tmp_path, STARTED_MS)


def test_a_place_that_cannot_be_written_is_said_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(CannotJudge, match="cannot be written"):
        Parts(tmp_path / "file", STARTED_MS)


def test_the_peak_is_the_most_streams_at_once(tmp_path: Path) -> None:
    made = Rows()
    for at, step in ((1, 1), (2, 1), (3, -1), (3, 1), (4, 1), (5, -1), (6, -1), (7, -1)):
        made.add(OPEN, int((STARTED_MS + at) * 1e6), at, step, -1)
    parts = Parts(tmp_path, STARTED_MS)
    parts.write(made.take())
    assert peak_open(tmp_path) == 3


def test_a_folder_without_samples_is_empty(tmp_path: Path) -> None:
    assert read(tmp_path, UPDATE, "value")[0].size == 0
    assert peak_open(tmp_path) == 0
    assert dict(read_phases(tmp_path, EXISTING)) == {}


def test_percentiles_of_samples() -> None:
    assert percentiles(np.arange(101.0)) == {"p50": 50, "p95": 95, "p99": 99, "max": 100, "samples": 101}
    assert percentiles(np.empty(0))["p99"] is None
    assert percentiles(np.array([-0.3]))["max"] == 0  # rounding
    assert percentiles(np.array([-3.0]))["max"] == -3  # another clock


def test_phase_names() -> None:
    assert [samples.phase_name(code) for code in range(5)] == ["", "off-1", "on-1", "off-2", "on-2"]


def test_a_row_takes_little_room(tmp_path: Path) -> None:
    Parts(tmp_path, STARTED_MS).write(rows(20_000))
    (part,) = (tmp_path / "samples").glob("*.parquet")
    assert part.stat().st_size < 20_000 * 30


def test_only_what_was_read_together_may_be_stamped_late(tmp_path: Path) -> None:
    made = Rows()
    for at, stream in ((5, 1), (5, 1), (5, 2), (6, 1)):
        made.add(UPDATE, int((STARTED_MS + at) * 1e6), stream, 1.0, 30_000_000)
    Parts(tmp_path, STARTED_MS).write(made.take())
    assert sorted(read_together(tmp_path)) == [0, 0, 0, 30]


class Around:
    """Nobody around a conductor."""

    def tell(self, order: object) -> None:
        """Give no order."""

    def refresh(self) -> None:
        """Take no report."""

    def say(self, status: object) -> None:
        """Tell nobody."""


def test_a_full_disk_keeps_what_was_written_and_ends_the_run_without_a_verdict(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = Target("http://127.0.0.1:1", Call("/"), "event-stream")
    RunFolder.create(tmp_path / "run", target, ["test"])
    plan = Plan("watch", tmp_path / "run", 1, 1.0, None, drives=False, phased=False)
    conductor = Conductor(plan, target, Around())
    conductor.rows.add(UPDATE, 10**18, 1, 5.0, 0)
    conductor.take_own()
    conductor.flush()
    real = pq.write_table

    def full(table: object, path: Path, **options: object) -> None:
        real(table, path, **options)
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(pq, "write_table", full)
    for _ in range(2):
        conductor.rows.add(UPDATE, 10**18, 1, 7.0, 0)
        conductor.take_own()
        conductor.flush()
    document = conductor.conclude()
    assert document["verdict"] == "could_not_judge"
    assert "No space left on device; what was measured before is kept" in document["generator"]["note"]
    assert read(tmp_path / "run", UPDATE, "value")[0].tolist() == [5.0]
    assert not list((tmp_path / "run" / "samples").glob("*.tmp"))


def test_pages_of_parts_and_of_the_merged_file_carry_checksums(tmp_path: Path) -> None:
    """So a flipped bit is found: see how ``reports.frames`` reads."""
    parts = Parts(tmp_path, STARTED_MS)
    parts.write(rows(20_000))
    for _ in range(2):
        (file,) = (tmp_path / "samples").glob("*.parquet")
        content = bytearray(file.read_bytes())
        content[len(content) // 3] ^= 0x10
        broken = tmp_path / "broken.parquet"
        broken.write_bytes(content)
        with pytest.raises(OSError, match="CRC"), pq.ParquetFile(broken, page_checksum_verification=True) as opened:
            opened.read()
        parts.merge()
