"""The figures of many runs on the terminal."""

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from ssegauge.reports import words
from ssegauge.reports.history import Entry, History
from ssegauge.reports.render.fitting import Fitting
from ssegauge.reports.render.text import state_text

FOREMOST = frozenset({"update_p99", "first_token_p99"})  # what is asked for first, where a run has it
MOST_KINDS = 3  # of latencies: these, and those that most runs have


def history_table(found: History) -> RenderableType:
    """Return a row a run, and why others could not be read."""
    kinds = _kinds(found)
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for name in ("run", "commit", "verdict"):
        table.add_column(name, no_wrap=True)
    for name in (*kinds, "broken"):
        table.add_column(name.replace("_", " "), justify="right", no_wrap=True)
    table.add_column("changed")
    for entry in found.entries:
        table.add_row(*_cells(entry, kinds))
    return Group(Fitting(table), *(Text(line, "yellow") for line in found.unread))


def _kinds(found: History) -> list[str]:
    names = [name for entry in found.entries for name in entry.latencies if name.endswith("p99")]
    return sorted(set(names), key=lambda name: (name not in FOREMOST, -names.count(name), name))[:MOST_KINDS]


def _cells(entry: Entry, kinds: list[str]) -> list[Text]:
    figures = [words.quantity(entry.latencies.get(name), "ms") for name in kinds]
    changes = Text(", ".join(entry.changes), "bold yellow")
    return [
        Text(entry.name),
        Text(entry.commit),
        state_text(entry.verdict),
        *map(Text, figures),
        Text(f"{entry.broken:,}"),
        changes,
    ]
