"""What a job of GitHub Actions is told beside the usual output: an annotation a finding, and the job's summary.

Annotations go to standard error, which the runner reads as it does standard output, so that ``--json`` stays JSON.
"""

import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from ssegauge.reports import verdict, words
from ssegauge.reports.folder import Document, RunFolder, open_run

COMMANDS = {"fail": "error", "harness_error": "error", "warning": "warning", "note": "notice"}
MOST = 10  # of each kind: GitHub shows no more of a step
MOST_SUMMARY = 1 << 20  # bytes; GitHub refuses a larger one


def tell(run_dir: Path, documents: Sequence[Document]) -> None:
    """Tell the job that this runs in, if it is one, of a run whose reports are written."""
    if os.environ.get("GITHUB_ACTIONS") != "true":
        return
    sys.stdout.flush()
    for line in annotations(open_run(run_dir), documents):
        print(line, file=sys.stderr)
    if summary := os.environ.get("GITHUB_STEP_SUMMARY"):
        _append(Path(summary), (run_dir / "summary.md").read_text("utf-8"))


def annotations(folder: RunFolder, documents: Sequence[Document]) -> Iterator[str]:
    """Yield the workflow commands for findings of every level and missed objectives, the worst first."""
    counts: dict[str, int] = {}
    for state, rule, text in _told(documents):
        command = COMMANDS.get(state)
        if command and counts.setdefault(command, 0) < MOST:
            counts[command] += 1
            place = f"file={_property(words.target_file(folder.run))},line=1,title={_property(rule)}"
            yield f"::{command} {place}::{_data(text)}"


def _told(documents: Sequence[Document]) -> Iterator[tuple[str, str, str]]:
    conformance = next((one for one in documents if "results" in one), None)
    load = next((one for one in documents if "objectives" in one), None)
    for state, one in verdict.by_state(conformance) if conformance else ():
        yield state, one["rule"], words.says(one)
    for one in verdict.findings(load, conformance) if load else ():
        yield verdict.severity(one, strict=False), f"under load: {one['rule']}", words.says(one)
    for one in verdict.objectives(load) if load else ():
        yield one["verdict"], one["rule"], words.objective(one, load) if load else ""


def _append(path: Path, text: str) -> None:
    """Add to the job's summary what fits; a summary that cannot be written is no reason to fail a job."""
    try:
        with path.open("ab") as file:
            file.write(text.encode()[: MOST_SUMMARY - file.tell()])
    except OSError as error:
        print(f"ssegauge: GITHUB_STEP_SUMMARY cannot be written ({error.strerror})", file=sys.stderr)


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
