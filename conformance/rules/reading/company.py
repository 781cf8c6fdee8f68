"""Readers alone and in company: who read beside whom, and whether they were told less for that."""

from bisect import bisect, bisect_left
from collections import Counter
from collections.abc import Collection, Sequence
from itertools import pairwise

from ssegauge.conformance.rules.reading.sharing import Telling

LEAST_EXPECTED = 4.0
FEWER = 0.75
MOST_OF_FEW, LEAST_OF_MANY, LEAST_IN_CROWD, TIMES_FEWER = 3, 6, 3, 3.0
Spans = list[tuple[float, float]]


class Company:
    """Who read when, of everybody."""

    def __init__(self, everybody: Sequence[Telling]) -> None:
        self._came = sorted(one.came_ms for one in everybody)
        self._left = sorted(one.left_ms for one in everybody)
        self._views = {id(one.view) for one in everybody}

    def beside(self, one: Telling, at_ms: float) -> int:
        """Return how many others than this one read at a moment."""
        itself = id(one.view) in self._views and one.came_ms < at_ms < one.left_ms
        return bisect_left(self._came, at_ms) - bisect(self._left, at_ms) - itself


def told_less_in_company(group: Sequence[Telling], everybody: Sequence[Telling]) -> bool:
    """Whether readers are told less while others read: a stream that each has of its own does not slow down so."""
    expected = told = 0.0
    edges, everyone = {edge for one in everybody for edge in (one.came_ms, one.left_ms)}, Company(everybody)
    for one in group:
        alone, company = _split(edges, everyone, one)
        alone_s, company_s = (sum(end - start for start, end in spans) / 1000 for spans in (alone, company))
        while_alone = sum(len(one.between(*span)) for span in alone)
        if while_alone >= LEAST_EXPECTED and alone_s > 0:
            expected += company_s * while_alone / alone_s
            told += sum(len(one.between(*span)) for span in company)
    return expected >= LEAST_EXPECTED and told <= FEWER * expected


def told_no_more_in_a_crowd(everybody: Sequence[Telling]) -> bool:
    """Whether many are told no more, all together, than few: who has a stream of its own is told as much as alone."""
    times = sorted(at_ms for one in everybody for at_ms in one.times)
    edges = sorted({edge for one in everybody for edge in (one.came_ms, one.left_ms)})
    reader_s, told = {False: 0.0, True: 0.0}, Counter[bool]()
    for start, end in pairwise(edges):
        many = sum(one.came_ms <= start and end <= one.left_ms for one in everybody)
        if many <= MOST_OF_FEW or many >= LEAST_OF_MANY:
            reader_s[many >= LEAST_OF_MANY] += many * (end - start) / 1000
            told[many >= LEAST_OF_MANY] += bisect(times, end) - bisect(times, start)
    if told[False] < LEAST_EXPECTED or told[True] < LEAST_IN_CROWD:
        return False
    expected = reader_s[True] * told[False] / reader_s[False]
    return expected >= TIMES_FEWER * LEAST_EXPECTED and told[True] <= expected / TIMES_FEWER


def _split(moments: Collection[float], everyone: Company, one: Telling) -> tuple[Spans, Spans]:
    """Return when a reader was alone, and when in company; at these moments somebody came, or left."""
    edges = sorted({one.came_ms, one.left_ms, *(at_ms for at_ms in moments if one.came_ms < at_ms < one.left_ms)})
    spans: tuple[Spans, Spans] = [], []
    for span in pairwise(edges):
        spans[everyone.beside(one, sum(span) / 2) > 0].append(span)
    return spans
