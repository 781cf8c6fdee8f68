"""When to do what, as pure functions: an open loop's plan is fixed before it starts.

A slow server or a late generator does not shift the plan (vegeta, wrk2): when something is due depends on nothing
that became of what was due before. Chance keeps the plan from falling into step with the server: a task that is
updated every 2 s would meet a server that polls every 2 s always at the same point of its period, and show one
latency in place of all.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from random import Random
from typing import TypeVar

Subject = TypeVar("Subject")


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
