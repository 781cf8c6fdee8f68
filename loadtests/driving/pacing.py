"""When to do what, as pure functions: an open loop's plan is fixed before it starts.

A slow server or a late generator does not shift the plan (vegeta, wrk2): when something is due depends on nothing
that became of what was due before. Chance keeps the plan from falling into step with the server: a task that is
updated every 2 s would meet a server that polls every 2 s always at the same point of its period, and show one
latency in place of all.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from random import Random
from typing import Final, NamedTuple, TypeVar

from ssegauge.conformance.errors import CannotJudge
from ssegauge.conformance.target.file import meant

Subject = TypeVar("Subject")


class Arrivals(NamedTuple):
    """When requests come whatever becomes of those before: ``rate`` per second, at even or at random intervals."""

    rate: float
    even: bool = False

    def planned(self, start_ns: int, dice: Random) -> Iterator[int]:
        """Yield when a request is due, for ever: even intervals, or those of a Poisson process."""
        due_s = 0.0
        while True:
            due_s += 1 / self.rate if self.even else dice.expovariate(self.rate)
            yield start_ns + round(due_s * 1e9)

    def __str__(self) -> str:
        return f"{self.rate:g}/s {'constant' if self.even else 'poisson'}"


def arrivals(text: str) -> Arrivals:
    """Return the arrivals that a text asks for: ``20/s``, ``20/s constant``. Raises CannotJudge."""
    found = _ARRIVALS(text)
    if not found or not 0 < float(found[1]) <= MOST_RATE:
        how = meant(text.rsplit(maxsplit=1)[-1], ("constant", "poisson")) if len(text.split()) > 1 else ""
        raise CannotJudge(f"--arrivals {text!r}: write 20/s (as a Poisson process) or '20/s constant'{how}")
    return Arrivals(float(found[1]), found[2] == "constant")


MOST_RATE: Final = 1e6
_ARRIVALS: Final = re.compile(r"\s*(\d+(?:\.\d+)?)\s*/\s*s(?:\s+(constant|poisson))?\s*").fullmatch


def plan(start_ns: int, rate: float, subjects: Sequence[Subject], dice: Random) -> Iterator[tuple[int, Subject]]:
    """Yield when something is due and with whom, for ever; later subjects come in with the next round.

    Of the slots of ``1 / rate`` seconds each has one happening, at any moment of it; each subject has one in every
    round, at any place in it.
    """
    for k, subject in enumerate(_rounds(subjects, dice)):
        yield start_ns + round((k + dice.random()) * 1e9 / rate), subject


def _rounds(subjects: Sequence[Subject], dice: Random) -> Iterator[Subject]:
    while subjects:
        yield from dice.sample(subjects, len(subjects))


def progress_of(sequence: int) -> int:
    """Return the progress (0..99) to report with a task's update number ``sequence``, from 1.

    It never falls, and reaches no 100 however long the run, because that is for the end alone.
    """
    return 99 * sequence // (sequence + 50)
