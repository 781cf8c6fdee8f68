"""Rules on event ids and on clients that come back with one."""

from collections.abc import Iterator
from itertools import pairwise

from ssegauge.conformance.facts import Facts, Resume
from ssegauge.conformance.profiles.task_progress.course import how_untold, ordinary, readable, told_state
from ssegauge.conformance.profiles.task_progress.rules.shape import known
from ssegauge.conformance.rules.reading.answers import hangs, no_room, unanswered
from ssegauge.conformance.rules.reading.sameness import identified
from ssegauge.conformance.rules.rule import profile, rule
from ssegauge.conformance.seen import Mark, Seen, View
from ssegauge.conformance.sse import BlockWithoutData, Event, IgnoredField, Retry
from ssegauge.conformance.words import shown

IDS = profile("S5.1", "Every `progress` event MUST carry an `id`, and no two events of a task the same.")
CURRENT_STATE = profile(
    "S5.3", "An unknown or stale id MUST be answered with the current state, never with an error or silence."
)
MANUAL = ("task.create_manual", "task.update")


@rule("resume/ids-missing", "must", IDS, over="streams")
def ids_missing(view: View) -> Iterator[Mark]:
    """Every progress event carries an id.

    Why: Without one a client that lost its connection cannot say where to go on: updates are lost or shown twice.

    Mend: Number the task's events and send the number as `id:`.

    Example: data: {"type": "progress", …} and no id line
    """
    set_before = _set_before(view)
    for message in known(view):
        if message.type == "progress":
            given = message.event.id or message.event.start in set_before
            yield view.good() if given else view.bad("a progress event without id", message)


def _set_before(view: View) -> set[int]:
    """Return where events start whose id was set by a block without data right before them: it is theirs."""
    pairs = pairwise(item.what for item in view.items if isinstance(item.what, Event | BlockWithoutData))
    return {
        event.start
        for block, event in pairs
        if isinstance(block, BlockWithoutData) and block.id and isinstance(event, Event) and event.id is None
    }


@rule(
    "resume/id-on-synthetic-event",
    "must",
    profile("S2.3", "It is synthetic and MUST carry no `id`."),
    over="streams",
)
def id_on_synthetic_event(view: View) -> Iterator[Mark]:
    """`connected` carries no id.

    Why: Its id replaces the client's: when the connection is lost right after, it comes back with an id of no event.

    Mend: Send `connected` without an id line, not with an empty one either.

    Example: id: 1, on connected
    """
    for message in known(view):
        if message.type == "connected":
            given = message.event.id
            yield view.good() if given is None else view.bad(f"connected has the id {shown(given)}", message)


@rule("resume/stale-id-refused", "must", CURRENT_STATE, needs=MANUAL)
def stale_id_refused(seen: Seen) -> Iterator[Mark]:
    """An id that looks right but is not of this task is answered with the current state.

    Why: Ids go stale by restarts and clean-up; EventSource sends its last one for ever and cannot be told otherwise, so
    a server that refuses it has lost this page until somebody reloads it.

    Mend: Treat an id that is not known as none.

    Example: HTTP/1.1 409 Conflict
    """
    return _answers(seen, "stale")


@rule("resume/garbage-id-fails", "must", CURRENT_STATE, needs=MANUAL)
def garbage_id_fails(seen: Seen) -> Iterator[Mark]:
    """An id that no server would give is answered with the current state.

    Why: `Last-Event-ID` comes from outside, and whoever parses it as a number fails on what others send.

    Mend: Take an id that does not parse for none.

    Example: HTTP/1.1 500 Internal Server Error, to `Last-Event-ID: -1`
    """
    return _answers(seen, "garbage")


def _answers(seen: Seen, resume: Resume) -> Iterator[Mark]:
    for view in seen.role("stream", Facts(resume=resume)):
        if _is_own(seen, view) or _is_usual(seen, view) or no_room(view):
            continue
        if wrong := _refused(view):
            yield view.bad(wrong + _case(view))
        elif view.is_event_stream and (told := told_state(seen, view)) is not None and readable(view):
            if told:
                yield view.good()
            elif not _leaves_late_ones_untold(seen):
                yield view.bad(how_untold(seen, view) + _case(view))


def _is_own(seen: Seen, view: View) -> bool:
    """Whether the id is one of this task after all: where a task's events are counted, two tasks have the same ids."""
    task_id, last = view.facts.task_id, view.facts.last_event_id
    others = (other for other in seen.streams if other.facts.task_id == task_id)
    return any(message.event.id == last for other in others for message in identified(other))


def _is_usual(seen: Seen, view: View) -> bool:
    """Whether clients without an id are refused alike, so that it is not on account of the id."""
    refused = view.head.status if view.head and view.head.status != 200 else None
    newcomers = (other.head for other in seen.role("stream") if other.head and other.facts.resume is None)
    return refused is not None and any(head.status == refused for head in newcomers)


def _leaves_late_ones_untold(seen: Seen) -> bool:
    """Whether who comes late without an id is not told the current state at once either: another rule finds that."""
    newcomers = (view for view in seen.role("stream", Facts(joined="late")) if view.facts.resume is None)
    return any(told_state(seen, view) is False for view in newcomers)


def _refused(view: View) -> str:
    if unanswered(view):
        return "no answer"
    if view.head and view.head.status != 200:
        return f"answered {view.head.status}"
    failed = not view.progress and any(one.type == "error" for one in view.messages)
    return "answered with an error" if failed else ""


def _case(view: View) -> str:
    return f" ({view.facts.case} id)" if view.facts.case is not None else ""


@rule(
    "resume/retry-missing",
    "should",
    profile("S1.7", "The server SHOULD send `retry` once, at the start of the stream."),
)
def retry_missing(seen: Seen) -> Iterator[Mark]:
    """A stream says when to come back.

    Why: Without it each browser has a delay of its own, of a few seconds, and the server cannot spread its clients'
    return after a restart.

    Mend: Send `retry: 2000` with the first event.

    Example: (a stream without a retry field)
    """
    for view in ordinary(seen):
        if any(view.of(Retry)):
            yield view.good()
        elif view.events and not any(what.reason == "retry-not-digits" for _, what in view.of(IgnoredField)):
            yield view.bad("no retry field", view.events[0])


@rule(
    "resume/preflight-refuses-last-event-id",
    "should",
    profile("S5.4", "Where cross-origin readers are allowed, a preflight for `Last-Event-ID` SHOULD be allowed too."),
    needs=("origin",),
)
def preflight_refuses_last_event_id(seen: Seen) -> Iterator[Mark]:
    """Pages of allowed origins may come back with Last-Event-ID.

    Why: Clients built on fetch (and polyfills) send it themselves; browsers ask first, and without leave the client
    can connect but never come back.

    Mend: Answer the preflight with `Access-Control-Allow-Headers: Last-Event-ID`.

    Example: Access-Control-Allow-Headers: Cache-Control
    """
    for view in seen.role("preflight"):
        if hangs(seen, view):
            yield view.bad("no answer to the preflight")
        elif not no_room(view):
            yield from _preflight(view)


def _preflight(view: View) -> Iterator[Mark]:
    if view.head:
        leave = (view.head.header("access-control-allow-headers") or "").lower()
        named = {name.strip() for name in leave.split(",")} & {"last-event-id", "*"}
        ok = 200 <= view.head.status < 300
        wrong = "access-control-allow-headers" if ok else "status"
        yield view.good() if ok and named else view.bad("the preflight does not allow Last-Event-ID", wrong)
