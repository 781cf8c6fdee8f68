"""Answers to requests: what is measured of each."""

from __future__ import annotations

import json
import socket
import threading
import time
from dataclasses import replace

import gevent
import numpy as np
import pytest

from ssegauge.loadtests.driving.pacing import Arrivals
from ssegauge.loadtests.measuring import samples
from ssegauge.loadtests.measuring.answers import AnswerMeter, Tally
from ssegauge.loadtests.measuring.samples import Rows
from tests.loadtests.answers import CHUNKED, DONE, PROMISES, ask, ask_by, event, node_at, rows_of
from tests.loadtests.servers import PATIENCE, chunk, reply, scripted


class Paced:
    """Sends a first token and more at a pace; ``sent`` has, by the first word, when each send began and was done."""

    def __init__(self, first_s: float, pace_s: float, tokens: int) -> None:
        self._first_s, self._pace_s, self._tokens = first_s, pace_s, tokens
        self.sent: list[list[tuple[float, float]]] = []

    def __call__(self, connection: socket.socket, _: bytes) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        mine: list[tuple[float, float]] = []
        self.sent.append(mine)
        connection.sendall(CHUNKED)
        time.sleep(self._first_s / 2)
        connection.sendall(chunk(event(None)))
        time.sleep(self._first_s / 2)
        for number in range(self._tokens):
            before = time.time_ns() / 1e6
            connection.sendall(chunk(event(f"word{number} ")))
            mine.append((before, time.time_ns() / 1e6))
            time.sleep(self._pace_s)
        connection.sendall(chunk(DONE) + b"0\r\n\r\n")


def errors_of(rows: dict[str, samples.Floats], sent: list[list[tuple[float, float]]]) -> list[float]:
    """Return by how many ms each gap cannot be: a send took from before to after the call that made it.

    Answers began in the order of their first tokens.
    """
    errors = []
    firsts = rows["first_token"][np.argsort(rows["first_token"][:, 0])]
    for stream, mine in zip(firsts[:, 1], sent, strict=True):
        began, done = np.array(mine).T
        own = {name: rows[name][rows[name][:, 1] == stream] for name in ("first_token", "token_gap", "token_gap_late")}
        arrivals = np.sort(np.concatenate([found[:, 0] for found in own.values()]))
        which = np.maximum(np.searchsorted(began, arrivals, "right") - 1, 0)  # what was sent last before it came
        least, most = began[which[1:]] - done[which[:-1]], done[which[1:]] - began[which[:-1]]
        truth = dict(zip(arrivals[1:].tolist(), zip(least, most, strict=True), strict=True))
        gaps = [(gap_ms, *truth[at_ms]) for at_ms, _, gap_ms in own["token_gap"].tolist()]
        errors += [max(0.0, low - gap_ms, gap_ms - high) for gap_ms, low, high in gaps]
    return errors


def test_first_token_and_every_gap_are_right_to_a_millisecond() -> None:
    """The mock knows when it sent; what was read late and together is kept apart, and counted."""
    mock = Paced(0.1, 0.02, 20)
    with scripted(mock) as url:
        node, _ = ask(url, 10, apart_s=0.03)
    rows = rows_of(node)
    assert node.desk
    assert node.desk.tally.finished == 10
    assert node.desk.tally.pieces == 200
    assert len(rows["first_token"]) == len(rows["duration"]) == 10
    read_late = len(rows["token_gap_late"])
    assert len(rows["token_gap"]) + read_late + node.desk.tally.together == 190
    errors = errors_of(rows, sorted(mock.sent))
    assert len(errors) == len(rows["token_gap"]) > 50
    assert np.mean(np.array(errors) < 1.0) > 0.9
    first = sorted(rows["first_token"][:, 0])
    late = [at_ms - mine[0][1] for at_ms, mine in zip(first, sorted(mock.sent), strict=True)]
    assert np.mean(np.abs(late) < 1.0) >= 0.5  # a busy kernel may deliver later than it is told to send
    # All of an answer's times count from its request.
    begun = {stream: at - value for at, stream, value in rows["connect"]}
    for kind in ("first_event", "first_token", "duration"):
        for at, stream, value in rows[kind]:
            assert at - value == pytest.approx(begun[stream], abs=1e-3)
    assert min(rows["first_token"][:, 2]) > 99.0
    assert min(rows["first_event"][:, 2]) > 49.0


def test_several_tokens_in_one_write_are_one_gap_and_a_count() -> None:
    def bursts(connection: socket.socket, _: bytes) -> None:
        connection.sendall(CHUNKED)
        for _ in range(4):
            connection.sendall(chunk(b"".join(event(f"{letter} ") for letter in "abcde")))
            time.sleep(0.1)
        connection.sendall(chunk(DONE) + b"0\r\n\r\n")

    with scripted(bursts) as url:
        node, _ = ask(url)
    rows = rows_of(node)
    assert node.desk
    assert node.desk.tally.pieces == 20
    assert node.desk.tally.together == 16
    gaps = [*rows["token_gap"][:, 2], *rows["token_gap_late"][:, 2]]
    assert len(gaps) == 3
    assert min(gaps) > 99.0


@pytest.mark.parametrize(("profile", "told"), [("messages", 1), ("chat-completions", 0), ("event-stream", 0)])
def test_answers_in_another_form_than_the_profiles_are_noted_once_each(profile: str, told: int) -> None:
    tally = Tally()
    for number in range(2):
        meter = AnswerMeter(Rows(), tally, number, 0, replace(PROMISES, token="/delta/text"), profile)
        for data in (b"data: {}\n\n", event(None), event("a"), DONE):
            meter.take([read(data)], 1_000_000, 1000, lambda: 1000)
    told_of = "this is a Chat Completions stream: --profile chat-completions"
    assert dict(tally.foreign) == ({told_of: 2} if told else {})


def test_a_run_knows_of_another_profiles_answers_and_of_requests_that_were_turned_away() -> None:
    replies = [
        CHUNKED + chunk(event(None) + event("a") + DONE) + b"0\r\n\r\n",
        reply(b"", "429 Too Many Requests", b"Retry-After: 90\r\n"),
        reply(b"", "404 Not Found"),
    ]
    with scripted(lambda connection, _: connection.sendall(replies.pop(0))) as url:
        node = node_at(url, profile="messages")
        ask_by(node, 3, 0.05)
    assert node.desk
    tally = node.desk.tally
    assert list(tally.foreign) == ["this is a Chat Completions stream: --profile chat-completions"]
    assert (tally.failed, tally.told_to_wait_s) == (2, 90.0)
    assert rows_of(node)["turned_away"][:, 2].tolist() == [429.0]


def test_events_without_a_text_are_told_apart() -> None:
    tally = Tally()
    meter = AnswerMeter(Rows(), tally, 1, 0, PROMISES)
    for data in (event(None), event(""), event("a"), b'data: {"choices": []}\n\n', DONE):
        meter.take([read(data)], 1_000_000, 1000, lambda: 1000)
    assert (tally.events, tally.pieces, tally.blank, tally.markers) == (5, 1, 1, 1)


def read(data: bytes) -> tuple[str, str, str]:
    return "message", data[6:-2].decode(), ""


@pytest.mark.parametrize(("early_ms", "late"), [(0.1, False), (30.0, False), (90.0, True)])
def test_a_first_token_that_was_read_late_with_others_says_by_how_much(early_ms: float, late: bool) -> None:
    """A twentieth of its 600 ms does not matter; what is read by itself has the kernel's stamp, however late."""
    rows, tally, arrived = Rows(), Tally(), 600_000_000
    meter = AnswerMeter(rows, tally, 1, 0, PROMISES)
    meter.take([read(event(letter)) for letter in "abc"], arrived, 1000, lambda: round(early_ms * 1e6))
    meter.take([read(event("d"))], arrived + 20_000_000, 90_000_000, lambda: 0)
    alone = AnswerMeter(rows, tally, 2, 0, PROMISES)
    alone.take([read(event("a"))], arrived, 90_000_000, lambda: 90_000_000)
    found = samples.matrix(rows.take())
    by_kind = {name: found[found[:, 1] == number][:, 2:4].tolist() for number, name in enumerate(samples.KINDS)}
    assert by_kind["first_token"] == [[1, 600], [2, 600]]
    assert by_kind["first_token_late"] == ([[1, early_ms]] if late else [])
    assert by_kind["token_gap"] == [[1, 20]]
    assert (tally.pieces, tally.events, tally.together, meter.tokens) == (5, 5, 2, 4)


USAGE = {"usage": {"prompt_tokens": 9, "completion_tokens": 11}}


def test_lengths_come_from_usage_and_the_speed_counts_after_the_first_token() -> None:
    def paced(connection: socket.socket, _: bytes) -> None:
        connection.sendall(CHUNKED)
        for letter in "abc":
            connection.sendall(chunk(event(letter)))
            time.sleep(0.05)
        connection.sendall(
            chunk(b"data: " + json.dumps({"choices": [], **USAGE}).encode() + b"\n\n" + DONE) + chunk(b"")
        )

    with scripted(paced) as url:
        node, _ = ask(url)
    rows = rows_of(node)
    (value,) = rows["time_per_token"][:, 2]
    assert value == pytest.approx((rows["token_gap"][:, 2].sum() + rows["token_gap_late"][:, 2].sum()) / 10)
    assert rows["token_rate"][:, 2] == pytest.approx(1e3 / value)
    assert (rows["input_tokens"][0, 2], rows["output_tokens"][0, 2]) == (9, 11)


def test_times_of_arrivals_count_from_the_plan_so_that_a_queue_shows() -> None:
    """A server that answers one request in 0.2 s, one after the other, and 20 a second arrive: each waits longer."""
    turn = threading.Lock()

    def one_by_one(connection: socket.socket, _: bytes) -> None:
        with turn:
            time.sleep(0.2)
            connection.sendall(CHUNKED + chunk(event("a") + DONE) + chunk(b""))

    with scripted(one_by_one) as url:
        node = node_at(url, arrivals=Arrivals(20.0, even=True))
        assert node.desk
        node.desk.arrive(20.0)
        with gevent.Timeout(PATIENCE):
            while node.desk.tally.planned < 10:
                gevent.sleep(0.01)
        node.desk.drain()
        node.books.watch.stop()
    waited = np.sort(rows_of(node)["first_event"][:, 2])
    assert node.desk.tally.asked == node.desk.tally.planned >= 10
    assert node.desk.tally.finished == waited.size >= 10
    assert waited[9] > 10 * 200 - 9 * 50 - 5  # by the plan the tenth waits for nine before it


def test_without_a_promise_of_tokens_none_are_measured() -> None:
    body = CHUNKED + chunk(event("a") + event("b")) + chunk(b"")
    with scripted(lambda connection, _: connection.sendall(body)) as url:
        node, _ = ask(url, promises=replace(PROMISES, token=None, ends=None))
    rows = rows_of(node)
    assert node.desk
    assert (node.desk.tally.finished, node.desk.tally.pieces, node.desk.tally.empty) == (1, 0, 0)
    assert len(rows["gap"]) == 1
    assert len(rows["token_gap"]) == len(rows["first_token"]) == 0


def test_each_type_is_timed_from_the_request_once_in_an_answer() -> None:
    rows = Rows()
    first, second = (AnswerMeter(rows, Tally(), number, 1_000_000, PROMISES) for number in (1, 2))
    first.note_types([3, 4, 4], 6_000_000, 100)
    first.note_types([4, 5], 9_000_000, 100)
    second.note_types([4], 8_000_000, 100)
    found = samples.matrix(rows.take())
    assert (found[:, 1] == samples.FIRST_OF_TYPE).all()
    assert found[:, [2, 3, 6]].tolist() == [[1, 5, 3], [1, 5, 4], [1, 8, 5], [2, 7, 4]]


@pytest.mark.parametrize(
    ("data", "empty"),
    [
        ('{"choices": [{"delta": {}, "finish_reason": "stop"}]}', 1),
        ('{"choices": [{"delta": {"content": null, "tool_calls": [], "refusal": null}}]}', 1),
        ('{"choices": [{"delta": {"tool_calls": [{"index": 0, "function": {"name": "look"}}]}}]}', 0),
        ('{"choices": [{"delta": {"refusal": "I may not"}}]}', 0),
        ('{"type": "content_block_start", "content_block": {"type": "tool_use", "name": "look"}}', 0),
        ('{"type": "response.output_item.added", "item": {"type": "function_call", "name": "look"}}', 0),
    ],
)
def test_an_answer_without_text_is_empty_unless_it_answers_otherwise(data: str, empty: int) -> None:
    tally = Tally()
    meter = AnswerMeter(Rows(), tally, 1, 0, PROMISES)
    meter.take([("message", data, ""), ("message", "[DONE]", "")], 5_000_000, 100, lambda: 0)
    meter.finish()
    assert (tally.finished, tally.empty) == (1, empty)
