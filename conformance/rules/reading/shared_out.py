"""Queues that several readers share: each event reaches one of those who read at the same time."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from statistics import median

from ssegauge.conformance.rules.reading.company import Company, told_less_in_company, told_no_more_in_a_crowd
from ssegauge.conformance.rules.reading.sharing import (
    OPENING_MS,
    Telling,
    in_common,
    numbers,
    pairs,
)
from ssegauge.conformance.rules.reading.stamps import timeless
from ssegauge.conformance.seen import Mark, Message

LEAST_TOLD = 6
MOST_TYPES = 20  # each is looked at by itself
LEAST_TURNS = 3
STEADY, MOST_STEADY, MORE = 0.25, 0.8, 1.5
NEARLY_ALL = 0.5  # of the steps; readers whom we do not see have their part as well
Counts = Mapping[str, int]  # the numbers in an event that may count events
Counted = tuple[Telling, Message, Counts]


@dataclass(frozen=True)
class _Told:
    """An event told to a reader while it was not alone, with a number that may count events."""

    number: int
    telling: Telling
    message: Message


def shared_out(group: Sequence[Telling], everybody: Sequence[Telling], *, promised: bool) -> Mark | None:
    """Return the breach where each event reached one of those that read at the same time."""
    asked = all(one.view.transcript.request.method == "GET" for one in group)
    if not promised and not asked:
        return None
    counts = [[numbers(message) for message in one.messages] for one in group]
    beside = _beside(group, counts, Company(everybody))
    less = promised or told_less_in_company(group, everybody) or told_no_more_in_a_crowd(everybody)
    for name in _counters(counts):
        told = [_Told(found[name], one, message) for one, message, found in beside]
        if _one_each(told) and (less or _have_one_pace(told, everybody)):
            many = len({id(one.telling) for one in told})
            span = f"{name} {min(one.number for one in told)} to {max(one.number for one in told)}"
            said_so = f"{many} readers at once were told {len(told)} events ({span}), and none was told to two of them"
            return told[0].telling.view.bad(said_so, told[0].message)
    return None


def _beside(group: Sequence[Telling], counts: Iterable[Sequence[Counts]], everyone: Company) -> list[Counted]:
    """Return what was told while others read too."""
    return [
        (one, message, found)
        for one, own in zip(group, counts, strict=True)
        for message, found in zip(one.messages, own, strict=True)
        if everyone.beside(one, one.at_ms(message))
    ]


def each_to_one(group: Sequence[Telling]) -> Mark | None:
    """Return the breach where all are promised the same, and each event reached one of several, whatever it says."""
    told = [(one, message) for one in group for message in one.messages if _has_company(group, one, message)]
    tellers: dict[object, set[int]] = defaultdict(set)
    for one, message in told:
        kind, _, data = timeless(message)
        tellers[kind, data].add(id(one))
    several = len({id(one) for one, _ in told}) > 1
    if len(told) < LEAST_TOLD or not several or any(len(found) > 1 for found in tellers.values()):
        return None
    first, message = told[0]
    return first.view.bad(f"{len(told)} events were told while others read too, and none to two readers", message)


def one_type_to_one(group: Sequence[Telling], everybody: Sequence[Telling]) -> Iterator[Mark]:
    """Yield the breach where events of one type reach one of several each, fewer the more read, and others all."""
    often = Counter(message.event.type for one in group for message in one.messages)
    kinds = sorted(kind for kind, many in often.most_common(MOST_TYPES) if many >= LEAST_TOLD)
    if len(often) < 2 or not any(in_common(one, other) for one, other in pairs(group)):
        return
    for kind in kinds:
        mine, all_of = (_of_type(some, kind) for some in (group, everybody))
        found = each_to_one(mine)
        if found and told_less_in_company(mine, all_of):
            yield replace(found, level="should")


def _of_type(some: Sequence[Telling], kind: str) -> list[Telling]:
    return [replace(one, messages=tuple(told for told in one.messages if told.event.type == kind)) for one in some]


def _has_company(group: Sequence[Telling], one: Telling, message: Message) -> bool:
    """Whether another had been there for a while, and went on to be: it was to be told the same."""
    at_ms = one.at_ms(message)
    others = (other for other in group if other is not one)
    return any(other.came_ms + OPENING_MS < at_ms < other.left_ms - OPENING_MS for other in others)


def _counters(told: Sequence[Sequence[Counts]]) -> list[str]:
    """Return the names of numbers that rise from event to event, in all events of all readers."""
    every = [found for one in told for found in one]
    names = set.intersection(*(set(found) for found in every)) if every else set()
    return sorted(name for name in names if all(_rises([found[name] for found in one]) for one in told))


def _rises(values: Sequence[int]) -> bool:
    return all(before < after for before, after in pairwise(values))


def _one_each(told: Sequence[_Told]) -> bool:
    """Whether no number was told twice, several readers had a part, and together they had nearly all."""
    found = {one.number for one in told}
    if len(told) < LEAST_TOLD or len(found) < len(told):
        return False
    parts = [
        sum(one.telling is telling for one in told)
        for telling in {id(one.telling): one.telling for one in told}.values()
    ]
    if _turns(told) < LEAST_TURNS:  # one of them was told later what the other had been
        return False
    ordered = sorted(found)
    steps = [after - before for before, after in pairwise(ordered)]
    return sum(part > 1 for part in parts) > 1 and sum(step == 1 for step in steps) >= NEARLY_ALL * len(steps)


def _turns(told: Sequence[_Told]) -> int:
    """Return how often, in the order of the numbers, another reader was told the next one."""
    ordered = sorted(told, key=lambda one: one.number)
    return sum(one.telling is not after.telling for one, after in pairwise(ordered))


def _have_one_pace(told: Sequence[_Told], everybody: Sequence[Telling]) -> bool:
    """Whether what all are told together comes at one steady pace, however many read.

    Streams that each has of its own are told more, all together, the more of them there are; or each keeps its pace,
    and the numbers are a time.
    """
    if not any(_is_told_unevenly(one) for one in {id(one.telling): one.telling for one in told}.values()):
        return False
    ordered = sorted(told, key=lambda one: one.number)
    # Between two, others may have been told to readers whom we do not see.
    gaps = [(_at(one), (_at(after) - _at(one)) / (after.number - one.number)) for one, after in pairwise(ordered)]
    if len(gaps) < LEAST_TOLD or any(gap <= 0 for _, gap in gaps):
        return False
    usual = median(gap for _, gap in gaps)
    steady = [at_ms for at_ms, gap in gaps if abs(gap - usual) <= STEADY * usual]
    many = Counter(sum(one.came_ms < at_ms < one.left_ms for one in everybody) for at_ms in steady)
    often = [readers for readers, times in many.items() if times > 1]
    return len(steady) >= MOST_STEADY * len(gaps) and len(often) > 1 and max(often) >= MORE * min(often)


def _is_told_unevenly(reader: Telling) -> bool:
    gaps = [after - before for before, after in pairwise(reader.times)]
    return len(gaps) > 1 and max(gaps) >= MORE * min(gaps)


def _at(told: _Told) -> float:
    return told.telling.at_ms(told.message)
