"""Does something grow while a run goes on? A slope with its 95 % interval, of what was sampled over time. Pure.

The run is cut into ``BLOCKS`` equal times. The medians of the blocks are what a line is laid through, so that bursts do
not count; how far they lie from it gives the interval (Student's t). Values within a block are not independent, and the
interval does not pretend so.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from ssegauge.loadtests.measuring import samples
from ssegauge.loadtests.measuring.samples import Floats

TOLD: Final = ("server_memory", "server_descriptors", "update", "first_token", "first_event", "gap")
BLOCKS: Final = 20
FEWEST: Final = 10  # blocks with samples
SHORTEST_MS: Final = 60_000.0
# Student's t for 95 %, two-sided, by degrees of freedom from FEWEST - 2 to BLOCKS - 2.
_T: Final = (2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131, 2.120, 2.110, 2.101)
_HOUR_MS: Final = 3_600_000.0
Blocks = np.ndarray[Any, np.dtype[np.int_]]


@dataclass(frozen=True, slots=True)
class Slope:
    """By how much something grows in an hour, its interval, and how many samples say so."""

    per_hour: float
    low: float
    high: float
    samples: int


def slope_of(at_ms: Floats, values: Floats) -> Slope | None:
    """Return the slope of values over time; None where the run was too short, or too little of it has samples."""
    if not at_ms.size or np.ptp(at_ms) < SHORTEST_MS:
        return None
    block = np.minimum((at_ms - at_ms.min()) / np.ptp(at_ms) * BLOCKS, BLOCKS - 1).astype(int)
    points = np.array(list(_medians(block, at_ms, values)))
    if len(points) < FEWEST:
        return None
    when, what = points.T
    spread = when - when.mean()
    slope = float((spread * what).sum() / (spread**2).sum())
    off = what - what.mean() - slope * spread
    freedom = len(points) - 2
    error = float(np.sqrt((off**2).sum() / freedom / (spread**2).sum())) * _T[freedom - (FEWEST - 2)]
    hour, low, high = (round(end * _HOUR_MS, 4) for end in (slope, slope - error, slope + error))
    return Slope(hour, low, high, int(at_ms.size))


def document(run_folder: Path) -> dict[str, Any] | None:
    """Return load.json's ``trends``, by kind of sample; None where nothing has a slope."""
    found: dict[str, Any] = {}
    for name in TOLD:
        if slope := slope_of(*samples.read(run_folder, samples.KINDS.index(name), "at_ms", "value")):
            found[name] = {"per_hour": slope.per_hour, "interval": [slope.low, slope.high], "samples": slope.samples}
    return found or None


def _medians(block: Blocks, at: Floats, values: Floats) -> Iterable[tuple[float, float]]:
    for number in np.unique(block):
        mine = block == number
        yield float(np.median(at[mine])), float(np.median(values[mine]))
