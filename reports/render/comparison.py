"""Two compared runs on the terminal, at 80 columns and without need of colour."""

from collections.abc import Iterator, Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from ssegauge.reports import words
from ssegauge.reports.compare import CONFIDENCE, JUDGED, Change, Comparison, Ratio
from ssegauge.reports.render.fitting import Fitting
from ssegauge.reports.render.visible import prose

STYLES = {
    "worse": "bold red",
    "better": "green",
    "same": "",
    "cannot_tell": "yellow",
}
VERDICTS = {
    "pass": ("✓", "green"),
    "fail": ("✗", "bold red"),
    "could_not_judge": ("?", "bold yellow"),
}
CONCLUSIONS = {"fail": "The head run is worse.", "could_not_judge": "Whether something got worse cannot be told."}
MOST_NAMED = 5


def comparison_table(found: Comparison) -> RenderableType:
    """Return the comparison: latency ratios with intervals, changed verdicts, the conclusion."""
    parts = [*_unlike(found), *_latencies(found.ratios), *_saturated(found.saturated), *_changes(changed(found))]
    parts += [Text(f"{told}\n", "yellow") for told in absent(found)]
    sign, style = VERDICTS[found.verdict]
    return Group(*parts, Text(f"{sign} {conclusion(found)}", style))


def conclusion(found: Comparison) -> str:
    """Return the verdict in a sentence; where nothing got worse, of how much that can be told."""
    if found.verdict != "pass":
        return CONCLUSIONS[found.verdict]
    told = sum(ratio.verdict != "cannot_tell" for ratio in found.ratios)
    of_what = "" if told == len(found.ratios) else f" in the {told} of {len(found.ratios)} latencies that can be told"
    return f"Nothing got worse{of_what}, as far as one pair of runs can show."


def changed(found: Comparison) -> tuple[Change, ...]:
    """Return the changes that are told one by one: what one run alone knows is told together."""
    return tuple(one for one in found.changes if one.base and one.head)


def absent(found: Comparison) -> Iterator[str]:
    """Yield what one run judged and the other did not, a line each."""
    told = {
        "Judged in the base run, not in the head run": found.gone,
        "Judged in the head run alone": [one.rule for one in found.changes if not one.base and one.head in JUDGED],
        "Broken in the head run, and not judged in the base run": [one.rule for one in found.changes if one.is_new],
    }
    yield from (f"{what}: {_listed(rules)}" for what, rules in told.items() if rules)


def _listed(rules: Sequence[str]) -> str:
    more = f" and {len(rules) - MOST_NAMED} more" * (len(rules) > MOST_NAMED)
    return f"{', '.join(map(prose, rules[:MOST_NAMED]))}{more}"


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


def _saturated(runs: tuple[str, ...]) -> Iterator[RenderableType]:
    for run in runs:
        yield Text(f"The generator of the {run} run was the limit: its latencies are not the server's.\n", "yellow")


def _changes(changes: tuple[Change, ...]) -> Iterator[RenderableType]:
    for change in changes:
        before, after = (words.LABELS[state] for state in (change.base, change.head) if state)
        yield Text(f"{'✗' if change.is_worse else '·'} {change.rule}: {before} -> {after}")
    if changes:
        yield Text()
