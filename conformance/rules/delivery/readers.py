"""Rules on the several readers of one stream: all are told the same."""

from bisect import bisect
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import pairwise
from statistics import median

from ssegauge.conformance.rules.reading.bursts import are_in_step, gaps, lags, turned_round
from ssegauge.conformance.rules.reading.coded import beside_others
from ssegauge.conformance.rules.reading.company import Spans
from ssegauge.conformance.rules.reading.effects import stalls, within
from ssegauge.conformance.rules.reading.passed_over import kept_back
from ssegauge.conformance.rules.reading.shared_out import each_to_one, one_type_to_one, shared_out
from ssegauge.conformance.rules.reading.sharing import (
    LEAST_TOLD,
    OPENING_MS,
    SAME_MS,
    Said,
    Telling,
    both_read,
    form,
    have_each_their_own,
    in_common,
    pairs,
    readers,
    said,
    together,
)
from ssegauge.conformance.rules.rule import profile, rule
from ssegauge.conformance.seen import Level, Mark, Message, Seen, View, not_applicable
from ssegauge.conformance.words import events, lasted, shown

ENOUGH_IN_COMMON = 3  # without ids: as much does not agree by chance
ENOUGH_ALIKE = 2
TOGETHER_MS = 20.0
STAMPED_MS = 200.0
LONGER, LEAST_LOST = 1.5, 2
LEAST_IN_BURST, BURST_MS = 5, 50.0
LEAST_TORN = 3  # bursts
LEAST_TURNED = 3  # pairs of events
LEAST_LATE = 3


RESTS_ON = ("liveness/goes-deaf", "wire/mid-stream-bom", "delivery/held-to-the-end")


@rule("delivery/readers-differ", "must", profile("E2.6"), rests_on=RESTS_ON)
def readers_differ(seen: Seen) -> Iterator[Mark]:
    """Readers of one stream are told the same events, in the same order, and none much later than others.

    Why: Each of two open pages shows a part, and nobody knows that something is missing: nothing failed.

    Mend: Give each connection a queue of its own and put every event into all of them, instead of letting connections
    take from one queue, channel, emitter's `once` or consumer group; and keep a list of connections, not the last one.
    Tell those who read all that is kept for those who come back. Where each is to be told a part of its own, say
    `shared = false` in [promises].

    Example: (one reader: ids 1, 3, 4, 7; another at the same time: 2, 5, 6, 8)
    """
    if seen.promises.shared is False:
        yield not_applicable("every reader has a stream of its own")
        return
    for group in readers(seen):
        # Of tasks lifecycle/subscribers-disagree compares what their reports say.
        if seen.profile != "task-progress" or group[0].view.facts.kind == "plain":
            everybody = together(seen, group)
            stalled = stalls(seen, group[0].view)
            marks = list(_compare(group, everybody, stalled, promised=bool(seen.promises.shared)))
            yield from marks
            if all(mark.good for mark in marks):
                yield from _told_later(group, 1000 * seen.limits.update_s, promised=bool(seen.promises.shared))
    for view, strange in beside_others(seen):
        what = "who offers compression is told another stream: none of what others are told at the same time"
        yield view.bad(what, strange) if strange else view.good()
    for one, kept in kept_back(seen):
        yield _never_told(one, kept) if kept else one.view.good()


def _never_told(one: Telling, kept: Sequence[Message]) -> Mark:
    told = f"was never told {events(len(kept))} that those are sent who come back, between others, the first id"
    return one.view.bad(f"{told} {shown(kept[0].event.id)}", one.messages[-1])


def _compare(
    group: Sequence[Telling], everybody: Sequence[Telling], stalled: Spans, *, promised: bool
) -> Iterator[Mark]:
    found = shared_out(group, everybody, promised=promised) or (each_to_one(group) if promised else None)
    if found:
        yield found
        return
    # Each may have chosen what it is told, or get a sample: it is for the owner to say whether all are told the same.
    level: Level = "advice" if not promised and have_each_their_own(group) else "must"
    marks = _worst([mark for two in pairs(group) for mark in _agree(*two, level, stalled, promised=promised)])
    yield from marks
    if not promised:
        yield from one_type_to_one(group, everybody)
    if level == "must" and all(mark.good for mark in marks):
        torn = [] if promised else [*_now_and_then(group, stalled)]
        yield from torn or _in_another_order(group, promised=promised)


def _told_later(group: Sequence[Telling], limit_ms: float, *, promised: bool) -> Iterator[Mark]:
    """Yield the breach where one is told what others are told, and usually much later."""
    late: dict[int, tuple[Telling, Telling, list[float]]] = {}
    for one, other in (two for pair in pairs(group) for two in (pair, pair[::-1])):
        identified = any(key[1] for key in one.counts.keys() & other.counts.keys())
        found = lags(one, other) if _may_be_shared(one, other, identified=identified) else []
        if found and median(found) > limit_ms and len(found) > len(late.get(id(other), (one, other, []))[2]):
            late[id(other)] = one, other, found
    if sum(len(found) for _, _, found in late.values()) >= LEAST_LATE:
        one, other, found = max(late.values(), key=lambda told: len(told[2]))
        sooner = f"told what others are told, usually {lasted(median(found))} later than {one.view.transcript.name}"
        yield other.view.bad(sooner, other.messages[-1], None if promised else "should")


def _worst(found: Sequence[tuple[Telling, int, Mark]]) -> list[Mark]:
    """Return of each reader who lacks something the mark of what it lacks most of; and what is good."""
    most: dict[int, Mark] = {}
    for reader, _, mark in sorted(found, key=lambda one: -one[1]):
        most.setdefault(id(reader), mark)
    return [mark for _, lacks, mark in found if not lacks] + [mark for mark in most.values() if not mark.good]


def _agree(
    one: Telling, other: Telling, level: Level, stalled: Spans, *, promised: bool
) -> Iterator[tuple[Telling, int, Mark]]:
    """Compare what two were told from the first event on that both were told, while nobody was stuck.

    Yield who lacks how many events.
    """
    common = in_common(one, other)
    identified = any(key[1] for key in common)
    if not promised and not _may_be_shared(one, other, identified=identified):
        return
    if len(common) < (2 if identified or promised else ENOUGH_IN_COMMON):
        repeated = one.counts.keys() & other.counts.keys()  # told twice to each, it is no proof, but is in common
        enough = min(len(both_read(one, other)), len(both_read(other, one))) >= LEAST_TOLD
        if promised and enough and len(repeated) < ENOUGH_ALIKE and len(_same_words(one, other)) < ENOUGH_ALIKE:
            told = both_read(other, one)
            yield one, len(told), other.view.bad("two readers at once were told nothing in common", told[0])
        return
    agree = True
    for teller, listener in ((one, other), (other, one)):
        missed = _lost(teller, listener, common, promised=promised)
        if lost := [message for message in missed if not within(stalled, teller.at_ms(message))]:
            yield listener, len(lost), _lacking(teller.view, listener.view, lost, level)
            agree = False
    if agree:
        yield one, 0, one.view.good()


def _now_and_then(group: Sequence[Telling], stalled: Spans) -> Iterator[Mark]:
    """Yield the breach where this reader lacks an event, and that one another, by what each two are told in step.

    What has no id is known by what it says, so it may be meant for one: less weighs a breach that has but such events.
    """
    missed: dict[Said, list[tuple[Telling, Telling, Message]]] = defaultdict(list)
    torn: dict[Said, tuple[Telling, Message]] = {}
    for one, other in pairs(group):
        common = in_common(one, other)
        if not _is_comparable(one, other, common):
            continue
        told = ((teller, message) for teller, message in gaps(one, other) if message.event.id)
        torn |= {
            said(message): (teller, message) for teller, message in told if not within(stalled, teller.at_ms(message))
        }
        for teller, listener in ((one, other), (other, one)):
            for message in _missed(teller, listener, common, promised=False)[0]:
                if not within(stalled, teller.at_ms(message)):
                    missed[said(message)].append((teller, listener, message))
    tellers, listeners = ({id(found[place]) for every in missed.values() for found in every} for place in (0, 1))
    if len(missed) >= LEAST_LOST or min(len(tellers), len(listeners)) >= LEAST_LOST:
        first, _, message = next(iter(missed.values()))[0]
        level: Level | None = None if any(key[1] for key in missed) else "should"
        yield first.view.bad(f"{events(len(missed))} that some readers were told and others not", message, level)
    elif len(torn) >= LEAST_TORN:
        first, message = next(iter(torn.values()))
        what = "each reader misses others, in their midst: what is full drops them"
        yield first.view.bad(f"{len(torn)} bursts of which {what}", message)


def _in_another_order(group: Sequence[Telling], *, promised: bool) -> Iterator[Mark]:
    """Yield the breach where neighbours are told to some the other way round."""
    turned: dict[Said, tuple[Telling, Message]] = {}
    for one, other in pairs(group):
        common = in_common(one, other)
        if _is_comparable(one, other, common, STAMPED_MS):
            turned |= {
                said(first): (two[0], second)
                for two in ((one, other), (other, one))
                for first, second in turned_round(*two, common, promised=promised)
            }
    if len(turned) >= LEAST_TURNED:
        teller, message = next(iter(turned.values()))
        level: Level | None = None if promised or any(key[1] for key in turned) else "should"
        yield teller.view.bad(f"{len(turned)} times two readers were told two events in another order", message, level)


def _is_comparable(one: Telling, other: Telling, common: Sequence[Said], within_ms: float = SAME_MS) -> bool:
    return (
        len(common) >= ENOUGH_IN_COMMON
        and are_in_step(one, other, common, within_ms)
        and _may_be_shared(one, other, identified=any(key[1] for key in common))
    )


def _lacking(view: View, listener: View, lost: Sequence[Message], level: Level) -> Mark:
    what = f"id {shown(lost[0].event.id)}" if lost[0].event.id else shown(lost[0].event.data)
    told = (
        f"{events(len(lost))} that one reader was told another ({listener.transcript.name}) was not, the first {what}"
    )
    return view.bad(told, lost[0], level)


def _same_words(one: Telling, other: Telling) -> set[tuple[str, str]]:
    """Return what both were told, by whatever id: where ids count for each connection, `resume/begins-anew` says so."""
    return {message.words for message in one.messages} & {message.words for message in other.messages}


def _may_be_shared(one: Telling, other: Telling, *, identified: bool) -> bool:
    """Whether what is alike can be one stream: answers to two requests may be alike, and are each its own.

    An answer is what is asked for by another method than GET; or what has no ids, and an end.
    """
    views = (one.view, other.view)
    asked = all(view.transcript.request.method == "GET" for view in views)
    return asked and (identified or not any(view.ended_by_server for view in views))


def _lost(one: Telling, other: Telling, common: Sequence[Said], *, promised: bool) -> list[Message]:
    """Return what one was told and the other went without, where that is enough to speak of."""
    lost, missed = _missed(one, other, common, promised=promised)
    enough = len(lost) >= (1 if promised else LEAST_LOST) and 2 * len(lost) >= len(missed)
    return lost if enough else []


def _missed(
    one: Telling, other: Telling, common: Sequence[Said], *, promised: bool
) -> tuple[list[Message], list[Message]]:
    """Return what one was told and the other went without, though that one went on to be told more; and all it missed.

    Events of another sort may be for one reader alone; and who samples a state in steps of its own misses what came
    and went between, but never makes a longer pause than usual for it, nor is it told a part of a burst.
    """
    keys, known = one.keys, frozenset(common)
    since = keys.index(common[0])
    end = max(bisect(one.times, other.left_ms - OPENING_MS), keys.index(common[-1]))
    places = [place for place in range(since, end) if keys[place] not in other.counts]
    # The same may be told by another id: of a source in several parts, ids say how far each has come.
    places = [place for place in places if other.words[one.messages[place].words] != 1]
    missed = [one.messages[place] for place in places if not _is_told_with_another_stamp(one, place, other)]
    if not missed:
        return [], []
    sorts = {form(message) for key, message in zip(other.keys, other.messages, strict=True) if key in known}
    shared = [at_ms for key, at_ms in zip(keys, one.times, strict=True) if key in known]
    lost = [
        one_of
        for one_of in missed
        if (promised and other.times[-1] > one.at_ms(one_of))
        or (form(one_of) in sorts and _is_lost(other, one.at_ms(one_of), shared))
    ]
    return lost, missed


def _is_told_with_another_stamp(one: Telling, place: int, other: Telling) -> bool:
    """Whether the other was told the same in the same moment, but for a time: servers stamp what they write."""
    at_ms, told = one.times[place], other.told.get(one.timeless[place], ())
    return any(at_ms - STAMPED_MS < its_ms <= at_ms + STAMPED_MS for its_ms in told)


def _is_lost(reader: Telling, at_ms: float, shared: Sequence[float]) -> bool:
    """Whether a reader who was not told an event went without it: it paused, or was told a part of a burst."""
    place = bisect(shared, at_ms + BURST_MS)
    in_burst = place >= LEAST_IN_BURST and at_ms - shared[place - LEAST_IN_BURST] <= BURST_MS
    return _pauses(reader, at_ms) or (in_burst and reader.times[-1] > at_ms + OPENING_MS)


def _pauses(reader: Telling, at_ms: float) -> bool:
    """Whether this reader was told nothing around a moment for longer than is usual with it."""
    times = reader.times
    place = bisect(times, at_ms)
    usual = [after - before for before, after in pairwise(times) if after - before > TOGETHER_MS]
    return 0 < place < len(times) and bool(usual) and times[place] - times[place - 1] >= LONGER * median(usual)
