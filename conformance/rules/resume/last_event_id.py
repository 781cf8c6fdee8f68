"""Rules on what a server of any event stream makes of `Last-Event-ID`; their codes are of the group ``resume``.

WHATWG says what the header reports, not that events are kept. So a live feed may go on with what is new, and a snapshot
that opens every stream may come again: only a stream that takes the id for nothing, or keeps events and loses some, is
found. For the streams of tasks there are stricter rules in that profile's folder.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from ssegauge.conformance.facts import Facts
from ssegauge.conformance.rules.reading.answers import no_room
from ssegauge.conformance.rules.rule import rule, whatwg
from ssegauge.conformance.seen import Mark, Message, Seen, View
from ssegauge.conformance.words import shown

REPORTS_THE_LAST = whatwg(
    "the-last-event-id-header",
    "The `Last-Event-ID` HTTP request header reports an EventSource object's last event ID string to the server when"
    " the user agent is to reestablish the connection.",
)
OPENING_MS = 250.0  # what comes this soon after the first event may be the state of things, told to everybody who comes
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


def _identified(view: View) -> list[Message]:
    return [message for message in view.messages if message.event.id]


def _ids(messages: list[Message]) -> list[str | None]:
    return [message.event.id for message in messages]


def _came_back(seen: Seen) -> Iterator[View]:
    """Yield the exchanges in which a client came back, by the one method with which EventSource does."""
    returned = seen.role("stream", Facts(kind="plain", reader="cut", resume="known"))
    return (view for view in returned if view.transcript.request.method == "GET")


def _returns(seen: Seen) -> Iterator[Return]:
    """Yield the clients that came back. Where two events have one id, it does not say where to go on."""
    for view in _came_back(seen):
        for uncut in seen.role("stream", Facts(reader="uncut", task_id=view.facts.task_id)):
            told, last = _identified(uncut), view.facts.last_event_id
            ids = _ids(told)
            if last in ids and len(set(ids)) == len(ids):
                at = ids.index(last) + 1
                yield Return(view, uncut, told[:at], told[at:])


def _newcomers(seen: Seen, view: View) -> list[View]:
    """Return the streams of clients that came at the same time without an id."""
    beside = seen.role("stream", Facts(reader="newcomer", task_id=view.facts.task_id))
    return [one for one in beside if one.is_event_stream]


@rule("resume/begins-anew", "should", REPORTS_THE_LAST)
def begins_anew(seen: Seen) -> Iterator[Mark]:
    """A client that comes back with an id is not sent everything up to it again.

    Why: EventSource comes back by itself after every lost connection: what was shown, counted or appended is shown,
    counted and appended once more.

    Mend: Read `Last-Event-ID` and go on after the event that it names; where no events are kept, go on with what is
    new. Where ids only count the events of one connection, leave them out: they promise what nothing can keep.

    Example: (ids 1 to 20; on coming back with 10: ids 1, 2, 3 and so on)
    """
    for one in _returns(seen):
        told, before = _identified(one.view), _ids(one.before)
        if len(before) > 1 and _ids(told)[: len(before)] == before:
            if _is_history(one):
                again = f"the stream began anew, with {shown(before[0])} to {shown(before[-1])}"
                yield one.view.bad(f"{one.came}: {again}", told[0])
        elif _goes_on(one.view, before):
            yield one.view.good()


def _is_history(one: Return) -> bool:
    """Whether what came again is no mere state of things, told at once to whoever comes."""
    took_ms = one.before[-1].item.at_ms - one.before[0].item.at_ms
    return took_ms > OPENING_MS or one.uncut.ended_by_server or _is_counted(one.before)


def _is_counted(messages: list[Message]) -> bool:
    """Whether the ids count events: each is one more than the one before."""
    found = [re.search(r"\d{1,18}\Z", message.event.id or "", re.ASCII) for message in messages]
    numbers = [int(match[0]) for match in found if match]
    one_by_one = all(after - before == 1 for before, after in pairwise(numbers))
    return len(numbers) == len(found) >= LEAST_COUNTED and one_by_one


def _goes_on(view: View, before: list[str | None]) -> bool:
    """Whether there came something new, or the server says that there is no more."""
    ends = view.head is not None and view.head.status == 204
    return ends or (view.is_event_stream and any(told not in before for told in _ids(_identified(view))))


@rule("resume/events-lost-on-resume", "should", REPORTS_THE_LAST)
def events_lost_on_resume(seen: Seen) -> Iterator[Mark]:
    """A server that sends kept events to a client that comes back leaves none of them out.

    Why: The client takes what it is sent for all that happened, and nobody notices that something is missing.

    Mend: Send every kept event after the one that `Last-Event-ID` names, beginning with the very next.

    Example: (ids 1 to 20; on coming back with 10: ids 12, 13, 14 and so on)
    """
    for one in _returns(seen):
        got = set(_ids(_identified(one.view)))
        reached = [number for number, message in enumerate(one.after, 1) if message.event.id in got]
        if reached and _is_told_apart(seen, one, got):
            missed = [message.event.id for message in one.after[: reached[-1]] if message.event.id not in got]
            yield one.view.bad(f"{one.came}: was not sent {shown(missed[0])}") if missed else one.view.good()


def _is_told_apart(seen: Seen, one: Return, got: set[str | None]) -> bool:
    """Whether kept events are sent because of the id: a newcomer is not sent them, or is sent those before it too."""
    newcomers = _newcomers(seen, one.view)
    anyway = {told for view in newcomers for told in _ids(_identified(view))}
    return bool(newcomers) and bool((got - anyway) & {*_ids(one.after)} or (anyway - got) & {*_ids(one.before)})


@rule(
    "resume/known-id-refused",
    "must",
    whatwg(
        "the-eventsource-interface",
        "if res's status is not 200, or if res's `Content-Type` is not `text/event-stream`, then fail the connection.",
    ),
)
def known_id_refused(seen: Seen) -> Iterator[Mark]:
    """A client that comes back with an id of this stream gets the stream, or a 204 where there is no more.

    Why: On any other answer EventSource fails the connection for good: one lost connection, and the page hears nothing
    until somebody reloads it.

    Mend: Go on after the event that `Last-Event-ID` names; where that is not possible, go on as for a newcomer.

    Example: HTTP/1.1 500 Internal Server Error, to `Last-Event-ID: 10`
    """
    for view in _came_back(seen):
        if view.is_event_stream or (view.head and view.head.status == 204):
            yield view.good()
        elif view.head and not no_room(view) and _newcomers(seen, view):
            answer = f"{view.head.status} ({view.media_type or 'no media type'})"
            yield view.bad(f"came back with {shown(view.facts.last_event_id)}: answered {answer}", "status")
