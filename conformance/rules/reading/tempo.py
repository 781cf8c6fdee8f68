"""Whether a stream tells its events the more slowly the more readers it has."""

from collections.abc import Sequence
from itertools import pairwise
from statistics import median
from typing import NamedTuple

from ssegauge.conformance.rules.reading.company import Company
from ssegauge.conformance.rules.reading.sharing import Telling

LEAST_ALONE, LEAST_BESIDE = 6, 3  # pauses
STEADY, SLOWER, MUCH_SLOWER = 1.3, 1.4, 2.0
MANY = 2  # others


class Slowed(NamedTuple):
    """A reader, and its usual pause between events while it was alone, and beside several others, in ms."""

    reader: Telling
    alone_ms: float
    beside_ms: float


def slowed(everybody: Sequence[Telling]) -> Slowed | None:
    """Return a reader that is told at a steady pace when alone, more slowly beside one, and far more beside several.

    One other comes and goes in the midst of it: so it is not that a stream begins slowly, or grows slower with time.
    """
    everyone = Company(everybody)
    for one in everybody:
        alone, beside_one, beside_many = _pauses(everyone, one)
        if min(len(alone) - LEAST_ALONE, len(beside_one) - LEAST_BESIDE, len(beside_many) - LEAST_BESIDE) >= 0:
            usual = median(alone)
            slower = min(beside_one) >= SLOWER * usual and min(beside_many) >= MUCH_SLOWER * usual
            if slower and max(alone) <= STEADY * usual:
                return Slowed(one, usual, median(beside_many))
    return None


def _pauses(everyone: Company, one: Telling) -> tuple[list[float], list[float], list[float]]:
    """Return the pauses between a reader's events in which it was alone, beside one, and beside several others."""
    found: tuple[list[float], list[float], list[float]] = ([], [], [])
    for before, after in pairwise(one.times):
        at_once = {everyone.beside(one, at_ms) for at_ms in (before, (before + after) / 2, after)}
        if len(at_once) == 1 or min(at_once) >= MANY:
            found[min(MANY, *at_once)].append(after - before)
    return found
