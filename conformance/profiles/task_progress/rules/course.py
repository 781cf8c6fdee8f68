"""Rules on the course of a stream: how it begins, and how its task moves on it."""

from collections.abc import Iterator
from itertools import pairwise

from ssegauge.conformance.profiles.task_progress.course import in_time, ordinary, percent, readable
from ssegauge.conformance.profiles.task_progress.rules.progress import UNFINISHED
from ssegauge.conformance.profiles.task_progress.rules.shape import made_ms
from ssegauge.conformance.rules.reading.answers import unanswered
from ssegauge.conformance.rules.rule import profile, rule
from ssegauge.conformance.seen import Mark, Message, Seen, View
from ssegauge.conformance.words import lasted

FIRST_AND_ONCE = profile("S2.1", "A `connected` message MUST be the first event of a stream, and come once.")
MOVES = frozenset({("pending", "running"), ("running", "completed"), ("running", "failed"), ("pending", "failed")})
TOGETHER_MS = 50.0  # events that arrive within this are one burst
APART_MS = 100.0  # events that were made further apart are not


def _connected(view: View) -> list[Message]:
    return [message for message in view.messages if message.type == "connected"]


@rule("lifecycle/connected-missing", "must", FIRST_AND_ONCE)
def connected_missing(seen: Seen) -> Iterator[Mark]:
    """A stream says `connected`.

    Why: The ticket's client takes it for the proof that its subscription stands, and shows "connecting" until then.

    Mend: Send `connected` as soon as the head is out, before anything else.

    Example: (a stream that begins with a progress event)
    """
    for view in ordinary(seen):
        if _connected(view):
            yield view.good()
        elif readable(view) and _had_time_to_connect(seen, view):
            yield view.bad("events, but no `connected` among them", view.events[0])


def _had_time_to_connect(seen: Seen, view: View) -> bool:
    """Whether there was an event of a task, and after it time enough for one that comes too late."""
    if not view.progress:
        return False
    end = view.transcript.end
    waited_ms = end.at_ms - view.progress[0].item.at_ms if end else 0.0
    return view.ended_by_server or not view.timed or waited_ms > seen.limits.connect_s * 1000


@rule("lifecycle/connected-not-first", "must", FIRST_AND_ONCE)
def connected_not_first(seen: Seen) -> Iterator[Mark]:
    """`connected` is the first event of a stream.

    Why: Clients set up their state on it; what came before is overwritten or not shown.

    Mend: Send `connected` before subscribing the stream to the task's events.

    Example: (progress, connected, progress)
    """
    for view in ordinary(seen):
        if connected := _connected(view):
            first = view.messages[0] is connected[0]
            yield view.good() if first else view.bad("`connected` came after other events", connected[0])


@rule("lifecycle/connected-repeated", "must", FIRST_AND_ONCE)
def connected_repeated(seen: Seen) -> Iterator[Mark]:
    """`connected` comes once on a stream.

    Why: It means a new connection: clients start over and throw away what they show.

    Mend: Send it where the response begins, not where the task's events are relayed.

    Example: (connected, connected, progress)
    """
    for view in ordinary(seen):
        if connected := _connected(view):
            yield view.bad("`connected` came once more", connected[1]) if len(connected) > 1 else view.good()


@rule(
    "lifecycle/connected-late",
    "must",
    profile("S2.2", "It MUST arrive within the connection time, 1 s unless agreed otherwise."),
)
def connected_late(seen: Seen) -> Iterator[Mark]:
    """`connected` arrives within the connection time.

    Why: Until then users see "connecting", and think that their task has not started.

    Mend: Send head and `connected` at once; look the task up before, and do everything slow after.

    Example: (connected after 1.5 s)
    """
    limit_ms = seen.limits.connect_s * 1000
    for view in seen.role("stream"):
        if view.timed and view.facts.situation is None:
            yield from _connects_in_time(view, limit_ms)


def _connects_in_time(view: View, limit_ms: float) -> Iterator[Mark]:
    end_ms = view.transcript.end.at_ms if view.transcript.end else 0.0
    if connected := _connected(view):
        at_ms = connected[0].item.at_ms
        yield view.bad(f"`connected` came after {lasted(at_ms)}", connected[0]) if at_ms > limit_ms else view.good()
    elif end_ms > limit_ms and _silent(view):
        yield view.bad(f"nothing came for {lasted(end_ms)}")


def _silent(view: View) -> bool:
    """Whether nothing came; that those who come back or come after the end get no answer is judged by rules on them."""
    newcomer = view.facts.resume is None and view.facts.joined != "after-end"
    return not view.events if view.is_event_stream else newcomer and unanswered(view)


@rule(
    "lifecycle/progress-regresses",
    "must",
    profile("S3.4", "`progress` MUST NOT fall while a task is pending or running; a failed task may report 0."),
)
def progress_regresses(seen: Seen) -> Iterator[Mark]:
    """Progress does not fall while a task is pending or running.

    Why: A bar that runs backwards tells users that something broke.

    Mend: Report the greater of the new and the last progress; when the work grows, grow the stage's text instead.

    Example: (progress 40, then progress 5)
    """
    for view in ordinary(seen):
        for (_, before), (message, after) in pairwise(_unfinished_percents(view)):
            fallen = after < before
            yield view.bad(f"progress fell from {before:g} to {after:g}", message) if fallen else view.good()


def _unfinished_percents(view: View) -> list[tuple[Message, float]]:
    unfinished = (message for message in view.progress if _status(message) in UNFINISHED)
    return [(message, value) for message in unfinished if (value := percent(message)) is not None]


def _status(message: Message) -> str:
    status = message.progress.get("status")
    return status if isinstance(status, str) else ""


@rule(
    "lifecycle/illegal-transition",
    "must",
    profile(
        "S3.5", "The only moves MUST be pending to running, running to completed or failed, and pending to failed."
    ),
)
def illegal_transition(seen: Seen) -> Iterator[Mark]:
    """A task that runs never becomes pending again.

    Why: Clients enable and disable their controls by the status; going back leaves them in the wrong state.

    Mend: Keep the moves in one place that refuses all others; a retry is a new task, or a stage of this one.

    Example: (running, then pending)
    """
    # From pending to completed is no finding: a reader may have missed that the task ran. What comes after the end is
    # judged by the rules on the end.
    for view in ordinary(seen):
        for before, after in pairwise(view.progress):
            move = (_status(before), _status(after))
            if move == ("running", "pending"):
                yield view.bad("the status went from running back to pending", after)
            elif move in MOVES:
                yield view.good()


@rule(
    "lifecycle/updates-silent",
    "must",
    profile("S3.9", "An update MUST reach every subscriber within the update latency, 2 s unless agreed otherwise."),
    needs=("task.create",),
    patient=True,
)
def updates_silent(seen: Seen) -> Iterator[Mark]:
    """A stream tells what happens while it happens, and does not catch up after a silence.

    Why: Users take a bar that stands still for a hung task, and leave.

    Mend: Push events as they are made; a loop that polls the task has to poll more often than it may be silent.

    Example: (nothing for 2.5 s, then five events at once whose timestamps are 200 ms apart)
    """
    limit_ms = seen.limits.update_s * 1000
    for view in in_time(seen):
        reports = [message for message in view.progress if made_ms(message) is not None]
        if not view.timed or view.facts.kind == "manual" or len(reports) < 2:
            continue  # updates of manual tasks are timed from their cause, which is better
        caught_up = _caught_up(reports, limit_ms)
        yield view.bad("nothing came while things happened, then all at once", caught_up) if caught_up else view.good()


def _caught_up(reports: list[Message], limit_ms: float) -> Message | None:
    """Return the report that ended a silence, made so long before that it was held, with later ones in its burst.

    The server's clock need not agree with ours: the report that came soonest after it was made sets the zero.
    """
    ages = {id(one): one.item.at_ms - (made_ms(one) or 0.0) for one in reports}
    least = min(ages.values())
    for before, message in pairwise(reports):
        silent = message.item.at_ms - before.item.at_ms > limit_ms
        if silent and ages[id(message)] - least > limit_ms and _begins_burst(message, reports):
            return message
    return None


def _begins_burst(message: Message, reports: list[Message]) -> bool:
    start_ms, made = message.item.at_ms, made_ms(message) or 0.0
    burst = [one for one in reports if start_ms <= one.item.at_ms <= start_ms + TOGETHER_MS]
    return any((made_ms(one) or 0.0) - made > APART_MS for one in burst)
