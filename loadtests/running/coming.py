"""Users who do not behave: who leave in the midst, by FIN or RST, and who stop reading."""

from __future__ import annotations

from random import Random
from typing import ClassVar, Final

import gevent

from ssegauge.loadtests.running.node import Node
from ssegauge.loadtests.running.users import Place, Seat, SSEUser
from ssegauge.loadtests.stream.session import Session

STOPPED_BYTES: Final = 4096  # what the kernel may take of a stream that nobody reads
_SEED: Final = 205


class ComingUser(SSEUser):
    """A user who stays with a stream for ``stay_s`` on average, and then opens another; subclass it."""

    abstract = True
    stay_s: ClassVar[float] = 2.0

    def seat(self, node: Node) -> Place:
        """Return a seat that is left again and again."""
        return Visit(self, node, self.stay_s)


class SlowUser(SSEUser):
    """A user of whom one in ``one_in`` reads nothing; subclass it."""

    abstract = True
    one_in: ClassVar[int] = 5

    def seat(self, node: Node) -> Place:
        """Return a seat at which a stream is read, or not."""
        return Seat(self, node) if node.users_so_far % self.one_in else Asleep(self, node)


class Visit(Seat):
    """Where one stream after the other is left in the midst; the first when all are there, so that all were open."""

    __slots__ = ("_dice", "_stay_s", "_visits")

    def __init__(self, user: SSEUser, node: Node, stay_s: float) -> None:
        super().__init__(user, node)
        self._stay_s = stay_s
        self._dice = Random(f"{_SEED}/{self._number}")  # noqa: S311 - no secret
        self._visits = self._number  # so that some begin with a FIN and some with an RST

    def opened(self) -> None:
        """Leave after a while."""
        if session := self._session:
            gevent.spawn(self._go, session)

    def _go(self, session: Session) -> None:
        self._node.measuring.wait()
        gevent.sleep(self._dice.uniform(0.5, 1.5) * self._stay_s)
        if session is not self._session or self._node.finishing:
            return  # the server has ended it before
        self._visits += 1
        reset = bool(self._visits % 2)
        self._node.books.counts.left_by_rst += reset
        self._node.books.counts.left_by_fin += not reset
        session.abandon(reset=reset)


class Asleep(Seat):
    """Where a stream is opened and not read; nothing is expected of it, and it is nobody's witness."""

    __slots__ = ()

    def opened(self) -> None:
        """Stop reading."""
        if self._session:
            self._session.stop_reading(STOPPED_BYTES)
