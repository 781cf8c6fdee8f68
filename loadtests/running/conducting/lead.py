"""What all who lead a run share: its plan and its time, what nodes report, and the orders that they are given."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

import gevent

from ssegauge.conformance.target import Target
from ssegauge.loadtests.measuring.shape import Shape
from ssegauge.loadtests.running.conducting.reported import Reported
from ssegauge.loadtests.running.orders import Orders

POLL_S: Final = 0.02
HOLDING: Final = "holding streams"


class Nodes(Protocol):
    """What a conductor needs of those around it."""

    def tell(self, order: Mapping[str, Any]) -> None:
        """Give an order to every node; may return when it is done, or at once."""

    def refresh(self) -> None:
        """Have the nodes' latest reports taken, where that is possible at once."""

    def say(self, status: Mapping[str, Any]) -> None:
        """Let the user know what goes on."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run is to do. ``duration_s`` counts from when all users are there; None: until stopped."""

    scenario: str
    out: Path
    users: int
    rate: float
    duration_s: float | None
    drives: bool  # updates are triggered
    phased: bool  # compare the existing endpoint without and with streams
    publishes: bool = False  # updates are what is published to the one stream that all watch
    herds: bool = False  # all are cut at once, and come back together, again and again
    asked: tuple[str, ...] = ()  # objectives that the user states
    abort_on: tuple[str, ...] = ()  # those that end the run when they are broken
    orders: Orders | None = None  # requests that are answered are the load
    shape: Shape | None = None  # how many streams at each moment; None: all of them, all the time
    extend_s: float = 30.0  # at most, beyond the duration, for an interval that holds the limit


class Lead:
    """See the module. Moments are those of the monotonic clock.

    Attributes:
        nodes: how many processes hold streams.
        stage: what goes on, in words.
        complaint: why nothing can be judged; empty while all is well.
        is_cut: whether the run is over before its time.
        since_s: when it began to measure; until_s: when its time is up; both 0 before.
    """

    def __init__(self, plan: Plan, target: Target, around: Nodes) -> None:
        self.plan, self.target, self._around = plan, target, around
        self.reported = Reported()
        self.nodes = 1
        self.stage = "starting users"
        self.complaint = ""
        self.is_cut = False
        self.zero_s = time.monotonic()
        self.since_s = self.until_s = 0.0
        self._ended_s: float | None = None

    @property
    def elapsed_s(self) -> float:
        """How long the run goes on; once it is over, how long it went on."""
        return (self._ended_s or time.monotonic()) - self.zero_s

    @property
    def left_s(self) -> float | None:
        """How long it will, None for a run without an end."""
        return max(0.0, self.until_s - time.monotonic()) if self.until_s < 1e300 else None

    def end(self) -> None:
        """Take that all is over that is measured; what is waited for and judged from now on is no part of the run."""
        self._ended_s = time.monotonic()

    def tell(self, do: str, **words: object) -> None:
        """Give every node an order: see ``Node.obey``."""
        self._around.tell({"do": do, **words})

    def refresh(self) -> None:
        """Have the nodes' latest reports taken, where that is possible at once."""
        self._around.refresh()

    def measure(self) -> None:
        """Have what comes from now on measured, until the time is up."""
        self.since_s = time.monotonic()
        self.until_s = self.since_s + (self.plan.duration_s or float("inf"))
        self.tell("measure", wanted=True)

    def hold(self, until_s: float, is_over: Callable[[], bool] = lambda: False, stage: str = HOLDING) -> None:
        """Let things go on until then, or until they are over."""
        self.stage = stage
        while time.monotonic() < until_s and not (self.is_cut or is_over()):
            gevent.sleep(POLL_S)

    def wait_for(self, condition: Callable[[], bool], patience_s: float) -> None:
        """Look at reports until they are as they should be, or nobody waits any more."""
        give_up = time.monotonic() + patience_s
        while not condition() and time.monotonic() < give_up:
            gevent.sleep(POLL_S)
            self.refresh()
