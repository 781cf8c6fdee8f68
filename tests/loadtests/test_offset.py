"""Two clocks: what time stamps and Date fields tell of theirs, and what is then not judged."""

from __future__ import annotations

import json
import socket
import time
from dataclasses import replace
from email.utils import formatdate
from typing import Any

import numpy as np
import pytest

from ssegauge.conformance.target import Limits
from ssegauge.loadtests.judging.asked import of_samples, parse
from ssegauge.loadtests.judging.objectives import update_latency
from ssegauge.loadtests.judging.offset import ahead, behind, most_behind_ms
from ssegauge.loadtests.measuring.clocks import Clocks
from ssegauge.loadtests.measuring.event_types import EventTypes
from ssegauge.loadtests.measuring.log import Log
from ssegauge.loadtests.measuring.meters import glance
from ssegauge.loadtests.measuring.samples import GAP, KINDS, UPDATE, Rows, matrix
from ssegauge.loadtests.measuring.witnesses import Room
from tests.loadtests.conftest import Load, verdicts
from tests.loadtests.servers import HEAD, scripted
from tests.loadtests.test_objectives import GOOD

STREAM = 'base_url = "{url}"\n[stream]\npath = "/"\n'
CLOCKS = {
    "ours": (Clocks(0.1, -800.0, 1100.0, 9, 50, 0), ""),
    "nothing seen": (Clocks(), ""),
    "a replay, then news": (Clocks(3.0, firsts=50, early=50), ""),
    "slow, after a greeting": (Clocks(3000.0, firsts=50, early=0), ""),
    "ahead by stamps": (Clocks(-300.0, firsts=50), "an event was stamped 300 ms after it had arrived"),
    "behind by stamps": (Clocks(3000.0, firsts=50, early=50), "none was younger than 3.0 s"),
    "ahead by Date": (Clocks(0.1, 2500.0, 4500.0, 9), "is ahead of ours by 2.5 s or more, as its Date"),
    "behind by Date": (Clocks(3000.0, -3900.0, -2000.0, 9), "is behind ours by 2.0 s or more, as its Date"),
}


@pytest.mark.parametrize(("clocks", "told"), CLOCKS.values(), ids=CLOCKS)
def test_what_clocks_are_named(clocks: Clocks, told: str) -> None:
    found = ahead(clocks) or behind(clocks)
    assert told in found
    assert bool(found) == bool(told)


@pytest.mark.parametrize(
    ("p99_ms", "dated_ms", "verdict"),
    [
        (1500.0, None, "pass"),  # it is no longer than that, whatever the clock
        (3000.0, None, "could_not_judge"),
        (3000.0, -900.0, "fail"),  # of which the clock can be 900 ms
        (2500.0, -900.0, "could_not_judge"),
    ],
)
def test_a_clock_that_is_behind_excuses_no_more_than_it_can(
    p99_ms: float, dated_ms: float | None, verdict: str
) -> None:
    clocks = Clocks(p99_ms, dated_ms, None if dated_ms is None else 1100.0, firsts=50, early=50)
    told = {"behind": behind(clocks), "behind_ms": most_behind_ms(clocks)}
    measured = replace(GOOD, driven=False, witnessed=None, update=np.full(100, p99_ms), **told)
    for found in (update_latency(measured, Limits()), of_samples(parse("update_p99 < 2s"), measured.update)):
        judged = measured.qualified(found)
        assert judged.verdict == verdict
        assert ("at most 900 ms of it" if verdict == "fail" else "seems to be behind ours") in judged.note


def test_dates_bound_the_offset_and_what_is_no_date_tells_nothing() -> None:
    clocks, now_ns = Clocks(), 1_700_000_000_400_000_000
    for field in ("", "yesterday", "Tue, 99 Nov 2023 99:99:99 GMT"):
        clocks.note_date(field, now_ns, now_ns)
    assert clocks == Clocks()
    clocks.note_date(formatdate(1_700_000_003, usegmt=True), now_ns, now_ns)
    assert (clocks.earliest_ms, clocks.latest_ms) == (2600.0, 4600.0)
    assert clocks + Clocks() == clocks


@pytest.mark.parametrize("offset_s", [-3.0, 3.0])
@pytest.mark.parametrize("dated", [True, False])
def test_a_clock_that_is_off_is_named_and_its_latency_not_judged(offset_s: float, dated: bool, load: Load) -> None:
    def script(connection: socket.socket, _: bytes) -> None:
        date = f"Date: {formatdate(time.time() + offset_s, usegmt=True)}\r\n".encode() if dated else b""
        connection.sendall(HEAD + date + b"Connection: close\r\n\r\n")
        while True:
            connection.sendall(b'data: {"timestamp":%d}\n\n' % ((time.time() + offset_s) * 1e3))
            time.sleep(0.02)

    with scripted(script) as url:
        latency, document = _latency(load, url)
    assert latency["verdict"] == "could_not_judge"
    assert f"the server's clock {'is ahead of' if offset_s > 0 else ''}" in latency["note"]
    assert "ours" in latency["note"]
    assert verdicts(document)["connect-time"] == "pass"


def _latency(load: Load, url: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The objective on latency and its document, of a run in which the generator was not the limit."""
    for _ in range(4):
        document = load(STREAM.format(url=url), users=20, duration_s=4)
        (latency,) = [item for item in document["objectives"] if item["rule"] == "performance/update-latency"]
        if "the generator was the limit" not in latency["note"]:
            break
    return latency, document


STARTED_NS = 1_700_000_000_000_000_000


def measured(measure: str, *events: tuple[str, str, int]) -> dict[str, list[float]]:
    """Return the values, by kind, of events (type, data without a stamp, ms since the start) that come 5 ms old."""
    rows = Rows()
    log = Log(rows, EventTypes(), Clocks(), Room(), measure)
    place = log.admit(1, STARTED_NS, STARTED_NS)
    for kind, data, at_ms in events:
        stamped = json.dumps(json.loads(data) | {"timestamp": STARTED_NS // 1_000_000 + at_ms - 5})
        log.note(place, log.reading([(kind, stamped, "")]), STARTED_NS + at_ms * 1_000_000, 0, 0)
    log.settle()
    found = matrix(rows.take())
    return {KINDS[kind]: found[found[:, 1] == kind][:, 3].tolist() for kind in (UPDATE, GAP)}


GREETING = ("message", '{"type": "connected"}', 8)
EVENTS = (
    GREETING,
    ("message", '{"type": "progress"}', 100),
    ("heartbeat", "{}", 200),
    ("message", '{"type": "ping"}', 300),
    ("news", "{}", 400),
)


def test_greetings_heartbeats_and_replays_are_no_updates() -> None:
    replay = ("message", "{}", 3)  # made before it was asked for
    assert measured("", *EVENTS)["update"] == [5.0, 5.0]
    assert measured("", GREETING, replay)["update"] == []


@pytest.mark.parametrize("kind", ["progress", "heartbeat", "news", "connected"])
def test_what_is_measured_can_be_chosen_by_its_type(kind: str) -> None:
    assert measured(kind, *EVENTS)["update"] == [5.0]


def test_events_with_time_stamps_have_gaps_too() -> None:
    """A server that stands still for 3 s makes no stamps at all."""
    assert measured("", *EVENTS, ("news", "{}", 3400))["gap"] == [92.0, 100.0, 100.0, 100.0, 3000.0]


SHAPES = [
    {"timestamp": 1_700_000_000_000, "type": "a"},
    {"type": "a", "n": -1.5e3, "ok": True, "none": None, "timestamp": 1_700_000_000_000},
    {"inner": {"timestamp": 1, "type": "b"}, "timestamp": 1_700_000_000_000, "type": "a"},
    {"text": 'a \\"timestamp": 5,', "type": "a", "timestamp": 1_700_000_000_000},
    {"list": [{"type": "b"}], "type": "a", "timestamp": 1_700_000_000_000},
]


@pytest.mark.parametrize("document", SHAPES, ids=map(str, range(len(SHAPES))))
@pytest.mark.parametrize("separators", [(",", ":"), (", ", ": "), (" ,\t", " : ")])
def test_a_member_is_found_whatever_the_shape(document: dict[str, object], separators: tuple[str, str]) -> None:
    data = json.dumps(document, separators=separators)
    assert glance(data) == ("a", 1_700_000_000_000)


NONE = ['{"timestamp": 17.5}', '{"timestamp": "17"}', '{"timestamp": 17e3}', '{"timestamp": true}', "[]", "x", '"type"']


@pytest.mark.parametrize("data", NONE)
def test_what_is_no_whole_number_is_no_time_stamp(data: str) -> None:
    assert glance(data) == ("", None)
