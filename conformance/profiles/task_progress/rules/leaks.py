"""Rules on events of other tasks."""

from collections import defaultdict
from collections.abc import Iterator

from ssegauge.conformance.rules.rule import profile, rule
from ssegauge.conformance.seen import Mark, Message, Seen

NO_TASKS = frozenset({"unknown-task", "malformed-id"})


@rule("security/cross-task-leak", "must", profile("S9.4", "A stream MUST NOT show another task's events."))
def cross_task_leak(seen: Seen) -> Iterator[Mark]:
    """A stream shows the events of its own task alone.

    Why: The analysis of one customer's brand appears on another customer's screen.

    Mend: Keep subscribers by task id, and take care that no state is shared between requests (module globals, static
    fields, a reused buffer).

    Example: data: {"type":"progress","taskId":"another-task",...}
    """
    ids = (view.facts.task_id for view in seen.views if view.transcript.role not in NO_TASKS)
    tasks = {task_id for task_id in ids if task_id}
    if len(tasks) < 2:
        return
    owners = _owners_of_texts(seen)
    for view in seen.streams:
        if view.facts.task_id in tasks and view.messages:
            foreign = [one for one in view.messages if _owners(one, tasks, owners) - {view.facts.task_id}]
            yield view.bad("an event of another task", foreign[0]) if foreign else view.good()


def _owners_of_texts(seen: Seen) -> dict[str, str]:
    """Return the texts that we gave to one task alone, with its id."""
    given: dict[str, set[str]] = defaultdict(set)
    for update in seen.role("update"):
        text, task_id = update.facts.message, update.facts.task_id
        if text and task_id:
            given[text].add(task_id)
    return {text: next(iter(tasks)) for text, tasks in given.items() if len(tasks) == 1}


def _owners(message: Message, tasks: set[str], owners: dict[str, str]) -> set[str]:
    """Return the known tasks that the message belongs to."""
    ids = {one for one in (message.fields.get("taskId"), message.progress.get("taskId")) if isinstance(one, str)}
    text = message.progress.get("message")
    owner = owners.get(text) if isinstance(text, str) else None
    return (ids & tasks) | ({owner} if owner else set())
