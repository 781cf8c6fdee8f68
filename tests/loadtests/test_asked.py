"""Objectives that the user states: read, judged, and void where what they rest on is."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ssegauge.conformance.errors import CannotJudge
from ssegauge.conformance.target import from_url
from ssegauge.loadtests.driving.pacing import arrivals
from ssegauge.loadtests.judging.asked import Asked, judge, parse
from ssegauge.loadtests.measuring.integrity import Account
from ssegauge.loadtests.measuring.witnesses import Witnessed
from ssegauge.loadtests.running.cli import Options, run_load
from ssegauge.reports import words
from tests.loadtests.conftest import PATIENT, Load
from tests.loadtests.servers import StampedSender, scripted
from tests.loadtests.test_objectives import GOOD

TEXTS = {
    "update_p99 < 500ms": Asked("update", "p99", 500.0, "ms"),
    "first_event_p99.9<1.5s": Asked("first_event", "p99.9", 1500.0, "ms"),
    " gap_max <= 3 s ": Asked("gap", "max", 3000.0, "ms", inclusive=True),
    "connect_mean < 20ms": Asked("connect", "mean", 20.0, "ms"),
    "lost_ratio < 0.1%": Asked("lost_ratio", "", 0.001, "share"),
    "refused_ratio < 0.05": Asked("refused_ratio", "", 0.05, "share"),
    "dropped < 1": Asked("dropped", "", 1.0, "streams"),
    "first_token_p95 < 500ms": Asked("first_token", "p95", 500.0, "ms"),
    "time_per_output_token_p99 < 50ms": Asked("time_per_token", "p99", 50.0, "ms"),
    "tokens_per_second_p5 > 20": Asked("tokens_per_second", "p5", 20.0, "tokens/s", at_least=True),
    "goodput >= 95%": Asked("goodput", "", 0.95, "share", at_least=True, inclusive=True),
}


@pytest.mark.parametrize(
    ("text", "verdict", "limit"),
    [
        ("dropped < 1", "pass", "< 1"),
        ("dropped <= 0", "pass", "≤ 0"),
        ("goodput > 99.9%", "pass", "> 99.9"),
        ("goodput >= 100%", "pass", "≥ 100"),
    ],
)
def test_a_limit_may_be_met_by_itself(text: str, verdict: str, limit: str) -> None:
    found = judge(parse(text), replace(GOOD, goodput=1.0), VALUES)
    assert found.verdict == verdict
    assert words.limit(found.document()).startswith(limit)


@pytest.mark.parametrize(("text", "asked"), TEXTS.items())
def test_what_is_stated_is_read(text: str, asked: Asked) -> None:
    assert parse(text) == asked


WRONG = [
    "",
    "update < 5ms",
    "update_p99 > 5ms",
    "update_p99 < 5",
    "updates_p99 < 5ms",
    "dropped < 1%",
    "lost_ratio < 5ms",
    "goodput < 95%",
    "tokens_per_second_p5 < 20",
    "failed < 1%",
    "update_p५ < 1s",  # a digit, and none of a rule's code
    "update_p99 < ५s",
]


@pytest.mark.parametrize("text", WRONG)
def test_what_is_no_objective_says_what_one_is(text: str) -> None:
    with pytest.raises(CannotJudge, match="no objective; write KIND_pNN") as raised:
        parse(text)
    assert "\n" not in str(raised.value)
    assert "failed or dropped < 1, lost_ratio or refused_ratio < 1%," in str(raised.value)
    assert "head" in str(raised.value)


NEVER = {
    "failed < 0": "write <= 0",
    "update_p99 < 0ms": "write <= 0",
    "lost_ratio < 0%": "write <= 0",
    "goodput > 100%": "write >= 100%",
    "goodput >= 101%": "a smaller limit",
    "update_p0 < 1s": "write min",
    f"update_p99 < {'9' * 400}ms": "too large a number",
}


@pytest.mark.parametrize(("text", "remedy"), NEVER.items())
def test_what_no_run_can_meet_is_said_before_one(text: str, remedy: str) -> None:
    with pytest.raises(CannotJudge, match=f"^--abort-on .*: no run can meet it; .*{remedy}"):
        parse(text, "--abort-on")


def test_a_percentile_is_named_as_it_was_stated() -> None:
    found = judge(parse("update_p99.9 < 1s"), GOOD, VALUES).document()
    assert (words.title(found), words.named(found)) == ("Update p99.9", "Update p99.9")


VALUES = {"update": np.arange(1.0, 101.0), "gap": np.full(5, 1.0), "connect": np.empty(0)}
JUDGED = {
    "update_p50 < 51ms": ("pass", 50.5),
    "update_p50 < 50ms": ("fail", 50.5),
    "update_max < 100ms": ("fail", 100.0),
    "update_mean < 51ms": ("pass", 50.5),
    "update_p99.9 < 200ms": ("could_not_judge", 99.901),  # 100 samples, and 1,000 are needed
    "gap_p50 < 5ms": ("could_not_judge", 1.0),
    "connect_max < 5ms": ("could_not_judge", None),
    "dropped < 1": ("pass", 0.0),
    "failed < 1": ("pass", 0.0),
    "refused_ratio < 1%": ("pass", 0.0),
    "lost_ratio < 1%": ("pass", 0.0),
}


@pytest.mark.parametrize(("text", "expected"), JUDGED.items())
def test_what_is_stated_is_judged(text: str, expected: tuple[str, float | None]) -> None:
    found = judge(parse(text), GOOD, VALUES)
    assert (found.verdict, found.value if found.value is None else pytest.approx(found.value)) == expected
    assert found.note or found.verdict != "could_not_judge"


def test_what_was_lost_is_counted_by_updates_or_by_witnesses() -> None:
    lossy = replace(GOOD, account=Account(100, 98, lost=2))
    assert judge(parse("lost_ratio < 1%"), lossy, VALUES).verdict == "fail"
    watched = replace(GOOD, driven=False, witnessed=Witnessed(expected=1000, lost=5))
    assert judge(parse("lost_ratio < 1%"), watched, VALUES).verdict == "pass"
    assert judge(parse("lost_ratio < 1%"), replace(watched, witnessed=None), VALUES).verdict == "could_not_judge"


def test_it_is_void_where_what_it_rests_on_is() -> None:
    doubtful = replace(GOOD, update_complaint="read late")
    assert doubtful.complaint_of(judge(parse("update_p50 < 51ms"), doubtful, VALUES)) == "read late"
    assert not doubtful.complaint_of(judge(parse("connect_max < 51ms"), doubtful, VALUES))


def test_stated_objectives_are_judged_with_the_run(load: Load) -> None:
    stated = ("update_p50 < 40ms", "update_p50 < 60s", "gap_p50 < 60s")
    with scripted(StampedSender(0.05)) as url:
        document = load(
            f'base_url = "{url}"\n[stream]\npath = "/"\n{PATIENT}', users=5, duration_s=2, objectives=stated
        )
    found = [item["verdict"] for item in document["objectives"] if item["rule"].startswith("asked/")]
    assert found == ["fail", "pass", "pass"]
    assert document["verdict"] == "fail"


def test_a_mistake_is_said_before_anything_runs(load: Load) -> None:
    with scripted(StampedSender(0.0)) as url, pytest.raises(CannotJudge, match="no objective"):
        load(f'base_url = "{url}"\n[stream]\npath = "/"\n', users=1, duration_s=1, objectives=("update < 5",))


IMPOSSIBLE = {
    "first_token_p99 < 5ms": ("watch", "use --scenario requests"),
    "goodput > 95%": ("watch", "use --scenario requests"),
    "duration_p50 < 5s": ("herd", "use --scenario requests"),
    "recover_max < 5s": ("soak", "use --scenario herd"),
    "update_p99 < 5ms": ("requests", "use another scenario than requests"),
    "token_gap_p99 < 5ms": ("requests", "add token to its [promises]"),
}


@pytest.mark.parametrize(("text", "scenario", "remedy"), [(text, *rest) for text, rest in IMPOSSIBLE.items()])
def test_what_a_scenario_cannot_have_is_said_before_anything_runs(
    text: str, scenario: str, remedy: str, tmp_path: Path
) -> None:
    nowhere = from_url("http://127.0.0.1:1/events")
    stated = {"--objective": Options(scenario, objectives=(text,))}
    if text[-1] != "%":
        stated["--abort-on"] = Options(scenario, abort_on=(text,))
    for option, options in stated.items():
        with pytest.raises(CannotJudge, match="this run has no") as said:
            run_load(nowhere, tmp_path, options)
        assert str(said.value).startswith(option)
        assert remedy in str(said.value)


def test_a_locustfile_of_ones_own_is_told_so_by_its_own_process(load: Load, tmp_path: Path) -> None:
    own = tmp_path / "own.py"
    own.write_text("from ssegauge import SSEUser\nclass Own(SSEUser):\n    pass\n")
    with scripted(StampedSender(0.0)) as url, pytest.raises(CannotJudge, match="this run has no duration"):
        load(url + "/", scenario=str(own), users=1, duration_s=1, objectives=("duration_p50 < 5s",))


@pytest.mark.parametrize(
    ("text", "near"), [("updte_p99 < 1s", "update"), ("lost_rato < 1%", "lost_ratio"), ("zz < 1", "")]
)
def test_what_is_nearly_a_statistic_is_asked_back(text: str, near: str) -> None:
    with pytest.raises(CannotJudge) as said:
        parse(text)
    assert str(said.value).endswith(f"; did you mean {near!r}?" if near else "goodput > 95%")


def test_what_is_nearly_a_distribution_of_arrivals_is_asked_back() -> None:
    with pytest.raises(CannotJudge, match="did you mean 'constant'"):
        arrivals("20/s constnt")
