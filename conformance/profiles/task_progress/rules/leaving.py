"""Rules on a task whose readers leave."""

from collections.abc import Iterator

from ssegauge.conformance.facts import Facts
from ssegauge.conformance.rules.reading.effects import plain_state
from ssegauge.conformance.rules.rule import profile, rule
from ssegauge.conformance.seen import Mark, Seen, View
from ssegauge.conformance.words import lasted


@rule(
    "cleanup/disconnect-stops-task",
    "must",
    profile("S8.2", "A client that goes away MUST NOT stop the task."),
    needs=("task.create",),
)
def disconnect_stops_task(seen: Seen) -> Iterator[Mark]:
    """A task goes on when its reader leaves.

    Why: Users close the laptop and look again later; the analysis they paid for must not have died with the tab.

    Mend: Run the task apart from the request, and end only the subscription on disconnect.

    Example: request.signal.addEventListener("abort", () => task.cancel())
    """
    usual_ms = _usual_duration_ms(seen)
    if usual_ms is None:
        return
    for view in seen.role("stream", Facts(situation="after-cut")):
        cut = next((one for one in seen.role("stream", Facts(reader="cut")) if _same_task(one, view)), None)
        if cut and not cut.terminal:
            yield from _went_on(view, cut, usual_ms)


def _went_on(view: View, cut: View, usual_ms: float) -> Iterator[Mark]:
    if view.terminal:
        stopped = view.terminal.progress["status"] == "failed"
        yield view.bad("the task failed when its reader had left", view.terminal) if stopped else view.good()
    elif view.head and view.head.status in {404, 410}:
        yield view.bad("the task is gone since its reader left", "status")
    elif view.is_event_stream and _stands_still(view, cut, usual_ms):
        summary = f"the task has not moved since its reader left; others end within {lasted(usual_ms)}"
        yield view.bad(summary, view.progress[-1] if view.progress else None)


def _stands_still(view: View, cut: View, usual_ms: float) -> bool:
    """Whether the task moved at most once, as it may have while its reader left, in far more than the usual time."""
    end = view.transcript.end
    states = [{plain_state(message) for message in one.progress} for one in (view, cut)]
    if not end or end.how not in {"timeout", "eof"} or len(states[0] - states[1]) > 1:
        return False
    return view.epoch_ms(end.at_ms) - cut.transcript.started_ms > 3 * usual_ms + 1000


def _usual_duration_ms(seen: Seen) -> float | None:
    """Return how long tasks take that nobody leaves, None unless one was seen to go well."""
    ends = (
        view.terminal.item.at_ms
        for view in seen.streams
        if view.facts.kind == "self-running" and view.facts.situation is None and view.timed
        if view.terminal and view.terminal.progress["status"] == "completed"
    )
    return max(ends, default=None)


def _same_task(one: View, other: View) -> bool:
    return one is not other and one.facts.task_id == other.facts.task_id
