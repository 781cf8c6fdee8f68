"""Rules on clients that come with an id that the server does not know, beside a newcomer who brings none."""

import re
from collections.abc import Iterator
from collections.abc import Set as AbstractSet

from ssegauge.conformance.facts import Facts
from ssegauge.conformance.rules.reading.answers import no_room, unanswered
from ssegauge.conformance.rules.reading.returns import came_back, newcomers, not_told_where, plain, returns
from ssegauge.conformance.rules.reading.sameness import said
from ssegauge.conformance.rules.reading.sharing import form
from ssegauge.conformance.rules.reading.silence import (
    GRACE_MS,
    OPENING_MS,
    is_so_alone,
    told_after_its_opening,
    told_meanwhile,
)
from ssegauge.conformance.rules.rule import profile, rule
from ssegauge.conformance.seen import Level, Mark, Message, Seen, View
from ssegauge.conformance.sse import BlockWithoutData
from ssegauge.conformance.words import events, shown

AS_A_NEWCOMER = profile("E5.5")
FEW = "capacity/serves-few-at-once"
# What explains that a reader is told nothing while another is, whatever id it brings.
OTHERS_ARE_TOLD = (FEW, "liveness/goes-deaf", "delivery/readers-differ")
HTTP2 = "HTTP/2"  # in the detail of what that ended
# A server's HTTP library may refuse these as a header field before anybody reads the id.
ODD_AS_A_FIELD = frozenset({"unicode", "long"})
LEAST_OTHERWISE = 2  # one may be told by chance what comes seldom
AHEAD = frozenset({"far", "huge"})
CASES = {
    "below": "smaller than those that were seen",
    "inside": "between those that were seen, and given to no event",
    "beyond": "larger than those that were seen",
    "far": "far larger than those that were seen",
    "other": "of the same form, in what comes before the number unlike those that were seen",
    "foreign": "of another server",
    "empty": "empty",
    "long": "very long",
    "unicode": "not ASCII",
    "negative": "negative",
    "huge": "larger than 64 bits hold",
    "signs": "with the signs of an address",
    "quote": "with a quote",
}


def _came_with_unknown(seen: Seen) -> Iterator[View]:
    told = [(view.epoch_ms(one.item.at_ms), one.event.id) for view in seen.streams for one in view.messages]
    for resume in ("stale", "garbage"):
        for view in seen.role("stream", Facts(kind="plain", resume=resume)):
            known = {event_id for at_ms, event_id in told if at_ms < view.transcript.started_ms}
            if newcomers(seen, view) and not no_room(view) and view.facts.last_event_id not in known:
                yield view


def _with(view: View) -> str:
    case = view.facts.case or ""
    return f"came with {shown(view.facts.last_event_id)} ({CASES.get(case, case)})"


@rule(
    "resume/unknown-id-refused",
    "must",
    AS_A_NEWCOMER,
    rests_on=("resume/known-id-refused", "response/status-not-200", FEW),
)
def unknown_id_refused(seen: Seen) -> Iterator[Mark]:
    """A client that comes with an id that the server does not know gets the stream.

    Why: Ids go stale by restarts and clean-up. EventSource sends its last one for ever and cannot be told otherwise: on
    any answer but the stream it gives up for good, or asks again for ever. One of 2,000 characters, or not ASCII, may
    be refused with a 4xx: a server's HTTP library may do so before anybody reads it.

    Mend: Take an id that is not known, or does not parse, for none: what is no number, or a larger one than the
    database takes, or no name of a file.

    Example: HTTP/1.1 409 Conflict, or 500, to `Last-Event-ID: 99999`
    """
    for view in _came_with_unknown(seen):
        wrong = _refusal(seen, view)
        if unanswered(view) and view.facts.case == "beyond" and not _is_passed(seen, view):
            continue  # its head comes with the first event, perhaps, which is to come
        if wrong:
            summary = f"{_with(view)}: {wrong}, while a newcomer was served"
            yield view.bad(summary, "status" if view.head else None, level=_weight_of_refusal(seen, view))
        elif _is_sent_away(seen, view):
            summary = f"{_with(view)}: {_but(view)} and the stream's end, while streams without an id go on"
            yield view.bad(summary, view.messages[0])
        elif view.is_event_stream:
            yield view.good()


def _is_sent_away(seen: Seen, view: View) -> bool:
    """Whether it was told only what nobody without an id is, then nothing more: it comes back with the same id."""
    plain_ones = [one for one in seen.role("stream", Facts(kind="plain")) if one.is_event_stream]
    others = [one for one in plain_ones if one.facts.resume is None]
    told = {form(message) for one in others for message in one.messages}
    keeps_its_id = all(message.event.id is None for message in view.messages) and not any(view.of(BlockWithoutData))
    strange = bool(view.messages) and all(form(message) not in told for message in view.messages)
    go_on = bool(told) and not any(one.ended_by_server for one in others)
    return view.ended_by_server and strange and keeps_its_id and go_on


def _but(view: View) -> str:
    return f"told {_first(view)}"


def _first(view: View) -> str:
    return shown(view.messages[0].event.type) + (" and others" if len(view.messages) > 1 else "")


def _refusal(seen: Seen, view: View) -> str:
    head = view.head
    if head is None:
        dropped = "the connection was closed without an answer" if _is_dropped(view) else ""
        return "no answer" if unanswered(view) else dropped
    if view.is_event_stream or (head.status == 204 and (_says_204_to_all(seen) or _is_behind_the_end(seen, view))):
        return ""
    if head.status < 500 and view.facts.case in ODD_AS_A_FIELD:
        return ""
    if head.status == 200 and _is_told_without_an_id(seen, view):
        return ""
    return f"answered {head.status}" + ("" if head.status != 200 else f" ({view.media_type or 'no media type'})")


def _is_told_without_an_id(seen: Seen, view: View) -> bool:
    """Whether clients without an id have such an answer too, which is no stream: it is not for the id."""
    plain_ones = seen.role("stream", Facts(kind="plain"))
    others = [one for one in plain_ones if one.facts.resume is None and one.head and one.head.status == 200]
    return any(one.media_type == view.media_type for one in others)


def _is_dropped(view: View) -> bool:
    """Whether it broke off over the id: a long one may be refused before it is read, and any by HTTP/2 itself."""
    end = view.transcript.end
    by_http2 = view.facts.case in ODD_AS_A_FIELD and end is not None and HTTP2 in end.detail
    return end is not None and end.how == "error" and view.facts.case != "long" and not by_http2


def _is_passed(seen: Seen, view: View) -> bool:
    """Whether newcomers were told what comes behind an id that was about to be given."""
    return bool(_due(view, [message for one in newcomers(seen, view) for message in one.messages]))


def _weight_of_refusal(seen: Seen, view: View) -> Level | None:
    """An id that does not look like those of the stream comes from a page of before its server was written anew."""
    is_refused = view.head is not None and 400 <= view.head.status < 500
    has_numbers = any(seen.role("stream", Facts(kind="plain", resume="stale")))
    return "should" if is_refused and has_numbers and view.facts.resume == "garbage" else None


def _says_204_to_all(seen: Seen) -> bool:
    """Whether clients that come back are told to stay away whatever their id: so a stream ends for EventSource."""
    return any(view.head and view.head.status == 204 for view in came_back(seen))


@rule(
    "resume/unknown-id-silenced",
    "must",
    AS_A_NEWCOMER,
    rests_on=("resume/known-id-silenced", "resume/unknown-id-refused", *OTHERS_ARE_TOLD),
)
def unknown_id_silenced(seen: Seen) -> Iterator[Mark]:
    """A client that comes with an id that the server does not know is told what newcomers are told.

    Why: A page that was open while the server restarted brings an id of before: it is connected, looks alive, and hears
    nothing until somebody reloads it.

    Mend: Take an id that is not known for none. Where ids are numbers, one that is larger than the newest is not known:
    do not wait until the count gets there.

    Example: (`Last-Event-ID: 99999`: no event, while a newcomer gets one every second)
    """
    otherwise = _told_otherwise(seen)
    for view in _came_with_unknown(seen):
        told = _due(view, told_meanwhile(seen, view))
        if view.name in otherwise and len(otherwise) >= LEAST_OTHERWISE:
            what = f"told {_first(view)}, which no newcomer is, and nothing that newcomers are told"
            yield view.bad(f"{_with(view)}: {what}", view.messages[0], _weight(seen, view))
        elif view.messages and not told:
            yield view.good()
        elif told and is_so_alone(seen, view) and not (view.ended_by_server and _says_all_is_over(seen)):
            yield view.bad(f"{_with(view)}: {_nothing_but(view, told)}", level=_weight(seen, view))


def _told_otherwise(seen: Seen) -> set[str]:
    """Return the names of those who were told only what no newcomer is, while one beside them was told something."""
    others = [one for one in seen.role("stream", Facts(kind="plain")) if one.facts.resume is None]
    known = {form(message) for one in others for message in one.messages}
    return {view.name for view in _came_with_unknown(seen) if _is_told_otherwise(seen, view, known)}


def _is_told_otherwise(seen: Seen, view: View, known: AbstractSet[str]) -> bool:
    strange = bool(view.messages) and known.isdisjoint(map(form, view.messages)) and not view.ended_by_server
    end = view.transcript.end
    if not (strange and view.timed and view.head and end):
        return False
    since_ms, until_ms = view.epoch_ms(view.head.at_ms) + OPENING_MS, view.epoch_ms(end.at_ms) - GRACE_MS
    news = (one.epoch_ms(message.item.at_ms) for one in newcomers(seen, view) for message in one.messages)
    return any(since_ms < at_ms < until_ms for at_ms in news)


def _nothing_but(view: View, told: list[Message]) -> str:
    beats = " but heartbeats" if view.messages else ""
    return f"told nothing{beats}, while a newcomer was told {events(len(told))}"


def _due(view: View, told: list[Message]) -> list[Message]:
    """Leave out what a server that compares numbers may take for older than an id that it is about to give."""
    last = _numbers(view.facts.last_event_id)
    return told if view.facts.case != "beyond" else [one for one in told if _numbers(one.event.id) > last]


def _is_behind_the_end(seen: Seen, view: View) -> bool:
    """Whether the id is larger than those of a stream that ends, as its very last may be."""
    plain_ones = seen.role("stream", Facts(kind="plain"))
    ends = any(one.ended_by_server for one in plain_ones if one.facts.resume is None)
    return ends and view.facts.case in {"beyond", *AHEAD}


def _says_all_is_over(seen: Seen) -> bool:
    """Whether the stream is one that ends: behind its last id there is nothing to be told."""
    return any(view.ended_by_server for view in seen.role("stream", Facts(kind="plain", reader="newcomer")))


def _weight(seen: Seen, view: View) -> Level | None:
    """An id from far ahead may be waited for by a server that only compares: until it restarts, nobody brings one."""
    return "advice" if view.facts.case in AHEAD and not seen.promises.resume else None


def _numbers(event_id: str | None) -> list[int]:
    return [int(one) for one in re.findall(r"\d{1,19}", event_id or "", re.ASCII)]


@rule("resume/known-id-silenced", "must", profile("E5.3"), rests_on=OTHERS_ARE_TOLD)
def known_id_silenced(seen: Seen) -> Iterator[Mark]:
    """A client that comes back with an id of this stream is told what happens from then on.

    Why: It is connected, looks alive, and hears nothing until somebody reloads the page: ids of events that are not
    kept (status, heartbeat) are often such, larger than all that are kept.

    Mend: Give ids only to events after which the server can go on; take any other id for none. Who was sent what is
    kept goes on to be told what is new.

    Example: id: 100003, on a status event; on coming back with it: no event, while newcomers are told 4, 5, 6
    """
    yield from not_told_where(seen)
    for one in plain(returns(seen)):
        before = {said(message) for message in one.before}
        told = [message for message in told_meanwhile(seen, one.view) if said(message) not in before]
        later = told_after_its_opening(seen, one.view) if one.view.messages and not told else []
        if later and not one.view.ended_by_server:
            what = f"was sent what it had missed, and then nothing, while a newcomer was told {events(len(later))}"
            yield one.view.bad(f"{one.came}: {what}", one.view.messages[-1])
        elif one.view.messages and not told:
            yield one.view.good()
        elif told and is_so_alone(seen, one.view) and not one.view.ended_by_server:
            yield one.view.bad(f"{one.came}: {_nothing_but(one.view, told)}")
