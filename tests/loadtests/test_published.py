"""Where there are no tasks to move, a load is driven by what is published, and every reader is to be told it once."""

from __future__ import annotations

from typing import Any

import pytest

from ssegauge.conformance.target import from_toml
from tests.forked import serving
from tests.loadtests.conftest import PATIENT, Load, verdicts

PUBLISH = '[publish]\npath = "/publish"\njson = {text = "{marker}"}\n'


def feed_at(url: str, more: str = "") -> str:
    """Return the target file of a feed, which is published to."""
    return f'base_url = "{url}"\nprofile = "event-stream"\n[stream]\npath = "/events"\n{PUBLISH}{PATIENT}{more}'


@pytest.mark.parametrize("processes", [0, 2])
def test_what_is_published_is_timed_at_every_reader(load: Load, processes: int) -> None:
    with serving(["--profile", "event-stream", "--pace", "0"]) as server:
        document = load(feed_at(server.base_url), users=6, duration_s=2, rate=20, processes=processes)
    account, sent = document["integrity"], document["updates"]["accepted"]
    assert 20 <= sent <= 60  # 20 a second, whatever the number of processes
    assert document["updates"]["refused"] == 0
    assert account["sent"] == account["received"] == document["latency_ms"]["update"]["samples"] > 0
    readers = 6 // max(1, processes)  # those of a process are told what it publishes
    assert account["received"] >= readers * (sent - 2)  # the first opens each reader's account
    assert (verdicts(document)["event-lost"], verdicts(document)["offered-load"]) == ("pass", "pass")


@pytest.mark.parametrize(
    ("fault", "broken"), [("update-lost", "event-lost"), ("update-duplicated", "event-duplicated")]
)
def test_what_is_published_and_not_told_once_fails(load: Load, fault: str, broken: str) -> None:
    with serving(["--profile", "event-stream", "--fault", f"delivery/{fault}"]) as server:
        # What is lost is waited for as long as patience lasts, twice.
        document = load(feed_at(server.base_url).replace(PATIENT, ""), users=4, duration_s=2, rate=20)
    assert verdicts(document)[broken] == "fail"


def test_without_a_rate_nothing_is_published(load: Load) -> None:
    with serving(["--profile", "event-stream", "--pace", "0.05"]) as server:
        document = load(feed_at(server.base_url), users=4, duration_s=1, rate=0)
    assert (document["updates"], document["rate"]) == (None, None)


def test_what_could_not_be_told_from_other_events_drives_nothing() -> None:
    assert not from_toml(feed_at("http://127.0.0.1:1").replace("{marker}", "hello")).publishes_to_all


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ("", True),
        ("[promises]\nshared = true\n", True),
        ("[promises]\nshared = false\n", False),
        ('[[before]]\npath = "/session"\nkeep = { session = "/id" }\n', False),
        ('[promises]\nshared = true\n[[before]]\npath = "/session"\nkeep = { session = "/id" }\n', True),
    ],
)
def test_streams_that_are_each_readers_own_are_not_driven(more: str, expected: Any) -> None:
    target = from_toml(
        feed_at("http://127.0.0.1:1", more).replace("/events", "/events/{session}" if "session" in more else "/events")
    )
    assert target.publishes_to_all is expected
