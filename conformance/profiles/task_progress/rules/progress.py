"""Rules on the shape of a task's state, the ``progress`` of a progress message."""

from collections.abc import Iterator
from typing import Any

from ssegauge.conformance.profiles.task_progress.rules.shape import each, known
from ssegauge.conformance.rules.rule import profile, rule
from ssegauge.conformance.seen import Mark, Message, View, is_number
from ssegauge.conformance.words import shown

STATUSES = frozenset({"pending", "running", "completed", "failed"})
UNFINISHED = frozenset({"pending", "running"})
FIELDS = profile(
    "S3.1",
    "The `progress` of a message MUST be an object with `taskId`, `status`, `stage`, `progress` and `message`.",
)
FROM_0_TO_100 = profile("S3.2", "`progress` MUST be a number from 0 to 100.")


def reports(view: View) -> Iterator[Message]:
    """Yield the progress messages that have a state."""
    return (one for one in known(view) if one.progress)


def in_status(view: View, *statuses: str) -> Iterator[Message]:
    """Yield the reports with one of the statuses."""
    return (one for one in reports(view) if _status(one) in statuses)


def _status(message: Message) -> Any:  # noqa: ANN401 - whatever the server sent
    return message.progress.get("status")


def _wrong(name: str, value: Any) -> str:  # noqa: ANN401 - whatever the server sent
    return f"no {name}" if value is None else f"{name} is {shown(value)}"


@rule("shape/progress-missing", "must", FIELDS, over="streams")
def progress_missing(view: View) -> Iterator[Mark]:
    """A progress message carries the task's state.

    Why: The ticket's client shows `data.progress`; without it the page shows nothing, or throws.

    Mend: Put the state, an object, under `progress`.

    Example: data: {"type": "progress", "taskId": "7", "progress": 20}
    """
    messages = (one for one in known(view) if one.type == "progress")
    yield from each(view, messages, lambda one: "" if one.progress else _wrong("progress", one.fields.get("progress")))


@rule(
    "shape/status-unknown",
    "must",
    profile("S3.2", "`status` MUST be one of `pending`, `running`, `completed`, `failed`."),
    over="streams",
)
def status_unknown(view: View) -> Iterator[Mark]:
    """The status is pending, running, completed or failed.

    Why: Clients wait for completed or failed; another word for the end leaves them waiting.

    Mend: Map the states of your own onto the four; finer ones belong in `stage`.

    Example: {"status": "processing", …}
    """
    yield from each(view, reports(view), lambda one: _unless(_is_status(_status(one)), "status", _status(one)))


def _is_status(value: Any) -> bool:  # noqa: ANN401 - whatever the server sent
    return isinstance(value, str) and value in STATUSES


def _unless(right: bool, name: str, value: Any) -> str:  # noqa: ANN401 - whatever the server sent
    return "" if right else _wrong(name, value)


@rule("shape/stage-empty", "must", profile("S3.2", "`stage` MUST NOT be empty."), over="streams")
def stage_empty(view: View) -> Iterator[Mark]:
    """Every report names the stage of the task.

    Why: It is what the user reads while waiting; an empty line looks like a broken page.

    Mend: Name every stage, the first and the last too ("Initializing", "Completed").

    Example: {"stage": "", …}
    """
    stages = ((one, one.progress.get("stage")) for one in reports(view))
    for message, stage in stages:
        right = isinstance(stage, str) and bool(stage)
        yield view.good() if right else view.bad(_wrong("stage", stage), message)


@rule("shape/progress-not-a-number", "must", FROM_0_TO_100, over="streams")
def progress_not_a_number(view: View) -> Iterator[Mark]:
    """The progress is a number.

    Why: A progress bar given text shows nothing, and "9" is more than "10" when texts are compared.

    Mend: Send 20, not "20" or "20 %".

    Example: {"progress": "20%", …}
    """
    judged = (one for one in reports(view) if not one.constants)
    yield from each(view, judged, lambda one: _unless(is_number(_percent(one)), "progress", _percent(one)))


def _percent(message: Message) -> Any:  # noqa: ANN401 - whatever the server sent
    return message.progress.get("progress")


@rule("shape/progress-out-of-range", "must", FROM_0_TO_100, over="streams")
def progress_out_of_range(view: View) -> Iterator[Mark]:
    """The progress is between 0 and 100.

    Why: Users see 120 %, or a bar that leaves its frame.

    Mend: Send per cent, and bound them where steps are added on the way.

    Example: {"progress": 120, …}
    """
    numbers = (one for one in reports(view) if is_number(_percent(one)))
    yield from each(view, numbers, lambda one: _unless(0 <= _percent(one) <= 100, "progress", _percent(one)))


@rule("shape/message-missing", "must", profile("S3.2", "`message` MUST be a string."), over="streams")
def message_missing(view: View) -> Iterator[Mark]:
    """Every report has a message, a string.

    Why: Pages show it as it is: "undefined" or "null", where it is missing.

    Mend: Send a sentence on what is being done; an empty string where there is nothing to say.

    Example: {"status": "running", "stage": "Scoring", "progress": 20}
    """
    texts = ((one, one.progress.get("message")) for one in reports(view))
    for message, text in texts:
        yield view.good() if isinstance(text, str) else view.bad(_wrong("message", text), message)


@rule(
    "shape/eta-negative",
    "must",
    profile("S3.3", "`estimatedTimeRemaining`, where present, MUST be a number of seconds, not below 0."),
    over="streams",
)
def eta_negative(view: View) -> Iterator[Mark]:
    """The estimated time remaining is a number of seconds, 0 or more.

    Why: Users are told that their task will be ready "in -3 seconds".

    Mend: Send 0 when the estimate has run out, or leave the field out.

    Example: {"estimatedTimeRemaining": -3, …}
    """
    for message in reports(view):
        left = message.progress.get("estimatedTimeRemaining")
        if left is not None:  # null says what a missing field says
            right = is_number(left) and left >= 0
            yield view.good() if right else view.bad(_wrong("estimatedTimeRemaining", left), message)


@rule(
    "shape/results-before-completed",
    "must",
    profile("S3.6", "`results` MUST NOT come before the task has completed."),
    over="streams",
)
def results_before_completed(view: View) -> Iterator[Mark]:
    """Results come only with the completed task.

    Why: Clients take results for the end and show what is not finished.

    Mend: Leave `results` out until the status is completed; partial findings belong in an added field.

    Example: {"status": "running", "results": {"score": 0}, …}
    """
    early = "results while {}".format
    yield from each(
        view,
        in_status(view, "pending", "running"),
        lambda one: early(_status(one)) if one.progress.get("results") is not None else "",
    )


@rule(
    "shape/completed-without-results",
    "must",
    profile("S4.3", "A completed task MUST report progress 100 and carry `results`."),
    over="streams",
)
def completed_without_results(view: View) -> Iterator[Mark]:
    """A completed task carries its results.

    Why: They are what the user waited for, and the stream ends with this event.

    Mend: Put `results` into the terminal event; a reference to them will do.

    Example: {"status": "completed", "progress": 100}
    """
    yield from each(
        view,
        in_status(view, "completed"),
        lambda one: "completed, but no results" if one.progress.get("results") is None else "",
    )


@rule(
    "shape/failed-without-error",
    "must",
    profile("S4.4", "A failed task MUST carry an `error`, a string that is not empty."),
    over="streams",
)
def failed_without_error(view: View) -> Iterator[Mark]:
    """A failed task says what went wrong.

    Why: "Failed" alone leaves the user with nothing to do but to try again.

    Mend: Put an `error` into the terminal event: what happened, and what helps.

    Example: {"status": "failed", "progress": 0}
    """
    for message in in_status(view, "failed"):
        error = message.progress.get("error")
        right = isinstance(error, str) and bool(error)
        yield view.good() if right else view.bad(f"failed, but {_wrong('error', error)}", message)
