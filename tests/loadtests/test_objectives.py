"""Verdicts: what passes, what fails, and what cannot be judged."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ssegauge.conformance.target import Limits
from ssegauge.loadtests.judging.health import Health
from ssegauge.loadtests.judging.impact import Ratio
from ssegauge.loadtests.judging.objectives import FEWEST, Measured, Objective, judge, overall
from ssegauge.loadtests.judging.silence import Silence
from ssegauge.loadtests.measuring.integrity import Account
from ssegauge.loadtests.measuring.witnesses import Witnessed

LIMITS = Limits()
GOOD = Measured(
    connect=np.full(50, 10.0),
    update=np.full(500, 5.0),
    account=Account(500, 500),
    users=50,
    peak_open=50,
    failed=0,
    dropped=0,
    ratio=Ratio(1.01, 0.99, 1.03, 10),
    existing=True,
    pings=4000,
    planned=500,
    accepted=500,
    held=50,
)
SLOW = np.r_[np.full(98, 5.0), 2100.0, 2200.0]


def judged(measured: Measured, rule: str) -> Objective:
    (found,) = [item for item in judge(measured, LIMITS) if item.rule == f"performance/{rule}"]
    return found


def test_a_good_run_passes_every_objective() -> None:
    objectives = judge(GOOD, LIMITS)
    assert {item.rule: item.verdict for item in objectives} == {
        f"performance/{name}": "pass"
        for name in (
            "connect-time",
            "concurrent-streams",
            "update-latency",
            "offered-load",
            "event-lost",
            "event-duplicated",
            "event-reordered",
            "degradation",
        )
    }
    assert overall(objectives) == "pass"


STARVED = Witnessed(streams=20, counts=(17, *(0,) * 19))
PARTED = Witnessed(streams=4, shared=False, counts=(9, 8, 9, 8))
BRIEF = Witnessed(streams=20, shared=True, counts=(9,) * 20, apart_ms=3000.0)
WATCHED = replace(GOOD, driven=False)
BAD = {
    "slow connects": (replace(GOOD, connect=np.full(50, 1000.0)), "connect-time", "fail"),
    "slow updates": (replace(GOOD, update=SLOW), "update-latency", "fail"),
    "a failed connect": (replace(GOOD, failed=1), "concurrent-streams", "fail"),
    "a dropped stream": (replace(GOOD, dropped=1), "concurrent-streams", "fail"),
    "fewer than asked for": (replace(GOOD, peak_open=49, failed=1), "concurrent-streams", "fail"),
    "streams that end too soon": (replace(GOOD, peak_open=31), "concurrent-streams", "could_not_judge"),
    "none opened": (replace(GOOD, peak_open=0, failed=50), "concurrent-streams", "could_not_judge"),
    "a lost update": (replace(GOOD, account=Account(9, 8, lost=1)), "event-lost", "fail"),
    "a repeated update": (replace(GOOD, account=Account(9, 9, duplicated=1)), "event-duplicated", "fail"),
    "swapped updates": (replace(GOOD, account=Account(9, 9, reordered=1)), "event-reordered", "fail"),
    "no update sent": (replace(GOOD, account=Account()), "event-lost", "could_not_judge"),
    "no connect": (replace(GOOD, connect=np.empty(0)), "connect-time", "could_not_judge"),
    "few connects": (replace(GOOD, connect=np.full(FEWEST - 1, 1.0)), "connect-time", "could_not_judge"),
    "few updates": (replace(GOOD, update=np.full(FEWEST - 1, 9e9)), "update-latency", "could_not_judge"),
    "a clock ahead": (replace(GOOD, update=np.full(50, -30.0)), "update-latency", "could_not_judge"),
    "slower": (replace(GOOD, ratio=Ratio(1.2, 1.06, 1.3, 9)), "degradation", "fail"),
    "perhaps slower": (replace(GOOD, ratio=Ratio(1.04, 0.99, 1.06, 9)), "degradation", "could_not_judge"),
    "perhaps not slower": (replace(GOOD, ratio=Ratio(1.06, 1.04, 1.2, 9)), "degradation", "could_not_judge"),
    "pings failed": (replace(GOOD, ping_failures="status 500 x 2"), "degradation", "could_not_judge"),
    "a MUST broken under load": (replace(GOOD, judged=50, broken=["wire/x"]), "breaks-under-load", "fail"),
    "refused updates": (replace(GOOD, accepted=50, refused=450), "offered-load", "fail"),
    "updates that wait": (replace(GOOD, accepted=400), "offered-load", "could_not_judge"),
    "no update due": (replace(GOOD, planned=0, accepted=0), "offered-load", "could_not_judge"),
    "no stream held": (replace(GOOD, held=0), "degradation", "could_not_judge"),
    "few streams held": (replace(GOOD, held=40), "degradation", "could_not_judge"),
    "few slots": (replace(GOOD, peak_open=4, connect=np.r_[np.full(46, 4000.0), 1.0]), "concurrent-streams", "fail"),
    "no stream open for long": (replace(WATCHED, witnessed=BRIEF), "event-lost", "could_not_judge"),
    "readers told late": (
        replace(WATCHED, witnessed=replace(BRIEF, expected=100, late_ms=2000.0, late_of=100), shared=True),
        *("readers-apart", "fail"),
    ),
    "each event to one reader": (replace(WATCHED, witnessed=PARTED, shared=True), "event-lost", "fail"),
    "most told nothing": (replace(WATCHED, witnessed=STARVED), "stream-silent", "could_not_judge"),
    "all silent at the end": (replace(WATCHED, silence=Silence(4.0, 0.1)), "all-silent", "could_not_judge"),
    "late connects": (replace(GOOD, connect_complaint="late"), "connect-time", "could_not_judge"),
    "late reading": (replace(GOOD, update_complaint="late"), "update-latency", "could_not_judge"),
    "too few phases": (replace(GOOD, ratio=None), "degradation", "could_not_judge"),
}


@pytest.mark.parametrize(("measured", "rule", "verdict"), BAD.values(), ids=BAD)
def test_what_is_not_good(measured: Measured, rule: str, verdict: str) -> None:
    assert judged(measured, rule).verdict == verdict
    assert overall(judge(measured, LIMITS)) == verdict
    if verdict == "could_not_judge":
        assert judged(measured, rule).note


def test_streams_that_nobody_promised_to_be_the_same_may_have_nothing_in_common() -> None:
    measured = replace(WATCHED, witnessed=PARTED)
    assert "performance/event-lost" not in {one.rule for one in judge(measured, LIMITS)}


@pytest.mark.parametrize("seen", [STARVED, BRIEF, replace(BRIEF, expected=100, lost=5, silent=2)])
def test_a_stream_of_its_own_has_no_witness(seen: Witnessed) -> None:
    measured = replace(WATCHED, witnessed=seen, shared=False)
    assert not {"performance/stream-silent", "performance/event-lost"} & {one.rule for one in judge(measured, LIMITS)}


def test_fewer_streams_than_the_limit_are_judged_as_such() -> None:
    objective = judged(replace(GOOD, users=10, peak_open=10), "concurrent-streams")
    assert (objective.verdict, objective.limit) == ("pass", 10)
    assert "the limit is 50" in objective.note


def test_a_saturated_generator_voids_failures_and_passes_alike() -> None:
    objectives = judge(replace(GOOD, update=SLOW, complaint="the generator was the limit"), LIMITS)
    assert {item.verdict for item in objectives} == {"could_not_judge"}
    assert {item.note for item in objectives} == {"the generator was the limit"}


def test_nothing_judged_is_no_pass() -> None:
    assert overall([]) == "could_not_judge"


NONE = np.empty(0)
HEALTH = {
    "nothing known": (Health(NONE, NONE, NONE, NONE), ""),
    "well": (Health(*[np.full(100, 50.0)] * 3, np.full(100, 0.5)), ""),
    "late once": (Health(np.r_[np.zeros(999), 5000.0], NONE, NONE, NONE), ""),
    "late loop, kernel stamps": (Health(NONE, NONE, np.full(100, 101.0), NONE), ""),
    "late loop, no stamps": (Health(NONE, NONE, np.full(100, 101.0), NONE, stamped=False), "loop was 101 ms late"),
    "stood still": (Health(NONE, NONE, NONE, NONE, standstill_ms=3000.0), "it stood still for 3.0 s"),
    "stood still for less than an update may take": (Health(NONE, NONE, NONE, NONE, standstill_ms=1900.0), ""),
    "a whole core": (
        Health(NONE, NONE, NONE, np.r_[np.full(7, 0.5), np.full(3, 0.99)]),
        "a whole core for 30% of the time",
    ),
    "busy for a moment": (Health(NONE, NONE, NONE, np.r_[np.full(9, 0.5), 0.99]), ""),
    "the clock was set": (Health(NONE, NONE, NONE, NONE, 3000.0), "the system clock was set by 3000 ms"),
}


def test_lateness_voids_what_depends_on_it_and_no_more() -> None:
    """Opening many streams makes the loop late; arrivals that the kernel stamps are none the later for it."""
    late = np.full(100, 201.0)
    sending, reading, looping = (Health(*(late if n == k else NONE for n in range(4))) for k in range(3))
    assert "updates were sent 201 ms late" in sending.update_complaint(LIMITS)
    assert "arrivals were read 201 ms late" in reading.update_complaint(LIMITS)
    assert "the event loop was 201 ms late" in looping.connect_complaint(LIMITS)
    assert not looping.update_complaint(LIMITS)
    assert not sending.connect_complaint(LIMITS)
    assert not any(health.complaint(LIMITS) for health in (sending, reading, looping))


@pytest.mark.parametrize(("health", "complaint"), HEALTH.values(), ids=HEALTH)
def test_when_the_generator_is_the_limit(health: Health, complaint: str) -> None:
    found = health.complaint(LIMITS)
    assert complaint in found
    assert bool(found) == bool(complaint)
