"""Rules on what a server of any event stream makes of `Last-Event-ID`; their codes are of the group ``resume``.

WHATWG says what the header reports, not that events are kept. So a live feed may go on with what is new, and a snapshot
that opens every stream may come again: only a stream that takes the id for nothing, or keeps events and loses some, is
found. For the streams of tasks there are stricter rules in that profile's folder.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence

from ssegauge.conformance.facts import Facts
from ssegauge.conformance.rules.reading.answers import no_room
from ssegauge.conformance.rules.reading.passed_over import meanwhile
from ssegauge.conformance.rules.reading.returns import (
    Return,
    came_back,
    ids,
    is_counted,
    is_told_apart,
    newcomers,
    not_told_where,
    number,
    plain,
    returns,
)
from ssegauge.conformance.rules.reading.sameness import identified
from ssegauge.conformance.rules.rule import rule, whatwg
from ssegauge.conformance.seen import Mark, Message, Seen, View
from ssegauge.conformance.words import events, shown

REPORTS_THE_LAST = whatwg(
    "the-last-event-id-header",
    "The `Last-Event-ID` HTTP request header reports an EventSource object's last event ID string to the server when"
    " the user agent is to reestablish the connection.",
)
LEAST_PASSED_OVER = 2  # one alone may be the one that a server began behind
OPENING_MS = 250.0  # what comes this soon after the first event may be the state of things, told to everybody who comes


@rule("resume/begins-anew", "should", REPORTS_THE_LAST, promised={"resume": "must"})
def begins_anew(seen: Seen) -> Iterator[Mark]:
    """Ids go on for a client that comes back: neither what they name nor they themselves begin anew.

    Why: EventSource comes back by itself after every lost connection: what was shown, counted or appended is shown,
    counted and appended once more. Where the ids alone begin anew, whoever leaves out what it was told already, by its
    id, leaves out what is new; and what happened meanwhile is lost.

    Mend: Read `Last-Event-ID` and go on after the event that it names; where no events are kept, go on with what is
    new. Where ids only count the events of one connection, leave them out: they promise what nothing can keep.

    Example: (ids 1 to 20; on coming back with 10: ids 1, 2, 3 and so on)
    """
    yield from not_told_where(seen)
    for one in plain(returns(seen)):
        told, before = identified(one.view), ids(one.before)
        if len(before) > 1 and ids(told)[: len(before)] == before:
            if _is_history(one):
                again = f"{_anew(one, told)} began anew, with {shown(before[0])} to {shown(before[-1])}"
                yield one.view.bad(f"{one.came}: {again}", told[0])
        elif anew := _counted_anew(seen, one):
            known, mine = anew
            by_others = f"{shown(mine.event.id)} for what others are told as {shown(known)}"
            yield one.view.bad(f"{one.came}: the ids alone began anew, {by_others}", mine)
        elif _goes_on(one.view, before):
            yield one.view.good()


def _counted_anew(seen: Seen, one: Return) -> tuple[str | None, Message] | None:
    """Return the first event that was counted anew for this reader, and the one id by which several others know it."""
    known: dict[tuple[str, str], list[str | None]] = defaultdict(list)
    for view in seen.role("stream", Facts(kind="plain")):
        if view.facts.resume is None:
            for message in identified(view):
                known[message.words].append(message.event.id)
    same = {words: found[0] for words, found in known.items() if len(found) > 1 and len(set(found)) == 1}
    other = [it for it in identified(one.view) if same.get(it.words, it.event.id) != it.event.id]
    first = number(other[0].event.id) if other else None
    begins = first is not None and first[1] in {0, 1} and is_counted(other)
    return (same[other[0].words], other[0]) if begins else None


def _anew(one: Return, told: Sequence[Message]) -> str:
    """Say what began anew, by what events say: they may be told once more by other ids."""
    before = {message.words for message in one.before}
    again = [message for message in told if message.words in before]
    if told[0].words in before:
        return "the stream"
    return f"the ids (by which {len(again)} events came once more)" if again else "the ids alone"


def _is_history(one: Return) -> bool:
    """Whether what came again is no mere state of things, told at once to whoever comes."""
    took_ms = one.before[-1].item.at_ms - one.before[0].item.at_ms
    return took_ms > OPENING_MS or one.uncut.ended_by_server or is_counted(one.before)


def _goes_on(view: View, before: list[str | None]) -> bool:
    """Whether there came something new, or the server says that there is no more."""
    ends = view.head is not None and view.head.status == 204
    return ends or (view.is_event_stream and any(told not in before for told in ids(identified(view))))


@rule(
    "resume/events-lost-on-resume",
    "should",
    REPORTS_THE_LAST,
    promised={"resume": "must"},
    rests_on=("resume/gap-on-resume", "resume/known-id-silenced"),
)
def events_lost_on_resume(seen: Seen) -> Iterator[Mark]:
    """A server that sends kept events to a client that comes back leaves none of them out.

    Why: The client takes what it is sent for all that happened, and nobody notices that something is missing.

    Mend: Send every kept event after the one that `Last-Event-ID` names, beginning with the very next. Subscribe before
    you read what is kept, and leave out what comes twice: what happens between reading and subscribing is told to all
    others.

    Example: (ids 1 to 20; on coming back with 10: ids 12, 13, 14 and so on; or 11 to 20 and then 24, while others who
    read at the same time are told 21, 22, 23)
    """
    yield from not_told_where(seen)
    for one in plain(returns(seen)):
        if lost := meanwhile(seen, one):
            many, first = events(len(lost)), shown(lost[0].event.id)
            what = f"was not told {many} that others were told while it was there, the first {first}"
            yield one.view.bad(f"{one.came}: {what}", level="must")  # whether kept or not
        got = set(ids(identified(one.view)))
        reached = [number for number, message in enumerate(one.after, 1) if message.event.id in got]
        if reached and is_told_apart(seen, one, got):
            told = [message.words for message in one.view.messages]
            due = [message for message in one.after[: reached[-1]] if message.event.id not in got]
            missed = [message.event.id for message in due if told.count(message.words) != 1]
            if len(missed) >= LEAST_PASSED_OVER and not seen.promises.resume and _is_told_the_newest(one, reached):
                continue  # a state may be told so to whoever knows an older one
            yield one.view.bad(f"{one.came}: was not sent {shown(missed[0])}") if missed else one.view.good()


def _is_told_the_newest(one: Return, reached: Sequence[int]) -> bool:
    """Whether of all that was told before the client came back it was told only what was the newest then."""
    times_ms = [one.uncut.epoch_ms(message.item.at_ms) for message in one.after]
    before = sum(at_ms < one.view.transcript.started_ms for at_ms in times_ms)
    return before > 0 and reached[0] >= before


@rule(
    "resume/known-id-refused",
    "must",
    whatwg(
        "the-eventsource-interface",
        "if res's status is not 200, or if res's `Content-Type` is not `text/event-stream`, then fail the connection.",
    ),
    rests_on=("response/status-not-200",),
)
def known_id_refused(seen: Seen) -> Iterator[Mark]:
    """A client that comes back with an id of this stream gets the stream, or a 204 where there is no more.

    Why: On any other answer EventSource fails the connection for good: one lost connection, and the page hears nothing
    until somebody reloads it.

    Mend: Go on after the event that `Last-Event-ID` names; where that is not possible, go on as for a newcomer.

    Example: HTTP/1.1 500 Internal Server Error, to `Last-Event-ID: 10`
    """
    for view in came_back(seen):
        if view.facts.kind != "plain":
            continue
        if view.head and view.head.status == 204 and (more := _still_to_come(seen, view)):
            left = f"{shown(more[0])} and {len(more) - 1} more" if len(more) > 1 else shown(more[0])
            summary = f"came back with {shown(view.facts.last_event_id)}: answered 204, though there was {left} to tell"
            yield view.bad(summary, "status", level=None if seen.promises.resume else "should")
        elif view.is_event_stream or (view.head and view.head.status == 204):
            yield view.good()
        elif view.head and not no_room(view) and newcomers(seen, view):
            answer = f"{view.head.status} ({view.media_type or 'no media type'})"
            yield view.bad(f"came back with {shown(view.facts.last_event_id)}: answered {answer}", "status")


def _still_to_come(seen: Seen, view: View) -> list[str | None]:
    """Return the ids of what another had been told, by the time this one came back, behind the event it came with."""
    found = [one for one in returns(seen) if one.view is view]
    return [
        message.event.id
        for one in found[:1]
        for message in one.after
        if one.uncut.epoch_ms(message.item.at_ms) < view.transcript.started_ms
    ]
