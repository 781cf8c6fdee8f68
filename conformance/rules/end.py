"""Rules on how streams end: not empty, with their marker where they have one, and not while there is more to tell."""

import math
from collections.abc import Collection, Iterator
from itertools import pairwise

from ssegauge.conformance.rules.reading.endings import (
    end_marker,
    ends_without_data,
    finished_since_ms,
    is_left_by_its_connection,
    is_like,
    protocol,
    tells_an_error,
)
from ssegauge.conformance.rules.reading.heartbeat import names_heartbeat
from ssegauge.conformance.rules.reading.returns import Return, ids, returns
from ssegauge.conformance.rules.reading.sharing import Said, Telling, courses, said
from ssegauge.conformance.rules.rule import profile, rule
from ssegauge.conformance.seen import Level, Mark, Message, Seen, View
from ssegauge.conformance.sse import UnfinishedTail
from ssegauge.conformance.words import events, lasted, shown

AFTER_THE_MARKER = profile("E4.3")
DONE = "[DONE]"
BROKEN = ("wire/truncated-event", "wire/mid-stream-bom", "wire/repeated-bom", "wire/mixed-line-endings")
EARLY_MS = 5000.0  # a server may end streams on which nothing happened for long; clients come back
OPEN_MS = 2000.0
# The usual settings of what ends streams by the clock, in seconds.
ROUND_S = (10, 15, 20, 30, 55, 60, 100, 120, 300)
# Timers start with the connection, the request or the head; some are looked at when the next event is written.
EARLIER_MS, LATER_MS, MOST_LATER_MS = 100.0, 400.0, 1100.0


def _fresh(view: View) -> bool:
    """Whether somebody came for the stream itself: who comes back, or late, may have been told all before."""
    return view.facts.resume is None and view.facts.joined in {None, "start"} and not view.facts.capture


def _at_ms(view: View) -> float:
    return view.transcript.end.at_ms if view.transcript.end else 0.0


@rule(
    "end/without-any-event",
    "must",
    profile("E4.1"),
    over="streams",
    rests_on=(*BROKEN, "capacity/serves-few-at-once"),
)
def without_any_event(view: View) -> Iterator[Mark]:
    """A stream that the server ends has told something.

    Why: An answer with 200 and no event looks like success: EventSource comes back every few seconds and learns
    nothing, and other clients take it for an empty result.

    Mend: Send what there is before ending, an event that says what is wrong, or 204 where there is nothing to tell;
    look whether the handler returns before its first event, or throws after the head went out.

    Example: HTTP/1.1 200 OK and the end of the body
    """
    if not _fresh(view) or not view.ended_by_server:
        return
    if view.events:
        yield view.good()
    elif _at_ms(view) < EARLY_MS or not view.body:
        what = f"{len(view.body)} bytes, but no event" if view.body else "nothing at all"
        yield view.bad(f"the server ended the stream after {lasted(_at_ms(view))}, with {what} in it")


@rule(
    "end/marker-missing",
    "should",
    profile("E4.2"),
    promised={"ends": "must"},
    rests_on=(*BROKEN, "wire/two-values-in-one", "capacity/serves-few-at-once"),
)
def marker_missing(seen: Seen) -> Iterator[Mark]:
    """A stream ends with its end marker.

    Why: Without it a reader cannot tell the end from a cut: it waits on, comes back for more, or shows half as the
    whole.

    Mend: Send the marker on every way out of the handler (in a `finally`), with data: an event without a `data` line
    is never dispatched. Then end the response.

    Example: data: {"choices":[{"delta":{},"finish_reason":"stop"}]}, and no `data: [DONE]` after it
    """
    for view in seen.streams:
        beside = view.facts.kind == "plain" and view.facts.joined == "late" and view.facts.resume is None
        if (_fresh(view) or beside) and view.events and view.facts.situation is None:
            yield from _has_its_marker(seen, view)


def _has_its_marker(seen: Seen, view: View) -> Iterator[Mark]:
    expected = _expected(seen, view)
    if end_marker(seen, view):
        yield view.good()
    elif view.ended_by_server and expected and not tells_an_error(view.messages[-1]):
        nameless = ends_without_data(view)
        but = f"; its event {shown(nameless)} has no data, so no client sees it" if nameless else ""
        if seen.promises.ends and isinstance(last := view.messages[-1].value, str) and last == seen.promises.ends.data:
            but = f"; its last event is {shown(view.messages[-1].event.data)}, with quotes"
        yield view.bad(f"the stream ended without {expected}{but}", view.messages[-1])
    elif expected and not view.ended_by_server and _open_ms(view) >= (finished_since_ms(view) or math.inf):
        waited = lasted(_open_ms(view))
        yield view.bad(f"it had finished, and within {waited} neither {expected} came nor the end", _last(view))


def _last(view: View) -> Message:
    """Return the last event that is more than a heartbeat, or the very last."""
    return next((one for one in reversed(view.messages) if not names_heartbeat(one)), view.messages[-1])


def _open_ms(view: View) -> float:
    """Return for how long the stream was open after its last event, when we left."""
    left = view.transcript.end and view.transcript.end.how in {"cut", "timeout"}
    return _at_ms(view) - _last(view).item.at_ms if left else 0.0


def _expected(seen: Seen, view: View) -> str:
    """Return in words what the stream ought to end with: as promised, by its protocol, or as others do."""
    if seen.promises.ends:
        return seen.promises.ends.described() if seen.promises.ends.has_marker else ""
    if spoken := protocol(view):
        return f"{spoken.marker}, with which {spoken.name} end"
    if nameless := ends_without_data(view):
        return f"the event {shown(nameless)}"
    learnt = _as_others_end(seen, view)
    return f"{_called(learnt)}, with which others end" if learnt else ""


def _called(message: Message) -> str:
    """Return what to call a marker: its type, or else its data."""
    kind = message.event.type
    return f"the event {shown(kind)}" if kind != "message" else shown(message.event.data)


def _as_others_end(seen: Seen, view: View) -> Message | None:
    """Return the event with which others of the same source ended, each only once, and this one did not."""
    if view.facts.kind != "plain" or not is_like(view.messages[-1], view.messages[:-1]):
        return None
    others = [one for one in seen.streams if one is not view and one.facts.subject == view.facts.subject]
    ended = [one for one in others if one.ended_by_server and len(one.messages) > 1]
    odd = [one.messages[-1] for one in ended if not is_like(one.messages[-1], one.messages[:-1])]
    known = [one for one in odd if not tells_an_error(one)]
    return known[0] if known and len({one.words for one in known}) == 1 else None


@rule("end/open-after-marker", "must", AFTER_THE_MARKER)
def open_after_marker(seen: Seen) -> Iterator[Mark]:
    """After its end marker a stream ends.

    Why: Clients that read to the end of the response wait for ever, and each holds a connection on both sides.

    Mend: End the response right after the marker: return from the handler, close the generator, call `end()`.

    Example: data: [DONE], and the connection stays open
    """
    for view in seen.streams:
        marker = end_marker(seen, view)
        if not marker or not view.timed or not view.transcript.end:
            continue
        waited_ms = _at_ms(view) - marker.item.at_ms
        if view.ended_by_server and waited_ms < OPEN_MS:
            yield view.good()
        elif waited_ms >= OPEN_MS and not _goes_on(view, marker):
            yield view.bad(f"the stream was open for {lasted(waited_ms)} after {_called(marker)}", marker)


def _goes_on(view: View, marker: Message) -> bool:
    return any(message.item.what.start > marker.item.what.start for message in view.messages)


@rule("end/events-after-marker", "must", AFTER_THE_MARKER)
def events_after_marker(seen: Seen) -> Iterator[Mark]:
    """Nothing follows the end marker.

    Why: Clients stop reading at the marker: what follows is lost, or taken for the beginning of something else.

    Mend: Send the marker last, once, when all that writes to the stream has finished.

    Example: data: [DONE], and then data: {"choices":[...]}
    """
    for view in seen.streams:
        marker = end_marker(seen, view)
        if marker:
            later = [message for message in view.messages if message.item.what.start > marker.item.what.start]
            told = [message for message in later if not (names_heartbeat(message) or _is_done(message, marker))]
            marks = [view.bad(f"{events(len(told))} after {_called(marker)}", told[0])] if told else []
            yield from marks or ([view.good()] if view.ended_by_server else [])


def _is_done(message: Message, marker: Message) -> bool:
    """Whether it is the `[DONE]` that some servers send after a marker of another kind."""
    return message.event.data == DONE != marker.event.data


@rule("end/cut-by-timeout", "must", profile("E3.4"), patient=True, rests_on=("errors/stops-listening",))
def cut_by_timeout(seen: Seen) -> Iterator[Mark]:
    """A stream that has more to tell is not cut by the clock.

    Why: Every reader loses what is told until it is back, at the same moment for all that came together, and clients
    that do not come back by themselves lose the rest.

    Mend: Switch off the time limit for this response, or set it far beyond the longest stream: `WriteTimeout` of Go's
    http.Server (or `http.ResponseController.SetWriteDeadline`), `idleTimeout` of Bun.serve, the async timeout of
    Tomcat and Spring's SseEmitter, `--timeout` of gunicorn, `proxy_read_timeout` of nginx, the idle timeout of the
    load balancer. Against those that count idle time a heartbeat helps.

    Example: (the connection closes 10.0 s after the head, in the midst of events)
    """
    endless = seen.promises.ends is not None and seen.promises.ends.how == "never"
    for view in seen.streams:
        if not (view.timed and view.head and view.transcript.end):
            continue
        ended = view.ended_by_server or is_left_by_its_connection(view)
        if endless and ended and view.facts.situation in {None, "idle", "steady"}:
            after = f"the server ended the stream after {lasted(_at_ms(view))}"
            yield view.bad(f"{after}, and it is promised to have no end")
        elif view.facts.situation in {None, "idle"}:
            yield from _cut(seen, view)


def _cut(seen: Seen, view: View) -> Iterator[Mark]:
    end = view.transcript.end
    how = "" if not end or is_left_by_its_connection(view) else end.how  # streams may go on behind that
    age_s = _round_age_s(view)
    over = end_marker(seen, view) is not None or (view.messages and _says_that_it_is_over(view))
    if how in {"error", "eof"} and age_s and not over and (how == "error" or _more_to_tell(seen, view)):
        level: Level | None = "advice" if how == "eof" and _nothing_is_lost(seen, view) else None
        yield view.bad(f"the stream was cut {_when(view, age_s)}, with more to tell", level=level)
    elif how in {"cut", "timeout"} and _at_ms(view) > 1000 * ROUND_S[0] + MOST_LATER_MS:
        yield view.good()


def _says_that_it_is_over(view: View) -> bool:
    """Whether the last event tells an error, or, where the server ended the stream, is unlike all before."""
    before = view.messages[:-1]
    is_another = view.ended_by_server and bool(before) and not is_like(_last(view), before)
    return is_another or tells_an_error(_last(view))


def _nothing_is_lost(seen: Seen, view: View) -> bool:
    """Whether it ended in order between two events, and who comes back with an id was seen to miss nothing."""
    back = [one for one in returns(seen) if one.view.is_event_stream and one.view.messages]
    return bool(back) and all(message.event.id for message in view.messages) and all(map(_went_on, back))


def _went_on(one: Return) -> bool:
    """Whether the client was told the very next events, and none again."""
    told, after = ids([*one.view.messages]), ids(one.after)
    return not set(told) & set(ids(one.before)) and told[: len(after)] == after[: len(told)]


def _round_age_s(view: View) -> int | None:
    """Return the round number of seconds after its head, or after its last byte, at which the stream ended."""
    whole_ms, asked_ms, silent_ms = _since(view)
    lately = [after - before for before, after in pairwise([at_ms for at_ms, _ in view.chunks[-5:]])]
    later_ms = min(MOST_LATER_MS, max([LATER_MS, *lately]))
    found = (_round_s(whole_ms, later_ms), _round_s(asked_ms, later_ms), _round_s(silent_ms, LATER_MS))
    return next((age for age in found if age is not None), None)


def _since(view: View) -> tuple[float, float, float]:
    """Return how long ago head, request and last byte were when the stream ended."""
    head_ms = view.head.at_ms if view.head else 0.0
    last_ms = view.chunks[-1][0] if view.chunks else head_ms
    return _at_ms(view) - head_ms, _at_ms(view), _at_ms(view) - last_ms


def _round_s(lasted_ms: float, later_ms: float) -> int | None:
    return next((age for age in ROUND_S if -EARLIER_MS <= lasted_ms - 1000 * age <= later_ms), None)


def _when(view: View, age_s: int) -> str:
    _, asked_ms, silent_ms = _since(view)
    silence = _round_s(silent_ms, LATER_MS) == age_s
    return f"after {silent_ms / 1000:.1f} s of silence" if silence else f"after {asked_ms / 1000:.1f} s"


def _more_to_tell(seen: Seen, view: View) -> bool:
    """Whether it ended inside an event, or others of the same source, told the same before, went on to be told more."""
    if any(what.loses_fields for _, what in view.of(UnfinishedTail)):
        return True
    others = [one for one in seen.streams if one is not view and _source(one) == _source(view)]
    in_course = courses(Telling(one, one.messages) for one in (view, *others))
    told = {said(message) for message in view.messages} - in_course
    shared = any(sum(said(message) in told for message in other.messages) > 1 for other in others)
    return shared and any(_told_after(other, view, told) for other in others)


def _source(view: View) -> tuple[str | None, str | None]:
    return view.facts.task_id, view.facts.subject


def _told_after(other: View, view: View, told: Collection[Said]) -> bool:
    """Whether another was told something new after the end of this one."""
    over_ms = view.epoch_ms(_at_ms(view))
    return any(other.epoch_ms(one.item.at_ms) > over_ms and said(one) not in told for one in other.messages)
