"""Rules on streams that stay open and tell nothing more."""

from bisect import bisect
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from ssegauge.conformance.rules.reading.endings import is_like
from ssegauge.conformance.rules.reading.newcomers import never_greeted, read_ms
from ssegauge.conformance.rules.reading.newest import Newest, told_to_the_newest
from ssegauge.conformance.rules.reading.sharing import (
    OPENING_MS,
    Said,
    Telling,
    form,
    have_each_their_own,
    in_common,
    pairs,
    readers,
    said,
    together,
)
from ssegauge.conformance.rules.reading.told_apart import counted_alike, leaves_out
from ssegauge.conformance.rules.rule import profile, rule
from ssegauge.conformance.seen import Level, Mark, Message, Seen
from ssegauge.conformance.words import lasted, shown

LEAST_TOLD, LEAST_NEWS = 3, 3
FEW_NEWS, LONG_PAUSES = 2, 5  # where silence is as long as so many of the longest pauses
MOST_PAUSES = 14  # exp(-14) is one in a million
MUCH_NEWS = 5  # where the other was never told anything
LEAST_SILENCE_MS, LONG_SILENCE_MS = 2000.0, 5000.0
TOGETHER_MS = 50.0
SORTS = ("type", "event", "kind", "channel", "topic")  # members that name the sort of an event
IN_STEP_MS, ENOUGH_IN_STEP = 200.0, 2


@dataclass(frozen=True)
class Missed:
    """What another reader was told since this one was told nothing more, and for how long that is."""

    by: Telling
    news: list[Message]
    silence_ms: float


@rule("liveness/goes-deaf", "must", profile("E3.3"), patient=True, rests_on=("capacity/serves-few-at-once",))
def goes_deaf(seen: Seen) -> Iterator[Mark]:
    """A stream that is open tells its reader what newcomers are told.

    Why: The connection looks well, so neither EventSource nor its user does anything: the page stands still for good.

    Mend: Look at what writing returns: when a write fails or its deadline has passed (Go's `WriteTimeout`, a broken
    pipe, a full buffer), end the response, so that the client comes back. Keep every connection subscribed: not only
    the last one of a user, and again after the source has been reconnected; to each source, where there are several.

    Example: (events for 8 s, then nothing, or none of a type, on a connection that stays open; a newcomer is told them)
    """
    for group in readers(seen):
        sorted_out = {id(one): _by_sort(one) for one in group}
        own = seen.promises.shared is False or have_each_their_own(group)
        for one, others in _met(group):
            yield from _hears(group, one, others, own=own)
            yield from _hears_all_sorts(sorted_out, one, others, own=own)
        if found := told_to_the_newest(together(seen, group)):
            yield _only_the_newest(found)
    if passed_over := never_greeted(seen):
        some = f"{len(passed_over)} of those that came at once were never told anything"
        waited = lasted(max(map(read_ms, passed_over)))
        yield passed_over[0].bad(f"{some} in {waited}, though all others were on coming, whenever they came")


def _only_the_newest(found: Newest) -> Mark:
    one = found.silent[0]
    many = f"{len(found.told)} events reached the reader alone who had come last"
    level: Level = "must" if found.counted else "should"
    return one.view.bad(f"never told anything in {lasted(one.left_ms - one.came_ms)}, while {many}", level=level)


def _met(group: Sequence[Telling]) -> Iterator[tuple[Telling, list[Telling]]]:
    """Yield each reader with those that read at the same time."""
    both = [*pairs(group)]
    for one in group:
        others = [right if left is one else left for left, right in both if left is one or right is one]
        if others:
            yield one, others


def _hears(group: Sequence[Telling], one: Telling, others: Sequence[Telling], *, own: bool) -> Iterator[Mark]:
    missed = [found for other in others if (found := _missed(one, other)).news]
    silent_ms = max((found.silence_ms for found in missed), default=0.0)
    long = one.left_by_us and silent_ms >= max(LEAST_SILENCE_MS, 3 * _longest_ms(one), _by_chance_ms(one, own=own))
    is_deaf = long and _is_deaf(group, one, missed)
    if is_deaf or (long and silent_ms >= LONG_SILENCE_MS and _is_left_in_its_course(group, one, missed)):
        many = len(_all_news(missed))
        heard = f"told nothing for {lasted(silent_ms)}, while {_called(missed)} told {many} new events"
        never = "" if one.messages else "never told anything: "
        # In a stream of its own it may have been told all, and then it ought to end.
        level: Level = "must" if is_deaf else "should"
        yield one.view.bad(f"{never}{heard}", one.messages[-1] if one.messages else None, level)
    elif any(_told_together(one, other) for other in others):
        yield one.view.good()


BySort = Mapping[tuple[str, str], Telling]


def _hears_all_sorts(
    sorted_out: Mapping[int, BySort], one: Telling, others: Sequence[Telling], *, own: bool
) -> Iterator[Mark]:
    """Judge each sort of event by itself, where others go on: one of the sources may be lost."""
    for sort, mine in sorted_out[id(one)].items():
        since = len(one.times) - bisect(one.times, mine.times[-1])
        if not one.left_by_us or len(mine.messages) < LEAST_TOLD or since < LEAST_TOLD:
            continue
        theirs = [sorted_out[id(other)][sort] for other in others if sort in sorted_out[id(other)]]
        missed = [found for other in theirs if (found := _missed(mine, other)).news]
        silent_ms = max((found.silence_ms for found in missed), default=0.0)
        everybody = [known[sort] for known in sorted_out.values() if sort in known]
        long = silent_ms >= max(LEAST_SILENCE_MS, 3 * _longest_ms(mine), _by_chance_ms(mine, own=own))
        if not (long and _have_much_to_tell(mine, missed)):
            continue
        if _is_told_to_all(everybody) or leaves_out(one, [told for found in missed for told in found.news]):
            other = f"none of {_named(sort)} for {lasted(silent_ms)}, while it was told others"
            many = len(_all_news(missed))
            yield one.view.bad(f"told {other}, and {_called(missed)} told {many} new ones", mine.messages[-1])


def _by_sort(telling: Telling) -> BySort:
    found: dict[tuple[str, str], list[Message]] = defaultdict(list)
    for message in telling.messages:
        found[_sort(message)].append(message)
    return {sort: replace(telling, messages=tuple(told)) for sort, told in found.items()}


def _sort(message: Message) -> tuple[str, str]:
    """Return what tells one sort of event from another: its type, and what its JSON says of it or is made of."""
    named = (message.fields.get(name) for name in SORTS)
    return message.event.type, next((name for name in named if isinstance(name, str)), form(message))


def _named(sort: tuple[str, str]) -> str:
    kind, inner = sort
    return shown(inner if kind == "message" and not inner.startswith("[") else kind)


def _is_told_to_all(group: Sequence[Telling]) -> bool:
    """Whether events of a sort were told at the same moment to readers who had come at different times.

    What each is told at its beginning, however long that takes, is not.
    """
    return any(
        abs(one.came_ms - other.came_ms) > OPENING_MS and _in_step(one, other) >= ENOUGH_IN_STEP
        for one, other in pairs(group)
    )


def _in_step(one: Telling, other: Telling) -> int:
    same = sum(abs(one.when[key] - other.when[key]) <= IN_STEP_MS for key in in_common(one, other))
    return same or counted_alike(one, other)


def _called(missed: Sequence[Missed]) -> str:
    return "another reader was" if len(missed) == 1 else f"{len(missed)} other readers were"


def _missed(one: Telling, other: Telling) -> Missed:
    fell_ms = one.at_ms(one.messages[-1]) if one.messages else one.came_ms
    till_ms = min(one.left_ms, other.left_ms)
    since_ms = fell_ms if one.messages else max(fell_ms, other.came_ms)
    return Missed(other, _news(one, other, fell_ms, till_ms), till_ms - since_ms)


def _news(one: Telling, other: Telling, since_ms: float, till_ms: float) -> list[Message]:
    """Return what another was told that this one never was, later than its opening, each moment once."""
    since_ms = max(since_ms, other.came_ms + OPENING_MS)
    told = [message for message in other.between(since_ms, till_ms) if said(message) not in one.counts]
    news = told[:1]
    for message in told[1:]:
        if other.at_ms(message) - other.at_ms(news[-1]) > TOGETHER_MS:
            news.append(message)
    return news


def _longest_ms(one: Telling) -> float:
    times = [one.at_ms(message) for message in one.messages]
    return max((after - before for before, after in pairwise(times)), default=0.0)


def _by_chance_ms(one: Telling, *, own: bool) -> float:
    """Return how long a reader may be told nothing by chance, where each is told a part of its own; else 0.0.

    Where the pauses are random, one of so many usual ones comes about once in a million.
    """
    span_ms = (one.times[-1] - one.came_ms) if one.times else 0.0
    return MOST_PAUSES * span_ms / len(one.times) if own and one.times else 0.0


def _is_deaf(group: Sequence[Telling], one: Telling, missed: Sequence[Missed]) -> bool:
    """Whether silence is a fault: the stream is known to be shared, or no end of what was told is in sight."""
    if any(len(in_common(one, another)) > 1 for another in group if another is not one):
        return _have_much_to_tell(one, missed)
    if not one.messages and _whoever_comes_is_told(missed):
        return True  # and only this one never was, whatever shows that it is alive
    return not _any_byte_since(one) and any(_has_no_end(one, found) for found in missed)


def _have_much_to_tell(one: Telling, missed: Sequence[Missed]) -> bool:
    """Whether others were told so much that this one's silence is no chance; the longer that is, the less will do."""
    silent_ms = max((found.silence_ms for found in missed), default=0.0)
    long = silent_ms >= max(LONG_SILENCE_MS, LONG_PAUSES * _longest_ms(one))
    return len(_all_news(missed)) >= (FEW_NEWS if long and len(one.messages) >= LEAST_TOLD else LEAST_NEWS)


def _all_news(missed: Sequence[Missed]) -> set[Said]:
    return {said(message) for found in missed for message in found.news}


def _whoever_comes_is_told(missed: Sequence[Missed]) -> bool:
    """Whether several others were told much each, or all in all while this one was there for long."""
    long = max(found.silence_ms for found in missed) >= LONG_SILENCE_MS
    several = sum(len(found.news) >= LEAST_NEWS for found in missed) > 1
    return several or (long and len(missed) > 1 and sum(len(found.news) for found in missed) >= MUCH_NEWS)


def _is_left_in_its_course(group: Sequence[Telling], one: Telling, missed: Sequence[Missed]) -> bool:
    """Whether silence came upon a course that each has for itself, and no other reader saw it come to its end there."""
    over = any(_came_to_its_end(other, len(one.messages)) for other in group if other is not one)
    like = len(one.messages) >= LEAST_TOLD and is_like(one.messages[-1], one.messages[:-1])
    news = any(len(found.news) >= LEAST_NEWS and not found.by.view.ended_by_server for found in missed)
    asked_again = one.view.transcript.request.method == "GET"
    return asked_again and like and news and not over and not _any_byte_since(one)


def _came_to_its_end(other: Telling, many: int) -> bool:
    """Whether another was told so many events and no more, though it was there for longer, or its stream ended."""
    waited_ms = other.left_ms - other.times[-1] if other.times else 0.0
    return len(other.messages) == many and (other.view.ended_by_server or waited_ms > 2 * _longest_ms(other))


def _has_no_end(one: Telling, missed: Missed) -> bool:
    """Whether nothing shows that a reader of a stream of its own, perhaps, has been told all of it."""
    asked_again = one.view.transcript.request.method == "GET" and not missed.by.view.ended_by_server
    if not asked_again or len(missed.news) < (LEAST_NEWS if one.messages else MUCH_NEWS):
        return False
    if not one.messages:
        return True
    told_much = len(one.messages) >= LEAST_TOLD and is_like(one.messages[-1], one.messages[:-1])
    return told_much and not _same_course(one, missed.by)


def _same_course(one: Telling, other: Telling) -> bool:
    """Whether each was told the same from its beginning, but for a date or the like: a course that each has for itself.

    Then some part of the events changes from one to the next, and at each place it is the same for both.
    """
    told = [[_parts(message) for message in telling.messages] for telling in (one, other)]
    both = list(zip(*told, strict=False))
    common = set.intersection(*(left.keys() & right.keys() for left, right in both)) if both else set()
    return any(
        len({left[name] for left, _ in both}) >= LEAST_NEWS and all(left[name] == right[name] for left, right in both)
        for name in common
    )


def _parts(message: Message) -> dict[str | int, str]:
    """Return what an event says in parts: the members of its JSON, or its words."""
    if message.fields:
        return {name: repr(value) for name, value in message.fields.items()}
    return dict(enumerate(message.event.data.split()))


def _any_byte_since(one: Telling) -> bool:
    """Whether anything came since the last event: who says that the stream is alive may have nothing to tell."""
    last_ms = one.messages[-1].item.at_ms if one.messages else 0.0
    return any(at_ms > last_ms + TOGETHER_MS for at_ms, _ in one.view.chunks)


def _told_together(one: Telling, other: Telling) -> bool:
    """Whether both were told events while both read."""
    since_ms, till_ms = max(one.came_ms, other.came_ms) + OPENING_MS, min(one.left_ms, other.left_ms)
    return bool(one.between(since_ms, till_ms)) and bool(other.between(since_ms, till_ms))
