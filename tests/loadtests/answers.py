"""Requests to scripted servers, and what was measured of their answers."""

from __future__ import annotations

import json
from typing import Any

import gevent
from gevent.event import Event

from ssegauge.conformance.target import Call, Ends, Promises, Target
from ssegauge.loadtests.driving.pacing import Arrivals
from ssegauge.loadtests.measuring import samples
from ssegauge.loadtests.running.node import Node
from ssegauge.loadtests.running.orders import Orders
from ssegauge.loadtests.stream.answer import Answer
from tests.loadtests.servers import HEAD, PATIENCE

TOKEN = "/choices/0/delta/content"
PROMISES = Promises(ends=Ends(data="[DONE]"), token=TOKEN)
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
DONE = b"data: [DONE]\n\n"


def event(text: str | None, **more: Any) -> bytes:
    delta = {"role": "assistant"} if text is None else {"content": text}
    body = {"id": "c", "choices": [{"index": 0, "delta": delta, "finish_reason": None}], **more}
    return b"data: " + json.dumps(body).encode() + b"\n\n"


def node_at(
    url: str, promises: Promises = PROMISES, arrivals: Arrivals | None = None, profile: str = "event-stream"
) -> Node:
    target = Target(url, Call("/chat", "POST", {"stream": True}), profile, promises=promises)
    node = Node(target)
    node.take_orders(Orders(target, arrivals=arrivals))
    return node


def ask(url: str, count: int = 1, promises: Promises = PROMISES, apart_s: float = 0.0) -> tuple[Node, list[Answer]]:
    """Make requests, so far apart; return when all are over."""
    node = node_at(url, promises)
    return node, ask_by(node, count, apart_s)


def ask_by(node: Node, count: int = 1, apart_s: float = 0.0) -> list[Answer]:
    """Make requests by a node, each with the calls that it needs first; return when all are over."""
    desk = node.desk
    assert desk
    answers: list[Answer] = []
    over = Event()

    def done(answer: Answer) -> None:
        answers.append(answer)
        if len(answers) == count:
            over.set()

    for number in range(count):
        gevent.spawn_later(number * apart_s, lambda: desk.ask(done, node.prepare()))
    assert over.wait(PATIENCE)
    node.books.watch.stop()
    return answers


def rows_of(node: Node) -> dict[str, samples.Floats]:
    """Return rows (at_ms, stream, value) by kind."""
    found = samples.matrix(node.books.rows.take())
    return {name: found[found[:, 1] == number][:, [0, 2, 3]] for number, name in enumerate(samples.KINDS)}
