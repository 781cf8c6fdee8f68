"""Streams of any server that have nothing to say for long: they are open, and not slow to connect."""

import socket
import time

from tests.loadtests.conftest import PATIENT, Load, verdicts
from tests.loadtests.servers import scripted

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
ANY_STREAM = 'base_url = "{url}"\nprofile = "event-stream"\n[stream]\npath = "/"\n' + PATIENT
QUIET_S = 2.0
USERS = 20  # as few as can be judged


def comments(connection: socket.socket, _: bytes) -> None:
    """Send a comment now and then, and never an event."""
    connection.sendall(HEAD)
    while True:
        connection.sendall(b": keep-alive\n")
        time.sleep(0.1)


def late_events(connection: socket.socket, _: bytes) -> None:
    """Send the head at once, and events that are long in coming."""
    connection.sendall(HEAD)
    while True:
        time.sleep(QUIET_S)
        connection.sendall(b"data: {}\n\n")


def test_streams_without_an_event_are_open_and_leave_nothing_to_time(load: Load) -> None:
    with scripted(comments) as url:
        document = load(ANY_STREAM.format(url=url), users=USERS, duration_s=1)
    assert document["connections"]["peak_open"] == USERS
    assert (document["connections"]["failed"], document["connections"]["dropped"]) == (0, 0)
    found = verdicts(document)
    assert (found["connect-time"], found["concurrent-streams"]) == ("pass", "pass")
    assert (found["update-latency"], document["verdict"]) == ("could_not_judge", "could_not_judge")
    assert "there was nothing to time" in document["objectives"][2]["note"]


def test_connecting_ends_with_the_head_and_not_with_an_event_that_nobody_promised(load: Load) -> None:
    with scripted(late_events) as url:
        document = load(ANY_STREAM.format(url=url), users=USERS, duration_s=2.5 * QUIET_S)
    latency = document["latency_ms"]
    assert latency["connect"]["max"] < 1000 * QUIET_S <= latency["first_event"]["p50"]
    assert latency["first_event"]["samples"] == latency["connect"]["samples"] == USERS
    assert latency["gap"]["samples"]
    found = verdicts(document)
    assert found.pop("event-lost") == "could_not_judge"  # so short a run does not show what one stream lacks
    assert set(found.values()) == {"pass"}
