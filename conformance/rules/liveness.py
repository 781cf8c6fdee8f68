"""Rules on streams on which nothing happens."""

from collections.abc import Iterator
from itertools import pairwise

from ssegauge.conformance.rules.reading.effects import plain_state
from ssegauge.conformance.rules.reading.heartbeat import HEARTBEAT_NAMES, names_heartbeat
from ssegauge.conformance.rules.rule import profile, rule
from ssegauge.conformance.seen import Item, Level, Mark, Message, Seen, View
from ssegauge.conformance.sse import Comment

MARGIN_MS = 1000.0
OPENING_MS = 1000.0  # what comes this soon belongs to the opening, not to the silence


def _silence(view: View) -> tuple[float, float, Item | None]:
    """Return the longest time without a byte, the time observed, and what ended that silence, in ms."""
    end_ms = view.transcript.end.at_ms if view.transcript.end else 0.0
    times = [view.head.at_ms if view.head else 0.0, *(at_ms for at_ms, _ in view.chunks), end_ms]
    longest, until = max((after - before, after) for before, after in pairwise(times))
    return longest, end_ms - times[0], next((item for item in view.items if item.at_ms >= until), None)


@rule(
    "liveness/heartbeat-missing",
    "should",
    profile("E3.1"),
    patient=True,
    promised={"heartbeat_s": "must"},
)
def heartbeat_missing(seen: Seen) -> Iterator[Mark]:
    """A stream is never silent for longer than the heartbeat.

    Why: Proxies drop connections on which nothing comes, and neither side can tell a silent stream from a dead one.

    Mend: Send a comment line, such as `:` and a blank line, at least every 15 s while nothing happens.

    Example: (no byte for 16.5 s)
    """
    heartbeat_ms = seen.limits.heartbeat_s * 1000
    for view in seen.streams:
        if view.facts.situation != "idle" or not view.timed:
            continue
        longest, observed, until = _silence(view)
        if longest > heartbeat_ms + MARGIN_MS:
            yield view.bad(f"no byte for {longest / 1000:.1f} s", until)
        elif observed >= heartbeat_ms:
            yield view.good()


@rule(
    "liveness/heartbeat-is-an-event",
    "should",
    profile("E3.2"),
    over="streams",
    patient=True,
)
def heartbeat_is_an_event(view: View) -> Iterator[Mark]:
    """A heartbeat is a comment, not an event.

    Why: Every event wakes the application: the ticket's client would parse it and show what it says.

    Mend: Send a comment line instead; clients ignore it, proxies count it. Send the state when it changes, not whenever
    a timer looks at it.

    Example: data: {"type":"heartbeat"}
    """
    idle = view.facts.situation == "idle" and view.timed
    beats = [message for message in view.messages if names_heartbeat(message)]
    if idle:
        beats += _said_again(view)
    if beats:
        yield from (view.bad(_says_nothing(beat), beat, _weight(view, beat)) for beat in beats)
    elif idle and any(item.at_ms > OPENING_MS for item, _ in view.of(Comment)):
        yield view.good()


def _weight(view: View, beat: Message) -> Level | None:
    """A heartbeat with an event type of its own wakes nobody who does not listen to it; a task's stream has no such."""
    own = beat.event.type.lower() in HEARTBEAT_NAMES
    return "advice" if own and view.facts.task_id is None else None


def _says_nothing(message: Message) -> str:
    if names_heartbeat(message):
        return "an event that says nothing but that the stream is alive"
    return "an event that repeats the state, though nothing happened"


def _said_again(view: View) -> list[Message]:
    """Return the events that repeat the state of a task that nothing moved, later than the opening."""
    return [
        again
        for before, again in pairwise(view.progress)
        if plain_state(again) == plain_state(before) and again.item.at_ms - before.item.at_ms >= OPENING_MS
    ]
