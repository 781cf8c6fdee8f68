"""Requests that are answered by a stream: who asks, when, and what; closed (users) or open (arrivals).

A user asks, reads the answer to its end, thinks, and asks again: the next request waits for the answer before. Arrivals
wait for nobody: each request has its planned moment, from which all its times count, so that a server that falls behind
cannot make the requests fewer or the figures better.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from itertools import cycle, islice
from random import Random
from typing import Final, Protocol

import gevent
from gevent import Greenlet

from ssegauge.conformance.errors import CannotJudge
from ssegauge.conformance.target import Call
from ssegauge.loadtests.driving import bodies, pacing
from ssegauge.loadtests.driving.before import Kept
from ssegauge.loadtests.driving.updates import Hooks, wait_until
from ssegauge.loadtests.measuring.answers import AnswerMeter, Tally
from ssegauge.loadtests.running.node.crowd import Crowd
from ssegauge.loadtests.running.node.streams import Streams
from ssegauge.loadtests.running.orders import Orders
from ssegauge.loadtests.stream import clock
from ssegauge.loadtests.stream.answer import Answer
from ssegauge.loadtests.stream.session import Books

HEAD_PATIENCE_S: Final = 60.0  # a server that answers few at a time may hold a head for long
REFUSED_S: Final = 1.0  # a user who was refused asks again after so long, or after what the server wants
PATIENCE_S: Final = (5.0, 60.0)  # for answers under way when the run is over, at least and at most
UNKNOWN_S: Final = 30.0  # where none has finished yet
STALLED_S: Final = (4.0, 20.0)  # without an event, at least, of an answer that has fallen silent; if none has finished
POLL_S: Final = 0.02
_SEED: Final = 205
Done = Callable[[Answer], None]


class Process(Protocol):
    """What a desk needs of its process: see ``node.Node``."""

    finishing: bool
    crowd: Crowd
    books: Books
    hooks: Hooks
    streams: Streams

    def prepare(self, spent: Kept | None = None) -> Kept:
        """Make the calls that a stream needs first; raises CannotJudge."""


class Desk:
    """Makes the requests of one process, and counts what becomes of them in ``tally``."""

    def __init__(self, node: Process, orders: Orders, number: int) -> None:
        self.orders, self.tally = orders, Tally()
        self._node, self._number = node, number
        self._under_way: set[Answer] = set()
        self._calls = self._planned_calls(number)
        self._longest_s = 0.0
        self._begun_ns = clock.now()
        self._loop: Greenlet | None = None

    def ask(self, done: Done, kept: Kept, planned_ns: int = 0) -> None:
        """Make a request, from a greenlet; ``done`` is told of the end of the answer, perhaps before this returns."""
        node, (call, values), target = self._node, next(self._calls), self.orders.target
        stream = node.streams.asking(call, {**kept, **values})
        begun_ns = planned_ns or clock.now()
        number = node.streams.next_number()
        meter = AnswerMeter(node.books.rows, self.tally, number, begun_ns, target.promises, target.profile)

        def answered(answer: Answer) -> None:
            self._under_way.discard(answer)
            self._longest_s = max(self._longest_s, (clock.now() - begun_ns) / 1e9)
            if answer.has_answer:  # a refusal is no stream, and is told by its status
                node.streams.keep(answer.record, answer.ending)
            done(answer)

        answer = Answer(meter, self.tally, number, node.books, answered)
        self._under_way.add(answer)
        answer.ask(stream, max(HEAD_PATIENCE_S, 10 * target.limits.connect_s))

    def failed(self, reason: str) -> None:
        """Count a request that could not be made."""
        self.tally.asked += 1
        self.tally.failed += 1
        self._node.books.count(self.tally.failures, reason)

    def arrive(self, rate: float) -> None:
        """Let requests arrive, so many per second."""
        assert self.orders.arrivals
        self._loop = gevent.spawn(self._arrive, self.orders.arrivals._replace(rate=rate))

    def drain(self) -> None:
        """Plan no more; wait for answers under way, twice as long as the longest took, and cut the rest.

        Those that have begun, and told nothing for longer than any whole answer took, have fallen silent for good.
        """
        if self._loop:
            self._loop.kill()
        least, most = PATIENCE_S
        unknown_s = min(UNKNOWN_S, 2 * (clock.now() - self._begun_ns) / 1e9)  # longer than nothing has ended so far
        patience_s = min(most, max(least, 2 * self._longest_s if self.tally.finished else unknown_s))
        with gevent.Timeout(patience_s, False):
            while self._under_way:
                gevent.sleep(POLL_S)
        least, unknown = STALLED_S
        silent_s = max(least, self._longest_s or unknown)
        for answer in list(self._under_way):
            answer.cut(silent_s)
        gevent.sleep(POLL_S)

    def _arrive(self, arrivals: pacing.Arrivals) -> None:
        dice = Random(f"{_SEED}/{self._number}")  # noqa: S311 - no secret
        shift_ns = round(dice.random() * 1e9 / arrivals.rate)  # so that even arrivals of two processes do not meet
        for due_ns in arrivals.planned(clock.now() + shift_ns, dice):
            wait_until(due_ns, arrivals.rate)
            self.tally.planned += 1
            self._node.hooks.sending_ms.append(max(0, clock.now() - due_ns) / 1e6)
            gevent.spawn(self._arrived, due_ns)

    def _arrived(self, due_ns: int) -> None:
        try:
            self.ask(_nobody, self._node.prepare(), due_ns)
        except CannotJudge as error:
            self.failed(str(error))

    def _planned_calls(self, number: int) -> Iterator[tuple[Call, Mapping[str, str]]]:
        """Yield what to ask for; the bodies of a file in turn, from another one on in each process."""
        stream, own = self.orders.target.stream, self.orders.bodies
        calls = [replace(stream, json=body, method=_method(stream)) for body in own] or [stream]
        start = number * len(calls) // 7 % len(calls)
        return zip(islice(cycle(calls), start, None), bodies.values(self.orders.prompts, number), strict=False)


class Asking:
    """Where one user asks, reads and thinks. Its greenlets live as long as a head is waited for."""

    __slots__ = ("_desk", "_dice", "_is_busy", "_kept", "_left", "_node", "_opener", "_wait_s")

    def __init__(self, node: Process, desk: Desk, number: int, wait_s: float) -> None:
        self._node, self._desk = node, desk
        self._dice = Random(f"{_SEED}/{number}")  # noqa: S311 - no secret
        self._kept: Kept | None = None
        self._left = True
        self._is_busy = False  # an answer is on its way, or thought about
        self._wait_s = wait_s
        self._opener: Greenlet | None = None
        node.crowd.join(self)

    def call(self) -> None:
        """Ask, from now on; at first after a moment of one's own, unless a shape says when."""
        self._left = False
        if not self._is_busy:
            self._is_busy = True
            self._opener = gevent.spawn_later(0.0 if self._node.crowd.shaped else self._wait_s, self._run)

    def dismiss(self) -> None:
        """Ask no more, until called again; the answer on its way is read to its end."""
        self._left = True

    def leave(self) -> None:
        """Ask no more."""
        self._left = True
        if self._opener:
            self._opener.kill(block=False)

    def _run(self) -> None:
        if self._left or self._node.finishing:
            self._is_busy = False
            return
        try:
            self._kept = self._node.prepare(self._kept)
            self._desk.ask(self._answered, self._kept)
        except CannotJudge as error:
            self._desk.failed(str(error))
            self._again(REFUSED_S)

    def _answered(self, answer: Answer) -> None:
        think_s = self._desk.orders.think_s * self._dice.uniform(0.5, 1.5)  # else users fall into step
        self._again(think_s if answer.has_answer else max(REFUSED_S, answer.retry_after_s))

    def _again(self, wait_s: float) -> None:
        self._is_busy = not (self._left or self._node.finishing)
        if self._is_busy:
            self._opener = gevent.spawn_later(wait_s, self._run)


def _method(stream: Call) -> str:
    return "POST" if stream.method in {"", "GET", "HEAD"} else stream.method


def _nobody(_: Answer) -> None:
    """Nobody waits for it."""
