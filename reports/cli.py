"""The commands `report` and `compare`, for the console script to add to its Typer app.

They raise `BadRunFolder` for a folder that cannot be read; the console script makes that one line and exit
status 2. `report` succeeds when the files are written, whatever they say: the run itself has judged. `compare`
exits 1 when the head run is slower or worse, 2 when nothing could be compared.
"""

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from reports import write
from reports.folder import open_run

if TYPE_CHECKING:  # pandas takes half a second to import, and the command line has other commands
    from reports.compare import Comparison

EXIT_STATUS = {"pass": 0, "fail": 1, "could_not_judge": 2}

RunDir = Annotated[Path, typer.Argument(help="The folder of a run.", show_default=False)]
BaseDir = Annotated[Path, typer.Argument(help="The run to compare with.", show_default=False)]
HeadDir = Annotated[Path, typer.Argument(help="The run in question.", show_default=False)]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Tolerance = Annotated[float, typer.Option(min=0, help="The relative change of latency that does not matter.")]
Junit = Annotated[Path | None, typer.Option(help="Write JUnit XML here too.", show_default=False)]
Sarif = Annotated[Path | None, typer.Option(help="Write the findings as SARIF 2.1.0 here.", show_default=False)]


def report(run_dir: RunDir, *, junit: Junit = None, sarif: Sarif = None, as_json: AsJson = False) -> None:
    """Write (again) report.html, summary.md and junit.xml of a run folder."""
    built = write.build(run_dir)
    written = [built.html, built.markdown, built.junit]
    written += [write.write_junit(run_dir, junit)] if junit else []
    written += [write.write_sarif(run_dir, sarif)] if sarif else []
    if as_json:
        typer.echo(json.dumps({"verdict": built.verdict, "written": [str(path) for path in written]}))
    else:
        typer.echo("\n".join(str(path) for path in written))


def compare(base: BaseDir, head: HeadDir, *, tolerance: Tolerance = 0.05, as_json: AsJson = False) -> None:
    """Compare two runs: latencies with confidence intervals, and changed verdicts."""
    from rich.console import Console

    from reports.render.comparison import comparison_table

    found = compared(base, head, tolerance=tolerance)
    if as_json:
        typer.echo(json.dumps(_document(found), indent=2))
    else:
        Console().print(comparison_table(found))
    raise typer.Exit(EXIT_STATUS[found.verdict])


def compared(base: Path, head: Path, *, tolerance: float) -> "Comparison":
    """Read two run folders and compare them; raises `BadRunFolder`."""
    from reports.compare import compare_runs
    from reports.frames import read_samples

    before, after = ((open_run(folder), read_samples(folder / "samples").frame) for folder in (base, head))
    return compare_runs(before, after, tolerance=tolerance)


def _document(found: "Comparison") -> dict[str, Any]:
    return {"schema": "ssegauge/compare/1", "verdict": found.verdict} | asdict(found)
