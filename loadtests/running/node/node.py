"""One load process: its streams, its tasks, and what is measured of them.

Users open streams through ``Node.streams``. Whoever conducts the run (this process, or the master of several) gives
orders (``obey``) and collects ``report`` each second; both are plain values, fit for Locust's messages.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

import gevent
from gevent.event import Event

from ssegauge.conformance.recording.redaction import Redactor
from ssegauge.conformance.target import Target
from ssegauge.loadtests.driving.before import Kept, Preparation
from ssegauge.loadtests.driving.client import Client
from ssegauge.loadtests.driving.updates import Hooks, Task
from ssegauge.loadtests.measuring.clocks import Clocks
from ssegauge.loadtests.measuring.event_types import EventTypes
from ssegauge.loadtests.measuring.generator import Watch
from ssegauge.loadtests.measuring.integrity import Tokens
from ssegauge.loadtests.measuring.log import Log
from ssegauge.loadtests.measuring.samples import Rows
from ssegauge.loadtests.measuring.schemas import Schemas
from ssegauge.loadtests.measuring.shape import Shape
from ssegauge.loadtests.measuring.witnesses import Room
from ssegauge.loadtests.running.node.asking import Desk
from ssegauge.loadtests.running.node.crowd import Crowd
from ssegauge.loadtests.running.node.report import Reporter
from ssegauge.loadtests.running.node.streams import Judged, Streams
from ssegauge.loadtests.running.node.tasks import Tasks
from ssegauge.loadtests.running.orders import Orders
from ssegauge.loadtests.stream import clock
from ssegauge.loadtests.stream.connection import resolve
from ssegauge.loadtests.stream.session import Books, Counts


@dataclass(frozen=True, slots=True)
class Part:
    """The part of a process in a run.

    Attributes:
        number: of the process, from 0.
        measure: the type of the events that are timed.
        opening_rate: streams per second, while users are started.
        sources: addresses to connect from.
        shaped: a shape says how many streams there are.
        herds: readers are cut all at once, and come back.
        publishes: what all are told is driven, where there is no task to move.
    """

    number: int = 0
    measure: str = ""
    opening_rate: float = 100.0
    sources: Sequence[str] = ()
    shaped: bool = False
    herds: bool = False
    publishes: bool = False


ALONE: Final = Part()


class Scattered(Protocol):
    """A reader of a herd."""

    def scatter(self) -> None:
        """Be cut, and come back."""


class Node:
    """See the module.

    Attributes:
        books: where all that is measured is written.
        streams, tasks: those of this process; crowd: its seats; herd: those that are cut all at once.
        desk: makes the requests, in a process that asks.
        wanted: set while streams are; measuring: set once all users are there.
        finishing: from then on users start nothing; is_judging: all streams have ended, and are compared and judged.
        replies: (name, ms, failure) of the hooks' requests, for Locust's statistics.
    """

    def __init__(self, target: Target, part: Part = ALONE) -> None:
        self.target, self.part = target, part
        origin = resolve(target.base_url, target.tls, part.sources)
        stamps = clock.start()
        self._client = Client(origin, timeout=max(10.0, 5 * target.limits.update_s))
        tokens, room = Tokens(secrets.token_hex(4)), Room()
        self.hooks = Hooks(target, origin, self._client, tokens, self._on_reply)
        self._preparation = Preparation(target, self.hooks.ask)
        self.books = _books(target, part.measure, room, tokens, self._redacted)
        self.tasks = Tasks(target, self.hooks, publishes=part.publishes)
        self.streams = Streams(target, origin, self.books, room, part.number, herds=part.herds)
        self.crowd = Crowd(shaped=part.shaped)
        self.herd: list[Scattered] = []
        self.desk: Desk | None = None
        self.wanted, self.measuring = Event(), Event()
        self.finishing = self.is_judging = False
        if not part.herds:  # they come when all are there
            self.wanted.set()
        self.opening_rate = max(1.0, part.opening_rate)
        self.replies: list[tuple[str, float, str]] = []
        self._users = 0
        self._reporter = Reporter(part.number, stamps, self.books, self.hooks)
        self._judged = Judged()

    # The users' side.

    def next_user(self) -> int:
        """Return a new user's number, from 0."""
        self._users += 1
        return self._users - 1

    @property
    def users_so_far(self) -> int:
        """How many users have their numbers; the next one's is this."""
        return self._users

    def take_orders(self, orders: Orders) -> None:
        """Be a process that asks: see ``asking``."""
        self.desk = Desk(self, orders, self.part.number)

    def new_task(self) -> Task:
        """Start a task that moves only when told to; raises CannotJudge when that is impossible."""
        return self.tasks.new()

    def shared_task(self) -> Task | None:
        """Return the task that all users watch: see ``Tasks.shared``."""
        return self.tasks.shared()

    def prepare(self, spent: Kept | None = None) -> Kept:
        """Make the calls that a user's stream needs first; see ``Preparation``."""
        kept = self._preparation.prepare(spent)
        self.hooks.kept = self.hooks.kept or kept
        return kept

    # The conductor's side.

    def obey(self, order: Mapping[str, Any]) -> None:
        """Do what the conductor says.

        ``{"do": "drive" | "measure" | "shape" | "streams" | "scatter" | "phase" | "arrive" | "drain", ...}``.
        """
        deeds: Mapping[str, Callable[[], object]] = {
            "arrive": lambda: self._desk.arrive(order["rate"]),
            "drive": lambda: self.tasks.drive(order["rate"]),
            "measure": lambda: self._measure_latency(wanted=order["wanted"]),
            "shape": lambda: self._follow(order["points"], order["of"]),
            "streams": lambda: self._want_streams(wanted=order["wanted"]),
            "scatter": lambda: self._scatter(order["staying"]),
            "phase": lambda: self._begin_phase(order["phase"]),
            "drain": self._drain,
        }
        deeds[order["do"]]()

    def report(self) -> dict[str, Any]:
        """Return what was measured since the last report, and the counts so far."""
        return self._reporter.report(self.desk.tally if self.desk else None, self._judged)

    @property
    def _desk(self) -> Desk:
        assert self.desk
        return self.desk

    @property
    def _grace_s(self) -> float:
        """How long an update may still arrive before it counts as lost: what is late is late, not lost."""
        return 2 * self.target.limits.update_s

    def _measure_latency(self, *, wanted: bool) -> None:
        """Begin to measure; or go on without timing the updates that are due from now on."""
        if wanted:
            self.measuring.set()
            self.books.watch.forget()
        else:
            self.books.rows.timed_until_ns = clock.now()

    def _begin_phase(self, phase: int) -> None:
        self.books.log.settle()
        self.books.rows.phase = phase

    def _follow(self, points: Iterable[Sequence[float]], of: int) -> None:
        shape = Shape(tuple((at_s, int(users)) for at_s, users in points))
        gevent.spawn(self.crowd.follow, shape, self.part.number, of)

    def _scatter(self, staying: int) -> None:
        for reader in self.herd[staying:]:
            reader.scatter()

    def _want_streams(self, *, wanted: bool) -> None:
        if wanted:
            self.wanted.set()
        else:
            self.wanted.clear()
            self.streams.end(self._grace_s)

    def _drain(self) -> None:
        """Stop driving, wait for what is outstanding, end the tasks, end the streams, judge them."""
        self.finishing = True
        self.wanted.clear()
        self.streams.note_end()
        self.tasks.stop(self._grace_s)
        if self.desk:
            self.desk.drain()
        self.streams.settle(self._grace_s)
        self.tasks.end(self._grace_s)
        self.streams.end(self._grace_s)
        self.books.watch.stop()  # to compare and judge is no standstill
        self.books.log.settle()
        self.is_judging = True
        # In a thread, so that meanwhile the process tells the one that leads that it is there.
        self._judged = gevent.get_hub().threadpool.apply(self.streams.judged, (self._preparation.secrets,))
        self._client.close()

    def _redacted(self, text: str) -> str:
        """Return a text without the target's secrets and those that [[before]] has kept."""
        return Redactor(self.target.secrets | self._preparation.secrets).text(text)

    def _on_reply(self, name: str, sent_ns: int, arrived_ns: int, failure: str) -> None:
        self.replies.append((name, (arrived_ns - sent_ns) / 1e6, failure))
        if name == "update":
            self.books.counts.updates += 1
            if failure:
                self.books.count(self.books.counts.refusals, failure)


def _books(target: Target, measure: str, room: Room, tokens: Tokens, redact: Callable[[str], str]) -> Books:
    ends_itself = target.profile == "task-progress"
    rows, clocks, types = Rows(), Clocks(), EventTypes(redact, staged=ends_itself)
    counts = Counts()
    schemas = Schemas(target.promises, lambda many, why: counts.looked_at(many, redact(why)))
    log = Log(rows, types, clocks, room, measure, tokens.find, schemas)
    return Books(rows, counts, Watch(), ends_itself, clocks, redact, types, log, schemas)
