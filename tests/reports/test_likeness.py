"""Runs that are unlike are not compared, what is absent is not passed over, and a gate fails on what it names."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import typer

from ssegauge.reports import BadRunFolder, cli, compare, gate
from ssegauge.reports.render import compared
from ssegauge.reports.render.comparison import comparison_table, conclusion
from tests.reports import factory
from tests.reports.test_compare import fan_out
from tests.reports.test_render import printed

Document = dict[str, Any]
TARGET = {"base_url": "http://127.0.0.1:1", "profile": "task-progress", "stream": {"path": "/a"}}
OTHER: dict[str, tuple[dict[str, Document | None], str]] = {
    "users": ({"load": factory.load_document(users=500)}, "users: 50 and 500"),
    "scenario": ({"load": factory.load_document(scenario="watch")}, "scenario: progress and watch"),
    "rate": ({"load": factory.load_document(rate=25.0)}, "updates per second: 100 and 25"),
    "profile": ({"conformance": factory.conformance_document(profile="event-stream")}, "profile: "),
    "stream": ({"run": factory.run_document(target=TARGET | {"stream": {"path": "/b"}})}, "stream: /a and /b"),
    "no load": ({"load": None}, "only the base run has a load"),
    "no check": ({"conformance": None}, "only the base run has a verdict on conformance"),
}


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = factory.run_document(target=TARGET)
    return factory.write_run(tmp_path_factory.mktemp("base"), samples=factory.samples_frame(1, rate=20), run=run)


def head(folder: Path, **documents: Document | None) -> Path:
    defaults = {"run": factory.run_document(target=TARGET)}
    return factory.write_run(folder / "head", samples=factory.samples_frame(1, rate=20), **{**defaults, **documents})


def status(base: Path, head: Path, **options: Any) -> int:
    with pytest.raises(typer.Exit) as stopped:
        cli.compare(base, head, **options)
    return stopped.value.exit_code


@pytest.mark.parametrize(("documents", "told"), OTHER.values(), ids=OTHER)
def test_unlike_runs_are_refused_by_name(
    documents: dict[str, Document | None], told: str, base: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = head(tmp_path, **documents)
    assert status(base, other) == 2
    assert told in capsys.readouterr().out
    assert {ratio.verdict for ratio in cli.compared([base], [other], tolerance=0.05).ratios} == {"cannot_tell"}


def test_what_else_differs_is_told_and_refuses_nothing(
    base: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = factory.run_document(target=TARGET, ssegauge="0.2.0")
    assert status(base, head(tmp_path, run=run)) == 0
    assert "They differ in ssegauge: 0.1.0 and 0.2.0" in capsys.readouterr().out


def test_a_rule_that_is_judged_no_more_is_not_passed_over(
    base: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fewer = [one for one in factory.RESULTS if one["rule"] != "wire/repeated-bom"]
    assert status(base, head(tmp_path, conformance=factory.conformance_document(fewer))) == 2
    told = capsys.readouterr().out
    assert "not in the head run: wire/repeated-bom" in told
    assert "Nothing got worse" not in told


def test_a_latency_that_is_measured_no_more_is_not_passed_over(base: Path, tmp_path: Path) -> None:
    samples = factory.samples_frame(1, rate=20)
    run = factory.run_document(target=TARGET)
    other = factory.write_run(tmp_path / "head", samples=samples[samples["kind"] != "update"], run=run)
    assert status(base, other) == 2
    assert "latency update" in cli.compared([base], [other], tolerance=0.05).gone


def test_the_json_of_a_comparison_is_json(base: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    samples = factory.samples_frame(1, rate=20)
    other = factory.write_run(tmp_path / "head", samples=samples[samples["kind"] != "update"])
    status(base, other, as_json=True)
    document = json.loads(capsys.readouterr().out, parse_constant=pytest.fail)
    assert document["verdict"] == "could_not_judge"
    assert "latency update" in document["gone"]


def comparison(median_ms: float = 50) -> compare.Comparison:
    return compare.Comparison(compare.compare_latencies(fan_out(1), fan_out(2, median_ms=median_ms)), (), 1)


GATES = {
    "within": ("update_p50 worse 10%", 50, "pass"),
    "beyond": ("update_p50 worse 10 %", 100, "fail"),
    "far within": ("update_p50 worse 200%", 100, "pass"),
    "not measured": ("connect_p99 worse 10%", 50, "could_not_judge"),
    "too near": ("update_p50 worse 100%", 100, "could_not_judge"),
    "rules": ("rules worse", 100, "pass"),
}


@pytest.mark.parametrize(("text", "median_ms", "verdict"), GATES.values(), ids=GATES)
def test_a_gate_judges_what_it_names_alone(text: str, median_ms: float, verdict: str) -> None:
    assert gate.parsed(text).judge(comparison(median_ms)) == verdict


def test_a_gate_on_rules_fails_on_a_broken_one() -> None:
    broken = compare.Comparison((), (compare.Change("wire/x", "pass", "fail"),), 1)
    gone = compare.Comparison((), (compare.Change("wire/x", "pass", None),), 1)
    assert [gate.parsed("rules worse").judge(one) for one in (broken, gone)] == ["fail", "could_not_judge"]


@pytest.mark.parametrize("text", ["", "update worse", "update_p98 worse 5%", "rules worse 5%", "update_p99 better 5%"])
def test_a_gate_that_means_nothing_says_what_there_is(text: str) -> None:
    with pytest.raises(BadRunFolder, match="NAME is one of rules, connect_p50"):
        gate.parsed(text)


def test_a_gate_that_is_nearly_one_is_asked_about() -> None:
    with pytest.raises(BadRunFolder, match=r"did you mean 'update_p99'\? Or write"):
        gate.parsed("updat_p99 worse 5%")
    with pytest.raises(BadRunFolder, match="'rules worse 5%': write"):
        gate.parsed("rules worse 5%")


def test_the_command_ends_as_its_gates_say(base: Path, tmp_path: Path) -> None:
    slow = factory.write_run(
        tmp_path / "slow",
        samples=factory.samples_frame(2, rate=20, slower=3),
        run=factory.run_document(target=TARGET),
    )
    assert status(base, slow) == 1
    assert status(base, slow, fail_on=["rules worse"]) == 0
    assert status(base, slow, fail_on=["rules worse", "update_p50 worse 10%"]) == 1


def judged(**verdicts: str) -> Document:
    one = factory.load_document()
    changed = [row | {"verdict": verdicts.get(row["rule"].partition("/")[2].replace("-", "_"), "pass")}
               for row in one["objectives"]]  # fmt: skip
    return one | {"objectives": changed}


UNSURE = judged(degradation="could_not_judge")
BROKEN = judged(degradation="fail")
NEW: dict[str, tuple[Document, Document, str]] = {
    "broken, and not judged before": (UNSURE, BROKEN, "not judged in the base run: performance/degradation"),
    "broken, and not there before": (UNSURE | {"objectives": UNSURE["objectives"][:3]}, BROKEN, "performance/degr"),
    "broken by other users": (judged(), BROKEN | {"users": 500}, "· performance/degradation: passed -> failed"),
}


@pytest.mark.parametrize(("before", "after", "told"), NEW.values(), ids=NEW)
def test_what_nothing_is_known_of_before_is_neither_worse_nor_passed_over(
    before: Document, after: Document, told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sides = [factory.write_run(tmp_path / f"{n}", load=one) for n, one in enumerate((before, after))]
    assert status(*sides) == 2
    printed = capsys.readouterr().out
    assert told in printed
    assert "worse" not in printed.replace("Whether something got worse", "")


def test_what_one_run_alone_has_is_told_in_a_line() -> None:
    rules = {f"wire/{n}": "pass" for n in range(9)} | {"wire/unseen": "not_observed", "wire/odd": "fail"}
    for sides, told in ({}, "Judged in the head run alone"), (rules, "Judged in the base run, not in the head run"):
        changes = compare.compare_states(sides, {} if sides else rules)
        found = compare.Comparison((), changes, 1)
        for text in (printed(comparison_table(found), width=200), compared.markdown(found), compared.html(found)):
            assert f"{told}: wire/0, wire/1, wire/2, wire/3, wire/4 and 5 more" in text
            assert "unseen" not in text


def test_nothing_got_worse_says_of_how_much_that_is_known() -> None:
    told = tuple(replace(one, verdict="same") for one in comparison().ratios)
    unknown = tuple(replace(one, verdict="cannot_tell") for one in told)
    assert conclusion(compare.Comparison(told, (), 1)).startswith("Nothing got worse, as far")
    assert conclusion(compare.Comparison((*told, *unknown), (), 1)).startswith("Nothing got worse in the 2 of 4 ")
