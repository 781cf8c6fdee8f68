"""Streams that the server ends, and readers who come back to them as an EventSource does."""

from __future__ import annotations

import socket
import time

import pytest

from ssegauge.conformance.target import from_toml
from ssegauge.loadtests.running.node import Node
from ssegauge.loadtests.stream.stream import StreamFailed
from ssegauge.reports import course
from tests.loadtests.conftest import PATIENT, Load, verdicts
from tests.loadtests.servers import HEAD, reply, scripted
from tests.loadtests.test_log import Reader

ENDS_S = 1.5
TARGET = 'base_url = "{url}"\nprofile = "event-stream"\n[stream]\npath = "/"\n[promises]\n{promises}\n'


class Feed:
    """A feed with ids that ends every other stream soon; whoever comes back is told nothing of what it missed."""

    def __init__(self) -> None:
        self.begun_s = time.monotonic()
        self.readers = 0
        self.last_ids: list[bytes] = []

    def __call__(self, connection: socket.socket, head: bytes) -> None:
        self.readers += 1
        returns = b"last-event-id: " in head.lower()
        self.last_ids += [head.lower().partition(b"last-event-id: ")[2].split(b"\r")[0]] * returns
        ends_s = time.monotonic() + (ENDS_S if self.readers % 2 and not returns else 1e9)
        connection.sendall(HEAD + b"Connection: close\r\n\r\n")
        number = self.now()
        while time.monotonic() < ends_s:
            connection.sendall(b"".join(b"id: %d\ndata: {}\n\n" % one for one in range(number + 1, self.now() + 1)))
            number = self.now()
            time.sleep(0.02)

    def now(self) -> int:
        """Return the number of the latest event."""
        return int((time.monotonic() - self.begun_s) / 0.05)


def test_who_was_sent_away_comes_back_with_the_last_id_and_is_asked_what_it_missed(load: Load) -> None:
    feed = Feed()
    with scripted(feed) as url:
        document = load(TARGET.format(url=url, promises="resume = true") + PATIENT, users=4, duration_s=5)
    ended = document["connections"]["ended"]
    assert (ended["streams"], ended["resumed"], ended["returns"]) == (2, 2, 2)
    assert ended["least_s"] >= ENDS_S
    assert len(feed.last_ids) == 2
    assert all(int(one) > 0 for one in feed.last_ids)
    assert ended["missed"] == ended["away"] > 10  # a second of twenty each
    assert verdicts(document)["missed-while-away"] == "fail"


@pytest.mark.parametrize(
    ("promises", "ending", "goes_on"),
    [
        ("", "complete", True),
        ("", "cut off", True),
        ("", "closed", False),  # by us: whoever opens the next one is somebody else
        ('ends = "close"', "complete", False),
        ('ends = "close"', "cut off", True),
        ('ends = "never"', "complete", True),
    ],
)
def test_what_has_ended_as_promised_is_not_come_back_to(promises: str, ending: str, *, goes_on: bool) -> None:
    target = from_toml(TARGET.format(url="http://127.0.0.1:1", promises=promises))
    assert Node(target).streams.goes_on(ending, None) is goes_on


def test_who_is_told_that_there_is_no_more_has_not_failed() -> None:
    with scripted(lambda connection, _: connection.sendall(reply(b"", "204 No Content"))) as url:
        node = Node(from_toml(TARGET.format(url=url, promises="")))
        for last_id, counted in (("7", (1, 0)), ("", (1, 1))):
            with pytest.raises(StreamFailed, match="status 204"):
                node.streams.open(Reader(), None, last_event_id=last_id)
            assert (node.books.counts.stopped, node.books.counts.failed) == counted


@pytest.mark.parametrize(
    ("resumed", "away", "told"),
    [
        (0, 0, "the server ended 1 stream after 1.5 s to 2.5 s, and they were opened again"),
        (1, 0, "1 with the last id; not judged what was missed"),
        (1, 9, "1 with the last id; 3 of 9 events told meanwhile were missed"),
    ],
)
def test_streams_that_the_server_ended_are_told(resumed: int, away: int, told: str) -> None:
    counts = {"streams": 1, "least_s": 1.5, "most_s": 2.5, "resumed": resumed, "returns": 1, "away": away}
    found = dict(course.facts({"connections": {"ended": {**counts, "missed": 3, "doubled": 0}}}))
    assert found["ended"].endswith(told)
