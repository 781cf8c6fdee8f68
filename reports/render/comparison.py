"""Two compared runs on the terminal, at 80 columns and without need of colour."""

from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from ssegauge.reports import words
from ssegauge.reports.compare import CONFIDENCE, Change, Comparison, Ratio
from ssegauge.reports.render.fitting import Fitting

STYLES = {
    "worse": "bold red",
    "better": "green",
    "same": "",
    "cannot_tell": "yellow",
}
VERDICTS = {
    "pass": ("✓ Nothing got worse, as far as one pair of runs can show.", "green"),
    "fail": ("✗ The head run is worse.", "bold red"),
    "could_not_judge": ("? Whether something got worse cannot be told.", "bold yellow"),
}
MOST_GONE = 5


def comparison_table(found: Comparison) -> RenderableType:
    """Return the comparison: latency ratios with intervals, changed verdicts, the conclusion."""
    parts = [*_unlike(found), *_latencies(found.ratios), *_saturated(found.saturated), *_changes(found.changes)]
    parts += _gone(found.gone)
    return Group(*parts, Text(*VERDICTS[found.verdict]))


def _latencies(ratios: tuple[Ratio, ...]) -> Iterator[RenderableType]:
    if not ratios:
        yield Text("No kind of latency has samples in both runs.\n", "dim")
        return
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("latency", no_wrap=True)
    for name in ("base", "head", "ratio", f"{CONFIDENCE:.0%} interval"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("")
    for ratio in ratios:
        table.add_row(*_cells(ratio))
    yield Fitting(table)
    yield Text()


def _cells(ratio: Ratio) -> tuple[Text, ...]:
    interval = "–" if ratio.interval is None else "{:.2f} to {:.2f}".format(*ratio.interval)
    told = ratio.verdict.replace("_", " ") + (f": {ratio.note}" if ratio.note else "")
    label = Text(told, STYLES[ratio.verdict])
    times = (Text(words.quantity(value, "ms")) for value in (ratio.base, ratio.head))
    return (
        Text(f"{ratio.kind} {ratio.quantile}"),
        *times,
        Text(f"{ratio.ratio:.2f}" if ratio.head_samples else words.ABSENT),
        Text(interval),
        label,
    )


def _unlike(found: Comparison) -> Iterator[RenderableType]:
    for what in found.unlike:
        yield Text(f"The runs are unlike, {what}", "bold yellow")
    for what in found.marked:
        yield Text(f"They differ in {what}", "dim")
    if found.unlike or found.marked:
        yield Text()


def _gone(what: tuple[str, ...]) -> Iterator[RenderableType]:
    if what:
        more = f" and {len(what) - MOST_GONE} more" * (len(what) > MOST_GONE)
        yield Text(f"Judged in the base run, not in the head run: {', '.join(what[:MOST_GONE])}{more}\n", "yellow")


def _saturated(runs: tuple[str, ...]) -> Iterator[RenderableType]:
    for run in runs:
        yield Text(f"The generator of the {run} run was the limit: its latencies are not the server's.\n", "yellow")


def _changes(changes: tuple[Change, ...]) -> Iterator[RenderableType]:
    for change in changes:
        before, after = (words.LABELS[state] if state else "absent" for state in (change.base, change.head))
        yield Text(f"{'✗' if change.is_worse else '·'} {change.rule}: {before} -> {after}")
    if changes:
        yield Text()
