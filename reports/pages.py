"""How much the pages of a Parquet part hold when they are unpacked, as their own headers say.

The sum in a part's footer is a word of whoever wrote it; a reader that trusts it unpacks gigabytes out of kilobytes.
What a reader makes room for is what the header of each page says, so these are read before. They are structs of
Thrift's compact protocol (https://github.com/apache/parquet-format, `PageHeader`), of which two numbers matter. A
footer itself takes some thirty times its length.
"""

import os
from collections.abc import Iterator
from typing import BinaryIO

import pyarrow.parquet as pq

LONGEST_FOOTER = 6 << 20  # bytes; some 100 for each column of each group of rows
LARGEST_PAGE = 4 << 20  # bytes; of samples they are below one MiB
LONGEST_HEADER = 4096  # bytes; those of samples take about fifty
MOST_LEVELS = 8  # of structs in structs; a header has three
ROWS_A_PAGE = 100  # at least, but for a few pages
UNPACKED, PACKED = 2, 3  # the fields of a page's header
_BYTE, _INTEGERS, _DOUBLE, _BINARY, _LISTS, _STRUCT = 3, (4, 5, 6), 7, 8, (9, 10), 12
_BOOLEANS = (1, 2)


def check_footer(file: BinaryIO) -> None:
    """Raise ValueError where the footer is longer than that of samples may be."""
    file.seek(-8, os.SEEK_END)
    if int.from_bytes(file.read(4), "little") > LONGEST_FOOTER:
        raise ValueError("a footer longer than that of samples")


def unpacked(file: BinaryIO, part: pq.FileMetaData, wanted: frozenset[str]) -> Iterator[int]:
    """Yield what each page of the wanted columns takes in memory, in bytes; raises ValueError for what is no page."""
    for group in map(part.row_group, range(part.num_row_groups)):
        for column in map(group.column, range(group.num_columns)):
            if column.path_in_schema in wanted:
                yield from _pages(file, column, group.num_rows // ROWS_A_PAGE + 10)


def _pages(file: BinaryIO, column: pq.ColumnChunkMetaData, most: int) -> Iterator[int]:
    at = column.data_page_offset
    if column.dictionary_page_offset:
        at = min(at, column.dictionary_page_offset)
    end = at + column.total_compressed_size
    while at < end:
        file.seek(at)
        header = _Header(file.read(LONGEST_HEADER))
        sizes = header.struct()
        room, length = sizes.get(UNPACKED, -1), sizes.get(PACKED, -1)
        if min(room, length, most) < 0 or room > LARGEST_PAGE:
            raise ValueError("pages that are none of samples")
        yield room
        at, most = at + header.at + length, most - 1


class _Header:
    """A cursor over a struct of the compact protocol."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.at = 0

    def struct(self, levels: int = MOST_LEVELS) -> dict[int, int]:
        """Return the integers of the struct by their field; raises ValueError where there is no end to it."""
        found: dict[int, int] = {}
        field = 0
        while kind := self._byte():
            field = field + (kind >> 4) if kind >> 4 else self._integer()
            if (value := self._value(kind & 15, levels)) is not None:
                found[field] = value
        return found

    def _value(self, kind: int, levels: int) -> int | None:
        if kind in _INTEGERS:
            return self._integer()
        if kind in _LISTS and levels:
            self._list(levels - 1)
        elif kind == _STRUCT and levels:
            self.struct(levels - 1)
        elif kind == _BINARY:
            self._skip(self._varint())
        elif kind in (_BYTE, _DOUBLE):
            self._skip(1 if kind == _BYTE else 8)
        elif kind not in _BOOLEANS:
            raise ValueError(f"a field of kind {kind} in a page's header")
        return None

    def _list(self, levels: int) -> None:
        head = self._byte()
        kind = _BYTE if head & 15 in _BOOLEANS else head & 15  # which in a list take a byte each
        for _ in range(self._varint() if head >> 4 == 15 else head >> 4):
            self._value(kind, levels)

    def _byte(self) -> int:
        self._skip(1)
        return self._data[self.at - 1]

    def _skip(self, length: int) -> None:
        self.at += length
        if self.at > len(self._data):
            raise ValueError("a page's header without end")

    def _varint(self) -> int:
        number = shift = 0
        while (byte := self._byte()) & 128:
            number, shift = number | (byte & 127) << shift, shift + 7
        return number | byte << shift

    def _integer(self) -> int:
        number = self._varint()
        return number >> 1 ^ -(number & 1)
