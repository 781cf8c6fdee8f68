"""What commands say at their end: quiet, verbose, the reason of the exit status, narrow terminals, GitHub."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
import typer
from rich.console import Console
from typer.testing import CliRunner

from ssegauge import reports
from ssegauge.cli.commands import app
from ssegauge.cli.work import run_folder, show_run
from ssegauge.conformance.catalogue import RULES
from ssegauge.conformance.check import update_baseline
from ssegauge.conformance.errors import CannotJudge
from ssegauge.conformance.judge import Result
from ssegauge.conformance.target import from_url
from ssegauge.reports.cli import show
from ssegauge.reports.github import commands_stopped
from ssegauge.reports.render.text import load_table, verdict_table
from tests.reports import factory


def shown(*documents: dict[str, Any], **options: bool) -> str:
    """Return what a command prints of its documents."""
    printed = CliRunner().invoke(_showing(documents, options), [])
    return printed.output


def _showing(documents: tuple[dict[str, Any], ...], options: dict[str, bool]) -> typer.Typer:
    command = typer.Typer()
    command.command()(lambda: show(documents, **options))
    return command


PASSED = factory.conformance_document(verdict="pass", results=[factory.result("wire/good")])
ADVISED = factory.conformance_document(
    verdict="pass", results=[factory.result("wire/odd", "fail", level="advice"), factory.result("wire/good")]
)


def test_quiet_tells_findings_of_every_level_and_nothing_else() -> None:
    assert shown(PASSED, quiet=True) == ""
    told = shown(ADVISED, quiet=True)
    assert "wire/odd" in told
    assert "Exit status 0" in told
    assert "group" not in told


def test_quiet_tells_of_a_load_what_does_not_hold_and_nothing_else() -> None:
    finding = {"rule": "wire/x", "level": "advice", "summary": "Seen.", "streams": 3, "evidence": []}
    load = factory.load_document(conformance={"streams_judged": 3, "findings": [finding]})
    told = shown(load, quiet=True)
    for words in ("Impact on existing endpoint", "The interval reaches past the limit", "wire/x", "Exit status 2"):
        assert words in told
    for words in ("Connection time", "p50", "connections", "generator"):
        assert words in shown(load)
        assert words not in told


def test_what_servers_say_is_no_command_to_a_job(capfd: pytest.CaptureFixture[str]) -> None:
    with commands_stopped():
        print("::error::of a server")
    told = capfd.readouterr()

    stop, go_on = told.err.splitlines()
    word = stop.removeprefix("::stop-commands::")
    assert go_on == f"::{word}::"
    assert len(word) >= 32
    assert told.out == "::error::of a server\n"


def test_a_type_of_events_is_no_markup() -> None:
    types = [{"type": name, "stage": "", "events": 3, "bytes": 9, "latency_ms": None} for name in ("[/red]", "b")]
    table = load_table(factory.load_document(types=types))
    console = Console(file=io.StringIO(), width=100)
    console.print(table)
    assert "[/red]" in console.file.getvalue()  # type: ignore[attr-defined]


def test_what_was_not_observed_is_counted_and_named_when_asked_for() -> None:
    unseen = [factory.result(f"cleanup/{name}", "not_observed") for name in ("one", "two")]
    made = factory.conformance_document(verdict="pass", results=[*unseen, factory.result("wire/good")])
    assert "2 rules" in shown(made)
    assert "cleanup/one" not in shown(made)
    verbose = shown(made, verbose=True)
    assert "cleanup/one cleanup/two" in verbose
    assert "wire/good" in verbose


@pytest.mark.parametrize(
    ("made", "reason"),
    [
        (factory.conformance_document(), "Exit status 1: The server speaks the protocol wrong: wire/invalid-utf8"),
        (PASSED, "Exit status 0: The server speaks the protocol right."),
        (
            PASSED | {"verdict": "fail", "baseline": {"path": "b", "known": ["wire/good"], "stale": ["wire/good"]}},
            "Exit status 1: The baseline is stale: wire/good is found no more; take it out.",
        ),
        (
            PASSED | {"verdict": "could_not_judge", "notes": ["no event came"]},
            "Exit status 2: Conformance could not be",
        ),
    ],
)
def test_the_reason_of_the_exit_status_is_one_line(made: dict[str, Any], reason: str) -> None:
    assert any(line.startswith(reason) for line in shown(made).splitlines())


@pytest.mark.parametrize("columns", [40, 60])
def test_a_narrow_terminal_loses_no_unit(columns: int) -> None:
    page = io.StringIO()
    console = Console(file=page, width=columns, color_system=None)
    load = factory.load_document()
    console.print(load_table(load), crop=False)
    console.print(verdict_table(factory.conformance_document()), crop=False)
    for unit in ("12.3 ms", "< 1 s", "5.1 to 6.9 ms", "+3.1 %", "< +5 %"):
        assert unit in page.getvalue()


def test_a_job_of_github_gets_annotations_and_a_summary(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    summary = tmp_path / "summary"
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    hostile = factory.result("wire/x", "fail", summary="50 %\n::set-env name=A::b")
    made = factory.conformance_document(results=[hostile])
    load = factory.load_document()
    reports.build(factory.write_run(tmp_path / "run", conformance=made, load=load))
    with pytest.raises(typer.Exit):
        show([made, load], tmp_path / "run", as_json=True)
    told = capsys.readouterr()
    assert json.loads(told.out)  # JSON, and nothing else
    go_on, *lines, stop = [line for line in told.err.splitlines() if line.startswith("::")]
    assert stop == f"::stop-commands::{go_on.strip(':')}"
    assert lines[0] == "::error file=ssegauge.toml,line=1,title=wire/x::50 %25 ::set-env name=A::b"
    assert all(line.startswith("::error") for line in lines)
    assert summary.read_text("utf-8").startswith("## ❌ ssegauge")


@pytest.mark.parametrize("wanted", ["junit", "html"])
def test_a_report_that_cannot_be_written_hides_no_verdict(
    wanted: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(*_: object, **__: object) -> None:
        raise reports.BadRunFolder("report.html: cannot be written (No space left on device)")

    junit = tmp_path / "file" / "x.xml" if wanted == "junit" else None
    (tmp_path / "file").write_text("no folder")
    if wanted == "html":
        monkeypatch.setattr(reports, "build", full)
    with run_folder(from_url("http://127.0.0.1:1/events"), tmp_path / "run") as folder:
        pass
    with pytest.raises(reports.BadRunFolder, match="cannot be written"):
        show_run(folder, [PASSED], junit)
    told = capsys.readouterr().out
    assert "Conformance: ✓ PASSED" in told
    assert "Exit status 2" in told
    assert "Report:" not in told


def test_faults_are_listed_by_group() -> None:
    listed = CliRunner().invoke(app, ["serve", "--faults"]).output.splitlines()
    groups = [line for line in listed if line and not line.startswith(" ")]
    assert "wire" in groups
    assert len(groups) == len(set(groups))


def test_a_baseline_is_updated_and_keeps_remarks_and_what_was_not_judged(tmp_path: Path) -> None:
    gone, new, unseen = list(RULES.values())[:3]
    results = [Result(gone, "pass", observations=1), Result(new, "fail"), Result(unseen, "not_observed")]
    file = tmp_path / "known.txt"
    file.write_text(f"# ours\n{gone.code}\n{unseen.code}  # see 12\n", "utf-8")
    assert update_baseline(file, results) == (str(file), frozenset({new.code, unseen.code}))
    assert file.read_text("utf-8") == f"# ours\n{unseen.code}  # see 12\n{new.code}\n"
    with pytest.raises(CannotJudge, match="cannot be written"):
        update_baseline(tmp_path / "no" / "known.txt", results)
