"""A table that loses nothing on a narrow terminal: where it does not fit, each row is told in lines of its own."""

from collections.abc import Iterator, Sequence

from rich.console import Console, ConsoleOptions, RenderResult
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

NOTHING = frozenset({"", "·", "–"})
UNLIMITED = 10_000


class Fitting:
    """Shows a table as it is where the terminal is wide enough, and row by row, with each column's name, elsewhere."""

    def __init__(self, table: Table) -> None:
        self.table = table

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Yield the table or its rows."""
        wanted = Measurement.get(console, options.update(max_width=UNLIMITED), self.table).maximum
        if wanted <= options.max_width:
            yield self.table
            return
        headers = [Text(str(column.header)) for column in self.table.columns]
        for cells in zip(*(column.cells for column in self.table.columns), strict=True):
            first, *rest = (cell if isinstance(cell, Text) else Text(str(cell)) for cell in cells)
            yield first
            yield from _lines(headers[1:], rest, options.max_width)


def _lines(headers: Sequence[Text], cells: Sequence[Text], width: int) -> Iterator[Text]:
    """Yield the cells with their names, as many to a line as fit; none is broken unless it is longer than a line."""
    line = Text("  ")
    for header, cell in zip(headers, cells, strict=True):
        if cell.plain in NOTHING:
            continue
        told = Text.assemble(*([(f"{header.plain} ", "dim")] if header.plain else []), cell)
        if line.plain.strip() and line.cell_len + 2 + told.cell_len > width:
            yield line
            line = Text("  ")
        line = Text.assemble(line, ", " if line.plain.strip() else "", told)
    if line.plain.strip():
        yield line
