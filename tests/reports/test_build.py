"""From a folder to report.html, summary.md and junit.xml, whatever the run left behind."""

import io
import json
import re
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import typer
from rich.console import Console

from ssegauge import reports
from ssegauge.reports import cli
from ssegauge.reports.render.text import load_table
from tests.reports import factory

PASSED = factory.conformance_document(factory.PASSING)
LOAD_PASSED = factory.load_document(verdict="pass", objectives=factory.load_document()["objectives"][:3])


def test_a_whole_run_gives_three_files_and_the_verdict(tmp_path: Path) -> None:
    factory.write_run(tmp_path, samples=factory.samples_frame(), conformance=PASSED, load=LOAD_PASSED)
    built = reports.build(tmp_path)
    assert built.verdict == "pass"
    assert ET.parse(built.junit).getroot().attrib["failures"] == "0"
    assert "The server speaks the protocol right. It held up under load." in built.markdown.read_text("utf-8")
    page = built.html.read_text("utf-8")
    assert "<h1>" in page
    assert "3,000" in page  # samples of the update latency
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


VERDICTS: dict[str, tuple[dict[str, Any], str]] = {
    "a broken rule": ({"conformance": factory.conformance_document(), "load": LOAD_PASSED}, "fail"),
    "only a check, passed": ({"conformance": PASSED, "load": None}, "pass"),
    "only a load run, passed": ({"conformance": None, "load": LOAD_PASSED}, "pass"),
    "a load run that could not be judged": ({"conformance": PASSED}, "could_not_judge"),
    "a failed load run": ({"conformance": PASSED, "load": LOAD_PASSED | {"verdict": "fail"}}, "fail"),
    "nothing but run.json": ({"conformance": None, "load": None}, "could_not_judge"),
    "killed after the check": ({"run": factory.run_document(finished=None), "conformance": PASSED, "load": None},
                               "could_not_judge"),
    "interrupted": ({"run": factory.run_document(interrupted=True), "conformance": PASSED, "load": LOAD_PASSED},
                    "could_not_judge"),
    "judged offline, without run.json": ({"run": None, "conformance": PASSED, "load": None}, "pass"),
}  # fmt: skip


@pytest.mark.parametrize(("documents", "verdict"), VERDICTS.values(), ids=VERDICTS)
def test_what_is_missing_or_unfinished_never_passes(tmp_path: Path, documents: dict[str, Any], verdict: str) -> None:
    built = reports.build(factory.write_run(tmp_path, **documents))
    assert built.verdict == verdict
    counts = ET.parse(built.junit).getroot().attrib
    assert (int(counts["failures"]) > 0) == (verdict == "fail")
    assert (int(counts["errors"]) > 0) == (verdict == "could_not_judge")


def test_a_killed_run_shows_what_its_samples_hold(tmp_path: Path) -> None:
    run = factory.run_document(finished=None)
    factory.write_run(tmp_path, samples=factory.samples_frame(), run=run, conformance=None, load=None)
    (tmp_path / "samples" / "000000.parquet").write_bytes(b"PAR1")
    page = reports.build(tmp_path).html.read_text("utf-8")
    assert "The load run did not finish" in page
    assert "1 of 3 parts of the samples are broken and left out: 000000.parquet" in page
    assert "figure-latency" in page


def test_a_report_with_charts_can_be_mailed(tmp_path: Path) -> None:
    built = reports.build(factory.write_run(tmp_path, samples=factory.samples_frame(rate=1000)))
    assert built.html.stat().st_size < 300_000


def test_a_check_alone_embeds_no_charts_library(tmp_path: Path) -> None:
    page = reports.build(factory.write_run(tmp_path, load=None)).html.read_text("utf-8")
    assert len(page) < 200_000
    assert "No load was run" in page


def test_an_empty_folder_is_no_run_and_is_left_empty(tmp_path: Path) -> None:
    with pytest.raises(reports.BadRunFolder, match="holds no run"):
        reports.build(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    run = factory.write_run(tmp_path / "run")
    (tmp_path / "file").write_text("")
    with pytest.raises(reports.BadRunFolder, match=re.escape(f"{tmp_path}/file/out.xml: cannot be written")):
        reports.write_junit(run, tmp_path / "file" / "out.xml")


def test_no_figure_is_told_for_a_kind_without_samples(tmp_path: Path) -> None:
    samples = factory.samples_frame()
    factory.write_run(tmp_path, samples=samples[samples["kind"] == "connect"])
    page = reports.build(tmp_path).html.read_text("utf-8")
    assert "Connect until open: half within" in page
    assert "figure-open" not in page


def test_update_latency_from_time_stamps_is_marked(tmp_path: Path) -> None:
    latency = factory.load_document()["latency_ms"]
    latency["update"]["source"] = "event-timestamp"
    factory.write_run(tmp_path, samples=factory.samples_frame(), load=factory.load_document(latency_ms=latency))
    page = reports.build(tmp_path).html.read_text("utf-8")
    assert "Update latency counts from the events' own time stamps" in page


def test_the_command_tells_the_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = factory.write_run(tmp_path / "run")
    cli.report(run, junit=tmp_path / "out.xml", sarif=tmp_path / "out.sarif")
    told = capsys.readouterr().out.split()
    assert told == [
        f"{run}/report.html",
        f"{run}/summary.md",
        f"{run}/junit.xml",
        f"{tmp_path}/out.xml",
        f"{tmp_path}/out.sarif",
    ]
    assert all(Path(path).stat().st_size for path in told)
    assert json.loads((tmp_path / "out.sarif").read_text("utf-8"))["version"] == "2.1.0"


def test_the_command_speaks_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cli.report(factory.write_run(tmp_path), as_json=True)
    assert json.loads(capsys.readouterr().out)["verdict"] == "fail"


FORMULAS = ["=1+1", "+1", "-1", "@x", "\tx", "\rx"]


def test_other_tools_get_the_frames_and_a_spreadsheet_no_formula(tmp_path: Path) -> None:
    hostile = [factory.result(f"wire/{number}", "fail", summary=text) for number, text in enumerate(FORMULAS)]
    made = factory.conformance_document(results=hostile)
    run = factory.write_run(tmp_path, conformance=made, samples=factory.samples_frame())
    cli.report(run, form="csv, parquet,json", as_json=True)
    tables = tmp_path / "tables"
    rules = pd.read_csv(tables / "rules.csv")
    assert not any(text.startswith(("=", "+", "-", "@", "\t", "\r")) for text in rules["summary"])
    samples = factory.samples_frame()
    assert len(pd.read_csv(tables / "samples.csv")) == len(pd.read_parquet(tables / "samples.parquet")) == len(samples)
    assert json.loads((tables / "report.json").read_text("utf-8"))["conformance"] == made
    private = (*tables.iterdir(), *(tmp_path / name for name in ("report.html", "junit.xml")))
    assert {path.stat().st_mode & 0o777 for path in private} == {0o600}


def test_an_unknown_form_is_named_with_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(typer.BadParameter, match="'pdf' is none of html, md, junit, csv, parquet, json"):
        cli.report(factory.write_run(tmp_path), form="pdf")


def test_what_a_shape_kept_from_being_measured_is_told_in_every_output(tmp_path: Path) -> None:
    load = factory.load_document(unmeasured={"performance/degradation": "a shape says <b> how many"})
    load["objectives"] = [one for one in load["objectives"] if one["rule"] != "performance/degradation"]
    built = reports.build(factory.write_run(tmp_path, load=load))
    page = built.html.read_text("utf-8")
    case = ET.parse(built.junit).find(".//testcase[@name='performance/degradation']")
    assert case is not None
    assert [one.attrib["message"] for one in case] == ["not measured: a shape says <b> how many"]
    assert page.count("a shape says &lt;b&gt; how many") == 2  # on its card, and among the facts
    assert "not measured: Impact on existing endpoint: a shape says" in built.markdown.read_text("utf-8")
    shown = io.StringIO()
    Console(file=shown, width=200).print(load_table(load))
    assert "not measured" in shown.getvalue()
