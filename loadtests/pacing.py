"""When to do what, as pure functions: an open loop's plan is fixed before it starts.

A slow server or a late generator does not shift the plan (vegeta, wrk2): the k-th happening is due at
``start + k / rate`` whatever became of the ones before it.
"""

from __future__ import annotations


def due_ns(start_ns: int, rate: float, k: int) -> int:
    """Return when the k-th happening (from 0) of a constant ``rate`` per second is due."""
    return start_ns + round(k * 1e9 / rate)


def progress_of(sequence: int) -> int:
    """Return the progress (0..99) to report with a task's update number ``sequence``, from 1.

    It never falls, and reaches no 100 however long the run, because that is for the end alone.
    """
    return 99 * sequence // (sequence + 50)
