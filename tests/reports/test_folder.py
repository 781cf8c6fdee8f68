"""Run folders as runs leave them: whole, partial, killed, broken."""

import json
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ssegauge.reports import BadRunFolder
from ssegauge.reports.folder import open_run
from ssegauge.reports.frames import COLUMNS, read_samples
from tests.reports import factory


def test_documents_and_transcripts_are_read(tmp_path: Path) -> None:
    folder = open_run(factory.write_run(tmp_path / "run", load=None))
    assert folder.run == factory.run_document()
    assert folder.conformance == factory.conformance_document()
    assert folder.load is None
    assert folder.transcripts == ("happy-path",)


def test_a_newer_schema_is_for_a_newer_version(tmp_path: Path) -> None:
    factory.write_run(tmp_path, load={"schema": "ssegauge/load/9"})
    with pytest.raises(BadRunFolder, match=r"load.json: a newer ssegauge wrote it; read it with that version"):
        open_run(tmp_path)
    factory.write_run(tmp_path, load={"schema": "ssegauge/load/0"})
    with pytest.raises(BadRunFolder, match="run it again with this version"):
        open_run(tmp_path)


def test_a_key_of_a_newer_version_is_read(tmp_path: Path) -> None:
    folder = open_run(factory.write_run(tmp_path, run=factory.run_document(novelty=1)))
    assert folder.run is not None
    assert folder.run["novelty"] == 1


BAD_FILES = {
    "not json": ("run.json", "{", "cannot be read as JSON"),
    "not utf-8": ("load.json", b"\xff", "cannot be read as JSON"),
    "breaks the schema": ("run.json", json.dumps(factory.run_document(interrupted="no")), "/interrupted"),
    "another schema": ("load.json", json.dumps({"schema": "ssegauge/load/2"}), "load.json"),
    "not an object": ("conformance.json", "[]", "conformance.json"),
}


@pytest.mark.parametrize(("name", "content", "told"), BAD_FILES.values(), ids=BAD_FILES)
def test_a_broken_document_is_told_on_one_line(tmp_path: Path, name: str, content: str | bytes, told: str) -> None:
    factory.write_run(tmp_path)
    (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(BadRunFolder) as error:
        open_run(tmp_path)
    assert told in str(error.value)
    assert name in str(error.value)
    assert "\n" not in str(error.value)


def test_an_empty_folder_holds_no_run(tmp_path: Path) -> None:
    with pytest.raises(BadRunFolder, match=r"holds no run"):
        open_run(tmp_path)


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadRunFolder, match=r"nowhere: no such folder"):
        open_run(tmp_path / "nowhere")


def test_samples_of_all_parts_are_read_whole(tmp_path: Path) -> None:
    written = factory.samples_frame()
    factory.write_parts(tmp_path / "samples", written)
    read = read_samples(tmp_path / "samples")
    assert read.parts > 1
    assert list(read.frame.columns) == COLUMNS
    for column in ("at_ms", "value", "kind", "phase"):
        assert read.frame[column].astype(written[column].dtype).tolist() == written[column].tolist()


def test_parts_with_different_dictionaries_agree(tmp_path: Path) -> None:
    frame = factory.samples_frame()
    factory.write_parts(tmp_path, frame[frame["kind"] == "update"], rows=10_000)
    (tmp_path / "000000.parquet").rename(tmp_path / "updates.parquet")
    factory.write_parts(tmp_path, frame[frame["kind"] == "open"], rows=10_000)
    counts = read_samples(tmp_path).frame["kind"].value_counts()
    assert counts["update"] == (frame["kind"] == "update").sum()
    assert counts["open"] == (frame["kind"] == "open").sum()


def test_no_samples_folder_gives_an_empty_frame_of_the_same_columns(tmp_path: Path) -> None:
    read = read_samples(tmp_path / "samples")
    assert list(read.frame.columns) == COLUMNS
    assert read.frame.empty


def test_unfinished_parts_are_passed_over_and_torn_ones_are_named(tmp_path: Path) -> None:
    factory.write_parts(tmp_path, factory.samples_frame())
    whole = len(read_samples(tmp_path).frame)
    content = (tmp_path / "000000.parquet").read_bytes()
    (tmp_path / ".000009.parquet").write_bytes(content)
    (tmp_path / "000009.parquet.tmp").write_bytes(content)
    (tmp_path / "000008.parquet").write_bytes(content[:-20])
    (tmp_path / "000007.parquet").write_bytes(b"")
    read = read_samples(tmp_path)
    assert len(read.frame) == whole
    assert read.unreadable == ("000007.parquet", "000008.parquet")


def test_a_part_with_other_columns_is_told(tmp_path: Path) -> None:
    pq.write_table(pa.Table.from_pandas(pd.DataFrame({"at": [1.0]})), tmp_path / "1.parquet")
    with pytest.raises(BadRunFolder, match=r"1\.parquet: at /"):
        read_samples(tmp_path)
