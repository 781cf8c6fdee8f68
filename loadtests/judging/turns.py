"""How many answers a server makes at a time, and what it does with the rest: lets them wait, or refuses them. Pure.

A request is known by the number of its stream, which all its samples bear.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from ssegauge.loadtests.measuring.samples import Floats

LEAST_WAIT_MS: Final = 100.0  # beyond twice the shortest wait: such a request waits for its turn
TURN_SHARE: Final = 0.9  # of the time in which some wait, just as many are answered: then it answers so many at a time
FEWEST_WAITING: Final = 5
NOTHING: Final = np.empty(0)
AGAIN_MS: Final = 1000.0  # a user who was refused does not ask again sooner


@dataclass(frozen=True, slots=True)
class Kind:
    """The samples of a kind, in the order of their arrival: when (ms), of which stream, and how much."""

    at: Floats = field(default_factory=lambda: NOTHING)
    stream: Floats = field(default_factory=lambda: NOTHING)
    value: Floats = field(default_factory=lambda: NOTHING)


@dataclass(frozen=True, slots=True)
class Turns:
    """A server that answers ``streams`` at a time.

    It lets the others wait for their ``what``, up to ``waited_s``, or refuses them by the status ``refused``; then
    ``wanted`` is how many were asked for at once.
    """

    streams: int
    waited_s: float = 0.0
    what: str = ""
    refused: int = 0
    wanted: int = 0

    @property
    def told(self) -> str:
        """Say so."""
        if self.refused:
            return f"answered {self.streams} at once and refused the rest ({self.refused})"
        return f"answers {self.streams} at a time; the others waited up to {self.waited_s:.1f} s for their {self.what}"

    def document(self) -> dict[str, Any]:
        """Return it as load.json has it."""
        rest = {"refused": self.refused} if self.refused else {"waited_s": self.waited_s, "for": self.what}
        return {"streams": self.streams, **rest}


def most_under_way(kinds: Mapping[str, Kind]) -> int:
    """Return the most requests that were under way at once."""
    head = kinds["connect"]
    begun, ended = head.at - head.value, _ended(kinds, head.stream)
    return _most(begun, ended)


def turns_of(kinds: Mapping[str, Kind]) -> Turns | None:
    """Return how many a server answers at a time, where others wait for their turn or are refused; else None."""
    for name, what in (("connect", "head"), ("first_event", "first event")):
        served = kinds[name]
        if found := _turns(served.at - served.value, served.at, _ended(kinds, served.stream), what):
            return found
    return _refusing(kinds["turned_away"], kinds["open"])


def _refusing(refused: Kind, opened: Kind) -> Turns | None:
    """Look at the moments of refusals: was it always the same number, the most ever, that was being answered?"""
    if refused.at.size < FEWEST_WAITING or not opened.at.size:
        return None
    order = np.lexsort((opened.value, opened.at))
    at, level = opened.at[order], np.concatenate(((0.0,), np.cumsum(opened.value[order])))
    # We know of a head, and of an end, a moment after the server: what is most about then is what it had to do.
    since, until = np.searchsorted(at, refused.at - LEAST_WAIT_MS), np.searchsorted(at, refused.at + LEAST_WAIT_MS)
    busy = np.array([level[low : high + 1].max() for low, high in zip(since, until, strict=True)])
    streams = int(level.max())
    if (busy == streams).mean() < TURN_SHARE:
        return None
    moments = np.sort(refused.at)
    at_once = np.searchsorted(moments, moments + AGAIN_MS) - np.arange(moments.size)
    statuses = np.unique(refused.value)
    return Turns(streams, refused=int(statuses[0]), wanted=streams + int(at_once.max()))


def _ended(kinds: Mapping[str, Kind], streams: Floats) -> Floats:
    """Return when each of some streams ended; one that has not is open for ever."""
    closed = kinds["open"].value < 0
    ends = dict(zip(kinds["open"].stream[closed].tolist(), kinds["open"].at[closed].tolist(), strict=True))
    return np.array([ends.get(stream, np.inf) for stream in streams.tolist()])


def _most(begun: Floats, ended: Floats) -> int:
    at = np.concatenate((begun, ended))
    step = np.concatenate((np.ones(begun.size), -np.ones(ended.size)))
    return int(np.cumsum(step[np.lexsort((step, at))]).max()) if at.size else 0


def _turns(begun: Floats, served: Floats, ended: Floats, what: str) -> Turns | None:
    """Look at the time in which requests waited longer than usual: was it always the same number that was answered?"""
    if not begun.size:
        return None
    waits = served - begun
    usual = 2 * float(waits.min()) + LEAST_WAIT_MS
    late = waits > usual
    if late.sum() < FEWEST_WAITING:
        return None
    steps = [
        (begun[late] + usual, 1, 0),
        (served[late], -1, 0),
        (served, 0, 1),
        (ended[np.isfinite(ended)], 0, -1),
    ]
    at = np.concatenate([moment for moment, _, _ in steps])
    order = np.argsort(at, kind="stable")
    waiting, serving = (
        np.cumsum(np.concatenate([np.full(step[0].size, step[which]) for step in steps])[order]) for which in (1, 2)
    )
    some_wait = waiting[:-1] > 0
    spent = np.bincount(serving[:-1][some_wait].astype(int), weights=np.diff(at[order])[some_wait])
    if not spent.size or spent.max() < TURN_SHARE * spent.sum() or not spent.argmax():
        return None
    return Turns(int(spent.argmax()), float(waits.max()) / 1e3, what)
