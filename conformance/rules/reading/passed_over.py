"""Events that a reader was passed over with: it was told what came before them and what came after, and they are lost.

What makes an event the same as another's is its id, its type and what it says but for its times.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from ssegauge.conformance.rules.reading.returns import Return, number, rise
from ssegauge.conformance.rules.reading.sameness import identified
from ssegauge.conformance.rules.reading.sharing import SAME_MS, Telling, form
from ssegauge.conformance.rules.reading.stamps import timeless
from ssegauge.conformance.seen import Message, Seen, View

LEAST_IN_COMMON = 3
BURST_MS = 100.0  # what is sent of before comes at once
MOST_PASSED_OVER = 1 / 3  # of what was sent: who samples a state misses more


def meanwhile(seen: Seen, one: Return) -> list[Message]:
    """Return what happened while a client that came back was there, and was told to another reader alone.

    The client had been told something by then, as by what it missed; and it was told what happened next.
    """
    me = _of(one.view)
    if not me.messages:
        return []
    told = me.messages[:1] if not seen.promises.resume else ()
    since_ms = me.at_ms(told[0]) if told else me.came_ms
    found = (_between(me, other, since_ms + SAME_MS) for other in _others(seen, one.view))
    return max(found, key=len, default=[])


def _between(me: Telling, other: Telling, since_ms: float) -> list[Message]:
    """Return what another was told as it happened, before something that was told to both in the same moment."""
    common = _common(me, other)
    live = [one for one in common if abs(me.at_ms(one[0]) - other.at_ms(one[1])) <= BURST_MS and _is_live(me, one[0])]
    if len(live) < LEAST_IN_COMMON or _lacks(me, other, live[0][0]):
        return []
    mine, theirs = live[0]
    my_places, their_places = _places(me.messages), _places(other.messages)
    before = me.messages[: my_places[id(mine)]]
    older = [their_places[id(one[1])] for one in common if my_places[id(one[0])] < len(before)]
    told = other.messages[max(older, default=-1) + 1 : their_places[id(theirs)]]
    return [one for one in _unknown(me, told, common) if other.at_ms(one) > since_ms and _follows(one, before, mine)]


def _places(messages: Sequence[Message]) -> Mapping[int, int]:
    """Return where each stands: to compare events one by one takes the square of their number."""
    return {id(message): place for place, message in enumerate(messages)}


def _is_live(me: Telling, message: Message) -> bool:
    return me.at_ms(message) - me.times[0] > BURST_MS


def _follows(message: Message, before: Sequence[Message], after: Message) -> bool:
    """Whether an id stands, where ids are numbers that grow, where it was told."""
    told = [*before[-1:], message, after]
    return rise(told) or not all(number(one.event.id) for one in told)


def _lacks(me: Telling, other: Telling, since: Message) -> bool:
    """Whether the other was not told all that this one was, from a moment on: each may have a sample of its own."""
    until_ms = min(me.left_ms, other.left_ms) - BURST_MS
    told = {timeless(one) for one in other.messages}
    return any(timeless(one) not in told for one in me.between(me.at_ms(since), until_ms))


def kept_back(seen: Seen) -> Iterator[tuple[Telling, list[Message]]]:
    """Yield those who read as it happened what others were sent of it when they came back, and what only these got."""
    returned = [_of(view) for view in seen.role("stream") if view.facts.resume == "known" and _is_read(view)]
    for view in seen.role("stream"):
        if view.facts.resume is None and view.facts.last_event_id is None and _is_read(view):
            me = _of(view)
            found = [sent for other in returned if (sent := _sent_of(me, other)) is not None]
            if found:
                yield me, max(found, key=len)


def _sent_of(me: Telling, other: Telling) -> list[Message] | None:
    """Return what another was sent at once when it came back, between events that this one was told; None without."""
    sent = [one for one in other.messages if not _is_live(other, one)]
    places = _places(sent)
    common = [(mine, theirs) for mine, theirs in _common(me, other) if id(theirs) in places]
    if len(common) < LEAST_IN_COMMON or not _is_one_stretch(me, [mine for mine, _ in common], sent):
        return None
    stretch = sent[places[id(common[0][1])] : places[id(common[-1][1])]]
    found = _unknown(me, stretch, common)
    return found if len(found) <= MOST_PASSED_OVER * len(stretch) else []


def _is_one_stretch(me: Telling, told: Sequence[Message], sent: Sequence[Message]) -> bool:
    """Whether this one was told them in the same order, as they happened, and nothing else between."""
    known, places = {timeless(one) for one in sent}, _places(me.messages)
    order = [places[id(one)] for one in told]
    whole = me.messages[order[0] : order[-1] + 1]
    return _is_live(me, told[-1]) and order == sorted(order) and all(timeless(one) in known for one in whole)


def _unknown(me: Telling, told: Iterable[Message], common: Sequence[tuple[Message, Message]]) -> list[Message]:
    """Return those that this one was never told, by whatever id, though of a sort that both are told."""
    sorts = {form(theirs) for _, theirs in common}
    known, words = {one.event.id for one in me.messages}, {one.words for one in me.messages}
    return [one for one in told if form(one) in sorts and one.event.id not in known and one.words not in words]


def _common(me: Telling, other: Telling) -> list[tuple[Message, Message]]:
    theirs = {timeless(one): one for one in other.messages}
    return [(one, theirs[timeless(one)]) for one in me.messages if timeless(one) in theirs]


def _of(view: View) -> Telling:
    return Telling(view, tuple(identified(view)))


def _others(seen: Seen, view: View) -> list[Telling]:
    """Return who else read the same source, with ids on what it was told."""
    of = (view.facts.task_id, view.facts.subject)
    beside = (one for one in seen.role("stream") if (one.facts.task_id, one.facts.subject) == of and one is not view)
    return [_of(one) for one in beside if _is_read(one)]


def _is_read(view: View) -> bool:
    """Whether a stream of no task was read as it came, by the method with which EventSource asks."""
    asked = view.transcript.request.method == "GET" and view.facts.kind == "plain" and view.facts.situation is None
    return asked and view.timed and view.is_event_stream and view.transcript.end is not None
