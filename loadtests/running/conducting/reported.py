"""What the nodes of a run have reported so far, each its latest, and what that is over all of them."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Collection, Mapping
from typing import Any, cast

import numpy as np

from ssegauge.loadtests.judging import health, summary
from ssegauge.loadtests.measuring import event_types, samples
from ssegauge.loadtests.measuring.answers import Tally
from ssegauge.loadtests.measuring.clocks import Clocks
from ssegauge.loadtests.measuring.event_types import Label
from ssegauge.loadtests.measuring.integrity import Account
from ssegauge.loadtests.measuring.returning import Returned
from ssegauge.loadtests.measuring.spool import Spool
from ssegauge.loadtests.measuring.witnesses import Witnessed
from ssegauge.loadtests.stream.clock import Clock

FIGURES = ("sending_ms", "looping_ms", "cpu_shares")


class Reported:
    """See the module; a report is that of ``Node.report``."""

    def __init__(self) -> None:
        self._latest: dict[str, Mapping[str, Any]] = {}
        self._last: set[str] = set()  # nodes that have sent their last report
        self._apart_ms: dict[str, float] = {}  # how much later than a node said it reported, at least
        self._figures = {name: Spool() for name in FIGURES}

    def take(self, node: str, report: Mapping[str, Any]) -> None:
        """Take a node's report in place of the one before."""
        self._latest[node] = report
        if report.get("final"):
            self._last.add(node)
        apart_ms = time.time() * 1e3 - report["at_ms"]
        self._apart_ms[node] = min(apart_ms, self._apart_ms.get(node, apart_ms))
        for name, figures in self._figures.items():
            figures.add(report[name])

    def close(self) -> None:
        """Forget the figures that wait on disk."""
        for figures in self._figures.values():
            figures.close()

    def missing(self, expected: Collection[str]) -> list[str]:
        """Return the nodes, of those expected and those that ever reported, without their last report."""
        return sorted(({*expected} | self._latest.keys()) - self._last)

    def are_judging(self, nodes: Collection[str]) -> bool:
        """Whether all of these have said that they judge what they have."""
        return all(self._latest.get(node, {}).get("is_judging") for node in nodes)

    def each(self, name: str) -> list[Any]:
        """Return a part of every report, of those that have it."""
        return [report[name] for report in self._latest.values() if report[name] is not None]

    def total(self, name: str) -> int:
        """Return the sum of a count over all nodes."""
        return sum(counts[name] for counts in self.each("counts"))

    def counted(self, name: str) -> Counter[str]:
        """Return the sum of counted reasons over all nodes."""
        return sum((Counter(counts[name]) for counts in self.each("counts")), Counter())

    def figures(self, name: str) -> samples.Floats:
        """Return all of the generator's own figures of a name that ever came."""
        return np.frombuffer(self._figures[name].whole())

    @property
    def clock(self) -> Clock:
        """Whose stamps arrivals have, where all nodes have the same."""
        return "kernel" if {*self.each("clock")} == {"kernel"} else "user"

    @property
    def clocks(self) -> Clocks:
        """What the server's clock said, to all nodes."""
        return sum((Clocks(**one) for one in self.each("clocks")), Clocks())

    @property
    def account(self) -> Account:
        """What became of the updates."""
        return sum((Account(**counts["account"]) for counts in self.each("counts")), Account())

    @property
    def tally(self) -> Tally:
        """What became of the requests."""
        return sum(map(Tally.of, filter(None, self.each("answers"))), Tally())

    @property
    def types(self) -> dict[Label, tuple[int, int]]:
        """Events and bytes by type and stage, the most frequent first."""
        return event_types.counted(self.each("types"))

    @property
    def witnessed(self) -> Witnessed | None:
        """What streams say of each other; None where none does."""
        told = [one for one in self.each("witnessed") if one]
        parts = (Witnessed(**(one | {"counts": tuple(one["counts"])})) for one in told)
        return sum(parts, Witnessed()) if told else None

    @property
    def returned(self) -> Returned:
        """What became of readers who were cut."""
        return sum((Returned(**one) for one in self.each("returned") if one), Returned())

    @property
    def ended(self) -> dict[str, Any]:
        """How many streams the server ended in order, after how long, and how many readers came back with their id."""
        lasted = [
            (counts["ended_least_s"], counts["ended_most_s"]) for counts in self.each("counts") if counts["ended"]
        ]
        if not lasted:
            return {}
        least_s, most_s = min(least for least, _ in lasted), max(most for _, most in lasted)
        counts = {"streams": self.total("ended"), "resumed": self.total("resumed")}
        return counts | {"least_s": round(least_s, 3), "most_s": round(most_s, 3)}

    @property
    def retry_s(self) -> float | None:
        """The longest reconnection time that streams have told, None where none has."""
        told = [counts["retry_s"] for counts in self.each("counts")]
        return max((one for one in told if one is not None), default=None)

    @property
    def longest_wait_s(self) -> float:
        """For how long the server wanted to be left alone, at most."""
        return cast("float", max((counts["longest_wait_s"] for counts in self.each("counts")), default=0.0))

    @property
    def told_to_wait(self) -> dict[str, Any]:
        """How often it did, and how often we came earlier."""
        shortened, refusals = self.total("shortened_waits"), self.total("refusals_to_wait")
        return {"refusals": refusals, "longest_s": self.longest_wait_s, "shortened": shortened}

    @property
    def own_fault(self) -> str:
        """Why nothing can be judged that is the fault of those who measure; empty for none."""
        mistakes = summary.reasons(self.counted("errors"))
        return mistakes or health.clocks_apart(self._apart_ms) or health.own_limit(self.counted("failures"))
