"""Two compared sides as Markdown and as one HTML file: what `comparison` shows on a terminal."""

from collections.abc import Iterator

from ssegauge.reports import words
from ssegauge.reports.compare import CONFIDENCE, Change, Comparison, Ratio
from ssegauge.reports.render.comparison import VERDICTS, absent, changed, conclusion
from ssegauge.reports.render.html import compared
from ssegauge.reports.render.markdown import escape, table
from ssegauge.reports.render.visible import prose

STATES = {"worse": "fail", "better": "pass", "same": "not_observed", "cannot_tell": "could_not_judge"}
HEADER = ("latency", "base", "head", "ratio", f"{CONFIDENCE:.0%} interval", "verdict")


def markdown(found: Comparison) -> str:
    """Return the comparison as Markdown."""
    heading = f"{VERDICTS[found.verdict][0]} {conclusion(found)}"
    blocks = [f"## ssegauge: {escape(heading)}", *map(escape, remarks(found))]
    if found.ratios:
        blocks.append(table(HEADER, ([escape(cell) for cell in cells(ratio)] for ratio in found.ratios)))
    if changes := changed(found):
        blocks.append("\n".join(f"- {escape(spelled(change))}" for change in changes))
    return "\n\n".join(blocks) + "\n"


def html(found: Comparison) -> str:
    """Return the comparison as one HTML document that fetches nothing."""
    rows = [(STATES[ratio.verdict], cells(ratio)) for ratio in found.ratios]
    changes = [(change.is_worse, spelled(change)) for change in changed(found)]
    told = {"state": found.verdict, "headline": conclusion(found), "remarks": remarks(found)}
    return compared("compare.html.jinja", header=HEADER, rows=rows, changes=changes, **told)


def remarks(found: Comparison) -> Iterator[str]:
    """Yield what is to be known beside the figures: what makes the runs unlike, differs, or is gone."""
    yield from (f"The runs are unlike, {what}" for what in found.unlike)
    yield from (f"They differ in {what}" for what in found.marked)
    yield from (f"The generator of the {run} run was the limit." for run in found.saturated)
    yield from absent(found)


def cells(ratio: Ratio) -> tuple[str, ...]:
    """Return a figure's cells, in the order of `HEADER`."""
    ends = words.ABSENT if ratio.interval is None else "{:.2f} to {:.2f}".format(*ratio.interval)
    told = ratio.verdict.replace("_", " ") + (f": {ratio.note}" if ratio.note else "")
    chance = "" if ratio.p is None else f" (p = {ratio.p:.2g})"
    times = (words.quantity(value, "ms") for value in (ratio.base, ratio.head))
    share = f"{ratio.ratio:.2f}" if ratio.head_samples else words.ABSENT
    return (f"{ratio.kind} {ratio.quantile}", *times, share, ends, told + chance)


def spelled(change: Change) -> str:
    """Return a changed verdict in words."""
    before, after = (words.LABELS[state] for state in (change.base, change.head) if state)
    return f"{prose(change.rule)}: {before}, then {after}"
