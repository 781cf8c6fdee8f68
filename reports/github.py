"""What a job of GitHub Actions is told beside the usual output: an annotation a finding, and the job's summary.

Annotations go to standard error, which the runner reads as it does standard output, so that ``--json`` stays JSON.
Everything else holds words of the server's, and is no command to the runner: it is told to take none
(``::stop-commands::``) until a word is said that nobody else knows.
"""

import contextlib
import os
import sys
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path

from ssegauge.reports import verdict, words
from ssegauge.reports.folder import Document, RunFolder, open_run

COMMANDS = {"fail": "error", "harness_error": "error", "warning": "warning", "note": "notice"}
MOST = 10  # of each kind: GitHub shows no more of a step
MOST_SUMMARY = 1 << 20  # bytes; GitHub refuses a larger one
_WORD = uuid.uuid4().hex


@contextlib.contextmanager
def commands_stopped() -> Iterator[None]:
    """Let nothing that is printed be a command, other than what ``tell`` says."""
    _say(f"::stop-commands::{_WORD}")
    try:
        yield
    finally:
        _say(f"::{_WORD}::")


def _say(command: str) -> None:
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError):  # whoever read it has seen enough
            stream.flush()
    print(command, file=sys.stderr, flush=True)


def tell(run_dir: Path, documents: Sequence[Document]) -> None:
    """Tell the job that this runs in, if it is one, of a run whose reports are written."""
    if os.environ.get("GITHUB_ACTIONS") != "true":
        return
    _say(f"::{_WORD}::")
    for line in annotations(open_run(run_dir), documents):
        _say(line)
    _say(f"::stop-commands::{_WORD}")
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
    # Of old commands the runner looks for the beginning anywhere in a line.
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A").replace("##[", "##\u200b[")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
