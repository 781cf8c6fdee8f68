"""The tasks of a process: who starts them, which of them are driven, and how they end."""

from __future__ import annotations

from typing import Final

from gevent.lock import Semaphore
from gevent.pool import Pool

from ssegauge.conformance.errors import CannotJudge
from ssegauge.conformance.target import Target
from ssegauge.loadtests.driving.updates import Driver, Hooks, Task

ENDERS: Final = 16  # tasks that are ended at once
ENDING_S: Final = 0.01


class Tasks:
    """See the module. ``publishes``: what is driven is what all are told, where there is no task to move."""

    def __init__(self, target: Target, hooks: Hooks, *, publishes: bool) -> None:
        self._target, self._hooks, self._publishes = target, hooks, publishes
        self._driven: list[Task] = []
        self._unwatched: set[Task] = set()  # they are not driven, until somebody watches again
        self._shared: Task | None = None
        self._sharing = Semaphore()
        self._driver: Driver | None = None
        self._rate = 0.0  # of updates, once they are wanted
        self._is_over = False

    def new(self) -> Task:
        """Start a task that moves only when told to; raises CannotJudge when that is impossible."""
        call = self._target.task.create_manual
        if not call or not self._target.task.update:
            raise CannotJudge("no [task.create_manual] and [task.update] in the target; add them")
        return self._join(self._hooks.create(call))

    def shared(self) -> Task | None:
        """Return the task that all users watch: started by the first, renewed by the first to come after its end."""
        with self._sharing:
            if self._shared is None or self._shared.ended:
                self._shared = self._start_shared()
            return self._shared

    def watched(self, task: Task) -> None:
        """Drive a task again that nobody watched."""
        if task in self._unwatched:
            self._unwatched.remove(task)
            self._join(task)

    def unwatched(self, task: Task) -> None:
        """Drive a task no more, where it is one user's own: nobody watches it now."""
        if task is not self._shared and task in self._driven:
            self._driven.remove(task)
            self._unwatched.add(task)

    def drive(self, rate: float) -> None:
        """Drive what tasks there are; those that come later join in."""
        self._rate = rate
        if self._driven and rate > 0 and not self._is_over and not (self._driver and self._driver.is_going):
            self._driver = Driver(self._hooks, self._driven, rate)

    def stop(self, patience_s: float) -> None:
        """Drive nothing any more; wait for the replies to updates on their way, in seconds at most."""
        self._is_over = True
        if self._driver:
            self._driver.stop(patience_s)

    def end(self, patience_s: float) -> None:
        """End all tasks, at once; wait for the replies, in seconds at most, and a little longer for many."""
        enders = Pool(ENDERS)
        for task in [task for task in (*self._driven, *self._unwatched) if not task.ended]:
            enders.spawn(self._hooks.complete, task)
        enders.join(timeout=patience_s + len(self._driven) * ENDING_S)

    def _join(self, task: Task) -> Task:
        self._driven.append(task)
        self.drive(self._rate)
        return task

    def _start_shared(self) -> Task | None:
        if self._publishes:
            return self._join(self._hooks.published())
        hooks = self._target.task
        call = hooks.create_manual if hooks.create_manual and hooks.update else hooks.create
        if call is None:
            if self._target.needs_task:
                raise CannotJudge("stream.path wants a {task_id}; add [task.create] or [task.create_manual]")
            return None
        task = self._hooks.create(call)
        return self._join(task) if call is hooks.create_manual else task
