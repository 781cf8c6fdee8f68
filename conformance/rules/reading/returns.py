"""Clients that came back to a stream with the id of one of its events, beside what another was told all the time."""

import re
from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from itertools import pairwise

from ssegauge.conformance.facts import Facts
from ssegauge.conformance.rules.reading.answers import no_room
from ssegauge.conformance.rules.reading.sameness import identified, repeated
from ssegauge.conformance.seen import Mark, Message, Seen, View, not_judged
from ssegauge.conformance.words import shown

LEAST_COUNTED = 3


@dataclass(frozen=True, slots=True)
class Return:
    """A client that came back: what another was told up to the event whose id it brings, and what after that."""

    view: View
    uncut: View
    before: list[Message]
    after: list[Message]

    @property
    def came(self) -> str:
        """What the client came back with, for a summary."""
        return f"came back with {shown(self.before[-1].event.id)}"


def ids(messages: list[Message]) -> list[str | None]:
    """Return the ids of events."""
    return [message.event.id for message in messages]


def came_back(seen: Seen) -> Iterator[View]:
    """Yield the exchanges in which a client came back, by the one method with which EventSource does."""
    returned = seen.role("stream", Facts(reader="cut", resume="known"))
    return (view for view in returned if view.transcript.request.method == "GET" and view.facts.situation is None)


def returns(seen: Seen) -> Iterator[Return]:
    """Yield the clients that came back. Where two events have one id, it does not say where to go on."""
    for view, uncut in _pairs(seen):
        told, last = identified(uncut), view.facts.last_event_id
        if last in ids(told) and _says_where(told, last, of_task=view.facts.task_id is not None):
            at = ids(told).index(last) + 1
            yield Return(view, uncut, told[:at], told[at:])


def plain(found: Iterable[Return]) -> Iterator[Return]:
    """Yield those that came back to a stream that is of no task."""
    return (one for one in found if one.view.facts.kind == "plain")


def not_told_where(seen: Seen) -> Iterator[Mark]:
    """Yield a mark for each client of which nothing can be said, because different events have one id."""
    for _, uncut in _pairs(seen):
        if not all(same for _, same in repeated(identified(uncut))):
            yield not_judged("resume/ids-repeated")


def _pairs(seen: Seen) -> Iterator[tuple[View, View]]:
    uncuts = [view for view in seen.role("stream", Facts(reader="uncut")) if view.facts.situation is None]
    for view in came_back(seen):
        yield from ((view, one) for one in uncuts if one.facts.task_id == view.facts.task_id and not no_room(view))


def _says_where(told: list[Message], last: str | None, *, of_task: bool) -> bool:
    """Whether the id is of one event alone; of any stream, whether all ids are, since else they may go round."""
    found = ids(told)
    return found.count(last) == 1 if of_task else len(set(found)) == len(found)


def newcomers(seen: Seen, view: View) -> list[View]:
    """Return the streams of clients that came at the same time, in the same probe, without an id."""
    beside = seen.role("stream", Facts(reader="newcomer", task_id=view.facts.task_id))
    return [one for one in beside if one.is_event_stream and _overlap(one, view)]


def _overlap(one: View, other: View) -> bool:
    ends = [view.epoch_ms(view.transcript.end.at_ms if view.transcript.end else 0.0) for view in (one, other)]
    return max(one.transcript.started_ms, other.transcript.started_ms) <= min(ends)


def is_told_apart(seen: Seen, one: Return, got: set[str | None], older: AbstractSet[str | None] = frozenset()) -> bool:
    """Whether events are sent because of the id: a newcomer is not sent them, or is sent those before it too.

    ``older``: ids that stand for events of before, whoever was told them.
    """
    beside = newcomers(seen, one.view)
    anyway = {told for view in beside for told in ids(identified(view))}
    known = {*ids(one.before), *ids(one.after), *older}
    return bool(beside) and bool((got - anyway) & known or (anyway - got) & {*ids(one.before)})


def number(event_id: str | None) -> tuple[str, int] | None:
    """Return what an id that ends in a number begins with, and the number."""
    found = re.fullmatch(r"(.*?)(\d{1,18})", event_id or "", re.ASCII | re.DOTALL)
    return (found[1], int(found[2])) if found else None


def between(known: Iterable[str | None], after: str | None, before: str | None) -> list[str]:
    """Return, in order, those of some ids whose number lies between two others'; ``after`` None: all up to that one."""
    high, low = number(before), number(after)
    if high is None or (after is not None and (low is None or low[0] != high[0])):
        return []
    found = {one: numbered for one in known if one and (numbered := number(one)) and numbered[0] == high[0]}
    inside = [one for one, (_, n) in found.items() if (low[1] if low else -1) < n < high[1]]
    return sorted(inside, key=lambda one: found[one][1])


def is_counted(messages: Sequence[Message]) -> bool:
    """Whether the ids count events: each is one more than the one before."""
    numbers = [found[1] for message in messages if (found := number(message.event.id))]
    one_by_one = all(after - before == 1 for before, after in pairwise(numbers))
    return len(numbers) == len(messages) >= LEAST_COUNTED and one_by_one


def rise(messages: Sequence[Message]) -> bool:
    """Whether the ids are numbers that grow from event to event."""
    numbers = [number(message.event.id) for message in messages]
    pairs = [(one, after) for one, after in pairwise(numbers)]
    return all(one and after and one[0] == after[0] and one[1] < after[1] for one, after in pairs)
