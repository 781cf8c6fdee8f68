"""What readers missed who were cut and came back: each has what the others were told while it was away, or it has not.

A ``Visit`` is one stream of one reader, from its opening to its end. The events that at least two readers had are the
feed, in the order in which any of them had each first: who stayed, or came back sooner, is witness of what the others
were not there to hear, and so is each to whom it was told again. Greetings are no part of it: what has no id, where
events have ids, else the first of each visit. A return counts once its reader has had something that was first told
after it came back: until then more may be on its way. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final, NamedTuple

import numpy as np

from ssegauge.loadtests.measuring.samples import Floats

FEWEST: Final = 2  # readers that make an event one of the feed
Numbers = np.ndarray[Any, np.dtype[np.int64]]


class Visit(NamedTuple):
    """One stream: when it was open (ms), and what came when, in order."""

    opened_ms: float
    closed_ms: float
    events: Numbers
    times: Floats


@dataclass(frozen=True, slots=True)
class Returned:
    """What became of readers who came back, ``returns`` times in all.

    Attributes:
        away: pairs of a return and an event that others were told meanwhile; missed: those that it never got.
        doubled: events that a reader had before it was cut, and got again after.
    """

    returns: int = 0
    away: int = 0
    missed: int = 0
    doubled: int = 0

    def __add__(self, other: Returned) -> Returned:
        return Returned(
            self.returns + other.returns,
            self.away + other.away,
            self.missed + other.missed,
            self.doubled + other.doubled,
        )


def returned(readers: Sequence[Sequence[Visit]]) -> Returned:
    """Return what readers missed; each is its visits, in order."""
    with_ids = any((visit.events % 2 == 0).any() for visits in readers for visit in visits)  # see ``witnesses.Diary``
    readers = [[_without_greeting(visit, with_ids) for visit in visits] for visits in readers]
    rank, first_ms = _feed(readers)
    found = Returned()
    for visits in readers:
        had: set[int] = set()
        for before, after in pairwise(visits):
            had |= _ranks(before.events, rank)
            if had:
                found += _one(had, after, rank, first_ms)
    return found


def _one(had: set[int], after: Visit, rank: Mapping[int, int], first_ms: Floats) -> Returned:
    """Return what one reader, who had some of the feed, missed when it came back."""
    got, live = _ranks(after.events, rank), int(np.searchsorted(first_ms, after.opened_ms))
    if max(got, default=-1) < live:
        return Returned()
    away = set(range(max(had) + 1, live))
    return Returned(1, len(away), len(away - got), len(got & had))


def _without_greeting(visit: Visit, with_ids: bool) -> Visit:
    kept = visit.events % 2 == 0 if with_ids else np.arange(visit.events.size) > 0
    return visit._replace(events=visit.events[kept], times=visit.times[kept])


def _feed(readers: Sequence[Sequence[Visit]]) -> tuple[Mapping[int, int], Floats]:
    """Return the place of each event in the feed, and when each was first told."""
    firsts: dict[int, float] = {}
    seen: dict[int, int] = {}
    for visits in readers:
        for event, at_ms in _first_times(visits):
            seen[event] = seen.get(event, 0) + 1
            firsts[event] = min(at_ms, firsts.get(event, at_ms))
    order = sorted((event for event, often in seen.items() if often >= FEWEST), key=firsts.__getitem__)
    return {event: place for place, event in enumerate(order)}, np.array([firsts[event] for event in order])


def _first_times(visits: Sequence[Visit]) -> Iterator[tuple[int, float]]:
    own: dict[int, float] = {}
    for visit in visits:
        for event, at_ms in zip(visit.events.tolist(), visit.times.tolist(), strict=True):
            own.setdefault(event, at_ms)
    return iter(own.items())


def _ranks(events: Numbers, rank: Mapping[int, int]) -> set[int]:
    return {rank[event] for event in events.tolist() if event in rank}
