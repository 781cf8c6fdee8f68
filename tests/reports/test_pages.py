"""Parquet parts that take far more memory than their footers say, and those whose footers are the burden."""

from io import BytesIO
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ssegauge.reports.frames import MOST_NAMES, read_samples
from ssegauge.reports.pages import LARGEST_PAGE, LONGEST_FOOTER, unpacked
from tests.reports import factory

ROWS = factory.samples_frame()


def write(path: Path, metadata: dict[str, str] | None = None, **columns: Any) -> pq.FileMetaData:
    """Write a part, with some columns of another content, without statistics in its footer."""
    table = pa.Table.from_pandas(ROWS.assign(**columns), factory.SAMPLES_SCHEMA, preserve_index=False)
    table = table.replace_schema_metadata(metadata)
    pq.write_table(table, path, compression="zstd", write_statistics=False, dictionary_pagesize_limit=1 << 30)
    return pq.read_metadata(path)


def varint(number: int, length: int = 0) -> bytes:
    """Return an integer as Thrift's compact protocol has it, with as many bytes as are wanted."""
    groups = [number << 1 >> shift & 127 for shift in range(0, max(7 * length, (number << 1).bit_length()), 7)]
    return bytes([*(one | 128 for one in groups[:-1]), groups[-1]])


def understated(path: Path, *sizes: int) -> None:
    """Have the footer say that what takes this many bytes takes a thousand."""
    content = path.read_bytes()
    for size in sizes:
        assert varint(size) in content
        content = content.replace(varint(size), varint(1000, len(varint(size))))
    path.write_bytes(content)


@pytest.mark.parametrize("version", ["1.0", "2.0"])
def test_pages_take_what_the_footer_of_an_honest_part_says(version: str, tmp_path: Path) -> None:
    table = pa.Table.from_pandas(ROWS, factory.SAMPLES_SCHEMA, preserve_index=False)
    pq.write_table(table, tmp_path / "a.parquet", data_page_version=version, data_page_size=2000, row_group_size=2000)
    part = pq.read_metadata(tmp_path / "a.parquet")
    with (tmp_path / "a.parquet").open("rb") as file:
        sizes = list(unpacked(file, part, frozenset(table.schema.names)))
    said = sum(part.row_group(index).total_byte_size for index in range(part.num_row_groups))
    assert said - 100 * len(sizes) < sum(sizes) < said
    assert len(sizes) > part.num_row_groups * part.num_columns


def test_a_long_text_that_the_footer_keeps_to_itself(tmp_path: Path) -> None:
    group = write(tmp_path / "a.parquet", phase=["x" * (LARGEST_PAGE + 1), *[""] * (len(ROWS) - 1)]).row_group(0)
    columns = (group.column(index).total_uncompressed_size for index in range(group.num_columns))
    understated(tmp_path / "a.parquet", group.total_byte_size, *(size for size in columns if size > LARGEST_PAGE))
    assert pq.read_metadata(tmp_path / "a.parquet").row_group(0).total_byte_size == 1000
    assert read_samples(tmp_path).unreadable == ("a.parquet",)


@pytest.mark.parametrize(("names", "unreadable"), [(MOST_NAMES, ()), (MOST_NAMES + 1, ("a.parquet",))])
def test_more_names_than_a_run_has(names: int, unreadable: tuple[str, ...], tmp_path: Path) -> None:
    many = ROWS.iloc[[number % len(ROWS) for number in range(MOST_NAMES + 1)]]
    phases = [str(number % names) for number in range(MOST_NAMES + 1)]
    table = pa.Table.from_pandas(many.assign(phase=phases), factory.SAMPLES_SCHEMA, preserve_index=False)
    pq.write_table(table, tmp_path / "a.parquet")
    assert read_samples(tmp_path).unreadable == unreadable


def test_a_footer_that_is_longer_than_all_samples(tmp_path: Path) -> None:
    write(tmp_path / "a.parquet", {"x": "y" * LONGEST_FOOTER})
    assert read_samples(tmp_path).unreadable == ("a.parquet",)


@given(
    st.binary(max_size=200) | st.lists(st.sampled_from([b"\x19", b"\x1c", b"\xf1", b"\xff", b"\x15\2"])).map(b"".join)
)
def test_headers_of_any_bytes_are_read_or_refused(data: bytes) -> None:
    file = BytesIO()
    pq.write_table(pa.table({"a": [1]}), file)
    part = pq.read_metadata(file)
    start = part.row_group(0).column(0).dictionary_page_offset
    try:
        sizes = list(unpacked(BytesIO(file.getvalue()[:start] + data), part, frozenset("a")))
    except ValueError:
        return
    assert all(0 <= size <= LARGEST_PAGE for size in sizes)
