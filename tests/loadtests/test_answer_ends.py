"""Answers to requests: what becomes of each, what it is counted as, and who asks again."""

from __future__ import annotations

import socket
import threading
import time

import gevent
import pytest

from ssegauge.loadtests.measuring.answers import NO_MARKER
from ssegauge.loadtests.running.node.asking import Asking
from ssegauge.loadtests.stream.answer import NO_EVENT
from tests.loadtests.answers import CHUNKED, DONE, ask, event, node_at
from tests.loadtests.servers import OPEN_HEAD, PATIENCE, chunk, reply, scripted

BODIES: dict[str, tuple[bytes, str]] = {
    "whole": (event(None) + event("a") + event("b") + DONE, ""),
    "without its end marker": (event("a") + event("b"), NO_MARKER),
    "with an error in it": (event("a") + b'data: {"error": {"message": "no GPU"}}\n\n', "told an error: no GPU"),
    "without an event": (b": hello\n\n", NO_EVENT),
    "with a named error": (b"event: error\ndata: overloaded\n\n", "told an error: overloaded"),
}


@pytest.mark.parametrize(("body", "reason"), BODIES.values(), ids=BODIES)
def test_what_an_answer_lacks_is_its_reason(body: bytes, reason: str) -> None:
    with scripted(lambda connection, _: connection.sendall(CHUNKED + chunk(body) + b"0\r\n\r\n")) as url:
        node, _ = ask(url)
    assert node.desk
    tally = node.desk.tally
    assert dict(tally.cuts) == ({reason: 1} if reason else {})
    assert (tally.finished, tally.cut, tally.failed) == ((0, 1, 0) if reason else (1, 0, 0))


REFUSALS: dict[str, tuple[bytes, str, float]] = {
    "401": (reply(b"{}", "401 Unauthorized"), "status 401", 0.0),
    "404 with words": (
        reply(b'{"error": {"message": "The model `x` does not exist"}}', "404 Not Found"),
        "status 404: The model `x` does not exist",
        0.0,
    ),
    "429": (reply(b"{}", "429 Too Many Requests", b"Retry-After: 3\r\n"), "status 429", 3.0),
    "JSON": (reply(b'{"choices": []}'), "content type application/json, not text/event-stream", 0.0),
}


@pytest.mark.parametrize(("told", "reason", "wait_s"), REFUSALS.values(), ids=REFUSALS)
def test_a_request_without_a_stream_in_answer_fails_with_its_reason(told: bytes, reason: str, wait_s: float) -> None:
    with scripted(lambda connection, _: connection.sendall(told)) as url:
        node, (answer,) = ask(url)
    assert node.desk
    assert dict(node.desk.tally.failures) == {reason: 1}
    assert answer.retry_after_s == node.desk.tally.told_to_wait_s == wait_s
    assert not answer.has_answer


def test_a_connection_that_breaks_cuts_its_answer() -> None:
    with scripted(lambda connection, _: connection.sendall(CHUNKED + chunk(event("a")))) as url:
        node, _ = ask(url)
    assert node.desk
    assert dict(node.desk.tally.cuts) == {"cut off": 1}


def test_an_answer_is_over_with_its_end_marker_though_the_connection_stays() -> None:
    left = threading.Event()

    def stays(connection: socket.socket, _: bytes) -> None:
        connection.sendall(CHUNKED + chunk(event("a") + DONE))
        if connection.recv(1) == b"":
            left.set()

    with scripted(stays) as url:
        node, _ = ask(url)
        assert left.wait(PATIENCE)
    assert node.desk
    assert node.desk.tally.finished == 1


def test_a_user_asks_again_after_each_answer_and_waits_as_long_as_it_is_told_to() -> None:
    asked: list[float] = []

    def refuses_once(connection: socket.socket, _: bytes) -> None:
        asked.append(time.monotonic())
        if len(asked) == 2:
            connection.sendall(reply(b"{}", "429 Too Many Requests", b"Retry-After: 2\r\n"))
        else:
            connection.sendall(CHUNKED + chunk(event("a") + DONE) + chunk(b""))

    with scripted(refuses_once) as url:
        node = node_at(url)
        assert node.desk
        user = Asking(node, node.desk, 0, 0.0)
        with gevent.Timeout(PATIENCE):
            while len(asked) < 4:
                gevent.sleep(0.01)
        user.leave()
        node.desk.drain()
        node.books.watch.stop()
    assert asked[2] - asked[1] > 1.99
    assert node.desk.tally.told_to_wait_s == 2.0


def test_an_answer_under_way_when_the_run_is_over_is_unfinished(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ssegauge.loadtests.running.node.asking.UNKNOWN_S", 0.1)
    monkeypatch.setattr("ssegauge.loadtests.running.node.asking.PATIENCE_S", (0.1, 0.2))

    def never_ends(connection: socket.socket, head: bytes) -> None:
        if b"hold" not in head:
            connection.sendall(OPEN_HEAD + event("a"))
        connection.recv(1)

    with scripted(never_ends) as url:
        node = node_at(url)
        assert node.desk
        user = Asking(node, node.desk, 0, 0.0)
        with gevent.Timeout(PATIENCE):
            while node.books.counts.open < 1:
                gevent.sleep(0.01)
        user.leave()
        node.finishing = True
        node.desk.drain()
        node.books.watch.stop()
    assert (node.desk.tally.unfinished, node.desk.tally.finished, node.books.counts.open) == (1, 0, 0)
