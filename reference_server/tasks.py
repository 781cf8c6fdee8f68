"""Tasks: what an analysis has reported so far, which reports are legal next, and how long tasks are kept.

A task is moved by `Tasks.move` alone, which appends the new state to the task's log. Legal moves are pending
-> running -> completed | failed and pending -> failed; progress never falls before the end.

A task's ID begins with the ID of the server instance that made it, so that a client of a task lost in a
restart can be told so. Only ended tasks are forgotten. A task that nobody moves for `ttl_s` fails first, so
its readers learn it.
"""

import asyncio
import logging
import secrets
import time
from dataclasses import dataclass, replace
from typing import Any

from reference_server.events import Events, Json
from reference_server.log import Log

log = logging.getLogger(__name__)

NEXT = {"pending": ("running", "failed"), "running": ("completed", "failed"), "completed": (), "failed": ()}
FILLED = {
    "completed": {"stage": "Completed", "progress": 100, "message": "Analysis completed successfully"},
    "failed": {"stage": "Failed", "progress": 0, "message": "Analysis failed"},
}


class BadUpdateError(ValueError):
    """The update is not a legal next report; the message says what is wrong and how to mend it."""


class TaskEndedError(Exception):
    """The task is completed or failed and moves no more."""


class UnknownTaskError(LookupError):
    """No such task here; the message says why that may be and what to do."""


class TooManyTasksError(Exception):
    """Every task that may be kept is still running."""


@dataclass(frozen=True, slots=True)
class Progress:
    """The ticket's TaskProgress, without the task's ID; a member that is None is left out."""

    status: str = "pending"
    stage: str = "Initializing"
    progress: float = 0
    message: str = "Task created"
    estimatedTimeRemaining: float | None = None  # noqa: N815 - the wire's name
    results: Any = None
    error: str | None = None

    @property
    def ended(self) -> bool:
        """Whether the status is a terminal one."""
        return not NEXT[self.status]

    def moved(self, changes: Json) -> "Progress":
        """Return the progress with the changes made; raises BadUpdateError or TaskEndedError."""
        if self.ended:
            raise TaskEndedError
        status = changes.get("status", self.status)
        if status != self.status and status not in NEXT[self.status]:
            raise BadUpdateError(
                f"status cannot go from {self.status} to {status}; next is {' or '.join(NEXT[self.status])}"
            )
        left = None if status in FILLED else self.estimatedTimeRemaining
        filled = {"estimatedTimeRemaining": left, **FILLED.get(status, {}), **changes}
        return _checked(self, replace(self, **filled))

    def as_json(self, task_id: str) -> Json:
        """Return the members that are set, as the ticket's TaskProgress."""
        members = {name: getattr(self, name) for name in self.__slots__}
        return {"taskId": task_id, **{name: value for name, value in members.items() if value is not None}}


def _checked(before: Progress, after: Progress) -> Progress:
    completed, failed = after.status == "completed", after.status == "failed"
    wrong = {
        f"progress must not fall: it is {before.progress:g}": not failed and after.progress < before.progress,
        "a completed task has progress 100": completed and after.progress != 100,
        "a completed task needs its results": completed and after.results is None,
        "results come with status completed": not completed and after.results is not None,
        "a failed task needs an error that helps its reader": failed and after.error is None,
        "error comes with status failed": not failed and after.error is not None,
    }
    for message, is_wrong in wrong.items():
        if is_wrong:
            raise BadUpdateError(message)
    return after


class Task:
    """One analysis: its ID, its last report, the log of all, and what moves it."""

    __slots__ = ("id", "log", "moved_at", "progress", "worker")

    def __init__(self, task_id: str) -> None:
        self.id = task_id
        self.progress = Progress()
        self.log = Log()
        self.moved_at = time.monotonic()
        self.worker: asyncio.Task[None] | None = None


class Tasks:
    """The tasks of this server instance."""

    def __init__(self, events: Events, ttl_s: float = 3600.0, limit: int = 20_000) -> None:
        self.events = events
        self.ttl_s = ttl_s
        self.limit = limit
        self.instance = secrets.token_hex(3)
        self.by_id: dict[str, Task] = {}

    def create(self) -> Task:
        """Return a new pending task.

        Raises:
            TooManyTasksError: the limit is reached and no task has ended.
        """
        if len(self.by_id) >= self.limit:
            self._forget_an_ended_one()
        task = Task(f"{self.instance}-{secrets.token_hex(8)}")
        self.by_id[task.id] = task
        log.info("task created", extra={"task": task.id})
        self.record(task)
        return task

    def find(self, task_id: str) -> Task:
        """Return the task; raises UnknownTaskError."""
        if task := self.by_id.get(task_id):
            return task
        if task_id.startswith(f"{self.instance}-"):
            raise UnknownTaskError("This task never existed or its time is over. Start a new one.")
        raise UnknownTaskError("The task is unknown here: it may have been lost in a restart. Start a new one.")

    def move(self, task: Task, changes: Json) -> None:
        """Make the changes and tell every reader; raises BadUpdateError or TaskEndedError."""
        task.progress = task.progress.moved(changes)
        task.moved_at = time.monotonic()
        self.record(task)

    def record(self, task: Task) -> None:
        """Append the task's progress to its log, and close the log when it is the last."""
        number, snapshot = task.log.end, task.progress.as_json(task.id)
        task.log.append(self.events.progress(task.id, number, snapshot))
        if task.progress.ended:
            task.log.close()
            log.info("task ended", extra={"task": task.id, "status": task.progress.status})

    def expire(self) -> None:
        """Forget the ended tasks that are past their time, and fail the others that are."""
        limit = time.monotonic() - self.ttl_s
        for task in [task for task in self.by_id.values() if task.moved_at < limit]:
            if task.progress.ended:
                del self.by_id[task.id]
            else:
                error = f"Nothing happened for {self.ttl_s:g} seconds. Start the analysis again."
                self.move(task, {"status": "failed", "error": error})

    def close(self) -> None:
        """Stop every worker and end every stream."""
        for task in self.by_id.values():
            if task.worker:
                task.worker.cancel()
            task.log.close()

    def _forget_an_ended_one(self) -> None:
        ended = next((task for task in self.by_id.values() if task.progress.ended), None)
        if ended is None:
            raise TooManyTasksError
        del self.by_id[ended.id]
