"""Were as many streams held as a shape wanted, at each moment of it? Pure.

A stream has the time of a connect (``limits.connect_s``) to be open: what a moment wants is the least that is wanted
from then until so much later, and what it has the most that were open in that time. So a ramp does not blame a server
for the streams that are just being opened, nor a fall for those that are just being closed; a spike that is shorter
than a connect may take is not judged by itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from ssegauge.conformance.target import Limits
from ssegauge.loadtests.judging.objectives import OFFERED, Measured, Objective
from ssegauge.loadtests.measuring.samples import Floats
from ssegauge.loadtests.measuring.shape import Shape

STEP_S: Final = 0.1
MOST_STEPS: Final = 3000
NEVER_WANTED: Final = "no stream was wanted for longer than a connect may take; use a longer shape"


@dataclass(frozen=True, slots=True)
class Held:
    """The moment of a shape at which the least of its streams were open: ``held`` of ``wanted``, ``at_s`` into it."""

    shape: Shape
    at_s: float = 0.0
    wanted: int = 0
    held: int = 0

    @property
    def share(self) -> float | None:
        """Return the share that was held, None where never a stream was wanted for long enough."""
        return min(1.0, self.held / self.wanted) if self.wanted else None

    def document(self, since_s: float) -> dict[str, Any]:
        """Return it as load.json has it; ``since_s`` is when the shape began, from the run's start."""
        least = {"at_s": round(self.at_s, 1), "wanted": self.wanted, "held": self.held} if self.wanted else None
        return {"points": [list(point) for point in self.shape.points], "since_s": round(since_s, 3), "least": least}


def held(shape: Shape, since_s: float, patience_s: float, at_ms: Floats, step: Floats) -> Held:
    """Return the moment at which least was held; ``at_ms`` and ``step`` (+1, -1) say when streams opened and closed."""
    step_s = max(STEP_S, shape.duration_s / MOST_STEPS)
    moments = np.arange(0, round(shape.duration_s / step_s) + 1) * step_s
    window = max(1, min(MOST_STEPS, round(patience_s / step_s)))
    after = np.arange(1, window + 1) * step_s + moments[-1]
    grid = np.concatenate([moments, after])
    wanted = _windows(np.array([shape.wanted(at_s) for at_s in grid]), window, np.minimum)
    open_then = _windows(_most_open(grid, step_s, (at_ms / 1e3) - since_s, step), window, np.maximum)
    judged = np.flatnonzero(wanted[: moments.size] > 0)
    if not judged.size:
        return Held(shape)
    share = open_then[judged] / wanted[judged]
    worst = judged[int(np.argmin(share))]
    return Held(shape, float(grid[worst]), int(wanted[worst]), int(open_then[worst]))


def objective(found: Held, measured: Measured, limits: Limits) -> Objective:
    """The server holds what the shape wants, at its worst moment too, and no stream fails or is dropped."""
    values = ("performance/shape-held", OFFERED, found.share, "share", "least share of the wanted streams")
    fixed = (*values, found.wanted)
    least = f"{found.at_s:.1f} s into the shape {found.held} of {found.wanted} streams were open"
    if found.share is None or not measured.peak_open:
        why = "no stream was opened" if found.share is not None else NEVER_WANTED
        return Objective(*fixed, "could_not_judge", note=measured.reasons or why, at_least=True)
    if measured.failed or measured.dropped:
        reasons = f" ({measured.reasons})" if measured.reasons else ""
        note = f"{least}; {measured.failed} failed, {measured.dropped} dropped{reasons}"
        return Objective(*fixed, "fail", note=note, at_least=True)
    if found.share >= OFFERED:
        return Objective(*fixed, "pass", note="" if found.share == 1.0 else least, at_least=True)
    waited_s = float(measured.connect.max()) / 1e3 if measured.connect.size else 0.0
    if waited_s > limits.connect_s:
        note = f"{least}; others waited up to {waited_s:.1f} s"
        return Objective(*fixed, "fail", note=note, at_least=True)
    note = f"{least}, though each opened in time: they end too soon; use streams that last longer"
    return Objective(*fixed, "could_not_judge", note=note, at_least=True)


def _most_open(grid: Floats, step_s: float, at_s: Floats, step: Floats) -> Floats:
    """Return the most streams that were open from each moment of the grid until the next."""
    order = np.lexsort((step, at_s))
    times, level = at_s[order], np.concatenate([[0.0], np.cumsum(step[order])])
    starts = np.searchsorted(times, grid, side="right")
    ends = np.searchsorted(times, grid + step_s, side="right")
    return np.array([level[start : end + 1].max() for start, end in zip(starts, ends, strict=True)])


def _windows(values: Floats, width: int, most: np.ufunc) -> Floats:
    """Return for each value the least, or most, of it and those after it, so many in all; fewer at the end."""
    found = values.astype(float)
    reach = 1
    while reach < width:  # doubling: the extreme of two windows is that of both
        further = min(reach, width - reach, found.size)
        found[: found.size - further] = most(found[: found.size - further], found[further:])
        reach += further
    return found
