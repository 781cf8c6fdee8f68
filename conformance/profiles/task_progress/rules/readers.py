"""Rules on the several readers of one task: all are told the same, and none moves it."""

from collections.abc import Iterator
from itertools import pairwise

from ssegauge.conformance.facts import Facts
from ssegauge.conformance.profiles.task_progress.course import (
    ended_ms,
    how_untold,
    in_time,
    ordinary,
    percent,
    percents,
    told_state,
)
from ssegauge.conformance.rules.reading.sameness import State, state
from ssegauge.conformance.rules.rule import profile, rule
from ssegauge.conformance.seen import Mark, Message, Seen, View, is_number
from ssegauge.conformance.words import shown

MOVED_BY_A_VISIT_MS = 500.0
States = list[tuple[State, Message]]


@rule(
    "lifecycle/late-subscriber-uninformed",
    "must",
    profile("S2.4", "A subscriber MUST be told the task's current state at once, however late it comes."),
    needs=("task.create_manual", "task.update"),
)
def late_subscriber_uninformed(seen: Seen) -> Iterator[Mark]:
    """A client that comes while a task runs is told its current state at once.

    Why: Users who open the page late see an empty bar until the next update, which may be minutes away.

    Mend: Send the last report right after `connected`.

    Example: (connected, then nothing until the task moves)
    """
    for view in ordinary(seen):
        if view.facts.joined == "late" and view.facts.resume is None:
            told = told_state(seen, view)
            if told is not None:
                yield view.good() if told else view.bad(how_untold(seen, view))


@rule(
    "lifecycle/subscribers-disagree",
    "must",
    profile("S3.7", "Two readers of one task MUST be told the same events in the same order."),
)
def subscribers_disagree(seen: Seen) -> Iterator[Mark]:
    """Two readers of one task are told the same.

    Why: Two tabs, or a page and a phone, show one task in two states, and nobody knows which is right.

    Mend: Keep one log of the task's events and let every stream read it, instead of sampling the state for each.

    Example: (one reader: 20, 40, 60; the other: 20, 60)
    """
    for _, views in seen.tasks(_may_be_compared):
        first, *others = sorted(views, key=lambda view: view.transcript.started_ms)
        told = _states(first)
        for view in others:
            yield from _agree(told, _states(view), view)


def _may_be_compared(view: View) -> bool:
    return view.facts.situation is None and view.facts.resume is None and bool(view.progress)


def _states(view: View) -> States:
    """Return the states told, without repetitions in a row: a current state told at the start may come again."""
    told: States = []
    for message in view.progress:
        said = state(message)
        if not told or told[-1][0] != said:
            told.append((said, message))
    return told


def _agree(one: States, other: States, view: View) -> Iterator[Mark]:
    """Compare what overlaps: the later reader begins somewhere in the course of the earlier one, or the reverse."""
    pairings = _pairings(one, other)
    differing = [_first_difference(*pairing) for pairing in pairings]
    if pairings and None in differing:
        yield view.good()
    elif differing:
        yield view.bad("at this place another reader of the task was told another report", differing[0])


def _pairings(one: States, other: States) -> list[tuple[States, States]]:
    """Return the ways in which the two may overlap, by equal states or else by equal ids."""
    for same in (_same_state, _same_id):
        found = [(one[at:], other) for at in range(len(one)) if same(one[at], other[0])]
        found += [(one, other[at:]) for at in range(len(other)) if same(other[at], one[0])]
        if found:
            return found
    both_ended = one[-1][1].ends_task and other[-1][1].ends_task
    return [(one[-1:], other[-1:])] if both_ended else []


def _same_state(one: tuple[State, Message], other: tuple[State, Message]) -> bool:
    return one[0] == other[0]


def _same_id(one: tuple[State, Message], other: tuple[State, Message]) -> bool:
    return bool(one[1].event.id) and one[1].event.id == other[1].event.id


def _first_difference(one: States, other: States) -> Message | None:
    pairs = zip(one, other, strict=False)
    return next((second[1] for first, second in pairs if first[0] != second[0]), None)


@rule(
    "lifecycle/subscriber-moves-task",
    "must",
    profile("S2.7", "Subscribing MUST NOT change the task."),
    needs=("task.create_manual", "task.update"),
)
def subscriber_moves_task(seen: Seen) -> Iterator[Mark]:
    """Subscribing does not change the task.

    Why: Looking at a task from a second tab restarts it, or counts it on.

    Mend: Start and move tasks elsewhere; the stream's handler only reads.

    Example: (a second reader comes at 40; the first is told 41, which nobody asked for)
    """
    for task_id, views in seen.tasks(lambda view: view.facts.kind == "manual"):
        watcher, *visitors = sorted(views, key=lambda view: view.transcript.started_ms)
        if seen.role("update", Facts(task_id=task_id)) and watcher.facts.situation is None:
            yield from _moves(watcher, visitors, _unasked(seen, task_id, watcher))


def _unasked(seen: Seen, task_id: str, watcher: View) -> list[Message]:
    """Return the reports of progress that no update before them asked for: on to a new value, or back to the first.

    A fall to another value is judged by lifecycle/progress-regresses.
    """
    updates = seen.role("update", Facts(task_id=task_id))
    told = [(message, value) for message in watcher.progress if (value := percent(message)) is not None]
    found = []
    for (_, before), (message, value) in pairwise(told):
        at_ms = watcher.epoch_ms(message.item.at_ms)
        asked = percents(view for view in updates if view.transcript.started_ms <= at_ms)
        if value not in asked and (before < value or value == told[0][1] < before):
            found.append(message)
    return found


def _moves(watcher: View, visitors: list[View], unasked: list[Message]) -> Iterator[Mark]:
    """Blame visits for what follows them at once, unless the task moves by itself at other times too."""
    visits = [view.transcript.started_ms for view in visitors if _during(watcher, view)]
    starts = [watcher.transcript.started_ms, *visits]
    caused = [message for message in unasked if _caused(watcher, message, starts)]
    if caused and len(caused) == len(unasked):
        yield watcher.bad("the task moved when another reader came", caused[0])
    elif visits and not unasked:
        yield watcher.good()


def _during(watcher: View, visitor: View) -> bool:
    """Whether a reader came while the watcher, which had been told the state, was reading."""
    end = watcher.transcript.end
    if not watcher.progress or end is None:
        return False
    begun_ms = watcher.epoch_ms(watcher.progress[0].item.at_ms)
    return begun_ms < visitor.transcript.started_ms < watcher.epoch_ms(end.at_ms)


def _caused(watcher: View, message: Message, visits: list[float]) -> bool:
    at_ms = watcher.epoch_ms(message.item.at_ms)
    return any(0 <= at_ms - visit <= MOVED_BY_A_VISIT_MS for visit in visits)


@rule(
    "lifecycle/snapshot-disagrees",
    "must",
    profile("S3.8", "The polling endpoint MUST agree with the stream."),
    needs=("task.snapshot",),
)
def snapshot_disagrees(seen: Seen) -> Iterator[Mark]:
    """The polling endpoint tells the same end as the stream.

    Why: Old clients poll: they show a task as running that others see finished.

    Mend: Let both read the same state, and write it before the event goes out.

    Example: (the stream: completed, 100; the polling endpoint: pending, 0)
    """
    for view in seen.role("snapshot", Facts(when="ended")):
        terminal = _told_end(seen, view)
        polled = view.json
        if terminal and isinstance(polled, dict) and isinstance(polled.get("status"), str):
            wrong = _difference(polled, terminal)
            yield view.bad(wrong) if wrong else view.good()


def _told_end(seen: Seen, view: View) -> Message | None:
    """Return the terminal event that a stream of the task had told before the polling endpoint was asked."""
    if not (view.head and view.head.status == 200):
        return None
    task_id, asked_ms = view.facts.task_id, view.transcript.started_ms
    over_ms = ended_ms(seen, task_id)
    if over_ms is None or over_ms > asked_ms:
        return None
    return next((one.terminal for one in in_time(seen) if one.facts.task_id == task_id and one.terminal), None)


def _difference(polled: dict[str, object], terminal: Message) -> str:
    for name in ("status", "progress", "error"):
        one, other = polled.get(name), terminal.progress.get(name)
        comparable = (is_number(one) and is_number(other)) or (isinstance(one, str) and isinstance(other, str))
        if comparable and one != other:
            return f"{name} is {shown(one)}, the stream ended with {shown(other)}"
    return ""
