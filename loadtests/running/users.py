"""Locust users that hold event streams and measure them right.

In a locustfile of your own::

    from ssegauge import Failed, SSEUser

    class Dashboard(SSEUser):
        path = "/events"                       # and --host, or else --target FILE|URL

        def on_event(self, kind, data, last_event_id):  # optional; its time is the generator's own
            if not data:
                raise Failed("no data")        # counts against the server; any other error voids the run

A user opens its streams when they are wanted, follows them to their end, and opens them again when they broke off,
each at its own ``Seat``. Greenlets live as long as opening takes, and where there is an ``on_event``.
"""

from __future__ import annotations

from typing import ClassVar, Final, Protocol

import gevent
from gevent import Greenlet
from gevent.event import AsyncResult
from locust import User, task
from locust.env import Environment
from locust.exception import InterruptTaskSet, StopUser

from ssegauge.conformance.errors import CannotJudge
from ssegauge.loadtests.driving.before import Kept
from ssegauge.loadtests.driving.updates import Task
from ssegauge.loadtests.running.hooks import node_of
from ssegauge.loadtests.running.node import Node
from ssegauge.loadtests.running.node.asking import Asking
from ssegauge.loadtests.running.node.streams import NO_CONTENT
from ssegauge.loadtests.running.scenario import streams_of
from ssegauge.loadtests.stream.session import Session
from ssegauge.loadtests.stream.stream import StreamFailed

RECONNECT_S: Final = 1.0
REOPENING_RATE: Final = 1000.0  # streams per second, when all are wanted again


class Failed(Exception):  # noqa: N818 - an outcome, not a mistake
    """Raised in ``on_event``: the event is not what it should be, for this reason; it counts against the server."""


class Place(Protocol):
    """Where a user has its streams, one after the other."""

    def leave(self) -> None:
        """Have no more."""


class SSEUser(User):
    """A user who watches event streams; subclass it.

    Attributes:
        path: the stream's path, when it is not the target's.
        scenario: the run's name in load.json.
        drives: whether updates are triggered, so that latency counts from their planned time.
        streams: how many streams a user watches at once. A Locust user has a greenlet, a stream has none; so many
            streams are cheapest with few users.
    """

    abstract = True
    path: ClassVar[str] = ""
    scenario: ClassVar[str] = "custom"
    drives: ClassVar[bool] = False
    streams: ClassVar[int] = 1

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        self._over: AsyncResult[None] = AsyncResult()

    def on_event(self, kind: str, data: str, last_event_id: str) -> None:
        """Take an event, after it was measured. Override it."""

    def choose_task(self, node: Node) -> Task | None:
        """Return the task to watch, None when the stream needs none. Override it; may raise CannotJudge."""
        return node.shared_task() if node.target.needs_task or node.part.publishes else None

    @task
    def stream(self) -> None:
        """Watch streams until Locust, or the own code of the locustfile, says that this is over."""
        node = node_of(self.environment)
        seats = [self.seat(node) for _ in range(streams_of(self.environment))]
        try:
            self._over.get()
        finally:
            for seat in seats:
                seat.leave()

    def seat(self, node: Node) -> Place:
        """Return where one stream after the other is watched."""
        return Seat(self, node)

    def leave(self, error: BaseException) -> None:
        """Have the user's own greenlet raise what says, in Locust's way, that this user is done."""
        self._over.set_exception(error)

    def failed(self, node: Node, what: str, error: Exception) -> None:
        """Count a mistake in code that is not the server's; it voids the run."""
        node.books.erred(f"{what}: {error}")
        self.environment.events.user_error.fire(user_instance=self, exception=error, tb=error.__traceback__)


class RequestUser(SSEUser):
    """A user who asks, reads the answer to its end, thinks, and asks again; subclass it.

    Where requests arrive by a plan, users do nothing: their process asks.
    """

    abstract = True
    asks: ClassVar[bool] = True

    def seat(self, node: Node) -> Place:
        """Return where one answer after the other is read."""
        assert node.desk
        if node.desk.orders.arrivals:
            return Idle()
        number = node.next_user()
        return Asking(node, node.desk, number, number % node.opening_rate / node.opening_rate)


class Idle:
    """Where nothing is done."""

    def leave(self) -> None:
        """Go on doing nothing."""


class Seat:
    """Where one stream after the other is watched."""

    __slots__ = (
        *("_first", "_is_called", "_kept", "_last_event_id", "_node", "_number", "_opener", "_session", "_spent"),
        *("_task", "_user"),
    )

    def __init__(self, user: SSEUser, node: Node) -> None:
        self._user, self._node = user, node
        self._number = node.next_user()
        self._task: Task | None = None
        self._session: Session | None = None
        self._last_event_id = ""
        self._kept: Kept | None = None  # of the calls that the stream needs first
        self._spent: Kept | None = None  # by the stream before
        self._first = True
        self._is_called = False
        self._opener: Greenlet | None = None
        node.crowd.join(self)

    def call(self) -> None:
        """Watch, from now on."""
        self._is_called = True
        if self._task:
            self._node.tasks.watched(self._task)
        if not (self._opener or self._session):
            self._opener = gevent.spawn(self._run)

    def dismiss(self) -> None:
        """Watch no more, until called again."""
        self.leave()
        if self._task:
            self._node.tasks.unwatched(self._task)

    def leave(self) -> None:
        """Watch no more."""
        self._is_called = False
        if self._opener:
            self._opener.kill(block=False)
            self._opener = None
        if session := self._session:
            self._session = None
            session.abandon()

    def stream_ended(self, ending: str) -> None:
        """Open the stream again, in a while unless it was we who closed it."""
        if session := self._session:
            self._session = None
            goes_on = self._node.streams.goes_on(ending, self._task)
            self._last_event_id = (session.last_event_id or self._last_event_id) if goes_on else ""
            self._again(self._after(ending))

    def _again(self, in_s: float) -> None:
        if self._is_called and not self._node.finishing:
            self._opener = gevent.spawn_later(in_s, self._run)

    def _run(self) -> None:
        """Open a stream. What raises voids the run, and waits: Locust would start a user anew at once."""
        wait_s: float | None = RECONNECT_S
        try:
            wait_s = self._open()
        except (StopUser, InterruptTaskSet) as error:  # Locust's ways to say that this user is done
            self._user.leave(error)
        except Exception as error:  # noqa: BLE001 - a defect, ours or that of a locustfile
            self._user.failed(self._node, f"{type(error).__name__} in a user", error)
        self._opener = None
        if wait_s is not None:
            self._again(wait_s)

    def _open(self) -> float | None:
        """Open a stream; return after how many seconds to try again, None when there is one."""
        node, user = self._node, self._user
        if node.finishing or not self._choose() or not self._has_its_turn():
            return RECONNECT_S
        overridden = type(user).on_event is not SSEUser.on_event
        try:
            listener = self._hand_over if overridden else None
            session = node.streams.open(self, self._task, user.path, listener, self._kept or {}, self.resume_from())
        except StreamFailed as failure:
            return self.refused(failure)
        if session.ending:
            return self._after(session.ending)
        if not node.wanted.is_set():  # any more
            session.hang_up()
            return 0.0
        self._session = session
        self.opened()
        return None

    def opened(self) -> None:
        """Take that a stream is open. Override it."""

    def refused(self, failure: StreamFailed) -> float | None:
        """Return after how many seconds to try again, None for never."""
        if failure.status == NO_CONTENT:  # there is no more of what was read: somebody else comes in its place
            self._last_event_id = ""
        return max(self._after(str(failure)), failure.retry_after_s)

    def resume_from(self) -> str:
        """Return the id of the event after which to go on; empty for none."""
        return self._last_event_id

    def _after(self, ending: str) -> float:
        """Return after how many seconds to open the next stream; unless it was we who closed it, all is begun anew."""
        if ending == "closed":
            return 0.0
        self._kept, self._spent = None, self._kept
        return RECONNECT_S

    def _has_its_turn(self) -> bool:
        """Wait until streams are wanted, and then for a moment of one's own: Locust starts users in heaps."""
        node = self._node
        if node.wanted.is_set():
            rate = node.opening_rate
            gevent.sleep(self._number % rate / rate if self._first and not node.crowd.shaped else 0.0)
        else:
            node.wanted.wait()
            gevent.sleep(self._number / REOPENING_RATE)
        self._first = False
        return not node.finishing

    def _choose(self) -> bool:
        """Have a task; a failure counts like that of a stream, and is tried again."""
        node, first = self._node, self._task is None
        try:
            if self._kept is None:
                self._kept = node.prepare(self._spent)
            if self._task is None or self._task.ended:
                self._task = self._user.choose_task(node)
        except CannotJudge as error:
            node.books.failed(str(error))
            return False
        node.books.counts.ready += first
        return True

    def _hand_over(self, *event: str) -> None:
        """Call the own code of the locustfile; its mistakes are neither the server's nor a reason to end the stream."""
        self._node.books.counts.checked += 1
        try:
            self._user.on_event(*event)
        except Failed as failure:
            self._node.books.found_wrong(str(failure) or "no reason given")
        except (StopUser, InterruptTaskSet) as error:
            self._user.leave(error)
        except Exception as error:  # noqa: BLE001 - anybody's code
            self._user.failed(self._node, f"on_event raised {type(error).__name__}", error)
