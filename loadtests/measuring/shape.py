"""How many streams are wanted at each moment of a run: points in time, with straight lines between them.

``0:0 30s:500 60s:500`` is a ramp and a plateau. Two points at the same moment are a step: ``0:100 30s:100 30s:400
35s:400 35s:100 60s:100`` is a spike. Pure.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from ssegauge.conformance.errors import CannotJudge

EXAMPLE: Final = "0:0 30s:500 60s:500"
MOST_POINTS: Final = 1000
MOST_USERS: Final = 10_000_000
_UNITS: Final = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0}
_POINT: Final = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,6})?)([smh]?):([0-9]{1,9})", re.ASCII).fullmatch
Point = tuple[float, int]  # seconds since the shape began, streams


@dataclass(frozen=True, slots=True)
class Shape:
    """Points in the order of time, the first at 0."""

    points: tuple[Point, ...]

    @property
    def most(self) -> int:
        """Return the most streams that are ever wanted."""
        return max(users for _, users in self.points)

    @property
    def duration_s(self) -> float:
        """Return when it is over."""
        return self.points[-1][0]

    def wanted(self, at_s: float) -> int:
        """Return how many streams are wanted at a moment; of a step, what comes after it; after the end, the last."""
        after = bisect_right(self.points, at_s, key=lambda point: point[0])
        if after == len(self.points):
            return self.points[-1][1]
        (from_s, low), (to_s, high) = self.points[max(0, after - 1)], self.points[after]
        return round(low + (high - low) * (at_s - from_s) / (to_s - from_s))

    def __str__(self) -> str:
        return " ".join(f"{at_s:.15g}s:{users}" for at_s, users in self.points)


def parse(text: str, option: str = "--shape") -> Shape:
    """Return the shape that a text asks for. Raises CannotJudge with the place that is wrong, and the remedy."""
    words = text.replace(",", " ").split()
    points = [_point(word, f"{option}: point {number} ({_short(word)})") for number, word in enumerate(words, 1)]
    if complaint := _complaint(words, points):
        raise CannotJudge(f"{option}{complaint}")
    return Shape(tuple(points))


def share(whole: int, number: int, of: int) -> int:
    """Return how many of ``whole`` streams are those of process ``number`` (from 0) of so many."""
    return whole * (number + 1) // of - whole * number // of


def _point(word: str, place: str) -> Point:
    found = _POINT(word)
    if not found:
        raise CannotJudge(f"{place} is none; write TIME:USERS, as in {EXAMPLE!r}")
    users = int(found[3])
    if users > MOST_USERS:
        raise CannotJudge(f"{place} wants more than {MOST_USERS:,} streams; want fewer")
    return float(found[1]) * _UNITS[found[2]], users


def _complaint(words: Sequence[str], points: Sequence[Point]) -> str:
    """Return what is wrong with points that are fine each by itself, with its place; empty where nothing is."""
    if not points:
        return f": no points; write TIME:USERS, as in {EXAMPLE!r}"
    if len(points) > MOST_POINTS:
        return f": {len(points):,} points; write {MOST_POINTS:,} at most"
    for number in range(1, len(points)):
        if points[number][0] < points[number - 1][0]:
            before = _short(words[number - 1])
            return f": point {number + 1} ({_short(words[number])}) comes before ({before}), in time; swap them"
    whole = {
        f": point 1 ({_short(words[0])}) must be at 0; write 0:0 before it": points[0][0] > 0,
        f": it lasts no time; write a later point after {_short(words[-1])}, as in {EXAMPLE!r}": points[-1][0] <= 0,
        f": no stream is ever wanted; give a point more than 0, as in {EXAMPLE!r}": not any(many for _, many in points),
    }
    return next((complaint for complaint, wrong in whole.items() if wrong), "")


def _short(word: str) -> str:
    return word if len(word) <= 40 else f"{word[:40]}…"
