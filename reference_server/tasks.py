"""Tasks: what an analysis has reported so far, and which reports are legal next.

A task's state is the ticket's TaskProgress; it is never changed, but replaced by `Tasks.move` alone, which
appends each new state to the task's log. Legal moves are pending -> running -> completed | failed and
pending -> failed; progress never falls before the end.

Tasks live in memory. Their IDs are random, so that no other task ever takes the place of one lost in a restart.
"""

import asyncio
import logging
import secrets
import time
from dataclasses import dataclass, field

from ssegauge.reference_server.common.encoding import Json
from ssegauge.reference_server.common.log import Log
from ssegauge.reference_server.common.refusals import RefusedError
from ssegauge.reference_server.events import Events

NEXT = {"pending": ("running", "failed"), "running": ("completed", "failed"), "completed": (), "failed": ()}
CREATED = {"status": "pending", "stage": "Initializing", "progress": 0, "message": "Task created"}
AT_END = {
    "completed": {"stage": "Completed", "progress": 100, "message": "Analysis completed successfully"},
    "failed": {"stage": "Failed", "progress": 0, "message": "Analysis failed"},
}
log = logging.getLogger(__name__)


@dataclass(slots=True, eq=False)
class Task:
    """One analysis: its ID, its state, the log of all its states, and what moves it."""

    id: str
    state: Json
    log: Log = field(default_factory=Log)
    moved_at: float = field(default_factory=time.monotonic)
    worker: asyncio.Task[None] | None = None

    @property
    def ended(self) -> bool:
        """Whether the status is a terminal one."""
        return not NEXT[self.state["status"]]


def moved(state: Json, changes: Json) -> Json:
    """Return the state with the changes made; raises RefusedError (400) if that is not a legal next state."""
    before: str = state["status"]
    status: str = changes.get("status", before)
    completed, failed = status == "completed", status == "failed"
    new = {**state, **AT_END.get(status, {}), **changes}
    wrong = {
        f"status cannot go from {before} to {status}; next is {' or '.join(NEXT[before])}": status != before
        and status not in NEXT[before],
        f"progress must not fall: it is {state['progress']:g}": not failed and new["progress"] < state["progress"],
        "a completed task has progress 100": completed and new["progress"] != 100,
        "a completed task needs its results, and no other has any": completed != ("results" in new),
        "a failed task needs an error that helps its reader, and no other has one": failed != ("error" in new),
    }
    for message, is_wrong in wrong.items():
        if is_wrong:
            raise RefusedError(400, "bad_update", message)
    if status in AT_END and "estimatedTimeRemaining" not in changes:
        new.pop("estimatedTimeRemaining", None)
    return new


class Tasks:
    """The tasks of this server instance: at most `limit`, none that has not moved for `ttl_s` seconds."""

    def __init__(self, events: Events, ttl_s: float, limit: int) -> None:
        self.events = events
        self.ttl_s = ttl_s
        self.limit = limit
        self.by_id: dict[str, Task] = {}

    def create(self) -> Task:
        """Return a new pending task; where there are too many, the oldest that has ended is forgotten for it.

        Raises:
            RefusedError: 503, as none of too many has ended.
        """
        if len(self.by_id) >= self.limit:
            self.make_room()
        task_id = secrets.token_hex(8)
        task = self.by_id[task_id] = Task(task_id, {"taskId": task_id, **CREATED})
        log.info("task created", extra={"task": task_id})
        self.record(task)
        return task

    def make_room(self) -> None:
        """Forget the oldest task that has ended; raises RefusedError (503) if none has."""
        ended = next((task for task in self.by_id.values() if task.ended), None)
        if ended is None:
            raise RefusedError(503, "too_many_tasks", "Too many tasks are running. Try again in a minute.")
        del self.by_id[ended.id]

    def find(self, task_id: str) -> Task:
        """Return the task; raises RefusedError (404)."""
        if task := self.by_id.get(task_id):
            return task
        message = "This task is unknown here: it is too old, or was lost in a restart. Start a new one."
        raise RefusedError(404, "unknown_task", message)

    def move(self, task: Task, changes: Json) -> None:
        """Make the changes and tell every reader; raises RefusedError (400, or 409 after the end)."""
        if task.ended:
            raise RefusedError(409, "task_ended", "The task has ended and moves no more. Start a new one.")
        task.state = moved(task.state, changes)
        task.moved_at = time.monotonic()
        self.record(task)

    def record(self, task: Task) -> None:
        """Append the task's state to its log, and close the log when it is the last."""
        task.log.append(self.events.progress(task.id, task.log.end, task.state))
        if task.ended:
            task.log.close()
            log.info("task ended", extra={"task": task.id, "status": task.state["status"]})

    async def expire(self) -> None:
        """Look for tasks past their time, for ever: the ended ones are forgotten, others fail where readers see it."""
        while True:
            await asyncio.sleep(min(30.0, self.ttl_s / 4))
            for task in [one for one in self.by_id.values() if time.monotonic() - one.moved_at > self.ttl_s]:
                if task.ended:
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
