"""The command `compare`: two runs of one server, or a server directly and through a hop."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from ssegauge.reports import cli as reported

Hop = Annotated[
    bool, typer.Option("--hop", help="BASE is a server directly, HEAD the same through a gateway or proxy.")
]


def compare(
    base: reported.BaseDir,
    head: reported.HeadDir,
    *,
    hop: Hop = False,
    more_base: reported.MoreBase = None,
    more_head: reported.MoreHead = None,
    tolerance: reported.Tolerance = 0.05,
    fail_on: reported.FailOn = None,
    form: reported.Form = "text",
    as_json: reported.AsJson = False,
) -> None:
    """Compare two runs, or several a side; with --hop, say what stands between them adds, holds back and damages."""
    if not hop:
        reported.compare(base, head, more_base=more_base, more_head=more_head, tolerance=tolerance, fail_on=fail_on,
                         form=form, as_json=as_json)  # fmt: skip
        return
    if more_base or more_head:
        raise typer.BadParameter("takes two runs: leave out --base and --head", param_hint="--hop")
    _hop(base, head, tuple(fail_on or ()), "json" if as_json else form)


def _hop(base: Path, head: Path, fail_on: tuple[str, ...], form: str) -> None:
    reported.need_to_compare()
    from ssegauge.reports import hop as hops

    gates = [hops.gate(text) for text in fail_on]
    direct, through = reported.run_of(base), reported.run_of(head)
    rows, checked = told_of(base, head)
    found = hops.between(direct, through, rows, checked=checked)
    _show(found, form)
    verdicts = [found.verdict, *(one.judge(found) for one in gates)]
    raise typer.Exit(reported.EXIT_STATUS[min(verdicts, key=reported.WORST_FIRST.index)])


def told_of(base: Path, head: Path) -> tuple[list[dict[str, Any]], bool]:
    """Return what the hop does to recorded streams, and whether any were recorded on both ways."""
    from ssegauge.conformance.hop import pairs_of, told
    from ssegauge.conformance.recording.capture import read
    from ssegauge.conformance.target import Promises

    if not all(any((run / "transcripts").glob("*.jsonl")) for run in (base, head)):
        return [], False
    direct, through = read(str(base)), read(str(head))
    promises = direct.promises or Promises()
    found = told(direct.transcripts, through.transcripts, promises)
    return [asdict(one) for one in found], bool(pairs_of(direct.transcripts, through.transcripts, promises))


def _show(found: Any, form: str) -> None:  # noqa: ANN401 - imported only where it is wanted
    from rich.console import Console

    from ssegauge.reports import hop as hops
    from ssegauge.reports.render import hop as pages

    if form == "json":
        typer.echo(json.dumps(hops.document(found), indent=2))
    elif form == "text":
        Console(highlight=False).print(pages.hop_table(found))
    else:
        typer.echo({"md": pages.markdown, "html": pages.html}[form](found), nl=False)
