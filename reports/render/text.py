"""A run on the terminal: rich renderables that stay readable at 80 columns and without colour.

Everything is built as `rich.text.Text`, never as rich's markup: what a server sent is printed, not interpreted.
"""

from collections import Counter
from collections.abc import Container, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from ssegauge.reports import course, loaded, verdict, words
from ssegauge.reports.folder import Document, RunFolder
from ssegauge.reports.headline import headline
from ssegauge.reports.render.fitting import Fitting
from ssegauge.reports.render.visible import prose, visible

STYLES = {
    "pass": "green",
    "fail": "bold red",
    "harness_error": "bold magenta",
    "could_not_judge": "bold yellow",
    "warning": "yellow",
    "known": "cyan",
    "note": "cyan",
    "not_judged": "dim",
    "not_observed": "dim",
    "not_applicable": "dim",
}
SIGNS = {"pass": "✓", "fail": "✗", "harness_error": "!", "could_not_judge": "?", "warning": "!"}
COLUMNS = {
    "pass": "passed",
    "fail": "failed",
    "harness_error": "error",
    "warning": "warn",
    "known": "known",
    "note": "advice",
    "not_judged": "unjudged",
    "not_observed": "unseen",
    "not_applicable": "n/a",
}
TOLD = ("fail", "harness_error", "warning", "known", "note")
LONGEST_EXCERPT = 240


def verdict_table(conformance: Document, *, verbose: bool = False, quiet: bool = False) -> RenderableType:
    """Return the verdict on conformance: counts per group, each finding, then what was not observed.

    Args:
        conformance: conformance.json.
        verbose: list the rules that passed or were not observed too.
        quiet: the findings, of every level, and the verdict alone.
    """
    pairs = verdict.by_state(conformance)
    parts: list[RenderableType] = [] if quiet else [_counts_table(conformance), Text()]
    dragged = verdict.dragged(conformance)
    told = [(state, result) for state, result in pairs if state in TOLD]
    parts += [_finding(state, result, dragged.get(result["rule"], ())) for state, result in told]
    if not quiet:
        parts += _not_judged(dragged, {result["rule"] for _, result in told})
        parts += _not_observed([result for state, result in pairs if state == "not_observed"], named=verbose)
    if verbose:
        parts += [_passed(result) for state, result in pairs if state == "pass"]
    return Group(*parts, _closing("Conformance", conformance["verdict"], _judged(conformance)))


def _judged(conformance: Document) -> str:
    many = conformance["transcripts"]
    told = f"{many} {'exchange' if many == 1 else 'exchanges'} judged by profile {prose(conformance['profile'])}"
    known = words.but_for_known(conformance).removeprefix(", ")
    return ", ".join(filter(None, [told, words.looked(conformance), "strict" * conformance["strict"], known]))


def reason(conformance: Document | None, load: Document | None, status: int) -> Text:
    """Return why a command ends with this status, in one line."""
    return Text(f"Exit status {status}: {headline(RunFolder(Path(), None, conformance, load))}")


def has_findings(document: Document) -> bool:
    """Return whether there is something to tell a user who wants quiet: a verdict that is not good, a finding."""
    found = verdict.findings(document) if "objectives" in document else document["results"]
    return document["verdict"] != "pass" or any(one.get("verdict", "fail") == "fail" for one in found)


def load_table(load: Document, conformance: Document | None = None, *, quiet: bool = False) -> RenderableType:
    """Return the verdict on a load run: objectives, latencies, integrity, the generator's own part.

    Args:
        load: load.json.
        conformance: conformance.json of the same run, if it was told already.
        quiet: the objectives that do not hold, the findings and the verdict alone.
    """
    parts = [*_missed(load)] if quiet else [*_measured(load)]
    parts += [_finding(verdict.severity(found, strict=False), found) for found in verdict.findings(load, conformance)]
    told = f"scenario {prose(load['scenario'])}, {words.crowd(load)}, {load['duration_s']:.0f} s"
    return Group(*parts, _closing("Load", load["verdict"], told))


def _missed(load: Document) -> Iterator[RenderableType]:
    missed = [one for one in load["objectives"] if one["verdict"] != "pass"]
    if missed:
        told = load | {"objectives": missed}
        yield from (_objectives_table(told), *_notes(told), Text())


def _measured(load: Document) -> Iterator[RenderableType]:
    yield from (_objectives_table(load), *_notes(load), Text())
    if load["latency_ms"]:
        yield from (_latency_table(load["latency_ms"]), Text())
    if rows := course.type_rows(load):
        yield from (_types_table(course.type_heading(load), course.type_columns(load), rows), Text())
    yield from (_facts(load), Text())


def state_text(state: str, *, upper: bool = False) -> Text:
    """Return a state as a coloured label with its sign."""
    label = words.LABELS[state]
    return Text(f"{SIGNS.get(state, '·')} {label.upper() if upper else label}", STYLES[state])


def _counts_table(conformance: Document) -> RenderableType:
    counts = {name: _count(results, conformance["strict"]) for name, results in verdict.groups(conformance).items()}
    total = sum(counts.values(), Counter[str]())
    shown = [state for state in COLUMNS if total[state] or state in {"pass", "fail"}]
    table = _table("group", *(COLUMNS[state] for state in shown))
    for name, count in counts.items():
        if set(count) == {"not_applicable"}:  # the profile knows none of the group
            continue
        table.add_row(prose(name), *(_cell(state, count[state]) for state in shown))
    table.add_section()
    table.add_row("all", *(_cell(state, total[state]) for state in shown))
    return Fitting(table)


def _count(results: Sequence[Document], strict: bool) -> Counter[str]:
    return Counter(verdict.state(result, strict=strict) for result in results)


def _cell(state: str, count: int) -> Text:
    return Text(str(count), STYLES[state]) if count else Text("·", "dim")


def _table(first: str, *others: str) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column(first, no_wrap=True)
    for name in others:
        table.add_column(name, justify="right", no_wrap=True)
    return table


def _finding(state: str, finding: Mapping[str, Any], dragged: Sequence[str] = ()) -> RenderableType:
    heading = (
        state_text(state, upper=True) + Text(f"  {finding['rule']}", "bold") + Text(f"  {finding['level']}", "dim")
    )
    details = Table.grid(padding=(0, 2, 0, 0))
    details.add_column(style="dim", no_wrap=True)
    details.add_column(overflow="fold")
    for label, text in _details(finding):
        details.add_row(label, Text(text))
    parts = [Padding(Text(words.says(finding)), (0, 0, 0, 2)), Padding(details, (0, 0, 0, 2))]
    moot = [Padding(Text(words.dragged(dragged), "dim"), (0, 0, 0, 2))] if dragged else []
    return Group(heading, *parts, *_link(finding), *moot, Text())


def _link(finding: Mapping[str, Any]) -> Iterator[Text]:
    """Yield the clause's address, in one piece however narrow the terminal: only so can it be opened from there."""
    if finding.get("source"):
        yield Text(" " * 11 + prose(finding["source"]["url"]), no_wrap=True, overflow="ignore")


def _details(finding: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for evidence in finding.get("evidence", ())[:1]:
        yield "seen in", words.place(evidence)
        yield "", visible(evidence["excerpt"], LONGEST_EXCERPT)
    if len(finding.get("evidence", ())) > 1:
        yield "", f"and {len(finding['evidence']) - 1} more in the report"
    if finding.get("mend"):
        yield "mend", prose(finding["mend"])
    if source := finding.get("source"):
        yield "source", prose(source["title"])


def _not_judged(dragged: Mapping[str, Sequence[str]], told: Container[str]) -> Iterator[RenderableType]:
    """Yield what was not judged because of something that stands nowhere as a finding."""
    for cause, rules in dragged.items():
        if cause not in told:
            yield Text(f"Not judged, because of {cause}:", "dim")
            yield Padding(Text(" ".join(rules), "dim"), (0, 0, 0, 2))
            yield Text()


def _not_observed(results: Sequence[Document], *, named: bool) -> Iterator[RenderableType]:
    """Yield what was not observed by why: one line to add may make many rules observable. Most rules first."""
    by_need: dict[str, list[str]] = {}
    for result in results:
        by_need.setdefault(result["needs"], []).append(result["rule"])
    for need, rules in sorted(by_need.items(), key=lambda told: -len(told[1])):
        counted = f"{len(rules)} {'rule' if len(rules) == 1 else 'rules'}"
        yield Text(f"Not observed, {prose(need)}: {counted}", "dim")
        if named:
            yield Padding(Text(" ".join(rules), "dim"), (0, 0, 0, 2))
    if by_need and not named:
        yield Text("--verbose names them.", "dim")
    if by_need:
        yield Text()


def _passed(result: Document) -> Text:
    seen = f"seen {result['observations']:,} x"
    return state_text("pass") + Text(f"  {result['rule']}  ") + Text(seen, "dim")


def _closing(part: str, state: str, told: str) -> Text:
    return Text(f"{part}: ") + state_text(state, upper=True) + Text(f"  ({told})", "dim")


def _objectives_table(load: Document) -> RenderableType:
    table = _table("objective", "measured", "limit", "95 % interval", "samples")
    for one in verdict.objectives(load):
        style = STYLES[one["verdict"]]
        name = Text(f"{SIGNS[one['verdict']]} ", style) + Text(words.named(one), "default")
        bare = one | {"unit": one["unit"].removeprefix("streams")}  # the objective's name says it
        measured = Text(words.measured(bare, load), style)
        table.add_row(name, measured, words.limit(bare), words.interval(bare) or "–", f"{one['samples']:,}")
    return Fitting(table)


def _notes(load: Document) -> Iterator[RenderableType]:
    for note, about in words.notes(load).items():
        yield Padding(Text(f"{about}: {note}", "dim"), (0, 0, 0, 2))


def _latency_table(latencies: Mapping[str, Document]) -> RenderableType:
    table = _table("latency", "p50", "p95", "p99", "max", "samples")
    for kind, figures in latencies.items():
        shown = [words.quantity(figures[key], "ms") for key in ("p50", "p95", "p99", "max")]
        table.add_row(prose(words.kind(kind)), *shown, f"{figures['samples']:,}")
    return Fitting(table)


def _types_table(heading: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> RenderableType:
    table = _table(heading, *columns)
    for row in rows:
        table.add_row(*(Text(prose(cell)) for cell in row))  # a type is the server's word
    return Fitting(table)


def _facts(load: Document) -> Table:
    facts = Table.grid(padding=(0, 2, 0, 0))
    facts.add_column(style="dim", no_wrap=True)
    facts.add_column(overflow="fold")
    for label, text in (*loaded.facts(load), *course.facts(load)):
        facts.add_row(label, Text(text))
    return facts
