"""The rule on events that lack the name of their type; its code is of the group ``shape``."""

import json
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import pairwise
from statistics import median

from ssegauge.conformance.facts import MARKER
from ssegauge.conformance.rules.reading.heartbeat import names_heartbeat
from ssegauge.conformance.rules.reading.spoiled import SPOILED
from ssegauge.conformance.rules.rule import profile, rule
from ssegauge.conformance.seen import Mark, Message, Seen, View
from ssegauge.conformance.words import shown

UNNAMED = "message"  # what an event is that has no name
LEAST_NAMED = 5
LEAST_LOST = 2
Key = tuple[str | None, str]  # the id, and the data
FEW = 5  # one without a name among so many that have it
STEADY, MOST_STEADY = 0.25, 0.8  # of the usual pause; of the pauses


@rule("shape/name-missing", "should", profile("E1.11"), rests_on=(*SPOILED, "shape/unlike-the-others"))
def name_missing(seen: Seen) -> Iterator[Mark]:
    r"""Where the events of a type have its name, each of them has.

    Why: Clients give an event without an `event` line to those who listen to `message`: who listens to the type is not
    told of it.

    Mend: Write name and data by one call. Look for what clears the name too early (a field that two writers share), and
    for the path on which it is left out: what is sent again, what comes from another process.

    Example: event: bid\ndata: {"kind": "bid", "n": 1}, four more like it, and then data: {"kind": "bid", "n": 6}
    """
    views = [view for view in seen.streams if view.facts.situation != "canary"]
    every = [message for view in views for message in view.messages if _is_named(message)]
    member, kinds = _member(every), {message.event.type for message in every}
    names: dict[Key, str] = {(one.event.id, one.event.data): one.event.type for one in every if one.event.id}
    for view in views:
        named = [message for message in view.messages if _is_named(message)]
        if lost := _names_lost(view, names):
            message, kind = lost[0]
            others = f"{shown(message.event.data)} and {len(lost) - 1} more have no name, where others are told"
            yield view.bad(f"{others} the same by the same ids as {shown(kind)}", message)
            continue
        if len(named) < LEAST_NAMED:
            continue
        told = {message.event.data for message in named}  # for both sorts of listeners, perhaps
        odd = [message for message in _unnamed(view) if message.event.data not in told]
        said = [(message, message.fields.get(member)) for message in odd if member]
        found = [(message, kind) for message, kind in said if isinstance(kind, str) and kind in kinds]
        found = found if member else list(_in_the_place_of_one(view, odd, named))
        for message, kind in found:
            what = f"{shown(message.event.data)} has no name, where others like it are {shown(kind)}"
            yield view.bad(what, message)
        if not found:
            yield view.good()


def _is_named(message: Message) -> bool:
    return message.event.type != UNNAMED and not names_heartbeat(message)


def _names_lost(view: View, names: Mapping[Key, str]) -> list[tuple[Message, str]]:
    """Return the events that others are told by a name, as those are that are sent of before; several, or none."""
    mine = {(one.event.id, one.event.data) for one in view.messages if _is_named(one)}
    bare = [one for one in view.messages if one.event.type == UNNAMED and one.event.id]
    keys = [(one, (one.event.id, one.event.data)) for one in bare]
    lost = [(one, names[key]) for one, key in keys if key in names and key not in mine]
    return lost if len(lost) >= LEAST_LOST else []


def _unnamed(view: View) -> list[Message]:
    """Return the events without a name behind one that has: an opening may be for other listeners."""
    first = next((at for at, message in enumerate(view.messages) if _is_named(message)), 0)
    return [message for message in view.messages[first:] if message.event.type == UNNAMED]


def _member(named: Sequence[Message]) -> str:
    """Return the member of the JSON that is the event's name in each that has one; empty without."""
    if len(named) < LEAST_NAMED:
        return ""
    names = sorted(named[0].fields)
    return next((name for name in names if all(one.fields.get(name) == one.event.type for one in named)), "")


def _in_the_place_of_one(
    view: View, odd: Collection[Message], named: Sequence[Message]
) -> Iterator[tuple[Message, str]]:
    """Yield the events that are made as those of one type, few beside these, and have a place in their steady pace."""
    odd, named = ([one for one in some if not MARKER.search(one.event.data)] for some in (odd, named))
    kinds: Mapping[str, set[str]] = defaultdict(set)
    by_kind: Mapping[str, list[Message]] = defaultdict(list)
    for message in named:
        kinds[_shape(message)].add(message.event.type)
        by_kind[message.event.type].append(message)
    places = {
        kind: _places([*others, *odd])
        for kind, others in by_kind.items()
        if odd and view.timed and len(odd) * FEW <= len(others)
    }
    for message in odd:
        found = kinds.get(_shape(message), set()) if message.fields else set()
        if len(found) == 1 and message.item.at_ms in places.get(kind := min(found), ()):
            yield message, kind


def _shape(message: Message) -> str:
    return json.dumps([bool(message.event.id), sorted(message.fields)])


def _places(among: Collection[Message]) -> set[float]:
    """Return when events came that have their place in a steady pace; none where there is none."""
    times = sorted(one.item.at_ms for one in among)
    pauses = [after - before for before, after in pairwise(times)]
    usual = median(pauses)
    steady = [abs(pause - usual) <= STEADY * usual for pause in pauses]
    if sum(steady) < MOST_STEADY * len(steady):
        return set()
    return {at_ms for at, at_ms in enumerate(times) if all(steady[max(at - 1, 0) : at + 1])}
