"""Streams of one feed are each other's witness: what most of them saw and one did not is lost there.

A ``Diary`` keeps of one stream which events came, in order, as numbers: by id and data where an event has an id,
else by data alone. ``compare`` looks at all diaries of a process at its end. An event belongs to the feed when most of
the streams that were open around it saw it, two at least; so what is told to one reader alone (greetings, answers)
counts for nothing. It is lost on a stream that was told nothing else in its place: streams of their own that tell the
time are alike in most milliseconds, and not in all. An event with an id is to come once, and so is one without that
most streams had once.

No more than ``MOST_EVENTS`` are kept in all, on disk; what comes later is not compared.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from ssegauge.loadtests.measuring.spool import Spool

MOST_EVENTS: Final = 2_000_000  # to compare them takes some 100 bytes each
SILENT_SHARE: Final = 0.25  # of a stream's time, at its end, without an event while most others had one
AROUND_MS: Final = 1000.0
TURN_MS: Final = 0.001  # between events that were read together
INSTEAD_MS: Final = 50.0  # so far from an event, what is told to one reader alone stands in its place
MOST_OVERTAKEN: Final = 100_000  # pairs of events whose order is looked at
FEWEST_EVENTS: Final = 20  # in all, to say that no two streams share one
Numbers = np.ndarray[Any, np.dtype[np.int64]]
Times = np.ndarray[Any, np.dtype[np.float64]]
Flags = np.ndarray[Any, np.dtype[np.bool_]]


_ENTRY: Final = np.dtype([("diary", "<u4"), ("event", "<i8"), ("at_ms", "<f8")])
_NOTHING: Final = np.empty(0, dtype=np.int64), np.empty(0)
Entries = Mapping[int, tuple[Numbers, Times]]


class Room:
    """Where the diaries of a process keep their events; ``left`` is how many there is room for."""

    __slots__ = ("_diaries", "left", "spool")

    def __init__(self, left: int = MOST_EVENTS) -> None:
        self.left = left
        self.spool = Spool()
        self._diaries = 0

    def admit(self) -> int:
        """Return the number of a new diary."""
        self._diaries += 1
        return self._diaries

    def note(self, diaries: Numbers, events: Numbers, arrived_ms: Times) -> None:
        """Take events, by the numbers of their diaries and their own (``number_of``)."""
        kept = np.empty(min(self.left, events.size), _ENTRY)
        self.left -= kept.size
        for name, column in (("diary", diaries), ("event", events), ("at_ms", arrived_ms)):
            kept[name] = column[: kept.size]
        self.spool.add(kept.tobytes())

    def entries(self) -> Entries:
        """Return the events and times of each diary that has any, by its number, in the order in which they came."""
        kept = np.frombuffer(self.spool.whole(), dtype=_ENTRY)
        order = np.argsort(kept["diary"], kind="stable")
        events, times, each = kept["event"][order], kept["at_ms"][order], kept["diary"][order]
        del kept, order  # which are larger than what was made of them
        diaries, starts = np.unique(each, return_index=True)
        parts = zip(np.split(events, starts[1:]), map(_in_turn, np.split(times, starts[1:])), strict=True)
        return dict(zip(diaries.tolist(), parts, strict=False))


class Diary:
    """What one stream saw, from ``opened_ms`` to ``closed_ms``; times in ms of the real-time clock."""

    __slots__ = ("closed_ms", "number", "opened_ms", "room")

    def __init__(self, opened_ms: float, room: Room) -> None:
        self.opened_ms = self.closed_ms = opened_ms
        self.room, self.number = room, room.admit()


def number_of(event_id: str, data: str) -> int:
    """Return the number by which an event is known. An even one is that of an event with an id."""
    return hash((event_id, data)) >> 2 << 1 | (not event_id)


def _in_turn(times: Times) -> Times:
    """Return times of which those that were read together come each after the other."""
    if (np.diff(times) > 0).all():
        return times
    steps = TURN_MS * np.arange(times.size)
    earliest: Times = np.maximum.accumulate(times - steps)
    return earliest + steps


@dataclass(frozen=True, slots=True)
class Witnessed:
    """What the diaries of one process, or of several, say together.

    Attributes:
        streams: how many diaries; shared: whether any two saw the same event, None where there is too little to tell.
        expected: pairs of a stream and an event of the feed that it should have seen; of these
        lost, and duplicated, reordered: what came too often, or after one that most streams had later.
        silent: streams that had nothing in the last quarter of their time, though the feed went on.
        counts: events of each stream.
        apart_ms: how far apart streams are told an event, but for one in a hundred.
        late_ms: how much later than the first that was told it a stream is told what happened while it was open, but
            for one in a hundred; late_of: how many such tellings there were.
    """

    streams: int = 0
    shared: bool | None = None
    expected: int = 0
    lost: int = 0
    duplicated: int = 0
    reordered: int = 0
    silent: int = 0
    counts: tuple[int, ...] = ()
    apart_ms: float = 0.0
    late_ms: float = 0.0
    late_of: int = 0

    def __add__(self, other: Witnessed) -> Witnessed:
        told = [one for one in (self.shared, other.shared) if one is not None]
        return Witnessed(
            self.streams + other.streams,
            any(told) if told else None,
            self.expected + other.expected,
            self.lost + other.lost,
            self.duplicated + other.duplicated,
            self.reordered + other.reordered,
            self.silent + other.silent,
            self.counts + other.counts,
            max(self.apart_ms, other.apart_ms),
            max(self.late_ms, other.late_ms),
            self.late_of + other.late_of,
        )


@dataclass(frozen=True, slots=True)
class _Feed:
    """The events that most streams saw, in the order in which most did: numbers, and when they came first and last.

    ``last_ms`` is of those that were there when it was first told, and ``apart_ms`` how far apart these are told an
    event, but for one in a hundred.
    """

    numbers: Numbers
    first_ms: Times
    last_ms: Times
    apart_ms: float

    def is_replaced(self, own: Numbers, times: Times) -> Flags:
        """Return in place of which events a stream was told something that is of no feed."""
        others = times[~np.isin(own, self.numbers)]
        margin_ms = INSTEAD_MS + self.apart_ms
        begins, ends = self.first_ms - margin_ms, self.last_ms + margin_ms
        return np.searchsorted(others, ends, side="right") > np.searchsorted(others, begins)

    def is_due(self, diary: Diary) -> Flags:
        """Return which events a stream should have seen: none around its opening and its end.

        How far around, the feed itself shows, by how far apart its streams are.
        """
        margin_ms = AROUND_MS + 2 * self.apart_ms
        return (self.first_ms > diary.opened_ms + margin_ms) & (self.last_ms < diary.closed_ms - margin_ms)


def compare(diaries: Sequence[Diary]) -> Witnessed:
    """Return what the streams say of each other; see the module."""
    rooms = {room: room.entries() for room in {diary.room for diary in diaries}}
    told = [rooms[diary.room].get(diary.number, _NOTHING) for diary in diaries]
    counts = tuple(events.size for events, _ in told)
    kept = [diary for diary, count in zip(diaries, counts, strict=True) if count]
    if not kept:
        return Witnessed(len(diaries), counts=counts)
    events = [own for own, _ in told if own.size]
    times = [at for own, at in told if own.size]
    feed = _feed(kept, events, times)
    usual = _usual_counts(feed, events)
    late = _lateness(kept, events, times, feed, usual == 1)
    expected = lost = duplicated = 0
    for diary, own, at in zip(kept, events, times, strict=True):
        had = np.isin(feed.numbers, own)
        due = feed.is_due(diary) & (had | ~feed.is_replaced(own, at))
        expected += int(np.count_nonzero(due))
        lost += int(np.count_nonzero(due & ~had))
        duplicated += _too_often(own, feed.numbers[usual == 1])
    return Witnessed(
        streams=len(diaries),
        shared=bool(feed.numbers.size) if len(kept) > 1 and sum(counts) >= FEWEST_EVENTS else None,
        expected=expected,
        lost=lost,
        duplicated=duplicated,
        reordered=_out_of_order(events, feed),
        silent=sum(_is_silent(diary, at, feed) for diary, (_, at) in zip(diaries, told, strict=True)),
        counts=counts,
        apart_ms=round(feed.apart_ms, 3),
        late_ms=round(float(np.percentile(late, 99)), 3) if late.size else 0.0,
        late_of=int(late.size),
    )


def _lateness(
    diaries: Sequence[Diary], events: Sequence[Numbers], times: Sequence[Times], feed: _Feed, once: Flags
) -> Times:
    """Return by how much each stream was told later than the first what happened when it had been open for a while.

    What is told to one who has just come may be kept from before; of what is told more than ``once`` nobody knows when.
    """
    order = np.argsort(feed.numbers[once])
    numbers, first_ms = feed.numbers[once][order], feed.first_ms[once][order]
    found = [np.empty(0)]
    for diary, own, at in zip(diaries, events, times, strict=True):
        told, first = np.unique(own, return_index=True)
        known = np.isin(told, numbers)
        happened = first_ms[np.searchsorted(numbers, told[known])]
        found.append((at[first[known]] - happened)[happened > diary.opened_ms + AROUND_MS])
    return np.concatenate(found)


def _feed(diaries: Sequence[Diary], events: Sequence[Numbers], times: Sequence[Times]) -> _Feed:
    every, at = np.concatenate(events), np.concatenate(times)
    numbers, place = np.unique(every, return_inverse=True)
    first_ms, last_ms = np.full(numbers.size, np.inf), np.full(numbers.size, -np.inf)
    np.minimum.at(first_ms, place, at)
    seen = np.zeros(numbers.size)
    for diary, own, own_ms in zip(diaries, events, times, strict=True):
        seen[np.searchsorted(numbers, np.unique(own))] += 1
        mine = np.searchsorted(numbers, own)
        live = first_ms[mine] >= diary.opened_ms  # what was told before is told again to who comes later
        np.maximum.at(last_ms, mine[live], own_ms[live])
    last_ms = np.maximum(last_ms, first_ms)
    opened = np.sort([diary.opened_ms for diary in diaries])
    closed = np.sort([diary.closed_ms for diary in diaries])
    around = np.searchsorted(opened, first_ms) - np.searchsorted(closed, last_ms)
    is_feed = (seen >= 2) & (2 * seen > around)
    order = np.argsort(first_ms[is_feed], kind="stable")
    first_ms, last_ms = first_ms[is_feed][order], last_ms[is_feed][order]
    apart_ms = float(np.percentile(last_ms - first_ms, 99)) if order.size else 0.0
    return _Feed(numbers[is_feed][order], first_ms, last_ms, apart_ms)


def _usual_counts(feed: _Feed, events: Sequence[Numbers]) -> Times:
    """Return how often each event of the feed came to a stream that had it, on average, rounded."""
    total, streams = np.zeros(feed.numbers.size), np.zeros(feed.numbers.size)
    order = np.argsort(feed.numbers)
    for own in events:
        numbers, often = np.unique(own[np.isin(own, feed.numbers)], return_counts=True)
        place = order[np.searchsorted(feed.numbers, numbers, sorter=order)]
        total[place] += often
        streams[place] += 1
    return np.rint(total / np.maximum(streams, 1))


def _too_often(own: Numbers, once: Numbers) -> int:
    """Return how often an event came again: one with an id, or one that came to most streams once."""
    numbers, often = np.unique(own, return_counts=True)
    return int((often - 1)[(numbers % 2 == 0) | np.isin(numbers, once)].sum())


def _out_of_order(events: Sequence[Numbers], feed: _Feed) -> int:
    """Return how many events came after one that most of the streams that had both had later.

    Where most streams contradict the order in which events were first seen, it is the others that are out of order.
    """
    told = [_ranks(own, feed) for own in events]
    overtaken = np.unique(np.concatenate([_overtaken(order) for order in told]), axis=0)[:MOST_OVERTAKEN]
    both, before = np.zeros(len(overtaken), dtype=np.int64), np.zeros(len(overtaken), dtype=np.int64)
    for order in told if len(overtaken) else ():
        place = np.full(feed.numbers.size, -1)
        place[order] = np.arange(order.size)
        first, later = place[overtaken].T
        both += (first >= 0) & (later >= 0)
        before += (first >= 0) & (first < later)
    return int(np.minimum(before, both - before).sum())


def _ranks(own: Numbers, feed: _Feed) -> Numbers:
    """Return where in the feed stands what a stream was told of it, in the order in which it was told it first."""
    by_number = np.argsort(feed.numbers)
    once = own[np.sort(np.unique(own, return_index=True)[1])]
    known = once[np.isin(once, feed.numbers)]
    return by_number[np.searchsorted(feed.numbers, known, sorter=by_number)]


def _overtaken(order: Numbers) -> Numbers:
    """Return pairs of ranks, in the order told: the highest so far, and one that came behind it and is lower."""
    highest = np.maximum.accumulate(order) if order.size else order
    late = order < highest
    return np.column_stack((highest[late], order[late]))


def _is_silent(diary: Diary, times: Times, feed: _Feed) -> bool:
    begins_ms = diary.closed_ms - SILENT_SHARE * (diary.closed_ms - diary.opened_ms)
    last_ms = times[-1] if times.size else 0.0
    return bool(last_ms < begins_ms and np.count_nonzero(feed.is_due(diary) & (feed.first_ms > begins_ms)))
