"""Rules on clients that come back with an id and are to be told what follows it, all of it and once."""

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise

from ssegauge.conformance.rules.reading.answers import unanswered
from ssegauge.conformance.rules.reading.returns import (
    Return,
    between,
    ids,
    is_counted,
    is_told_apart,
    newcomers,
    not_told_where,
    number,
    returns,
    rise,
)
from ssegauge.conformance.rules.reading.sameness import identified
from ssegauge.conformance.rules.rule import profile, rule
from ssegauge.conformance.seen import Mark, Message, Seen, View, not_applicable
from ssegauge.conformance.words import shown

STRICTLY_AFTER = profile("E5.4")
NOT_LOST_HERE = ("resume/known-id-refused", "resume/known-id-silenced", "delivery/readers-differ")
IN_FLIGHT_MS = 1000.0  # between one reader's being told and another's
# What was told one by one, and comes again together, is no state of things.
LEAST_AGAIN, LIVE_MS, LEAST_BEATS = 3, 500.0, 3


@rule("resume/gap-on-resume", "must", STRICTLY_AFTER, rests_on=NOT_LOST_HERE)
def gap_on_resume(seen: Seen) -> Iterator[Mark]:
    """A client that comes back misses nothing.

    Why: What happened while the connection was down is never shown; if it was the end, the page waits for ever.

    Mend: Keep events and send those after `Last-Event-ID` before any new one.

    Example: (cut after 4; on coming back: 6, 7)
    """
    yield from not_told_where(seen)
    for one in returns(seen):
        if one.view.facts.kind == "plain" and not seen.promises.resume:
            yield not_applicable("`resume = true` is not given in [promises]")
        elif wrong := _refused(one.view) or _missed(one) or _missed_by_number(seen, one):
            yield one.view.bad(f"{one.came}: {wrong}")
        elif _went_on(one.view):
            yield one.view.good()


def _refused(view: View) -> str:
    if unanswered(view):
        return "no answer"
    if view.head and view.head.status != 200:
        return f"answered {view.head.status}"
    failed = not view.progress and any(one.type == "error" for one in view.messages)
    return "answered with an error" if failed and view.facts.task_id is not None else ""


def _went_on(view: View) -> bool:
    return view.is_event_stream and (bool(identified(view)) or view.ended_by_server)


def _missed(one: Return) -> str:
    """Name the first event that was passed over; one that is told again without its id was told."""
    got = set(ids(identified(one.view)))
    bare = {message.words for message in one.view.messages if not message.event.id}
    missed = [message for message in _due(one, got) if message.event.id not in got and message.words not in bare]
    return f"was not told {shown(missed[0].event.id)}" if missed else ""


def _missed_by_number(seen: Seen, one: Return) -> str:
    """Name the first event that others were told and whose number lies between the client's and its next one.

    The stream with the client's event may have ended right behind it. Others' events are the client's where some are
    told to both, or all are promised to be.
    """
    told = identified(one.view)
    others = [view for view in seen.streams if view.facts.task_id == one.view.facts.task_id and view is not one.view]
    known = {(message.event.id, message.words) for view in others for message in identified(view)}
    shared = seen.promises.shared or any((message.event.id, message.words) in known for message in told)
    if not told or not shared or not (rise(told) and all(rise(identified(view)) for view in others)):
        return ""
    said = {message.words for message in told}
    left_out = {event_id for event_id, words in known if words not in said}
    missed = between(left_out, one.before[-1].event.id, told[0].event.id)
    return f"was not told {shown(missed[0])}" if missed else ""


def _due(one: Return, got: set[str | None]) -> list[Message]:
    """Return the events that the client had to be told: up to the last it was told and, as long as it read, all."""
    end = one.view.transcript.end
    if one.view.ended_by_server or got - {*ids(one.before), *ids(one.after)}:  # it is at what came later
        return one.after
    if end and end.how == "timeout":
        until_ms = one.view.epoch_ms(end.at_ms) - IN_FLIGHT_MS
        return [message for message in one.after if one.uncut.epoch_ms(message.item.at_ms) < until_ms]
    reached = [number for number, message in enumerate(one.after, 1) if message.event.id in got]
    return one.after[: max(reached, default=0)]


@rule(
    "resume/duplicate-on-resume",
    "should",
    profile("E5.2"),
    promised={"resume": "must"},
    rests_on=("resume/begins-anew",),
)
def duplicate_on_resume(seen: Seen) -> Iterator[Mark]:
    """A client that comes back is told nothing twice.

    Why: Clients count, append and notify by events; what comes twice is counted twice.

    Mend: Go on strictly after `Last-Event-ID`: the first event to send is the next one.

    Example: (cut after 4; on coming back: 4, 5, 6)
    """
    yield from not_told_where(seen)
    for one in returns(seen):
        before, told = set(ids(one.before)), identified(one.view)
        if rise(one.before):  # so do those that nobody of ours was told
            before |= {*between(ids(told), None, one.before[-1].event.id)}
        beats = _beats(one)
        again = [message for message in told if message.event.id in before and message.words not in beats]
        apart = one.view.facts.kind != "plain" or is_told_apart(seen, one, set(ids(told)), before)
        if again and (apart or _told_the_last_again(one) or _polled_again(one, again)):
            yield one.view.bad(f"{one.came}: was told {shown(again[0].event.id)} once more", again[0])
        elif bare := _told_without_its_id(seen, one):
            summary = "the event that it came with was told once more, without that id: ids that are written behind the"
            yield one.view.bad(f"{one.came}: {summary} blank line are the next event's", bare)
        elif not again and _went_on(one.view):
            yield one.view.good()


def _told_without_its_id(seen: Seen, one: Return) -> Message | None:
    """Return what was the event whose id the client brings, by what it says, where it alone is told it, and first."""
    last, told = one.before[-1], one.view.messages
    alone = all(last.words != message.words for view in newcomers(seen, one.view) for message in view.messages)
    once = sum(message.words == last.words for message in one.uncut.messages) == 1
    later = any(message.event.id for message in told)
    place = next((n for n, message in enumerate(told) if message.words == last.words), len(told))
    is_it = alone and once and later and not any(message.event.id for message in told[: place + 1])
    return told[place] if place < len(told) and is_it else None


@rule(
    "resume/out-of-order",
    "should",
    STRICTLY_AFTER,
    promised={"resume": "must"},
    rests_on=("resume/begins-anew", "resume/duplicate-on-resume", "delivery/readers-differ"),
)
def out_of_order(seen: Seen) -> Iterator[Mark]:
    """A client that comes back is told what it has missed in order, before anything new.

    Why: It shows the older state last; and where it is cut once more, it comes back with the newest id, and all that
    was still to come is never told.

    Mend: Subscribe first, then send what is kept, and only then what has come meanwhile, without what was sent already.

    Example: (cut after 29; on coming back: 39, 30, 31 and so on)
    """
    yield from not_told_where(seen)
    for one in returns(seen):
        order, beats = _order(one), _beats(one)
        told = [one for one in identified(one.view) if one.event.id in order and one.words not in beats]
        places = [order[message.event.id] for message in told]
        fallen = next((n for n, (before, after) in enumerate(pairwise(places)) if after < before), None)
        if fallen is not None:
            before, after = (shown(message.event.id) for message in told[fallen : fallen + 2])
            yield one.view.bad(f"{one.came}: was told {before}, then {after}", told[fallen + 1])
        elif len(set(places)) > 1:
            yield one.view.good()


def _order(one: Return) -> dict[str | None, int]:
    """Return in which order events are to be told: by their numbers where ids are such, or as another was told them."""
    told = [*one.before, *one.after]
    if len(told) > 1 and rise(told):
        start = number(told[0].event.id)
        numbers = {event_id: number(event_id) for event_id in ids(identified(one.view))}
        return {name: found[1] for name, found in numbers.items() if start and found and found[0] == start[0]}
    return {event_id: place for place, event_id in enumerate(ids(one.after))}


def _beats(one: Return) -> set[tuple[str, str]]:
    """Return the one thing that was told again and again among others, by ever new ids, as heartbeats are."""
    often = Counter(message.words for message in [*one.before, *one.after])
    again = {words for words, many in often.items() if many >= LEAST_BEATS}
    return again if len(again) == 1 and len(often) > LEAST_BEATS else set()


def _polled_again(one: Return, again: Sequence[Message]) -> bool:
    """Whether each answer tells the newest of a log once more: of events that are counted, which a state is not."""
    return one.uncut.ended_by_server and is_counted(one.before) and len(again) >= LEAST_AGAIN


def _told_the_last_again(one: Return) -> bool:
    """Whether the newest events are told to whoever comes, whatever it has been told: those up to its id again."""
    before, told = ids(one.before), ids(identified(one.view))
    again = next((many for many in range(len(before) - 1, LEAST_AGAIN - 1, -1) if told[:many] == before[-many:]), 0)
    return bool(again) and one.before[-1].item.at_ms - one.before[-again].item.at_ms > LIVE_MS
