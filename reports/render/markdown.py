"""A run as Markdown that fits a CI job's summary: verdict, objectives, findings, what was not observed.

Text from a server stands in code fences longer than any run of backticks in it; sentences are escaped.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from ssegauge.reports import course, loaded, verdict, words
from ssegauge.reports.folder import Document, RunFolder
from ssegauge.reports.headline import headline
from ssegauge.reports.render.visible import prose, visible
from ssegauge.reports.values import Percentiles

SIGNS = {"pass": "✅", "fail": "❌", "could_not_judge": "❔", "harness_error": "❗", "warning": "⚠️"}
SPECIAL = re.compile(r"[\\`*_\[\]<>|~&#$@!]")
PLAIN_URL = re.compile(r"https://[\w./#?=&%:~-]+", re.ASCII)
MOST_FINDINGS = 50  # a job summary is bounded (GitHub: 1 MiB); the rest stands in report.html
LONGEST_EXCERPT = 600


def markdown(folder: RunFolder, latencies: Mapping[str, Percentiles]) -> str:
    """Return the Markdown summary of a run.

    Args:
        folder: the run's documents.
        latencies: percentiles by kind, from the raw samples.
    """
    blocks = [f"## {SIGNS[verdict.overall(folder)]} ssegauge: {escape(headline(folder))}"]
    if folder.load:
        blocks += _load_blocks(folder.load, folder.conformance, latencies)
    if folder.conformance:
        blocks += _conformance_blocks(folder.conformance)
    return "\n\n".join([*blocks, "Everything with its evidence: `report.html` in the run folder."]) + "\n"


def escape(text: str) -> str:
    """Return a sentence in which no character is Markdown or HTML markup."""
    return SPECIAL.sub(lambda found: f"&#{ord(found[0])};" if found[0] in "<>&@" else f"\\{found[0]}", prose(text))


def fence(text: str) -> str:
    """Return evidence as a fenced block that nothing in it can close."""
    shown = visible(text, LONGEST_EXCERPT)
    ticks = "`" * max(3, 1 + max(map(len, re.findall("`+", shown)), default=0))
    return f"{ticks}text\n{shown}\n{ticks}"


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table, the first column left and the others right; cells are escaped already."""
    rule = ["---", *["---:"] * (len(header) - 1)]
    return "\n".join(f"| {' | '.join(row)} |" for row in (header, rule, *rows))


def _load_blocks(load: Document, conformance: Document | None, latencies: Mapping[str, Percentiles]) -> Iterator[str]:
    yield table(
        ("objective", "measured", "limit", "95 % interval", "samples", "verdict"),
        (_objective_row(one, load) for one in verdict.objectives(load)),
    )
    yield from (f"{about}: {escape(note)}" for note, about in words.notes(load).items())
    if latencies:
        yield table(("latency", "p50", "p95", "p99", "max", "samples"), map(_latency_row, latencies.items()))
    if rows := course.type_rows(load):
        yield table((course.type_heading(load), *course.type_columns(load)), (tuple(map(escape, row)) for row in rows))
    facts = (*loaded.facts(load), *course.facts(load))
    yield "\n".join(f"- {label or 'note'}: {escape(text)}" for label, text in facts)
    found = verdict.findings(load, conformance)[:MOST_FINDINGS]
    yield from (_finding(verdict.severity(one, strict=False), one) for one in found)


def _objective_row(one: Document, load: Document) -> tuple[str, ...]:
    measured = words.measured(one, load)
    cells = (words.named(one), measured, words.limit(one), words.interval(one) or "–", f"{one['samples']:,}")
    state: str = one["verdict"]
    return (*map(escape, cells), f"{SIGNS[state]} {words.LABELS[state]}")


def _latency_row(item: tuple[str, Percentiles]) -> tuple[str, ...]:
    kind, found = item
    figures = (words.quantity(value, "ms") for value in (found.p50, found.p95, found.p99, found.max))
    return (words.kind(kind), *figures, f"{found.samples:,}")


def _conformance_blocks(conformance: Document) -> Iterator[str]:
    counts = verdict.states(conformance)
    told = ", ".join(f"{counts[state]} {words.LABELS[state]}" for state in verdict.STATES if counts[state])
    yield f"**Conformance** (profile {escape(conformance['profile'])}): {told or 'nothing judged'}"
    if looked := words.looked(conformance):
        yield looked.capitalize() + "."
    pairs, dragged = verdict.by_state(conformance), verdict.dragged(conformance)
    told_of = [(state, one) for state, one in pairs if one["verdict"] in {"fail", "harness_error"}]
    yield from (_finding(state, one, dragged.get(one["rule"], ())) for state, one in told_of[:MOST_FINDINGS])
    if len(told_of) > MOST_FINDINGS:
        yield f"… and {len(told_of) - MOST_FINDINGS} more."
    if unseen := [one for state, one in pairs if state == "not_observed"]:
        yield _folded("Not observed, and why", [f"- `{one['rule']}`: {escape(one['needs'])}" for one in unseen])


def _finding(state: str, one: Document, dragged: Sequence[str] = ()) -> str:
    lines = [f"### {SIGNS.get(state, 'ℹ️')} {words.LABELS[state]}: `{one['rule']}`", escape(words.says(one))]
    lines += [f"{escape(words.place(seen))}\n\n{fence(seen['excerpt'])}" for seen in one.get("evidence", ())[:1]]
    if one.get("mend"):
        lines.append(f"**Mend:** {escape(one['mend'])}")
    if source := one.get("source"):
        lines.append(f"**Source:** {_link(source['title'], source['url'])}")
    if dragged:
        lines.append(f"Because of it not judged: {', '.join(f'`{rule}`' for rule in dragged)}")
    return "\n\n".join(lines)


def _link(text: str, url: str) -> str:
    if PLAIN_URL.fullmatch(url):
        return f"[{escape(text)}]({url})"
    return f"{escape(text)} {escape(url)}".rstrip()


def _folded(title: str, lines: Sequence[str]) -> str:
    return f"<details><summary>{title}</summary>\n\n" + "\n".join(lines) + "\n\n</details>"
