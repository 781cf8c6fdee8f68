"""What two readers are told side by side: in one order or another, sooner or later, or a part of a burst."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from statistics import median
from typing import NamedTuple

from ssegauge.conformance.rules.reading.sharing import OPENING_MS, Said, Telling, form, numbers, said
from ssegauge.conformance.seen import Message

APART_MS = 50.0  # between one burst and the next
LEAST_LAGS, MOSTLY_APART, STEADY = 4, 0.7, 0.2
LEAST_COMMON = 2  # of a burst: what is told before, and what after the gap


class Told(NamedTuple):
    """An event, when it was first told to either reader, and which of the two were told it."""

    at_ms: float
    message: Message
    tellers: frozenset[int]


def are_in_step(one: Telling, other: Telling, common: Sequence[Said], within_ms: float) -> bool:
    """Whether what both are told reaches them in the same moment: nobody samples at a moment of his own."""
    return median(abs(one.when[key] - other.when[key]) for key in common) <= within_ms


def turned_round(
    one: Telling, other: Telling, common: Sequence[Said], *, promised: bool
) -> Iterator[tuple[Message, Message]]:
    """Yield the neighbours of one sort that one was told in this order, and the other the other way round.

    Of several sources the order between them may be each reader's own, unless all are promised to be told the same: it
    is meant where a count of all of them rises.
    """
    known = frozenset(common)
    told = [message for message in one.messages if said(message) in known]
    turned = [
        (first, second)
        for first, second in pairwise(told)
        if other.places[said(first)] > other.places[said(second)] and form(first) == form(second)
    ]
    if turned and (promised or _are_counted(told)):
        yield from turned


def _are_counted(told: Sequence[Message]) -> bool:
    """Whether a number rises from each event to the next."""
    counts = [numbers(message) for message in told]
    names = set[str].intersection(*map(set, counts)) if counts else set()
    return any(all(before[name] < after[name] for before, after in pairwise(counts)) for name in names)


def lags(one: Telling, other: Telling) -> list[float]:
    """Return how much later another was told each event that both were told while both read, in ms; empty without lag.

    A course that each has of its own comes as much later as the reader; what comes in lumps is gathered on its way. Of
    few events the lag has to be steady: values without ids come again, at any time.
    """
    since = max(one.came_ms, other.came_ms) + OPENING_MS
    once = [key for key, many in one.counts.items() if many == 1 == other.counts.get(key) and key not in one.in_course]
    found = [other.when[key] - one.when[key] for key in once if one.when[key] >= since]
    moments = {round(other.when[key] / APART_MS) for key in once if one.when[key] >= since}
    if len(found) < LEAST_COMMON or len(moments) < MOSTLY_APART * len(found) or min(found) <= 0:
        return []
    steady = max(found) - min(found) <= STEADY * median(found)
    is_course = abs(median(found) - (other.came_ms - one.came_ms)) < OPENING_MS
    return found if (steady or len(found) >= LEAST_LAGS) and not is_course else []


def gaps(one: Telling, other: Telling) -> Iterator[tuple[Telling, Message]]:
    """Yield, for each burst that has one, a gap: the first event in its midst that one alone was told, and who it was.

    Where each was told what the other was not, in the same burst, nobody can know who of them has a gap.
    """
    if one.counts.keys() == other.counts.keys():
        return
    for burst in _bursts(one, other):
        both = [place for place, told in enumerate(burst) if len(told.tellers) > 1]
        alone = [place for place, told in enumerate(burst) if len(told.tellers) == 1]
        tellers = {burst[place].tellers for place in alone}
        if len(both) >= LEAST_COMMON and len(tellers) == 1 and both[0] < alone[0] < both[-1]:
            yield one if 0 in burst[alone[0]].tellers else other, burst[alone[0]].message


def _bursts(one: Telling, other: Telling) -> Iterator[list[Told]]:
    burst: list[Told] = []
    for told in _told(one, other):
        if burst and told.at_ms - burst[-1].at_ms > APART_MS:
            yield burst
            burst = []
        burst.append(told)
    yield burst


def _told(one: Telling, other: Telling) -> list[Told]:
    """Return what either was told while both read, but for the openings, in order."""
    since, until_ms = max(one.came_ms, other.came_ms) + OPENING_MS, min(one.left_ms, other.left_ms) - APART_MS
    both: Mapping[int, Telling] = {0: one, 1: other}
    found: dict[Said, Told] = {}
    for number, reader in both.items():
        for message in reader.between(since, until_ms):
            known = found.get(said(message), Told(reader.at_ms(message), message, frozenset()))
            first_ms = min(known.at_ms, reader.at_ms(message))
            found[said(message)] = Told(first_ms, known.message, known.tellers | {number})
    return sorted(found.values(), key=lambda told: told.at_ms)
