"""Rules on event ids and on clients that come back with one."""

from collections.abc import Iterator
from dataclasses import dataclass

from ssegauge.conformance.facts import Facts, Resume
from ssegauge.conformance.profiles.task_progress.course import State, how_untold, ordinary, readable, state, told_state
from ssegauge.conformance.profiles.task_progress.rules.shape import known, messages
from ssegauge.conformance.rules.reading.answers import hangs, no_room, unanswered
from ssegauge.conformance.rules.rule import profile, rule
from ssegauge.conformance.seen import Mark, Message, Seen, View
from ssegauge.conformance.sse import IgnoredField, Retry
from ssegauge.conformance.words import shown

IDS = profile("S5.1", "Every `progress` event MUST carry an `id`, and no two events of a task the same.")
STRICTLY_AFTER = profile(
    "S5.2", "A reconnect with `Last-Event-ID` MUST continue strictly after that event: no gap, no duplicate."
)
CURRENT_STATE = profile(
    "S5.3", "An unknown or stale id MUST be answered with the current state, never with an error or silence."
)
IN_FLIGHT_MS = 1000.0  # between one reader's being told and another's
Said = dict[str | None, State | str]  # by event id
MANUAL = ("task.create_manual", "task.update")


def _identified(view: View) -> list[Message]:
    """Return the events with an id of their own that one can come back with."""
    return [one for one in messages(view) if one.event.id and one.type != "connected"]


@rule("resume/ids-missing", "must", IDS, over="streams")
def ids_missing(view: View) -> Iterator[Mark]:
    """Every progress event carries an id.

    Why: Without one a client that lost its connection cannot say where to go on: updates are lost or shown twice.

    Mend: Number the task's events and send the number as `id:`.

    Example: data: {"type": "progress", …} and no id line
    """
    for message in known(view):
        if message.type == "progress":
            yield view.good() if message.event.id else view.bad("a progress event without id", message)


@rule("resume/ids-repeated", "must", IDS)
def ids_repeated(seen: Seen) -> Iterator[Mark]:
    """No two events of a task have the same id.

    Why: A client that comes back with it resumes at either of the two, and loses or repeats what lies between.

    Mend: Count events a task, not a connection or a stage; never derive an id from the progress.

    Example: id: 4 on the event at 40 %, and id: 4 on the event at 60 %
    """
    for view in seen.streams:
        yield from _differ_within(view)
    for _, (first, *others) in seen.tasks(lambda view: view.facts.situation is None and view.facts.resume is None):
        by_id = {message.event.id: _said(message) for message in _identified(first)} if others else {}
        for view in others:
            yield from _differ_from(by_id, view)


def _said(message: Message) -> State | str:
    return state(message) if message.progress else message.event.data


def _differ_within(view: View) -> Iterator[Mark]:
    """An event that is sent twice with its id is another matter: that is a duplicate."""
    said: Said = {}
    for message in _identified(view):
        own = _said(message)
        same = said.setdefault(message.event.id, own) == own
        yield view.good() if same else view.bad(f"another event with the id {shown(message.event.id)}", message)


def _differ_from(by_id: Said, view: View) -> Iterator[Mark]:
    """Ids that count the events of a connection give an event another id for each reader."""
    ids = {said: given for given, said in by_id.items()}
    for message in _identified(view):
        own, said = message.event.id, _said(message)
        if by_id.get(own, said) != said and ids.get(said, own) != own:
            yield view.bad(f"another reader knows this event by the id {shown(ids[said])}", message)


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


@dataclass(frozen=True, slots=True)
class Return:
    """A client that came back: what the uncut reader was told up to the id it came with, and what after that."""

    view: View
    before: list[Message]
    after: list[Message]
    uncut: View

    @property
    def last(self) -> str:
        """What the client came back with, for a summary."""
        return f"came back with {shown(self.before[-1].event.id)}"


def _returns(seen: Seen) -> Iterator[Return]:
    """Yield the clients that came back; an id that the uncut reader was given twice says nothing of where to go on."""
    for uncut in ordinary(seen):
        if uncut.facts.reader == "uncut":
            told = _identified(uncut)
            ids = [message.event.id for message in told]
            for view in seen.role("stream", Facts(reader="cut", resume="known", task_id=uncut.facts.task_id)):
                last = view.facts.last_event_id
                if ids.count(last) == 1 and view.facts.situation is None and not no_room(view):
                    at = ids.index(last) + 1
                    yield Return(view, told[:at], told[at:], uncut)


@rule("resume/gap-on-resume", "must", STRICTLY_AFTER, needs=MANUAL)
def gap_on_resume(seen: Seen) -> Iterator[Mark]:
    """A client that comes back misses nothing.

    Why: What happened while the connection was down is never shown; if it was the end, the page waits for ever.

    Mend: Keep the task's events and send those after `Last-Event-ID` before any new one.

    Example: (cut after 4; on coming back: 6, 7)
    """
    for one in _returns(seen):
        if wrong := _refused(one.view) or _missed(one):
            yield one.view.bad(f"{one.last}: {wrong}")
        elif _went_on(one.view):
            yield one.view.good()


def _went_on(view: View) -> bool:
    return view.is_event_stream and (bool(_identified(view)) or view.ended_by_server)


def _missed(one: Return) -> str:
    """Name the first event that was passed over."""
    got = {message.event.id for message in _identified(one.view)}
    missed = next((message.event.id for message in _due(one, got) if message.event.id not in got), None)
    return f"was not told {shown(missed)}" if missed else ""


def _due(one: Return, got: set[str | None]) -> list[Message]:
    """Return the events that the client had to be told: up to the last it was told and, as long as it read, all."""
    end = one.view.transcript.end
    if one.view.ended_by_server:
        return one.after
    if end and end.how == "timeout":
        until_ms = one.view.epoch_ms(end.at_ms) - IN_FLIGHT_MS
        return [message for message in one.after if one.uncut.epoch_ms(message.item.at_ms) < until_ms]
    reached = [number for number, message in enumerate(one.after, 1) if message.event.id in got]
    return one.after[: max(reached, default=0)]


@rule("resume/duplicate-on-resume", "must", STRICTLY_AFTER, needs=MANUAL)
def duplicate_on_resume(seen: Seen) -> Iterator[Mark]:
    """A client that comes back is told nothing twice.

    Why: Clients count, append and notify by events; what comes twice is counted twice.

    Mend: Go on strictly after `Last-Event-ID`: the first event to send is the next one.

    Example: (cut after 4; on coming back: 4, 5, 6)
    """
    for one in _returns(seen):
        before = {message.event.id for message in one.before}
        again = [message for message in _identified(one.view) if message.event.id in before]
        if again:
            yield one.view.bad(f"{one.last}: was told {shown(again[0].event.id)} once more", again[0])
        elif _went_on(one.view):
            yield one.view.good()


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
    return any(message.event.id == last for other in others for message in _identified(other))


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
