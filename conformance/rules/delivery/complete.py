"""Rules on what was accepted for a stream: all of it arrives, once, and in the order in which it was accepted."""

import re
from collections.abc import Iterator

from ssegauge.conformance.facts import Facts
from ssegauge.conformance.rules.delivery.updates import HELD, LOST_AFTER, UPDATES
from ssegauge.conformance.rules.reading.effects import (
    accepted_for,
    connected_ms,
    effects,
    showings,
    stalls,
    told_streams,
    waited_ms,
    within,
)
from ssegauge.conformance.rules.reading.peculiar import peculiar, what_is_in
from ssegauge.conformance.rules.reading.spoiled import SPOILED
from ssegauge.conformance.rules.reading.states import left_out
from ssegauge.conformance.rules.rule import profile, rule
from ssegauge.conformance.seen import Mark, Message, Seen, View
from ssegauge.conformance.words import lasted

# A stream of states may repeat the newest one now and then; not so soon, and not one that was overtaken.
REPEATED_MS = 500.0
# The cases of texts that no server has a reason to refuse in silence.
ODD = frozenset({"letters", "code", "controls", "large"})
ENOUGH_TWICE = 2  # one may be a state that changed in something else


@rule(
    "delivery/update-lost",
    "must",
    profile("E2.2"),
    needs=UPDATES,
    rests_on=("delivery/readers-differ", *SPOILED, *HELD),
)
def update_lost(seen: Seen) -> Iterator[Mark]:
    """What the server accepted for a stream arrives at every reader that is connected.

    Why: Whoever published was told that all is well, and a reader will never know what it missed.

    Mend: Register the reader before its first byte is sent, replay and go live under one lock, and let no full queue
    drop events in silence: end that reader's stream instead, so that it comes back with Last-Event-ID.

    Example: (200 for a publication, and no event that shows it within 4 s)
    """
    for view in told_streams(seen):
        told = [one for one in effects(seen, view) if not one.terminal]
        overtaken = left_out(seen, told)
        unseen = (number for number, one in enumerate(told) if not one.shown and number not in overtaken)
        lost = [number for number in unseen if waited_ms(view, told[number].sent_ms) >= _lost_ms(seen)]
        if lost:
            waited = waited_ms(view, told[lost[0]].sent_ms)
            later = next((one.shown for one in told[lost[0] :] if one.shown), None)
            others = f"later ones did{peculiar(told, lost)}" if later else "nor did any later one"
            summary = f"{len(lost)} of {len(told)} accepted updates had not arrived after {lasted(waited)}; {others}"
            yield view.bad(summary, later)
        elif any(one.shown for one in told):
            yield view.good()
    for view in seen.role("stream", Facts(situation="canary")):
        yield from _odd_ones_lost(seen, view)


def _odd_ones_lost(seen: Seen, view: View) -> Iterator[Mark]:
    """Judge texts that break nothing, but are odd or long: each was waited for before the next was sent."""
    sent = accepted_for(seen, view)
    told = [any((one.facts.marker or "") in message.event.data for message in view.messages) for one in sent]
    for number, one in enumerate(sent):
        waited = waited_ms(view, one.transcript.started_ms)
        if one.facts.canary in ODD and not told[number] and any(told[number + 1 :]) and waited >= _lost_ms(seen):
            yield view.bad(f"a text {what_is_in(one)} was accepted and never came; later ones did")
        elif one.facts.canary in ODD and told[number]:
            yield view.good()


def _lost_ms(seen: Seen) -> float:
    """From when on an update that has not come is lost."""
    return LOST_AFTER * 1000 * seen.limits.update_s


@rule("delivery/update-duplicated", "must", profile("E2.3"), needs=UPDATES)
def update_duplicated(seen: Seen) -> Iterator[Mark]:
    """What the server accepted for a stream arrives once.

    Why: A text that is appended twice and an amount that is counted twice are wrong, and no reader can tell.

    Mend: Register each reader once (look for a listener that is added again on every reconnect), and let the replay of
    the log end exactly where the live part begins.

    Example: (one publication; two events with the same data, 3 ms apart)
    """
    for view in told_streams(seen):
        told = _own_showings(seen, view)
        twice = [again for place, again in enumerate(told) if _is_repeated(told[:place], again)]
        many, of = ({id(update) for update, _ in some} for some in (twice, told))
        if len(many) >= ENOUGH_TWICE:
            summary = f"{len(many)} of {len(of)} updates arrived more than once on one stream"
            yield view.bad(summary, twice[0][1])
        elif told:
            yield view.good()


def _own_showings(seen: Seen, view: View) -> list[tuple[View, Message]]:
    """Return the updates made while the reader was connected, each with an event that shows it, as events came."""
    updates, since_ms = accepted_for(seen, view), connected_ms(view)
    found = ((updates[number], message) for number, message in showings(view, updates) if number >= 0)
    return [(update, message) for update, message in found if update.transcript.started_ms >= since_ms]


def _is_repeated(before: list[tuple[View, Message]], again: tuple[View, Message]) -> bool:
    """Whether an event repeats one of the same update, and not as a stream of states repeats the newest."""
    update, message = again
    same = [one for other, one in before if other is update and _alike(one, message)]
    if not same:
        return False
    soon = message.item.at_ms - same[-1].item.at_ms < REPEATED_MS
    return soon or any(other.transcript.started_ms > update.transcript.started_ms for other, _ in before)


def _alike(one: Message, other: Message) -> bool:
    """Whether two events say the same; their own ids and times may differ."""
    return one.event.type == other.event.type and _without_numbers(one) == _without_numbers(other)


def _without_numbers(message: Message) -> str:
    return re.sub(r"\d+", "0", message.event.data)


@rule("delivery/update-reordered", "must", profile("E2.4"), needs=UPDATES, rests_on=HELD)
def update_reordered(seen: Seen) -> Iterator[Mark]:
    """What the server accepted for a stream arrives in the order in which it was accepted.

    Why: The reader keeps what came last; after a swap that is a state which was overtaken.

    Mend: Give every stream one queue and one writer, and await each write; tasks that are started for each event, and
    workers that share a queue, finish in any order.

    Example: (the first publication was answered before the second was sent; its event comes second)
    """
    for view in told_streams(seen):
        first: dict[int, tuple[View, Message]] = {}
        stalled = stalls(seen, view)
        for update, message in _own_showings(seen, view):
            if not within(stalled, update.transcript.started_ms):  # held by one who does not read: another's matter
                first.setdefault(id(update), (update, message))
        swapped = _swapped(list(first.values()))
        if swapped:
            summary = f"{len(swapped)} of {len(first)} updates arrived after one that was accepted later"
            yield view.bad(summary, swapped[0])
        elif len(first) > 1:
            yield view.good()


def _swapped(told: list[tuple[View, Message]]) -> list[Message]:
    """Return the events of updates that arrived after one which was sent only when they had been accepted."""
    found, latest_ms, place = [], float("-inf"), -1
    for update, message in told:
        taken_ms = update.epoch_ms(update.head.at_ms) if update.head else float("inf")
        if latest_ms > taken_ms and message.event.start > place:
            found.append(message)
        if update.transcript.started_ms > latest_ms:
            latest_ms, place = update.transcript.started_ms, message.event.start
    return found
