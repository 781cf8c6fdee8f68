"""``--abort-on``: a run whose outcome is known ends; and objectives of the target file."""

from __future__ import annotations

import numpy as np
import pytest

from ssegauge.conformance.errors import CannotJudge
from ssegauge.conformance.target import from_toml
from ssegauge.loadtests.judging import guard
from ssegauge.loadtests.judging.guard import Guard
from ssegauge.loadtests.measuring.samples import GAP, UPDATE, Floats
from ssegauge.loadtests.running.cli import stated

NONE = {"failed": 0, "dropped": 0}


def rows(kind: int, *values: float) -> Floats:
    return np.array([(0.0, kind, 1.0, value, 0.0, 0.0) for value in values])


def test_what_came_lately_breaks_an_objective() -> None:
    watch = Guard(("update_p95 < 100ms", "dropped < 3"))
    watch.take(0.0, rows(UPDATE, *[50.0] * 30))
    watch.take(0.0, rows(GAP, *[500.0] * 30))
    assert watch.broken(1.0, NONE) is None
    watch.take(1.0, rows(UPDATE, *[150.0] * 10))
    broken = watch.broken(2.0, NONE)
    assert broken
    assert (broken.rule, broken.verdict, broken.value) == ("asked/update-p95", "fail", 150.0)
    assert "broken 2 s into the run" in broken.note
    watch.take(11.5, rows(UPDATE, 50.0))  # all of that is long ago, and one is too few
    assert watch.broken(12.0, NONE) is None
    counted = watch.broken(13.0, NONE | {"dropped": 3})
    assert counted
    assert (counted.rule, counted.value) == ("asked/dropped", 3)


def test_a_limit_that_may_be_reached_is_not_broken_by_it() -> None:
    watch = Guard(("failed <= 0",))
    assert watch.broken(1.0, NONE) is None
    broken = watch.broken(1.0, NONE | {"failed": 1})
    assert broken
    assert not broken.exclusive


def test_what_only_the_end_can_tell_ends_no_run() -> None:
    for text in ("goodput > 95%", "lost_ratio < 1%"):
        with pytest.raises(CannotJudge, match="choose a percentile, failed or dropped"):
            guard.parse(text)
    with pytest.raises(CannotJudge, match=r"^--abort-on 'foo': no objective"):
        guard.parse("foo")


FILE = 'objectives = [{}]\nbase_url = "http://127.0.0.1:1"\nprofile = "event-stream"\n[stream]\npath = "/"\n'


def test_objectives_of_the_target_file_are_those_of_the_run() -> None:
    assert stated(from_toml(FILE.format('"gap_p99 < 3s"'))) == ("gap_p99 < 3s",)
    with pytest.raises(CannotJudge, match=r"^objectives 'soon': no objective; write"):
        stated(from_toml(FILE.format('"soon"')))
    with pytest.raises(CannotJudge, match=r"toml:1: objectives = 5 is not a string"):
        stated(from_toml(FILE.format("5")))
