"""From a run folder to a report; reads files and nothing else.

    build(run_dir)              write report.html, summary.md and junit.xml into the run folder
    write_junit(run_dir, path)  write JUnit XML elsewhere
    write_sarif(run_dir, path)  write SARIF 2.1.0
    load(run_dir)               the run as pandas frames, for analyses of one's own (docs/analysis.md)
    BadRunFolder                what all of them raise, with one line for a person

For a terminal: `ssegauge.reports.render.text.verdict_table(conformance)` and `load_table(load)`. The contract of the
folder stands in `ssegauge.reports.schema` and docs/run-folder.md.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ssegauge.reports.errors import BadRunFolder
from ssegauge.reports.write import Built, build, write_junit, write_sarif

if TYPE_CHECKING:  # pandas belongs to an extra
    from ssegauge.reports.tables import Run

__all__ = ["BadRunFolder", "Built", "build", "load", "write_junit", "write_sarif"]


def load(run_dir: Path | str) -> Run:
    """Read a run folder into tidy frames (see `ssegauge.reports.tables.Run`); raises `BadRunFolder`."""
    from ssegauge.reports import tables

    return tables.load(run_dir)
