"""What judging a run's recordings costs who waits for it: no heartbeat of a worker, and no time of the run."""

from __future__ import annotations

import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import gevent
import pytest

from ssegauge.conformance.target import from_toml
from ssegauge.loadtests.running.conducting import lead
from ssegauge.loadtests.running.conducting.lead import Lead, Plan
from ssegauge.loadtests.running.node import Node
from ssegauge.loadtests.running.node.streams import Judged

TARGET = from_toml('base_url = "http://127.0.0.1:1"\nprofile = "event-stream"\n[stream]\npath = "/"\n')
ENOUGH = 20  # heartbeats


def test_a_process_that_judges_goes_on_telling_that_it_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    node, heartbeats, give_up = Node(TARGET), [0], time.monotonic() + 5

    def beat() -> None:
        while True:
            gevent.sleep(0.005)
            heartbeats[0] += node.is_judging

    def judged(_: set[str]) -> Judged:
        while heartbeats[0] < ENOUGH and time.monotonic() < give_up:
            pass  # as busy as judging is
        return Judged({"streams_judged": heartbeats[0]})

    monkeypatch.setattr(node.streams, "judged", judged)
    beating = gevent.spawn(beat)
    node.obey({"do": "drain"})
    beating.kill()
    assert node.report()["conformance"]["streams_judged"] >= ENOUGH


def test_the_run_lasts_until_its_time_is_up_and_not_until_it_is_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(lead, "time", SimpleNamespace(monotonic=lambda: now[0]))
    plan = Plan("watch", Path(), users=1, rate=1.0, duration_s=8.0, drives=False, phased=False)
    run = Lead(plan, TARGET, cast("Any", None))
    now[0] = 108.0
    run.end()
    now[0] = 169.0
    assert run.elapsed_s == 8.0


def test_only_workers_that_all_say_that_they_judge_are_waited_for_longer() -> None:
    reported = Lead(Plan("watch", Path(), 1, 1.0, 8.0, drives=False, phased=False), TARGET, cast("Any", None)).reported
    figures = dict.fromkeys(("sending_ms", "looping_ms", "cpu_shares"), b"")
    for name, judges in (("busy", True), ("stuck", False)):
        reported.take(name, {"at_ms": 0.0, "is_judging": judges, **figures})
    assert reported.are_judging({"busy"})
    assert not reported.are_judging({"busy", "stuck"})
    assert not reported.are_judging({"never heard of"})
