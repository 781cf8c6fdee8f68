"""The commands `report` and `compare`, for the console script to add to its Typer app, and how any command ends.

They raise `BadRunFolder` for a folder that cannot be read; the console script makes that one line and exit
status 2. `report` succeeds when the files are written, whatever they say: the run itself has judged. `compare`
exits 1 when the head run is slower or worse, 2 when nothing could be compared.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, NoReturn

import typer

from ssegauge.reports import github, write
from ssegauge.reports.errors import BadRunFolder
from ssegauge.reports.folder import Document, open_run, shown

if TYPE_CHECKING:  # pandas takes half a second to import, and the command line has other commands
    from ssegauge.reports.compare import Comparison, Run

TO_COMPARE = "pip install 'ssegauge[report]'"
EXIT_STATUS = {"pass": 0, "fail": 1, "could_not_judge": 2}
ALWAYS = ("html", "md", "junit")
ASKED = ("csv", "parquet", "json")
WORST_FIRST = ("fail", "could_not_judge", "pass")

RunDir = Annotated[Path, typer.Argument(help="The folder of a run.", show_default=False)]
RunsDir = Annotated[Path, typer.Argument(help="A folder of run folders.")]
BaseDir = Annotated[Path, typer.Argument(help="The run to compare with.", show_default=False)]
HeadDir = Annotated[Path, typer.Argument(help="The run in question.", show_default=False)]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Tolerance = Annotated[float, typer.Option(min=0, help="The relative change of latency that does not matter.")]
FailOn = Annotated[
    list[str] | None,
    typer.Option("--fail-on", help='Fail on this alone: "update_p99 worse 10%", "rules worse".', show_default=False),
]
Forms = Annotated[
    str,
    typer.Option("--format", help="Write into tables/: csv, parquet, json; several by commas.", metavar="FORMS"),
]
MoreBase = Annotated[
    list[Path] | None, typer.Option("--base", help="Another run of the base's side.", show_default=False)
]
MoreHead = Annotated[
    list[Path] | None, typer.Option("--head", help="Another run of the head's side.", show_default=False)
]
Form = Annotated[Literal["text", "md", "html", "json"], typer.Option("--format", help="What is printed.")]
Junit = Annotated[Path | None, typer.Option(help="Write JUnit XML here too.", show_default=False)]
Sarif = Annotated[Path | None, typer.Option(help="Write the findings as SARIF 2.1.0 here.", show_default=False)]


def report(
    run_dir: RunDir, *, junit: Junit = None, sarif: Sarif = None, form: Forms = "", as_json: AsJson = False
) -> None:
    """Write (again) report.html, summary.md and junit.xml of a run folder, and what else is asked for."""
    asked = [name.strip() for name in form.split(",") if name.strip()]
    if unknown := [name for name in asked if name not in (*ALWAYS, *ASKED)]:
        raise typer.BadParameter(f"{unknown[0]!r} is none of {', '.join((*ALWAYS, *ASKED))}", param_hint="--format")
    built = write.build(run_dir)
    written = [built.html, built.markdown, built.junit, *write_extra(run_dir, junit, sarif)]
    written += [path for name in asked if name in ASKED for path in write.export(run_dir, name)]
    if as_json:
        typer.echo(json.dumps({"verdict": built.verdict, "written": [str(path) for path in written]}))
    else:
        typer.echo("\n".join(str(path) for path in written))
    if built.unreadable:
        raise BadRunFolder(_left_out(run_dir, built.unreadable))


def compare(
    base: BaseDir,
    head: HeadDir,
    *,
    more_base: MoreBase = None,
    more_head: MoreHead = None,
    tolerance: Tolerance = 0.05,
    fail_on: FailOn = None,
    form: Form = "text",
    as_json: AsJson = False,
) -> None:
    """Compare two runs, or several a side: latencies with confidence intervals, and changed verdicts."""
    found = compared([base, *(more_base or ())], [head, *(more_head or ())], tolerance=tolerance)
    state = _gated(found, fail_on)
    _show_comparison(found, "json" if as_json else form)
    raise typer.Exit(EXIT_STATUS[state])


def history(runs: RunsDir = Path("runs"), *, as_json: AsJson = False) -> None:
    """Show the figures of many runs in the order of time, with changes marked."""
    from ssegauge.reports.history import history as read

    found = read(runs)
    if as_json:
        typer.echo(json.dumps(asdict(found), indent=2))
        return
    from rich.console import Console

    from ssegauge.reports.render.history import history_table

    Console(highlight=False).print(history_table(found), crop=False)


def _show_comparison(found: "Comparison", form: str) -> None:
    from rich.console import Console

    from ssegauge.reports.render import compared as pages
    from ssegauge.reports.render.comparison import comparison_table

    if form == "text":
        Console().print(comparison_table(found))
    elif form == "json":
        typer.echo(json.dumps(_document(found), indent=2))
    else:
        typer.echo({"md": pages.markdown, "html": pages.html}[form](found), nl=False)


def _gated(found: "Comparison", fail_on: Sequence[str] | None) -> str:
    """Return the verdict of the gates, the worst first; without any that of the whole comparison."""
    from ssegauge.reports.gate import parsed

    verdicts = [parsed(text).judge(found) for text in fail_on or ()]
    return min(verdicts, key=WORST_FIRST.index) if verdicts else found.verdict


def write_extra(run_dir: Path, junit: Path | None, sarif: Path | None) -> list[Path]:
    """Write what was asked for elsewhere than in the run folder; return where it is."""
    written = [write.write_junit(run_dir, junit)] if junit else []
    return written + ([write.write_sarif(run_dir, sarif)] if sarif else [])


def show(
    documents: Sequence[Document],
    run_dir: Path | None = None,
    *,
    as_json: bool = False,
    quiet: bool = False,
    verbose: bool = False,
    unwritten: str = "",
) -> NoReturn:
    """Show result documents, and end the command with the status of the worst verdict.

    Raises `BadRunFolder` after that where a report is ``unwritten``, which says why.
    """
    worst = min((one["verdict"] for one in documents), key=WORST_FIRST.index)
    status = EXIT_STATUS["could_not_judge" if unwritten else worst]
    if as_json:
        typer.echo(json.dumps(documents[0] if len(documents) == 1 else documents, indent=1))
    else:
        _print(documents, status, verbose=verbose, quiet=quiet)
        if run_dir and not (quiet or unwritten):
            typer.echo(f"Report: {run_dir / 'report.html'}")
    if unwritten:
        raise BadRunFolder(unwritten)
    if run_dir:
        github.tell(run_dir, documents)
    raise typer.Exit(status)


def _print(documents: Sequence[Document], status: int, *, verbose: bool, quiet: bool) -> None:
    from rich.console import Console

    from ssegauge.reports.render.text import has_findings, load_table, reason, verdict_table

    conformance = next((one for one in documents if one["schema"].startswith("ssegauge/conformance")), None)
    console = Console(highlight=False)
    told = [one for one in documents if not quiet or has_findings(one)]
    for one in told:
        is_check = one is conformance
        table = (
            verdict_table(one, verbose=verbose, quiet=quiet) if is_check else load_table(one, conformance, quiet=quiet)
        )
        console.print(table, crop=False)
    if told:
        load = next((one for one in documents if one is not conformance), None)
        console.print(reason(conformance, load, status), soft_wrap=True)


def compared(base: Sequence[Path], head: Sequence[Path], *, tolerance: float) -> "Comparison":
    """Read run folders and compare them; raises `BadRunFolder`."""
    need_to_compare()
    from ssegauge.reports.compare import compare_latencies, compare_runs
    from ssegauge.reports.several import compare_sides

    before, after = ([run_of(one) for one in side] for side in (base, head))
    if len(base) == len(head) == 1:
        return compare_runs(before, after, lambda old, new: compare_latencies(old[0], new[0], tolerance=tolerance))
    return compare_runs(before, after, lambda old, new: compare_sides(old, new, tolerance=tolerance))


def need_to_compare() -> None:
    """Raise `BadRunFolder` where what reads samples is not installed."""
    try:
        import ssegauge.reports.compare
        import ssegauge.reports.frames  # noqa: F401 - the try
    except ModuleNotFoundError as error:
        raise BadRunFolder(f"{error.name} is not installed, which this needs; {TO_COMPARE}") from None


def run_of(path: Path) -> "Run":
    """Return a run's documents and samples; raises `BadRunFolder`."""
    from ssegauge.reports.frames import read_samples

    folder, samples = open_run(path), read_samples(path / "samples")
    if samples.unreadable:
        raise BadRunFolder(_left_out(folder.path, samples.unreadable))
    return folder, samples.frame


def _left_out(run_dir: Path, parts: Sequence[str]) -> str:
    named = ", ".join(parts[:3]) + ", ..." * (len(parts) > 3)
    return f"{shown(run_dir)}: {len(parts)} of the parts of its samples cannot be read ({named}); run it again"


def _document(found: "Comparison") -> dict[str, Any]:
    ratios = [_without_nan(asdict(ratio)) for ratio in found.ratios]
    more = {"verdict": found.verdict, "gone": found.gone}
    return {"schema": "ssegauge/compare/2", **more, **asdict(found), "ratios": ratios}


def _without_nan(row: dict[str, Any]) -> dict[str, Any]:
    return {key: None if value != value else value for key, value in row.items()}  # noqa: PLR0124 - NaN is no JSON
