"""Shapes: how many streams are wanted at each moment, who has them, and whether the server held them."""

from __future__ import annotations

import re
import socket
import threading
import time
from dataclasses import replace
from email.utils import formatdate
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from ssegauge.conformance.errors import CannotJudge
from ssegauge.conformance.target import from_toml
from ssegauge.loadtests.judging import shaped
from ssegauge.loadtests.judging.facts import Facts
from ssegauge.loadtests.judging.summary import summarize
from ssegauge.loadtests.measuring import shape
from ssegauge.loadtests.running.choices import shaped as with_shape
from ssegauge.loadtests.running.cli import Options, scenario_file
from ssegauge.loadtests.running.node.crowd import Crowd
from tests.loadtests.conftest import PATIENT, Load, verdicts
from tests.loadtests.servers import reply, scripted
from tests.loadtests.test_scenarios import Feed


def test_between_points_is_a_straight_line_and_two_at_once_are_a_step() -> None:
    found = shape.parse("0:0, 10s:100 10:300 1m:300 60s:50 2m:0")
    wanted = {at_s: found.wanted(at_s) for at_s in (0, 5, 9.99, 10, 30, 60, 90, 120, 1000)}
    assert wanted == {0: 0, 5: 50, 9.99: 100, 10: 300, 30: 300, 60: 50, 90: 25, 120: 0, 1000: 0}
    assert (found.most, found.duration_s) == (300, 120)
    assert shape.parse(str(found)) == found


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no points; write TIME:USERS"),
        ("0:0 30:", "point 2 (30:) is none; write TIME:USERS"),
        ("0:0 -3s:5", "point 2 (-3s:5) is none"),
        ("0:0 30s:5.5", "point 2 (30s:5.5) is none"),
        ("0:0 ٣s:5", "point 2 (٣s:5) is none"),
        ("5s:10 10s:20", "point 1 (5s:10) must be at 0; write 0:0 before it"),
        ("0:0 20s:5 10s:7", "point 3 (10s:7) comes before (20s:5), in time; swap them"),
        ("0:5", "it lasts no time; write a later point after 0:5"),
        ("0:0 10s:0", "no stream is ever wanted"),
        ("0:0 10s:99999999", "point 2 (10s:99999999) wants more than 10,000,000 streams"),
        ("0:0 " + "x" * 1000, "(" + "x" * 40 + "…) is none"),
        ("0:1 " * 1001, "1,001 points; write 1,000 at most"),
    ],
)
def test_a_broken_shape_is_one_line_with_the_place_and_the_remedy(text: str, said: str) -> None:
    with pytest.raises(CannotJudge, match=f"^--shape: .*{re.escape(said)}[^\n]*$"):
        shape.parse(text)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"users": 70}, "--users 70: --shape says how many"),
        ({"duration_s": 9.0}, "--duration: --shape says how long"),
        ({"scenario": "herd"}, "--shape: in --scenario herd all readers come at once"),
        ({"arrivals": "5/s"}, "--shape: with --arrivals requests arrive by their plan"),
    ],
)
def test_an_option_that_says_something_else_is_named(options: dict[str, Any], said: str) -> None:
    target = from_toml('base_url = "http://127.0.0.1:1"\n[stream]\npath = "/"\n')
    with pytest.raises(CannotJudge, match=said):
        with_shape(Options(shape="0:1 5s:1", **options), target)


def test_the_target_file_may_state_the_shape_and_the_command_line_counts_more() -> None:
    target = from_toml('base_url = "http://127.0.0.1:1"\nshape = "0:0 2m:70"\n[stream]\npath = "/"\n')
    found = with_shape(Options(), target)
    assert (found.users, found.duration_s, found.shape) == (70, 120, "0s:0 120s:70")
    assert with_shape(Options(users=7), target).shape == ""
    assert with_shape(Options(scenario="herd"), target).shape == ""
    assert with_shape(Options(shape="0:9 5s:9"), target).users == 9
    broken = from_toml('base_url = "http://127.0.0.1:1"\nshape = "2m:70"\n[stream]\npath = "/"\n')
    with pytest.raises(CannotJudge, match=r"^shape: point 1 \(2m:70\) must be at 0"):
        with_shape(Options(), broken)


def test_a_scenario_that_is_none_is_asked_back() -> None:
    with pytest.raises(CannotJudge, match=r"--scenario herds: none of churn, .*; did you mean 'herd'\?$"):
        scenario_file("herds")


class Noted:
    """A seat that notes whether it is called."""

    def __init__(self) -> None:
        self.called = False

    def call(self) -> None:
        self.called = True

    def dismiss(self) -> None:
        self.called = False


def test_the_last_called_goes_first_and_processes_have_equal_shares() -> None:
    crowd, seats = Crowd(), [Noted() for _ in range(5)]
    crowd.shaped = True
    for seat in seats[:3]:
        crowd.join(seat)
    assert not any(seat.called for seat in seats)
    crowd.want(4)
    for seat in seats[3:]:
        crowd.join(seat)  # late, and wanted already
    assert [seat.called for seat in seats] == [True, True, True, True, False]
    crowd.want(1)
    assert [seat.called for seat in seats] == [True, False, False, False, False]
    for whole in (0, 1, 7, 100):
        shares = [shape.share(whole, number, 3) for number in range(3)]
        assert sum(shares) == whole
        assert max(shares) - min(shares) <= 1


def held(text: str, opened_s: list[float], closed_s: list[float], patience_s: float = 1.0) -> shaped.Held:
    at_ms = np.array([*opened_s, *closed_s]) * 1e3 + 2000
    step = np.array([1.0] * len(opened_s) + [-1.0] * len(closed_s))
    return shaped.held(shape.parse(text), 2.0, patience_s, at_ms, step)


def test_what_was_held_is_compared_with_what_was_wanted_at_each_moment() -> None:
    ramp = [0.3 + number for number in range(10)]
    assert held("0:0 10s:10 20s:10", ramp, []).share == 1.0
    late = held("0:0 10s:10 20s:10", [at_s + 3 for at_s in ramp], [])
    assert late.share == 0.0
    lost = held("0:0 10s:10 20s:10", ramp, [14.0, 14.0, 14.0])
    assert (lost.wanted, lost.held, lost.share) == (10, 7, 0.7)
    assert 13.9 <= lost.at_s <= 14.2
    back = held("0:0 10s:10 20s:10", [*ramp, 15.0, 15.0], [14.0, 14.0], patience_s=2)
    assert back.share == 1.0  # they had the time of a connect to be back


def test_a_fall_blames_nobody_for_streams_that_are_still_open_and_a_long_shape_costs_little() -> None:
    assert held("0:4 5s:4 5s:1 9s:1", [0.1] * 4, [5.4] * 3).share == 1.0
    assert held("0:2 100000s:2", [0.5, 0.6], [60_000.0], patience_s=1e9).share == 0.5
    assert held("0:2 100000s:2", [0.5, 0.6], [60_000.0]).share == 0.5
    assert held("0:0 0.2s:5 0.4s:0 9s:0", [0.1], []).share is None  # shorter than a connect may take


def test_streams_follow_a_step_up_and_down(load: Load, folder: Path) -> None:
    with scripted(Feed()) as url:
        described = f'base_url = "{url}"\nshape = "0:2 1s:2 1s:8 2s:8 2s:3 3s:3"\n[stream]\npath = "/"\n{PATIENT}'
        document = load(described, scenario="watch")
    assert verdicts(document)["shape-held"] == "pass"
    assert document["shape"]["points"] == [[0, 2], [1, 2], [1, 8], [2, 8], [2, 3], [3, 3]]
    assert document["users"] == document["connections"]["peak_open"] == 8
    frame = pd.read_parquet(folder / "samples").query("kind == 'open'").sort_values("at_ms", kind="stable")
    at_s = frame["at_ms"] / 1000 - document["shape"]["since_s"]
    late = frame[(frame["value"] < 0) & (at_s < 2.95)]
    assert len(late) == 5  # left at the step down, the others at the end
    assert (at_s[(frame["value"] > 0)] < 0.95).sum() == 2


class Holds:
    """Tells its feed to so many readers at once; the others are refused."""

    def __init__(self, most: int) -> None:
        self._feed, self._free = Feed(), threading.Semaphore(most)

    def __call__(self, connection: socket.socket, head: bytes) -> None:
        if not self._free.acquire(blocking=False):
            until = formatdate(time.time() + 60, usegmt=True)
            connection.sendall(reply(b"", "503 Full", f"Retry-After: {until}\r\nConnection: close\r\n".encode()))
            return
        try:
            self._feed(connection, head)
        finally:
            self._free.release()


def test_a_server_that_holds_fewer_than_the_shape_wants_fails(load: Load) -> None:
    with scripted(Holds(4)) as url:
        described = f'base_url = "{url}"\n[stream]\npath = "/"\n{PATIENT}'
        document = load(described, scenario="watch", shape="0:4 1s:4 1s:10 2s:10")
    failed = next(one for one in document["objectives"] if one["rule"] == "performance/shape-held")
    assert (failed["verdict"], failed["value"]) == ("fail", 0.4)
    assert "4 of 10 streams were open; 6 failed, 0 dropped (status 503 x 6)" in failed["note"]
    told = document["connections"]["told_to_wait"]
    assert (told["refusals"], told["shortened"]) == (6, 0)  # each asked once, for the server wants a minute
    assert 58 < told["longest_s"] <= 60


EXISTING = 'base_url = "http://127.0.0.1:1"\n[stream]\npath = "/"\n[existing]\npath = "/old"\n'


@pytest.mark.parametrize(("scenario", "text", "told"), [("progress", "0:1 5s:1", True), ("idle", "0:1 5s:1", False)])
def test_that_an_impact_is_not_measured_is_told_where_it_would_have_been(
    scenario: str, text: str, told: bool, tmp_path: Path
) -> None:
    facts = Facts(scenario, "2026-11-28T02:00:00Z", 5.0, 1, None, "kernel")
    shaped_too = replace(facts, shape=shape.parse(text))
    assert ("unmeasured" in summarize(tmp_path, from_toml(EXISTING), shaped_too)) == told
    assert "unmeasured" not in summarize(tmp_path, from_toml(EXISTING), facts)
