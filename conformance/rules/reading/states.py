"""Whether a stream tells states: whoever comes is told the newest alone, and what it overtook may be left out."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

from ssegauge.conformance.rules.reading.effects import CONNECTED_MS, Effect, accepted_for, showings
from ssegauge.conformance.rules.reading.silence import OPENING_MS
from ssegauge.conformance.seen import Seen, View

LEAST_GREETED, MOSTLY = 3, 0.8


def left_out(seen: Seen, told: Sequence[Effect]) -> set[int]:
    """Return the places of the updates that were overtaken sooner than a stream of states tells two of them."""
    last_shown = max((number for number, one in enumerate(told) if one.shown), default=0)
    overtaken = [number for number, one in enumerate(told[:last_shown]) if not one.shown]
    if not overtaken or not tells_states(seen):
        return set()
    arrivals = sorted(one.shown_ms for one in told if one.own)
    fastest_ms = min((after - before for before, after in pairwise(arrivals)), default=float("inf"))
    return {number for number in overtaken if told[number + 1].sent_ms - told[number].sent_ms < fastest_ms}


def tells_states(seen: Seen) -> bool:
    """Whether newcomers are told at once what was published last before they came, and nothing older."""
    greeted = [found for view in seen.streams for found in _is_told_the_newest(seen, view)]
    return len(greeted) >= LEAST_GREETED and sum(greeted) >= MOSTLY * len(greeted)


def _is_told_the_newest(seen: Seen, view: View) -> Iterator[bool]:
    """Yield whether a newcomer is told the newest at once, where something had been published before."""
    facts, head = view.facts, view.head
    if not (view.timed and head and facts.kind == "plain" and facts.last_event_id is None):
        return
    updates = accepted_for(seen, view)
    settled_ms = view.transcript.started_ms - CONNECTED_MS
    before = sum(update.transcript.started_ms < settled_ms for update in updates)
    if before:
        until_ms = head.at_ms + OPENING_MS
        told = [number for number, message in showings(view, updates) if message.item.at_ms <= until_ms]
        yield bool(told) and before - 1 <= min(told)
