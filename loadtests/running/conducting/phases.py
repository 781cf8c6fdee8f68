"""An existing endpoint is timed in phases without and with streams, in turn, until their impact on it is decided."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from typing import Any, Final

import gevent

from ssegauge.loadtests.driving.pings import Pinger
from ssegauge.loadtests.judging import impact
from ssegauge.loadtests.measuring import samples
from ssegauge.loadtests.measuring.samples import Rows
from ssegauge.loadtests.running.conducting.lead import Lead

SETTLE_S: Final = 0.2  # after streams were opened or closed, before pings count
WINDOW_S: Final = 0.4  # of pings that count, in each phase
EXTENDING: Final = "extending, until the impact on the existing endpoint is decided"


class Phases:
    """See the module. Pings go to ``rows``; ``write`` has all samples so far written.

    Attributes:
        told: each phase, as plain values: "name", "start_s", "end_s" (from the run's start), "streams".
        held: how many streams were open in each phase with streams, at least; None before there was any.
        ping_failures: of the existing endpoint, by reason.
    """

    def __init__(self, lead: Lead, rows: Rows, write: Callable[[], None]) -> None:
        self._lead, self._rows, self._write = lead, rows, write
        self.told: list[dict[str, Any]] = []
        self.held: int | None = None
        self.ping_failures: Counter[str] = Counter()

    def run(self) -> None:
        """Have phases follow each other until the time is up and their ratio is known."""
        target = self._lead.target
        assert target.existing
        pinger = Pinger(target, target.existing, self._rows)
        self.ping_failures = pinger.failures
        number = 0
        while not self._is_over(number):
            number += 1
            self._phase(2 * number - 1, streams=False)
            self._phase(2 * number, streams=True)
        pinger.stop()

    def _is_over(self, pairs: int) -> bool:
        lead = self._lead
        if lead.is_cut:
            return True
        if time.monotonic() < lead.until_s or pairs < 1:
            return False
        if time.monotonic() > lead.until_s + lead.plan.extend_s:
            return True
        self._write()
        ratio = impact.ratio_of(dict(samples.read_phases(lead.plan.out, samples.EXISTING)))
        if impact.is_decided(ratio, lead.target.limits.degradation) or self.ping_failures:
            return True
        lead.stage = EXTENDING
        return False

    def _phase(self, code: int, *, streams: bool) -> None:
        lead, name = self._lead, samples.phase_name(code)
        if lead.stage != EXTENDING:
            lead.stage = f"phase {name}"
        lead.tell("streams", wanted=streams)
        wanted = lead.plan.users if streams else 0
        lead.wait_for(lambda: lead.reported.total("open") == wanted, 10 * lead.target.limits.connect_s)
        gevent.sleep(SETTLE_S)
        start_s = lead.elapsed_s
        if streams:
            is_open = lead.reported.total("open")
            self.held = is_open if self.held is None else min(self.held, is_open)
        self._mark(code)
        gevent.sleep(WINDOW_S)
        self._mark(0)
        self.told.append({"name": name, "start_s": start_s, "end_s": lead.elapsed_s, "streams": streams})

    def _mark(self, code: int) -> None:
        self._rows.phase = code
        self._lead.tell("phase", phase=code)
