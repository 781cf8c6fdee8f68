"""What a hop adds, holds back, damages and changes: on a terminal, as Markdown, and as one HTML file."""

from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from ssegauge.reports import words
from ssegauge.reports.compare import CONFIDENCE
from ssegauge.reports.folder import Document
from ssegauge.reports.hop import Added, Hop
from ssegauge.reports.render.fitting import Fitting
from ssegauge.reports.render.html import compared
from ssegauge.reports.render.markdown import escape
from ssegauge.reports.render.markdown import table as markdown_table
from ssegauge.reports.render.visible import prose

HEADER = ("time", "direct", "through", "added", f"{CONFIDENCE:.0%} interval", "")
KINDS = {
    "damaged": ("✗ damaged", "bold red"),
    "held": ("✗ held back", "bold red"),
    "changed": ("· changed", ""),
    "unclear": ("? unclear", "yellow"),
}
VERDICTS = {"adds": "", "takes": "less: something else differed", "nothing": "nothing", "cannot_tell": "cannot tell"}
STATES = {"damaged": "fail", "held": "fail", "changed": "note", "unclear": "could_not_judge"}
TONES = {"adds": "note", "takes": "could_not_judge", "nothing": "not_observed", "cannot_tell": "could_not_judge"}
STYLES = {"pass": "green", "fail": "bold red", "could_not_judge": "bold yellow"}
# The time that the conclusion names, the first that was measured.
ABOUT = {"first_token": "the first token", "first_event": "the first event", "connect": "the response's head"}


def hop_table(found: Hop) -> RenderableType:
    """Return it for a terminal: what is done to the streams, what is added to their times, the conclusion."""
    parts: list[RenderableType] = [Text(remark, "yellow") for remark in remarks(found)]
    parts += [line for one in found.told for line in _lines(one)]
    if found.added:
        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
        for number, name in enumerate(HEADER):
            table.add_column(name, justify="right" if 0 < number < len(HEADER) - 1 else "left", no_wrap=True)
        for one in found.added:
            table.add_row(*cells(one))
        parts += [Fitting(table), Text()]
    sign = {"pass": "✓", "fail": "✗", "could_not_judge": "?"}[found.verdict]
    return Group(*parts, Text(f"{sign} {headline(found)}", STYLES[found.verdict]))


def markdown(found: Hop) -> str:
    """Return it as Markdown."""
    blocks = [f"## ssegauge: {escape(headline(found))}", *map(escape, remarks(found))]
    if found.told:
        blocks.append("\n".join(_item(one) for one in found.told))
    if found.added:
        blocks.append(markdown_table(HEADER, ([escape(cell) for cell in cells(one)] for one in found.added)))
    return "\n\n".join(blocks) + "\n"


def html(found: Hop) -> str:
    """Return it as one HTML document that fetches nothing."""
    told = [one | {"state": STATES[one["kind"]], "label": _label(one), "seen": _seen(one)} for one in found.told]
    rows = [(TONES[one.verdict], cells(one)) for one in found.added]
    top = {"state": found.verdict, "headline": headline(found), "remarks": remarks(found)}
    return compared("hop.html.jinja", header=HEADER, rows=rows, told=told, **top)


def headline(found: Hop) -> str:
    """Return the conclusion in a sentence."""
    kinds = [one["kind"] for one in found.told]
    done = [words_of for kind, words_of in (("damaged", "damages"), ("held", "holds back")) if kind in kinds]
    if done:
        what = list(dict.fromkeys(one["what"] for one in found.told if one["kind"] in {"damaged", "held"}))
        more = f" and {len(what) - 3} more" * (len(what) > 3)
        return f"The hop {' and '.join(done)} streams: {', '.join(what[:3])}{more}."
    if found.verdict == "could_not_judge":
        return "What the hop does cannot be told."
    if not found.checked:
        return f"{_adds(found)}; what it does to the streams was not compared: check both."
    whole = "passes the streams on" + (" with changes" if "changed" in kinds else " as they are")
    return f"The hop {whole}. {_adds(found)}."


def remarks(found: Hop) -> Iterator[str]:
    """Yield what is to be known beside the figures."""
    yield from (f"The runs are unlike, {what}" for what in found.unlike)
    for side in found.saturated:
        yield f"The generator of the {side} run was the limit: its times are not the server's."
    if not found.loaded:
        yield "No times are compared: load both, as `ssegauge run` or `ssegauge load` does."
    if not found.checked:
        yield "No streams are compared: check both, as `ssegauge run` or `ssegauge check` does."


def cells(one: Added) -> tuple[str, ...]:
    """Return a figure's cells, in the order of `HEADER`."""
    ends = words.ABSENT if one.interval is None else "{} to {}".format(*map(_signed, one.interval))
    told = ": ".join(filter(None, (VERDICTS[one.verdict], one.note)))
    times = (words.quantity(value, "ms") for value in (one.direct, one.through))
    return (f"{words.kind(one.kind)} {one.quantile}", *times, _signed(one.added), ends, told)


def _adds(found: Hop) -> str:
    """Return what it adds to the first token, or to what comes nearest to it."""
    of = {(one.kind, one.quantile): one for one in found.added}
    one = next((of[kind, "p50"] for kind in ABOUT if (kind, "p50") in of), None)
    if one is None:
        return "What it adds in time was not measured"
    about = ABOUT[one.kind]
    if one.verdict == "cannot_tell" or one.interval is None:
        return f"What it adds to {about} cannot be told ({one.note})"
    if one.verdict == "takes":
        return f"What it adds to {about} is less than what else differed between the runs"
    added = one.note if one.verdict == "nothing" else words.quantity(one.added, "ms")
    return f"It adds {added} to {about} (median)"


def _signed(value_ms: float) -> str:
    text = words.quantity(abs(value_ms), "ms")
    return f"{'-' if value_ms < 0 else '+'}{text}"


def _lines(one: Document) -> Iterator[Text]:
    label, style = KINDS[one["kind"]]
    yield Text.assemble((label, style), f"  {prose(one['what'])}", (_seen(one), "dim"))
    yield Text(f"    {prose(one['summary'])}")
    if one["mend"]:
        yield Text.assemble(("    mend  ", "dim"), prose(one["mend"]))
    yield Text()


def _item(one: Document) -> str:
    mend = f" *{escape(one['mend'])}*" if one["mend"] else ""
    return f"- **{_label(one)}: {escape(one['what'])}**{escape(_seen(one))}: {escape(one['summary'])}{mend}"


def _label(one: Document) -> str:
    return KINDS[one["kind"]][0].split(" ", 1)[1]


def _seen(one: Document) -> str:
    return f" ({one['streams']} of {one['of']} streams)" if one["of"] else ""
