"""Rules on streams on which nothing happens."""

from collections.abc import Iterator
from itertools import pairwise

from ssegauge.conformance.rules.reading.effects import plain_state
from ssegauge.conformance.rules.reading.endings import end_marker, finished_since_ms, protocol
from ssegauge.conformance.rules.reading.heartbeat import HEARTBEAT_NAMES, names_heartbeat
from ssegauge.conformance.rules.rule import profile, rule
from ssegauge.conformance.seen import Item, Level, Mark, Message, Seen, View
from ssegauge.conformance.sse import Comment
from ssegauge.conformance.words import lasted

MARGIN_MS = 1000.0
# Of a stream that was silent for nearly so long nobody knows whether what came was a heartbeat, or came by chance.
DECIDED = 0.8
HELD = ("delivery/held-to-the-end",)
OPENING_MS = 1000.0  # what comes this soon belongs to the opening, not to the silence


SITUATIONS = frozenset({None, "idle", "steady"})  # in others we may not read, or leave at once


def _silence(view: View) -> tuple[float, float, Item | None]:
    """Return the longest time without a byte, the time observed, and what ended that silence, in ms."""
    end_ms = view.transcript.end.at_ms if view.transcript.end else 0.0
    times = [view.head.at_ms if view.head else 0.0, *(at_ms for at_ms, _ in view.chunks), end_ms]
    longest, until = max((after - before, after) for before, after in pairwise(times))
    return longest, end_ms - times[0], next((item for item in view.items if item.at_ms >= until), None)


def _read_for_long(seen: Seen) -> Iterator[View]:
    """Yield the streams whose silence means something: of no task, or of one that nobody moves."""
    for view in seen.streams:
        new = view.facts.kind == "plain" and view.facts.resume is None  # who comes back in vain is another matter
        unmoved = view.facts.situation == "idle" or (new and view.facts.situation is None)
        if view.timed and unmoved:
            yield view


def _heartbeat_ms(seen: Seen) -> float:
    """Return the longest silence that is promised, or else usual."""
    promised = seen.promises.heartbeat_s
    return 1000 * (seen.limits.heartbeat_s if promised is None else promised + seen.own_delay_s)


@rule(
    "liveness/heartbeat-missing",
    "should",
    profile("E3.1"),
    patient=True,
    promised={"heartbeat_s": "must"},
    rests_on=(*HELD, "end/marker-missing", "end/open-after-marker"),
)
def heartbeat_missing(seen: Seen) -> Iterator[Mark]:
    """A stream is never silent for longer than the heartbeat.

    Why: Proxies drop connections on which nothing comes, and neither side can tell a silent stream from a dead one.

    Mend: Send a comment line, such as `:` and a blank line, at least every 15 s while nothing happens.

    Example: (no byte for 16.5 s)
    """
    heartbeat_ms = _heartbeat_ms(seen)
    for view in _read_for_long(seen):
        longest, observed, until = _silence(view)
        if view.body and longest > heartbeat_ms + MARGIN_MS:
            yield view.bad(f"no byte for {longest / 1000:.1f} s", until)
        elif view.body and observed >= heartbeat_ms and (longest <= DECIDED * heartbeat_ms or _is_beat(view, until)):
            yield view.good()


def _is_beat(view: View, item: Item | None) -> bool:
    """Whether a silence was ended by what says nothing but that the stream is alive."""
    beats = [message.item for message in view.messages if names_heartbeat(message)]
    return item is not None and (isinstance(item.what, Comment) or item in beats)


@rule(
    "liveness/silent",
    "should",
    profile("E3.1"),
    patient=True,
    promised={"heartbeat_s": "must"},
    rests_on=("capacity/serves-few-at-once", *HELD),
)
def silent(seen: Seen) -> Iterator[Mark]:
    """A stream says something, if only that it is alive.

    Why: Of a stream on which not one byte comes nobody can tell whether it works: proxies drop it, some hold even its
    head back until the first byte, and a reader waits in vain for what is long broken.

    Mend: Send a comment line, such as `:` and a blank line, when the stream is opened and then at least every 15 s.

    Example: (HTTP/1.1 200 OK, and no byte of the body in 16.5 s)
    """
    heartbeat_ms = _heartbeat_ms(seen)
    for view in _read_for_long(seen):
        _, observed, _ = _silence(view)
        if view.body:
            yield view.good()
        elif observed > heartbeat_ms + MARGIN_MS and not view.ended_by_server:
            yield view.bad(f"not one byte in {observed / 1000:.1f} s")


@rule(
    "liveness/gap-too-long",
    "should",
    profile("E3.5"),
    promised={"gap_s": "must"},
    rests_on=("liveness/goes-deaf", "slow/slow-reader-stalls-others", *HELD),
)
def gap_too_long(seen: Seen) -> Iterator[Mark]:
    """Between two events there is no longer pause than promised.

    Why: Readers take a pause for the end, and clients with a timeout of that length come back or give up.

    Mend: Look for what stalls between two events: a lock, a queue, a slow source; or promise a longer `gap_s`.

    Example: (with gap_s = 10: events at 1.0 and 1.2 s, the next at 14.8 s)
    """
    promised_s = seen.promises.gap_s
    for view in seen.streams if promised_s is not None else ():
        if view.timed and view.facts.situation in SITUATIONS:
            yield from _pauses(view, 1000 * ((promised_s or 0) + seen.own_delay_s), _over_ms(seen, view))


def _over_ms(seen: Seen, view: View) -> float:
    """Return until when more could come: to the end marker, to what finished the answer, or else to the end."""
    last = end_marker(seen, view) or (view.messages[-1] if view.messages and finished_since_ms(view) else None)
    end_ms = view.transcript.end.at_ms if view.transcript.end else 0.0
    return last.item.at_ms if last else end_ms


def _pauses(view: View, most_ms: float, over_ms: float) -> Iterator[Mark]:
    told = [message for message in view.messages if not names_heartbeat(message) and message.item.at_ms <= over_ms]
    times = [message.item.at_ms for message in told] + [over_ms]
    pauses = [(after - before, number) for number, (before, after) in enumerate(pairwise(times))]
    longest_ms, after = max(pauses, default=(0.0, 0))
    if told and longest_ms > most_ms:
        until = told[after + 1] if after + 1 < len(told) else None
        but = " but for heartbeats" if len(told) < len(view.messages) else ""
        yield view.bad(f"no event{but} for {lasted(longest_ms)}, longer than {lasted(most_ms)}", until)
    elif len(told) > 1:
        yield view.good()


@rule(
    "liveness/first-event-late",
    "should",
    profile("E3.6"),
    promised={"first_event_s": "must"},
    rests_on=("capacity/serves-few-at-once", *HELD),
)
def first_event_late(seen: Seen) -> Iterator[Mark]:
    """The first event comes as soon as promised.

    Why: Until then the page is empty, and its user takes it for broken.

    Mend: Look for what holds the first event: a queue before the work, a cold start, a proxy that buffers; or promise a
    later `first_event_s`.

    Example: (with first_event_s = 2: the first event 3.4 s after the request)
    """
    promised_s = seen.promises.first_event_s
    for view in seen.streams if promised_s is not None else ():
        if view.timed and view.facts.situation in SITUATIONS and view.facts.resume is None:
            yield from _first_event(view, 1000 * ((promised_s or 0) + seen.own_delay_s))


def _first_event(view: View, most_ms: float) -> Iterator[Mark]:
    first = next((message for message in view.messages if not names_heartbeat(message)), None)
    end_ms = view.transcript.end.at_ms if view.transcript.end else 0.0
    at_ms = first.item.at_ms if first else end_ms
    if at_ms > most_ms:
        came = "came after" if first else "had not come after"
        yield view.bad(f"the first event {came} {lasted(at_ms)}, later than {lasted(most_ms)}", first)
    elif first:
        yield view.good()


@rule(
    "liveness/heartbeat-is-an-event",
    "should",
    profile("E3.2"),
    over="streams",
    patient=True,
    rests_on=("shape/unlike-the-others",),
)
def heartbeat_is_an_event(view: View) -> Iterator[Mark]:
    """A heartbeat is a comment, not an event.

    Why: Every event wakes the application: the ticket's client would parse it and show what it says.

    Mend: Send a comment line instead; clients ignore it, proxies count it. Send the state when it changes, not whenever
    a timer looks at it.

    Example: data: {"type":"heartbeat"}
    """
    spoken = protocol(view)
    if spoken and spoken.pings:
        return
    idle = view.timed and (view.facts.situation == "idle" or view.facts.reader == "long")
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
