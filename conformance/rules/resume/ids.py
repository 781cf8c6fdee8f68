"""Rules on the ids of events, which say where a client that lost its connection goes on."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from itertools import pairwise

from ssegauge.conformance.facts import MARKER, Facts
from ssegauge.conformance.rules.reading.returns import plain, returns
from ssegauge.conformance.rules.reading.sameness import State, identified, repeated, said
from ssegauge.conformance.rules.reading.sharing import Telling, pairs, readers
from ssegauge.conformance.rules.reading.told_apart import say_nothing_alike, told_by_one_id
from ssegauge.conformance.rules.rule import profile, rule
from ssegauge.conformance.seen import Level, Mark, Message, Seen, View
from ssegauge.conformance.words import lasted, shown

LEAST_HISTORY, LEAST_BARE = 3, 2
LEAST_TOLD_APART, MOSTLY = 3, 0.8
OPENING_MS = 250.0  # within so long of the first event, what comes is told to whoever comes
LIVE_MS = 1000.0
NO_VALUE = frozenset({"NaN", "nan", "undefined", "null", "None", "[object Object]"})  # what languages write for none
LEAST_TAKEN_BACK = 2  # once may be meant: from here on there is nothing to come back to


@rule("resume/ids-repeated", "must", profile("E5.1"))
def ids_repeated(seen: Seen) -> Iterator[Mark]:
    """No two events of a stream have the same id.

    Why: A client that comes back with it resumes at either of the two, and loses or repeats what lies between.

    Mend: Count the events of a stream (of a task), not those of a connection or a stage; never derive an id from a
    state, and give events that are not kept (status, heartbeat) no id at all.

    Example: id: 4 on the event at 40 %, and id: 4 on the event at 60 %
    """
    for view in seen.streams:
        yield from _in_a_task(view) if view.facts.task_id is not None else _in_a_stream(view)
    yield from _without_a_value(seen)
    if seen.promises.shared is not False:
        for group in readers(seen):
            yield from _on_others_data(group, "must" if seen.promises.shared else "should")
            if seen.promises.shared and seen.promises.resume:
                yield from _by_other_ids(group)
    for _, (first, *others) in seen.tasks(lambda view: view.facts.situation is None and view.facts.resume is None):
        by_id = {message.event.id: said(message) for message in identified(first)} if others else {}
        for view in others:
            yield from _differ_from(by_id, view)


def _in_a_task(view: View) -> Iterator[Mark]:
    """Of a task, an event that is sent twice with its id is another matter: that is a duplicate."""
    other = {id(message): message for message, same in repeated(identified(view)) if not same}
    for message in identified(view):
        yield view.bad(_on_another(message), message) if id(message) in other else view.good()


def _in_a_stream(view: View) -> Iterator[Mark]:
    """With POST no EventSource comes back; there an id that is always the same names the request."""
    told, found = identified(view), list(repeated(identified(view)))
    posted = view.transcript.request.method != "GET"
    if posted and len({message.event.id for message in told}) == 1:
        return
    for message, same in found:
        if same:
            yield view.bad(f"the event with the id {shown(message.event.id)} once more", message, "should")
        else:
            yield view.bad(_on_another(message), message, "should" if posted else None)
    if told and not found:
        yield view.good()


def _on_others_data(group: Sequence[Telling], level: Level) -> Iterator[Mark]:
    """Compare what one id stands on at one moment, for readers who came at different times: no count of theirs."""
    for one, other in pairs(group):
        told = told_by_one_id(one, other)
        if len(told) >= LEAST_TOLD_APART and say_nothing_alike(told):
            mine, _ = told[-1]
            meant = "if that is meant, say `shared = false` in [promises]"
            summary = f"{len(told)} ids stand on other data for another reader, at the same moments; {meant}"
            yield one.view.bad(f"{summary}: {shown(mine.event.id)} and others", mine, level)


def _without_a_value(seen: Seen) -> Iterator[Mark]:
    """Judge ids made of nothing, as of a `Last-Event-ID` that is no number: several events have such."""
    views = [view for view in seen.streams if view.facts.kind == "plain"]
    found = [(view, one) for view in views for one in identified(view) if one.event.id in NO_VALUE]
    if len({one.words for _, one in found}) > 1:
        view, message = found[0]
        came = view.facts.last_event_id
        who = f", told to who came with {shown(came)}" if came is not None else ""
        yield view.bad(f"the id {shown(message.event.id)} on {len(found)} events{who}", message)


def _by_other_ids(group: Sequence[Telling]) -> Iterator[Mark]:
    """Compare by which ids two readers of one stream are told the same at the same moments."""
    for one, other in pairs(group):
        told = list(_told_both(one, other))
        apart = [(mine, its) for mine, its in told if mine.event.id != its.event.id]
        if len(apart) >= max(LEAST_TOLD_APART, MOSTLY * len(told)):
            mine, its = apart[0]
            ids = f"{shown(mine.event.id)} and {shown(its.event.id)}"
            yield one.view.bad(f"{len(apart)} events have other ids for another reader, as {ids}", mine)


def _told_both(one: Telling, other: Telling) -> Iterator[tuple[Message, Message]]:
    """Yield what both are told in the same words at about the same time, and each of them once."""
    mine, its = (Counter(message.words for message in telling.messages) for telling in (one, other))
    by_words = {message.words: message for message in other.messages}
    for message in one.messages:
        same = by_words.get(message.words)
        if not (same and message.event.id and same.event.id and mine[message.words] == its[message.words] == 1):
            continue
        if abs(one.at_ms(message) - other.at_ms(same)) < LIVE_MS:
            yield message, same


def _on_another(message: Message) -> str:
    return f"another event with the id {shown(message.event.id)}"


def _differ_from(by_id: Mapping[str | None, State], view: View) -> Iterator[Mark]:
    """Ids that count the events of a connection give an event another id for each reader."""
    known = {told: given for given, told in by_id.items()}
    for message in identified(view):
        own, told = message.event.id, said(message)
        if by_id.get(own, told) != told and known.get(told, own) != own:
            yield view.bad(f"another reader knows this event by the id {shown(known[told])}", message)


@rule("resume/id-taken-back", "should", profile("E5.7"), over="streams")
def id_taken_back(view: View) -> Iterator[Mark]:
    """An event leaves the last event ID alone, or sets it.

    Why: An `id` field without a value sets the last event ID to nothing: a client that loses the connection behind
    that event comes back without any, and what came meanwhile is lost.

    Mend: Leave the `id` field out of events that have none (status, presence, heartbeat).

    Example: id: 7, then an event with `id:`, then id: 8
    """
    told = [message for message in view.messages if message.event.id is not None]
    taken_back = [one for one, after in pairwise(told) if not one.event.id and after.event.id]
    if len(taken_back) >= LEAST_TAKEN_BACK and view.transcript.request.method == "GET":
        yield view.bad(f"`id:` without a value on {len(taken_back)} events between others that have one", taken_back[0])
    elif told and not taken_back:
        yield view.good()


@rule("resume/replays-without-ids", "advice", profile("E5.6"))
def replays_without_ids(seen: Seen) -> Iterator[Mark]:
    """What is sent of before carries its ids, to every newcomer as to a client that comes back.

    Why: EventSource comes back by itself after every lost connection, and is told the history again: without ids
    neither side can tell what was shown already. Where events have ids as they happen, and none when they are sent to
    a client that comes back, one that loses its connection then is sent all of them once more.

    Mend: Number the events and send the number as `id:`; on coming back, send those after `Last-Event-ID`, with theirs.

    Example: (five events in 5 s; the same five at once to whoever comes then, none with an id)
    """
    for view in seen.role("stream", Facts(kind="plain", reader="newcomer")):
        for uncut in seen.role("stream", Facts(kind="plain", reader="uncut")):
            again = _told_live(view, uncut, _said_since(seen, view))
            if len(again) < LEAST_HISTORY:
                continue
            if any(message.event.id for message in again):
                yield view.good()
            else:
                took = lasted(again[-1].item.at_ms - again[0].item.at_ms)
                yield view.bad(
                    f"{len(again)} events of before at once, without ids; they had taken {took}", view.events[0]
                )

    yield from _bare_to_those_who_return(seen)


def _bare_to_those_who_return(seen: Seen) -> Iterator[Mark]:
    for one in plain(returns(seen)):
        known = {message.words for message in one.after if message.event.id}
        opening_ms = one.view.messages[0].item.at_ms + OPENING_MS if one.view.messages else 0.0
        sent = [told for told in one.view.messages if told.words in known and told.item.at_ms <= opening_ms]
        bare = [told for told in sent if not told.event.id]
        if len(bare) >= LEAST_BARE and len(bare) == len(sent):
            yield one.view.bad(f"{one.came}: was sent {len(bare)} events that have ids without them", bare[0], "should")


def _said_since(seen: Seen, view: View) -> set[str]:
    """Return the markers of what the stream was made to say when this reader was there, or about to be."""
    since_ms = view.transcript.started_ms - OPENING_MS
    return {one.facts.marker or "" for one in seen.role("update") if one.transcript.started_ms >= since_ms}


def _told_live(view: View, uncut: View, new: AbstractSet[str]) -> list[Message]:
    """Return the events, in another's words, of which that one was told over a while and this one at once.

    What that one was told several times is no history: it is told again whoever comes.
    """
    first_ms = view.messages[0].item.at_ms if view.messages else 0.0
    told = [one for one in view.messages if one.item.at_ms - first_ms < OPENING_MS]
    opening = {one.words for one in told if new.isdisjoint(MARKER.findall(one.event.data))}
    often = Counter(one.words for one in uncut.messages)
    again = [one for one in uncut.messages if one.words in opening and often[one.words] == 1]
    different = {said(one) for one in again}
    live = bool(again) and again[-1].item.at_ms - again[0].item.at_ms > LIVE_MS
    before = uncut.transcript.started_ms < view.transcript.started_ms
    return again if live and before and len(different) >= LEAST_HISTORY else []
