"""The course of a run, from when all users are there until its time is up.

Streams are held, all of them or as many as a shape wants, or cut all at once, again and again; or requests are made.
With an existing endpoint to look at, the second half of the run is cut into phases without and with streams.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from ssegauge.loadtests.measuring.samples import Rows
from ssegauge.loadtests.measuring.shape import Shape
from ssegauge.loadtests.running.conducting.lead import Lead
from ssegauge.loadtests.running.conducting.patience import Patience
from ssegauge.loadtests.running.conducting.phases import Phases
from ssegauge.loadtests.running.conducting.stampede import Stampede
from ssegauge.loadtests.running.orders import Orders

UNTIMED_S: Final = 15.0  # of holding streams before phases begin, in a run without an end


class Course:
    """See the module. ``rows`` and ``write`` are for the phases; ``shaped_since_s`` is 0 until a shape is followed."""

    def __init__(self, lead: Lead, rows: Rows, write: Callable[[], None]) -> None:
        self._lead = lead
        self._patience = Patience(lead)
        self.stampede = Stampede(lead)
        self.phases = Phases(lead, rows, write)
        self.shaped_since_s = 0.0

    @property
    def wanted_now(self) -> int:
        """How many streams, or users, there should be."""
        plan = self._lead.plan
        if plan.shape and self.shaped_since_s:
            return plan.shape.wanted(time.monotonic() - self.shaped_since_s)
        return plan.users

    def run(self) -> None:
        """Go through it; returns when the run's time is up, or it is over before."""
        lead, plan = self._lead, self._lead.plan
        if plan.orders:
            self._let_ask(plan.orders)
            return
        if plan.herds:
            self.stampede.let_come()
        if not (plan.shape or self._patience.users_are_ready()):
            return
        lead.measure()
        if plan.drives:
            share = lead.nodes if plan.publishes or plan.scenario == "progress" else 1
            lead.tell("drive", rate=plan.rate / share)
        if plan.shape:
            self._follow(plan.shape)
        elif plan.herds:
            self.stampede.run()
        elif plan.phased:
            self._alternate()
        else:
            lead.hold(lead.until_s)

    def _let_ask(self, orders: Orders) -> None:
        """Have requests made until the time is up, or it is clear that they are made in vain."""
        lead = self._lead
        lead.stage = "asking"
        lead.measure()
        if lead.plan.shape:
            self._begin(lead.plan.shape)
        if orders.arrivals:
            lead.tell("arrive", rate=orders.arrivals.rate / lead.nodes)
        lead.hold(lead.until_s, self._patience.asks_in_vain, lead.stage)

    def _follow(self, shape: Shape) -> None:
        """Have as many streams as the shape wants; at its end the last may take as long to open as any other."""
        lead, total = self._lead, self._lead.reported.total
        self._begin(shape)
        lead.hold(lead.until_s, self._patience.is_refusing)
        grace_s = lead.until_s + lead.target.limits.connect_s
        lead.hold(grace_s, lambda: total("open") == shape.wanted(shape.duration_s) or total("failed") > 0)

    def _begin(self, shape: Shape) -> None:
        self.shaped_since_s = time.monotonic()
        self._lead.tell("shape", points=shape.points, of=self._lead.nodes)

    def _alternate(self) -> None:
        """Measure latency first: of a server that polls, a stream open for a phase only shows the start of a period."""
        lead = self._lead
        lead.hold(lead.since_s + (lead.plan.duration_s or 2 * UNTIMED_S) / 2)
        lead.tell("measure", wanted=False)
        self.phases.run()
