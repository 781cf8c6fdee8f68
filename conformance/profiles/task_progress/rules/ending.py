"""Rules on the end of a task: that it is told, once and last, and to those who come during or after it."""

from collections.abc import Iterator, Mapping

from ssegauge.conformance.facts import Facts
from ssegauge.conformance.profiles.task_progress.course import (
    came_after_end,
    ended_ms,
    in_time,
    ordinary,
    percent,
    readable,
)
from ssegauge.conformance.profiles.task_progress.rules.progress import UNFINISHED
from ssegauge.conformance.profiles.task_progress.rules.shape import is_heartbeat, made_ms
from ssegauge.conformance.rules.delivery.updates import LOST_AFTER
from ssegauge.conformance.rules.reading.answers import no_room, unanswered
from ssegauge.conformance.rules.reading.effects import accepted_updates
from ssegauge.conformance.rules.reading.sameness import state
from ssegauge.conformance.rules.rule import profile, rule
from ssegauge.conformance.seen import Mark, Message, Seen, View
from ssegauge.conformance.sse import UnfinishedTail
from ssegauge.conformance.words import lasted

EXACTLY_ONE = profile(
    "S4.1",
    "A stream MUST tell the end of its task with exactly one terminal event: a `progress` message whose `status` is"
    " `completed` or `failed`.",
)
COMING_BACK = profile("S4.6", "A client that comes back after the end MUST NOT restart the task nor be left hanging")
# What a server that ends its streams may take for it. The specification names no time; users' browsers hold one of
# six connections to the host for as long.
LINGER_MS = 1000.0


@rule("lifecycle/no-terminal", "must", EXACTLY_ONE)
def no_terminal(seen: Seen) -> Iterator[Mark]:
    """A stream tells how its task ended.

    Why: Without a terminal event a page waits for ever, or takes the lost connection for a failed task.

    Mend: Send the terminal event before ending the stream, on every path on which a task ends.

    Example: (progress 60, then the stream ends)
    """
    for view in in_time(seen):
        if view.terminal:
            yield view.good()
        elif untold := _untold(seen, view):
            yield view.bad(untold)


def _untold(seen: Seen, view: View) -> str:
    """Say how a stream's end went untold; failed tasks, resumed streams and unread events have rules of their own."""
    if view.facts.kind == "failing" or view.facts.resume is not None or not _is_whole(view):
        return ""
    if view.ended_by_server:
        return "the stream ended, but not how the task did"
    over_ms, end = ended_ms(seen, view.facts.task_id), view.transcript.end
    waited_ms = view.epoch_ms(end.at_ms) - over_ms if over_ms is not None and end else 0.0
    late = end is not None and end.how in {"cut", "timeout"} and waited_ms > seen.limits.update_s * 1000
    return f"the task had ended {lasted(waited_ms)} before, and this stream was not told" if late else ""


def _is_whole(view: View) -> bool:
    """Whether the end would be seen if it had been told: no unreadable event, no report of the stream's failure."""
    lost = any(tail.loses_fields for _, tail in view.of(UnfinishedTail))
    return readable(view) and not lost and not any(message.type == "error" for message in view.messages)


@rule("lifecycle/terminal-repeated", "must", EXACTLY_ONE)
def terminal_repeated(seen: Seen) -> Iterator[Mark]:
    """The end of a task is told once on a stream.

    Why: Clients act on it: a second one shows a second notification, or loads the results again.

    Mend: End the stream with the first terminal event.

    Example: (completed, completed)
    """
    for view in ordinary(seen):
        ends = [message for message in view.progress if message.ends_task]
        if ends:
            yield view.bad("the end was told once more", ends[1]) if len(ends) > 1 else view.good()


@rule("lifecycle/event-after-terminal", "must", profile("S4.2", "The terminal event MUST be the last."))
def event_after_terminal(seen: Seen) -> Iterator[Mark]:
    """The terminal event is the last.

    Why: Clients close on it, so nobody reads what follows; those that do not, show a finished task as running.

    Mend: Close the task's log with the terminal event, and send what else is to be said before it.

    Example: (completed, then an event that says "bye")
    """
    for view in ordinary(seen):
        if view.terminal:
            later = _after(view, view.terminal)
            yield view.bad("an event after the terminal one", later[0]) if later else view.good()


def _after(view: View, terminal: Message) -> list[Message]:
    """Return the events after the terminal one, but for those that are wrong for a reason of their own."""
    later = (one for one in view.messages if one.event.start > terminal.event.start)
    return [one for one in later if not (one.ends_task or one.type == "connected" or is_heartbeat(one))]


@rule(
    "lifecycle/completed-below-100",
    "must",
    profile("S4.3", "A completed task MUST report progress 100 and carry `results`."),
    over="streams",
)
def completed_below_100(view: View) -> Iterator[Mark]:
    """A completed task is at 100.

    Why: The bar of a finished task stops short of its end, and users wait for the rest.

    Mend: Set progress to 100 together with the status.

    Example: {"status": "completed", "progress": 99, …}
    """
    for message in view.progress:
        told = percent(message)
        if message.progress.get("status") == "completed" and told is not None:
            yield view.good() if told == 100 else view.bad(f"completed at {told:g}", message)


@rule(
    "lifecycle/stream-open-after-terminal",
    "must",
    profile("S4.5", "After the terminal event the server MUST end the stream properly."),
)
def stream_open_after_terminal(seen: Seen) -> Iterator[Mark]:
    """The server ends the stream after the terminal event.

    Why: Each open stream holds a connection, and a browser has six a host; after six finished tasks a page hangs.

    Mend: Return from the handler (finish the response) after the terminal event.

    Example: (completed, and the stream still open seconds later)
    """
    for view in ordinary(seen):
        if view.terminal and view.timed and view.transcript.end:
            yield from _ends(view, view.terminal)


def _ends(view: View, terminal: Message) -> Iterator[Mark]:
    end = view.transcript.end
    if end is None or end.how == "error":  # judged by wire/truncated-chunked-body
        return
    open_ms = end.at_ms - terminal.item.at_ms
    if end.how == "eof":
        yield view.good()
    elif open_ms > LINGER_MS:
        yield view.bad(f"still open {lasted(open_ms)} after the terminal event")


@rule(
    "lifecycle/late-after-end-hangs",
    "must",
    profile("S2.5", "A subscriber that comes after the end MUST be told the terminal state, and the stream MUST end."),
    needs=("task.create_manual", "task.update"),
)
def late_after_end_hangs(seen: Seen) -> Iterator[Mark]:
    """A client that comes after the end is told how the task ended, and its stream ends.

    Why: Users reload the page of a finished task, or open it a minute later; it must not wait for ever.

    Mend: Look at the task's state after subscribing, and send the terminal event when it has ended.

    Example: (connected, then nothing)
    """
    for view in came_after_end(seen):
        wrong = _left_hanging(view) if view.facts.resume == "terminal" else _not_told(view)
        if wrong:
            yield view.bad(wrong)
        elif view.ended_by_server and (view.terminal or view.facts.resume == "terminal"):
            yield view.good()


def _left_hanging(view: View) -> str:
    """Say how a client that has the terminal event already is left waiting."""
    end = view.transcript.end
    waits = view.is_event_stream and not view.terminal and end is not None and end.how == "timeout"
    return "the stream was not ended" if waits and readable(view) else "no answer" if unanswered(view) else ""


def _not_told(view: View) -> str:
    """Say how a client that is told nothing of an end is left instead."""
    if view.terminal or not readable(view) or no_room(view):
        return ""
    if unanswered(view):
        return "no answer"
    if view.head and not view.is_event_stream:
        return f"answered {view.head.status}, not told how the task ended"
    end = view.transcript.end
    return "not told how the task ended" if view.head and end and end.how in {"eof", "timeout"} else ""


@rule(
    "lifecycle/completion-race",
    "must",
    profile("S2.6", "A subscriber that comes at the very moment of the end MUST be told the terminal state too."),
    needs=("task.create_manual", "task.update"),
)
def completion_race(seen: Seen) -> Iterator[Mark]:
    """A client that comes at the very moment of the end is told the end.

    Why: Between reading the state and subscribing to its changes the last change is lost, and the page waits for ever:
    the most frequent bug of task streams.

    Mend: Subscribe first and read the state after, or read a log by position, so that there is no gap.

    Example: (connected, progress 50, then nothing; the task ended 10 ms after the request)
    """
    always = any(view.ended_by_server and not view.terminal for view in in_time(seen))  # judged by no-terminal
    for view in seen.role("stream", Facts(situation="race")):
        over_ms = ended_ms(seen, view.facts.task_id)
        if over_ms is None or over_ms <= view.transcript.started_ms:
            continue  # those that surely came after the end are judged by lifecycle/late-after-end-hangs
        wrong = _not_told(view)
        if wrong and view.ended_by_server:
            yield from () if always else (view.bad(wrong + _moment(view)),)
        elif wrong and _waited_ms(view, over_ms) >= LOST_AFTER * 1000 * seen.limits.update_s:
            yield view.bad(wrong + _moment(view))
        elif view.terminal:
            yield view.good()


def _waited_ms(view: View, over_ms: float) -> float:
    """Return for how long after its task had ended a reader waited: until late it may be slowness, theirs or ours."""
    return view.epoch_ms(view.transcript.end.at_ms) - over_ms if view.transcript.end else 0.0


def _moment(view: View) -> str:
    offset = view.facts.race_ms
    if offset is None:
        return ""
    return f"; asked {abs(offset):g} ms {'before' if offset < 0 else 'after'} the end"


@rule("lifecycle/reconnect-restarts-task", "must", COMING_BACK, needs=("task.create_manual", "task.update"))
def reconnect_restarts_task(seen: Seen) -> Iterator[Mark]:
    """Coming back after the end does not start the task again.

    Why: EventSource comes back by itself whenever a stream ends: a task that restarts with it runs, and costs, for
    ever.

    Mend: Let POST start tasks and GET only watch them.

    Example: (completed; on coming back: running, 20)
    """
    for view in came_after_end(seen):
        if runs := _runs_again(seen, view):
            yield view.bad("the task runs again", runs)
        elif view.head:
            yield view.good()


def _has_the_end(seen: Seen, view: View) -> bool:
    """Whether a client came back with the id of an event that is known to be the terminal one."""
    given = {other.terminal.event.id for other in _readers_before(seen, view) if other.terminal}
    return view.facts.resume == "terminal" and view.facts.last_event_id in given


def _runs_again(seen: Seen, view: View) -> Message | None:
    """Return a report of unfinished work that is no history; telling that again is no restart."""
    before = tuple(_readers_before(seen, view))
    told = {state(message) for other in before for message in other.progress}
    asked = [_fields(update.facts.as_json()) for update in accepted_updates(seen, view.facts.task_id)]
    over_ms = min((at for other in before if other.terminal and (at := made_ms(other.terminal))), default=0.0)
    unfinished = (one for one in view.progress if one.progress.get("status") in tuple(UNFINISHED))
    new = (one for one in unfinished if state(one) not in told and _fields(one.progress) not in asked)
    return next((one for one in new if not 0 < (made_ms(one) or 0.0) <= over_ms), None)


def _fields(given: Mapping[str, object]) -> tuple[object, ...]:
    """Return of a report what an update asks for."""
    return tuple(given.get(name) for name in ("status", "progress", "message"))


def _readers_before(seen: Seen, view: View) -> Iterator[View]:
    return (other for other in in_time(seen) if other.facts.task_id == view.facts.task_id)


@rule(
    "lifecycle/reconnect-after-end-not-204",
    "should",
    profile("S4.6", "it SHOULD be answered 204, which makes EventSource stop."),
    needs=("task.create_manual", "task.update"),
)
def reconnect_after_end_not_204(seen: Seen) -> Iterator[Mark]:
    """A client that comes back with the terminal event's id is answered 204.

    Why: EventSource comes back after every end of a stream, every few seconds, for as long as the page is open; only
    204 tells it that there is nothing more.

    Mend: Answer 204 without a body when `Last-Event-ID` is the terminal event's.

    Example: HTTP/1.1 200 OK, on coming back with the id of the terminal event
    """
    for view in came_after_end(seen):
        worse = _left_hanging(view) or _runs_again(seen, view)
        if view.head and _has_the_end(seen, view) and not worse:
            status = view.head.status
            yield view.good() if status == 204 else view.bad(f"answered {status}, not 204", "status")
