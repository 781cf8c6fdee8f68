"""From a run folder to a report; reads files and nothing else.

    build(run_dir)              write report.html, summary.md and junit.xml into the run folder
    write_junit(run_dir, path)  write JUnit XML elsewhere
    write_sarif(run_dir, path)  write SARIF 2.1.0
    BadRunFolder                what all of them raise, with one line for a person

For a terminal: `ssegauge.reports.render.text.verdict_table(conformance)` and `load_table(load)`. The contract of the
folder stands in `ssegauge.reports.schema` and docs/run-folder.md.
"""

from ssegauge.reports.errors import BadRunFolder
from ssegauge.reports.write import Built, build, write_junit, write_sarif

__all__ = ["BadRunFolder", "Built", "build", "write_junit", "write_sarif"]
