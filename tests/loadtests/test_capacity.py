"""The search of the limit, on servers whose limit is known."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ssegauge.loadtests.judging.capacity import RESOLUTION, Capacity, objective, search
from tests.loadtests.conftest import Load, verdicts


def run(passed: bool, *, saturated: bool = False) -> dict[str, Any]:
    verdict = "pass" if passed else "could_not_judge" if saturated else "fail"
    latency = {
        "rule": "performance/update-latency",
        "limit": 2000,
        "value": 10 if passed else 2500,
        "unit": "ms",
        "verdict": verdict,
    }
    generator = {"saturated": saturated} | ({"note": "the generator was the limit: late"} if saturated else {})
    return {"verdict": verdict, "objectives": [latency], "generator": generator}


@given(truth=st.integers(0, 20_000), most=st.integers(1, 20_000))
def test_the_interval_holds_the_truth_and_is_narrow(truth: int, most: int) -> None:
    probed: list[int] = []

    def probe(users: int) -> dict[str, Any]:
        probed.append(users)
        return run(users <= truth)

    found = search(probe, 50, most)
    assert max(probed) <= most
    assert len(probed) == len(set(probed)) <= 20
    if found.high is None:
        assert found.low == most <= truth
    else:
        assert found.low <= truth < found.high
        assert found.high - found.low == 1 or found.high <= RESOLUTION * found.low


def test_what_broke_first_is_named() -> None:
    found = search(lambda users: run(users <= 300), 50, 1000)
    assert found.broke == "update-latency (2500 ms, limit 2000)"
    assert not found.by_generator


def test_a_saturated_generator_is_no_limit_of_the_server() -> None:
    found = search(lambda users: run(users <= 30, saturated=users > 30), 50, 1000)
    assert found.by_generator
    assert objective(found, 50)["verdict"] == "could_not_judge"
    assert objective(found, 20)["verdict"] == "pass"


@pytest.mark.parametrize(
    ("found", "verdict"),
    [(Capacity(100, 110, "x"), "pass"), (Capacity(40, 45, "x"), "fail"), (Capacity(40, None), "could_not_judge")],
)
def test_the_capacity_as_an_objective(found: Capacity, verdict: str) -> None:
    assert objective(found, 50)["verdict"] == verdict


def test_a_search_up_to_few_users_runs_and_reports(load: Load, reference_target: str) -> None:
    document = load(reference_target, find=True, scenario="watch", users=60, duration_s=1, rate=5)
    capacity = document["objectives"][-1]
    assert verdicts(document)["capacity"] == "pass"
    assert (capacity["value"], "interval" in capacity) == (60, False)
    assert document["users"] == 60
