"""Locust users that hold event streams and measure them right.

In a locustfile of your own::

    from ssegauge import SSEUser

    class Dashboard(SSEUser):
        path = "/events"                       # and --host, or else --target FILE|URL

        def on_event(self, kind, data, last_event_id):
            ...                                # optional; its time is the generator's own, and its errors void the run

A user opens its stream when streams are wanted, follows it to its end, and opens it again when it broke off.
"""

from __future__ import annotations

from functools import partial
from typing import ClassVar, Final

import gevent
from locust import User, task
from locust.env import Environment
from locust.exception import InterruptTaskSet, StopUser

from ssegauge.conformance.errors import CannotJudge
from ssegauge.loadtests.driving.before import Kept
from ssegauge.loadtests.driving.updates import Task
from ssegauge.loadtests.running.hooks import node_of
from ssegauge.loadtests.running.node import Node
from ssegauge.loadtests.stream.session import OnEvent

RECONNECT_S: Final = 1.0
REOPENING_RATE: Final = 1000.0  # streams per second, when all are wanted again


class SSEUser(User):
    """A user who watches one event stream; subclass it.

    Attributes:
        path: the stream's path, when it is not the target's.
        scenario: the run's name in load.json.
        drives: whether updates are triggered, so that latency counts from their planned time.
    """

    abstract = True
    path: ClassVar[str] = ""
    scenario: ClassVar[str] = "custom"
    drives: ClassVar[bool] = False

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        self._task: Task | None = None
        self._kept: Kept | None = None  # of [[before]], for the stream to come; spent when that has ended
        self._spent: Kept | None = None
        self._first = True
        self._number = node_of(environment).next_user()

    def on_event(self, kind: str, data: str, last_event_id: str) -> None:
        """Take an event, after it was measured. Override it."""

    def choose_task(self, node: Node) -> Task | None:
        """Return the task to watch, None when the stream needs none. Override it; may raise CannotJudge."""
        return node.shared_task() if node.target.needs_task else None

    @task
    def stream(self) -> None:
        """Watch a stream to its end; what raises voids the run, and waits: Locust would start anew at once."""
        node = node_of(self.environment)
        try:
            self._follow(node)
        except (StopUser, InterruptTaskSet):  # Locust's ways to say that this user is done
            raise
        except Exception as error:  # noqa: BLE001 - a defect, ours or that of a locustfile
            node.erred(f"{type(error).__name__} in a user: {error}")
            self.environment.events.user_error.fire(user_instance=self, exception=error, tb=error.__traceback__)
            gevent.sleep(RECONNECT_S)

    def _follow(self, node: Node) -> None:
        if node.finishing or not self._choose(node):
            gevent.sleep(RECONNECT_S)
            return
        self._wait_for_turn(node)
        ending = node.follow(self._task, self.path or None, self._listener(node), self._kept or {})
        if ending != "closed":
            self._kept, self._spent = None, self._kept
            gevent.sleep(RECONNECT_S)

    def _wait_for_turn(self, node: Node) -> None:
        """Wait until streams are wanted, and then for a moment of one's own: Locust starts users in heaps."""
        if node.wanted.is_set():
            rate = max(1.0, getattr(self.environment.parsed_options, "spawn_rate", None) or 1.0)
            gevent.sleep(self._number % rate / rate if self._first else 0.0)
        else:
            node.wanted.wait()
            gevent.sleep(self._number / REOPENING_RATE)
        self._first = False

    def _choose(self, node: Node) -> bool:
        """Have a task; a failure counts like that of a stream, and is tried again."""
        first = self._task is None
        try:
            if self._kept is None:
                self._kept = node.prepare(self._spent)
            if self._task is None or self._task.ended:
                self._task = self.choose_task(node)
        except CannotJudge as error:
            node.failed(str(error))
            return False
        node.counts.ready += first
        return True

    def _listener(self, node: Node) -> OnEvent | None:
        overridden = type(self).on_event is not SSEUser.on_event
        return partial(self._hand_over, node) if overridden else None

    def _hand_over(self, node: Node, *event: str) -> None:
        """Call the own code of the locustfile; its mistakes are neither the server's nor a reason to end the stream."""
        try:
            self.on_event(*event)
        except (StopUser, InterruptTaskSet):
            raise
        except Exception as error:  # noqa: BLE001 - anybody's code
            node.erred(f"on_event raised {type(error).__name__}: {error}")
            self.environment.events.user_error.fire(user_instance=self, exception=error, tb=error.__traceback__)
