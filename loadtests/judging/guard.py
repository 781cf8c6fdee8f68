"""Ends a run when an objective is broken for good: ``--abort-on``; so that nobody waits for a verdict that is known.

Looked at is what arrived in the last ``WINDOW_S``, each second; an objective with too few samples in it is not broken.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from ssegauge.conformance.errors import CannotJudge
from ssegauge.loadtests.judging import asked
from ssegauge.loadtests.judging.asked import Asked
from ssegauge.loadtests.judging.objectives import Objective, Verdict
from ssegauge.loadtests.measuring.samples import KINDS, Floats

WINDOW_S: Final = 10.0
COUNTED: Final = ("failed", "dropped")


def parse(text: str) -> Asked:
    """Return the objective that a text states; raises CannotJudge for one that only a run's end can tell."""
    found = asked.parse(text, "--abort-on")
    if not found.part and found.name not in COUNTED:
        raise CannotJudge(f"--abort-on {text!r}: is known at the end alone; choose a percentile, failed or dropped")
    return found


class Guard:
    """Holds what arrived lately, and says which objective that breaks."""

    def __init__(self, texts: Sequence[str]) -> None:
        self._asked = [parse(text) for text in texts]
        self._wanted = [KINDS.index(one.kind) for one in self._asked if one.part]
        self._lately: deque[tuple[float, Floats]] = deque()

    def take(self, now_s: float, rows: Floats) -> None:
        """Take rows of samples (see ``samples.matrix``)."""
        if self._wanted and rows.size:
            self._lately.append((now_s, rows[np.isin(rows[:, 1], self._wanted)][:, [1, 3]]))
        while self._lately and self._lately[0][0] < now_s - WINDOW_S:
            self._lately.popleft()

    def broken(self, elapsed_s: float, counts: Mapping[str, int]) -> Objective | None:
        """Return the first objective that is broken, None while all hold."""
        for one in self._asked:
            found = asked.of_samples(one, self._values(one)) if one.part else _counted(one, counts[one.name])
            if found.verdict == "fail":
                return replace(found, note=f"broken {elapsed_s:.0f} s into the run, which ended there (--abort-on)")
        return None

    def _values(self, one: Asked) -> Floats:
        parts = [rows[rows[:, 0] == KINDS.index(one.kind)][:, 1] for _, rows in self._lately]
        return np.concatenate(parts) if parts else np.empty(0)


def _counted(one: Asked, count: int) -> Objective:
    verdict: Verdict = "pass" if one.met_by(count) else "fail"
    return one.judged(Objective(one.rule, one.limit, count, one.unit, one.name, count, verdict))
