"""Which of a process's seats have streams: all of them, or as many as a shape wants.

A seat is called to take its place, and dismissed; the last that was called goes first. Nothing waits at a seat that was
not called: neither a greenlet nor a stream.
"""

from __future__ import annotations

import time
from typing import Final, Protocol

import gevent

from ssegauge.loadtests.measuring.shape import Shape, share

STEP_S: Final = 0.01


class Called(Protocol):
    """A seat."""

    def call(self) -> None:
        """Have streams from now on."""

    def dismiss(self) -> None:
        """Have none until called again."""


class Crowd:
    """The seats of a process. ``shaped``: they wait to be called, and then come at once."""

    def __init__(self, *, shaped: bool = False) -> None:
        self.seats: list[Called] = []
        self.shaped = shaped
        self._wanted = 0

    def join(self, seat: Called) -> None:
        """Take a seat in; it is called at once where no shape says when."""
        self.seats.append(seat)
        if not self.shaped or len(self.seats) <= self._wanted:
            seat.call()

    def follow(self, shape: Shape, number: int, of: int) -> None:
        """Have as many streams as a shape wants of process ``number`` of so many; a greenlet of its own."""
        begun_s = time.monotonic()
        while True:
            at_s = time.monotonic() - begun_s
            self.want(share(shape.wanted(at_s), number, of))
            if at_s > shape.duration_s:
                return
            gevent.sleep(STEP_S)

    def want(self, streams: int) -> None:
        """Call or dismiss seats, so that so many have streams."""
        if streams > self._wanted:
            for seat in self.seats[self._wanted : streams]:
                seat.call()
        else:
            for seat in reversed(self.seats[streams : self._wanted]):
                seat.dismiss()
        self._wanted = streams
