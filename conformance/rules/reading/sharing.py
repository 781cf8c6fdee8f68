"""The readers of one stream side by side: who read when, and what each was told."""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import combinations
from statistics import median

from ssegauge.conformance.rules.reading.heartbeat import names_heartbeat
from ssegauge.conformance.rules.reading.stamps import timeless
from ssegauge.conformance.seen import Message, Seen, View, is_number

SAME_MS = 20.0  # between one reader's being told and another's
NEAR_MS = 2000.0  # where one of them is told late
OPENING_MS = 1000.0  # what a newcomer is told this soon may be history, a snapshot or a greeting
LEAST_TOLD, MUCH = 6, 0.2  # of what two were told together: so much by each alone
MOST_LOOKED_AT = 200  # characters of a text
SAME_AGE = 0.5  # of it, that it may differ from one to another
FEW = 24  # readers, of whom every two are compared
SITUATIONS = frozenset({None, "idle"})
Said = tuple[str, str | None, str]


@dataclass(frozen=True)
class Telling:
    """One reader and the events it was told, heartbeats left out. Times in Unix epoch ms.

    ``in_course``: what whoever comes is told at that age of the stream, in a course that each has of its own.
    """

    view: View
    messages: tuple[Message, ...]
    in_course: Collection[Said] = frozenset()

    @cached_property
    def came_ms(self) -> float:
        """When the stream was opened to this reader."""
        return self.view.epoch_ms(self.view.head.at_ms if self.view.head else 0.0)

    @cached_property
    def left_ms(self) -> float:
        """When it ended, whoever ended it."""
        return self.view.epoch_ms(self.view.transcript.end.at_ms if self.view.transcript.end else 0.0)

    @property
    def left_by_us(self) -> bool:
        """Whether it was open until we left."""
        return bool(self.view.transcript.end and self.view.transcript.end.how in {"cut", "timeout"})

    def at_ms(self, message: Message) -> float:
        """When the event arrived."""
        return self.view.epoch_ms(message.item.at_ms)

    @cached_property
    def times(self) -> list[float]:
        """When the events arrived, in order."""
        return [self.at_ms(message) for message in self.messages]

    @cached_property
    def keys(self) -> list[Said]:
        """What makes each event the same as another, in order."""
        return [said(message) for message in self.messages]

    @cached_property
    def counts(self) -> Counter[Said]:
        """How often each event was told."""
        return Counter(self.keys)

    @cached_property
    def words(self) -> Counter[tuple[str, str]]:
        """How often each thing was said, whatever its id."""
        return Counter(message.words for message in self.messages)

    @cached_property
    def when(self) -> Mapping[Said, float]:
        """When each event arrived, the last time."""
        return dict(zip(self.keys, self.times, strict=True))

    @cached_property
    def places(self) -> Mapping[Said, int]:
        """Where each event stands, the last time."""
        return {key: place for place, key in enumerate(self.keys)}

    @cached_property
    def timeless(self) -> list[Said]:
        """What each event says but for its times, in order."""
        return [timeless(message) for message in self.messages]

    @cached_property
    def told(self) -> Mapping[Said, list[float]]:
        """When each was told that says the same but for its times."""
        found: dict[Said, list[float]] = defaultdict(list)
        for what, at_ms in zip(self.timeless, self.times, strict=True):
            found[what].append(at_ms)
        return found

    @cached_property
    def compared(self) -> dict[int, tuple[Telling, list[Said]]]:
        """What it is known to have in common with others (``in_common``), by their identity."""
        return {}

    def between(self, since_ms: float, until_ms: float) -> list[Message]:
        """The events that arrived between two moments."""
        start, end = (bisect_right(self.times, edge_ms) for edge_ms in (since_ms, until_ms))
        return list(self.messages[start:end])


def said(message: Message) -> Said:
    """Return what makes an event the same as another."""
    return message.event.type, message.event.id, message.event.data


def readers(seen: Seen) -> list[list[Telling]]:
    """Return, for each source, its readers: those that came for the stream itself and read it as it came."""
    return seen.once(_readers)


def _readers(seen: Seen) -> list[list[Telling]]:
    found: dict[tuple[str | None, str | None], list[Telling]] = defaultdict(list)
    for view in seen.streams:
        ordinary = view.facts.situation in SITUATIONS and view.facts.resume is None
        if view.timed and ordinary and view.head and view.transcript.end:
            told = tuple(message for message in view.messages if not names_heartbeat(message))
            found[view.facts.task_id, view.facts.subject].append(Telling(view, told))
    return [group if seen.promises.shared else _with_courses(group) for group in found.values()]


def _with_courses(group: Sequence[Telling]) -> list[Telling]:
    in_course = courses(group)
    return [replace(one, in_course=in_course) for one in group]


def courses(group: Iterable[Telling]) -> frozenset[Said]:
    """Return what was told without an id to several who came at different times, to each at about the same age.

    What happens reaches all at one time; or those who come later in their opening, as history.
    """
    ages: dict[Said, list[tuple[float, float]]] = defaultdict(list)
    for one in group:
        for key, at_ms in one.when.items():
            if not key[1]:
                ages[key].append((one.came_ms, at_ms - one.came_ms))
    first = {key: min(found) for key, found in ages.items()}
    return frozenset(key for key in ages if any(_is_at_one_age(first[key], later) for later in ages[key]))


def _is_at_one_age(first: tuple[float, float], later: tuple[float, float]) -> bool:
    (came_ms, age_ms), (later_ms, later_age_ms) = first, later
    apart = abs(later_ms + later_age_ms - came_ms - age_ms) > NEAR_MS
    return apart and abs(later_age_ms - age_ms) <= max(OPENING_MS, SAME_AGE * max(age_ms, later_age_ms))


def together(seen: Seen, group: Sequence[Telling]) -> list[Telling]:
    """Return all who read of the same source, whatever for, and what they were told."""
    of = {(one.view.facts.task_id, one.view.facts.subject) for one in group}
    open_ones = (view for view in seen.streams if view.head and view.transcript.end)
    return [Telling(view, view.messages) for view in open_ones if (view.facts.task_id, view.facts.subject) in of]


def pairs(group: Iterable[Telling]) -> Iterator[tuple[Telling, Telling]]:
    """Yield those that read at the same time, two and two; of many not all, but each with ten others."""
    some = list(group)
    for one, other in combinations(some, 2) if len(some) <= FEW else _around(some):
        if max(one.came_ms, other.came_ms) < min(one.left_ms, other.left_ms):
            yield one, other


def _around(group: Sequence[Telling]) -> Iterator[tuple[Telling, Telling]]:
    """Yield each with those next to it, as they came, and with some who came at other times, once.

    So who differs from all the others is found by ten of them, at a cost that grows as their number does.
    """
    ring = sorted(group, key=lambda one: one.came_ms)
    many = len(ring)
    for step in (1, 2, 3, many // 3, (many - 1) // 2):
        for place, one in enumerate(ring):
            yield one, ring[(place + step) % many]


def in_common(one: Telling, other: Telling) -> list[Said]:
    """Return what both were told, in order, of what either was told once: what repeats itself proves nothing.

    What each was told at its own beginning and not at the same time may be a greeting, one for each. What one was told
    before the other came, or when it had left, is history, or comes again: values without ids do, sooner or later.
    """
    _, found = one.compared.get(id(other), (None, None))
    if found is None:
        theirs = other.counts
        once = [key for key, many in one.counts.items() if many == 1 == theirs.get(key) and key not in one.in_course]
        found = [key for key in once if not _greets(one, other, key) and _is_of_both(one, other, key)]
        one.compared[id(other)] = other, found  # which thereby stays, and with it its identity
    return found


def _is_of_both(one: Telling, other: Telling, key: Said) -> bool:
    """Whether both were told it while both read, and, where it has no id, at about the same time."""
    moments = one.when[key], other.when[key]
    since, until_ms = max(one.came_ms, other.came_ms), min(one.left_ms, other.left_ms)
    both_read = since - SAME_MS <= min(moments) and max(moments) <= until_ms + SAME_MS
    return both_read and (bool(key[1]) or max(moments) - min(moments) <= NEAR_MS)


def _greets(one: Telling, other: Telling, key: Said) -> bool:
    at_ms, other_ms = one.when[key], other.when[key]
    opened = at_ms - one.came_ms < OPENING_MS and other_ms - other.came_ms < OPENING_MS
    return opened and abs(at_ms - other_ms) > SAME_MS


def both_read(one: Telling, other: Telling) -> list[Message]:
    """Return what one was told while both read, without its opening."""
    since = max(one.came_ms, other.came_ms) + OPENING_MS
    return one.between(since, min(one.left_ms, other.left_ms))


def have_each_their_own(group: Iterable[Telling]) -> bool:
    """Whether of every two each was told much that the other was not, as where readers choose, or get a sample."""
    shares = []
    for one, other in pairs(group):
        told = {said(message) for message in both_read(one, other)}
        others = {said(message) for message in both_read(other, one)}
        if len(told | others) >= LEAST_TOLD:
            shares.append(min(len(told - others), len(others - told)) / len(told | others))
    return bool(shares) and median(shares) >= MUCH


def numbers(message: Message) -> Mapping[str, int]:
    """Return the whole numbers in an event that may count events: in its id, in its JSON, first and last in a text."""
    texts = [("id", message.event.id or ""), *_texts(message)]
    found = {which + name: int(run) for name, text in texts for which, run in _runs(text[:MOST_LOOKED_AT])}
    values = {"text": message.value} if is_number(message.value) else _members(message)
    whole = {name: _whole(value) for name, value in values.items() if is_number(value)}
    return found | {name: value for name, value in whole.items() if value is not None}


def _texts(message: Message) -> list[tuple[str, str]]:
    if message.error:
        return [("text", message.event.data)]
    return [(name, value) for name, value in _members(message).items() if isinstance(value, str)]


def _runs(text: str) -> Iterator[tuple[str, str]]:
    """Yield the last number in a text, and the first where that is another."""
    found = re.findall(r"(?<!\d)\d{1,18}(?!\d)", text, re.ASCII)
    yield from [("", found[-1])] if found else []
    yield from [("first number of ", found[0])] if len(found) > 1 else []


def _members(message: Message) -> Mapping[str, object]:
    """Return the members of its JSON, and those of objects in it."""
    inner = {
        f"{name}.{key}": value
        for name, member in message.fields.items()
        if isinstance(member, dict)
        for key, value in member.items()
    }
    return {**message.fields, **inner}


def _whole(value: float) -> int | None:
    """Return the number where it is whole and of a size that counts something."""
    return int(value) if abs(value) < 1e15 and value == int(value) else None


def form(message: Message) -> str:
    """Return what tells one sort of event from another: its type and the names in its JSON."""
    return json.dumps([message.event.type, bool(message.event.id), sorted(message.fields)])
