"""Readers cut all at once, and come back as an EventSource: after ``retry``, with Last-Event-ID, never after 204.

An EventSource gives up for good when it is refused by a status (WHATWG HTML, "fail the connection"); these readers try
again, as libraries do, after ``Retry-After`` where the server names it, so that it shows how long it refuses.
"""

from __future__ import annotations

from typing import ClassVar, Final

from ssegauge.loadtests.judging.herd import USUAL_RETRY_S
from ssegauge.loadtests.measuring.samples import RECOVER
from ssegauge.loadtests.running.node import Node
from ssegauge.loadtests.running.node.streams import NO_CONTENT
from ssegauge.loadtests.running.users import Seat, SSEUser
from ssegauge.loadtests.stream import clock
from ssegauge.loadtests.stream.session import Session
from ssegauge.loadtests.stream.stream import StreamFailed

LONGEST_RETRY_S: Final = 60.0


class HerdUser(SSEUser):
    """A reader of a herd; subclass it."""

    abstract = True
    herds: ClassVar[bool] = True

    def seat(self, node: Node) -> Seat:
        """Return a seat that is left, and taken again, with all others."""
        return HerdSeat(self, node)


class HerdSeat(Seat):
    """Where one reader is cut with all others, and comes back."""

    __slots__ = ("_cut_ns", "_retry_s")

    def __init__(self, user: SSEUser, node: Node) -> None:
        self._cut_ns = 0  # 0 while nothing is to be come back to
        self._retry_s = USUAL_RETRY_S
        super().__init__(user, node)
        node.herd.append(self)

    def scatter(self) -> None:
        """Be cut, every other one by RST, and come back; whoever has no stream just now goes on trying."""
        if session := self._session:
            self._session = None
            self._remember(session)
            reset = bool(self._number % 2)
            self._node.books.counts.left_by_rst += reset
            self._node.books.counts.left_by_fin += not reset
            session.abandon(reset=reset)
            self._again(self._retry_s)

    def stream_ended(self, ending: str) -> None:
        """Come back after an end that the server, or the network, has made."""
        if self._session is not None:
            self._remember(self._session)
        super().stream_ended(ending)

    def opened(self) -> None:
        """Be back."""
        if self._cut_ns:
            now_ns = clock.now()
            self._node.books.rows.add(RECOVER, now_ns, self._number, (now_ns - self._cut_ns) / 1e6, -1)
            self._cut_ns = 0

    def refused(self, failure: StreamFailed) -> float | None:
        """Try again, unless 204 says not to."""
        if failure.status == NO_CONTENT:
            self._node.books.counts.stopped += not self._last_event_id  # else it is counted
            return None
        return max(self._retry_s, failure.retry_after_s)

    def _remember(self, session: Session) -> None:
        """Keep what an EventSource keeps of a stream that is over."""
        self._cut_ns = clock.now()
        self._last_event_id = session.last_event_id or self._last_event_id
        if session.retry_s is not None:
            self._retry_s = min(LONGEST_RETRY_S, session.retry_s)
            self._node.books.counts.retry_s = self._retry_s

    def _after(self, ending: str) -> float:
        return 0.0 if ending == "closed" else self._retry_s

    def _has_its_turn(self) -> bool:
        """Wait until all are there: the first wave is that of the opening."""
        self._node.wanted.wait()
        return not self._node.finishing
