"""Updates that we trigger on a planned schedule: an open loop whose effect is timed.

``Driver`` plans one update after another, ``rate`` per second, and gives them to the tasks in rounds. A task's
updates are sent one at a time, the next when the server has answered, because two connections may overtake
each other; what waits keeps its planned time, so a slow server shows as latency. How late we ourselves were
in starting is written into the update's token, as the generator's own delay.
"""

from __future__ import annotations

from array import array
from collections import deque
from collections.abc import Callable, Mapping
from random import Random
from typing import Any, Final

import gevent
from gevent import monkey

from ssegauge.conformance.errors import CannotJudge
from ssegauge.conformance.target import Before, Create, Target, fill, fill_json, pointer
from ssegauge.loadtests.driving import pacing
from ssegauge.loadtests.driving.client import Client, ExchangeFailed, Reply, call_bytes
from ssegauge.loadtests.measuring.integrity import Token, Tokens
from ssegauge.loadtests.stream import clock
from ssegauge.loadtests.stream.connection import Origin

# gevent's timers wake up to 1 ms late; for the rest the kernel's own sleep is exact, and holding up the loop
# that long costs nothing that is measured, because arrivals are stamped by the kernel.
COARSE_NS: Final = 1_200_000
MOST_EXACT_RATE: Final = 200.0
_SEED: Final = 205
FRESH_NS: Final = 1_000_000_000  # an update that waits no longer for the one before it, at the end, was never due
OnReply = Callable[[str, int, int, str], None]  # name, sent_ns, arrived_ns, failure or ""
_sleep_exactly: Final = monkey.get_original("time", "sleep")


class Task:
    """One task of the server under test, as we drive it; without an id it is a stream that we publish to.

    Attributes:
        sent: number of the last update sent; accepted: of the last one that got a 2xx.
        refused: numbers of updates without a 2xx; whether they arrive says nothing.
    """

    __slots__ = ("accepted", "driven", "due", "ended", "id", "number", "refused", "sending", "sent")

    def __init__(self, task_id: str, number: int, *, driven: bool) -> None:
        self.id, self.number, self.driven = task_id, number, driven
        self.sent = self.accepted = 0
        self.refused: set[int] = set()
        self.due: deque[tuple[int, int]] = deque()  # planned, noticed (ns)
        self.sending = self.ended = False


class Hooks:
    """The target's hooks: create a task, update it, complete it."""

    def __init__(self, target: Target, origin: Origin, client: Client, tokens: Tokens, on_reply: OnReply) -> None:
        self._target, self._origin, self._client = target, origin, client
        self._tokens, self._on_reply = tokens, on_reply
        self._count = 0
        self.kept: Mapping[str, str] = {}  # of [[before]], for calls that are no user's
        self.sending_ms = array("d")  # how late each update was, through our fault
        self.planned = self.accepted = self.refused = 0  # of the updates that were due

    def create(self, call: Create) -> Task:
        """Start a task; raises CannotJudge when that gives no task ID."""
        what, filled = f"{call.method} {call.path}", fill(call, self.kept)
        reply = self._exchange(what, lambda: call_bytes(self._target, self._origin, filled))
        if not reply or not reply.ok:
            raise CannotJudge(f"{what}: no task was created ({reply.status if reply else 'no reply'})")
        try:
            task_id = str(pointer(reply.json(), call.id))
        except (ValueError, LookupError):
            raise CannotJudge(f"{what}: the reply has no task ID at {call.id}; set the hook's id") from None
        self._count += 1
        driven = call is self._target.task.create_manual
        return Task(task_id, self._count, driven=driven)

    def published(self) -> Task:
        """Return what is published as the updates of a task: it is there already, and goes on when we have gone."""
        self._count += 1
        return Task("", self._count, driven=True)

    def ask(self, before: Before) -> Reply | None:
        """Make a call that a stream needs first."""
        return self._exchange(f"{before.method} {before.path}", lambda: call_bytes(self._target, self._origin, before))

    def update(self, task: Task, due_ns: int, noticed_ns: int) -> None:
        """Send a task's next update."""
        self.sending_ms.append(max(0, noticed_ns - due_ns) / 1e6)
        accepted = self._send(task, due_ns, noticed_ns, "running")
        self.accepted += accepted
        self.refused += not accepted

    def complete(self, task: Task) -> None:
        """End a task by an update that must arrive like the others, but is not timed: all end at once."""
        task.ended = True
        if task.id:
            self._send(task, 0, 0, "completed")

    def _send(self, task: Task, due_ns: int, noticed_ns: int, status: str) -> bool:
        task.sent += 1
        number = task.sent
        late_us = max(0, noticed_ns - due_ns) // 1000
        message = self._tokens.write(Token(task.number, number, due_ns, late_us))
        request = self._publication(message) if not task.id else self._update_of(task, status, message)
        reply = self._exchange("update", lambda: request)
        if reply and reply.ok:
            task.accepted = number
            return True
        task.refused.add(number)
        return False

    def _update_of(self, task: Task, status: str, message: str) -> bytes:
        call = self._target.task.update
        assert call
        call = fill(call, self.kept)
        body = update_body(call.json, status, task.sent, message)
        return call_bytes(self._target, self._origin, call, body, task_id=task.id)

    def _publication(self, message: str) -> bytes:
        call = self._target.publish
        assert call
        return call_bytes(self._target, self._origin, fill(call, {**self.kept, "marker": message}))

    def _exchange(self, what: str, make: Callable[[], bytes]) -> Reply | None:
        started_ns = clock.now()
        try:
            reply = self._client.exchange(make)
        except ExchangeFailed as failure:
            self._on_reply(what, started_ns, clock.now(), str(failure))
            return None
        self._on_reply(what, reply.sent_ns, reply.arrived_ns, "" if reply.ok else f"status {reply.status}")
        return reply


class Driver:
    """Triggers updates, ``rate`` per second over all tasks (one at least), until stopped."""

    def __init__(self, hooks: Hooks, tasks: list[Task], rate: float) -> None:
        self._hooks, self._tasks, self._rate = hooks, tasks, rate
        self._loop = gevent.spawn(self._run)
        self._senders: set[gevent.Greenlet] = set()

    @property
    def is_going(self) -> bool:
        """Whether there are tasks to drive."""
        return not self._loop.ready()

    def stop(self, patience_s: float) -> None:
        """Plan no more updates; wait for the replies to those on their way, in seconds at most."""
        self._loop.kill()
        fresh_ns = clock.now() - FRESH_NS
        for task in self._tasks:
            self._hooks.planned -= sum(due_ns > fresh_ns for due_ns, _ in task.due)
            task.due.clear()
        gevent.joinall(list(self._senders), timeout=patience_s)

    def _run(self) -> None:
        dice = Random(_SEED)  # noqa: S311 - no secret
        for due_ns, task in pacing.plan(clock.now(), self._rate, self._tasks, dice):
            wait_until(due_ns, self._rate)
            self._give(task, due_ns)

    def _give(self, task: Task, due_ns: int) -> None:
        if task.ended:
            return
        self._hooks.planned += 1
        task.due.append((due_ns, clock.now()))
        if not task.sending:
            task.sending = True
            sender = gevent.spawn(self._send_due, task)
            self._senders.add(sender)
            sender.link(self._senders.discard)

    def _send_due(self, task: Task) -> None:
        while task.due:
            self._hooks.update(task, *task.due.popleft())
        task.sending = False


def wait_until(due_ns: int, rate: float) -> None:
    """Wait until something is due; of many that come soon after each other less exactly."""
    (_wait_exactly if rate <= MOST_EXACT_RATE else _wait_roughly)(due_ns)


def _wait_roughly(due_ns: int) -> None:
    gevent.sleep(max(0.0, (due_ns - clock.now()) / 1e9))


def _wait_exactly(due_ns: int) -> None:
    _wait_roughly(due_ns - COARSE_NS)
    _sleep_exactly(max(0.0, (due_ns - clock.now()) / 1e9))


def update_body(template: Any, status: str, number: int, message: str) -> Any:  # noqa: ANN401 - any JSON value
    """Return the JSON of an update: the template with its placeholders filled in, or our own."""
    done = status == "completed"
    stage = "Completed" if done else "Load"
    progress = 100 if done else pacing.progress_of(number)
    values = {"message": message, "progress": progress, "stage": stage, "status": status}
    if template is not None:
        return fill_json(template, values)
    return values | ({"results": {"updates": number}} if done else {})
