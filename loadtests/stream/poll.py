"""Which sockets have something to read: one epoll for all of them, asked each turn of gevent's loop.

A watcher of gevent's for each socket would cost a microsecond more a read, and its memory. A socket has one call that
is made when it is ready: again and again (``watch``), or once (``wait``, for a greenlet). Calls are made from the loop,
so they must not wait.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import cache
from typing import Final

import gevent
from gevent.monkey import get_original

from ssegauge.loadtests.stream.clock import now

READ: Final = 1  # EPOLLIN
WRITE: Final = 4  # EPOLLOUT
_ONCE: Final = 1 << 30  # EPOLLONESHOT
Call = Callable[[], object]


class Poll:
    """The sockets of a process. ``looked_ns``: who was ready by then (real-time clock) has been called."""

    def __init__(self) -> None:
        self._hub = gevent.get_hub()
        self._epoll = get_original("select", "epoll")()
        self._calls: dict[int, Call] = {}
        self._whether = get_original("select", "poll")()  # whether any is ready; to ask epoll itself would take it
        self._whether.register(self._epoll.fileno(), READ)
        self.looked_ns = now()
        self._ready = self._hub.loop.io(self._epoll.fileno(), READ)
        self._looking = self._hub.loop.prepare()
        self._ready.start(self._call)
        self._looking.start(self._look)

    def watch(self, descriptor: int, call: Call) -> None:
        """Make a call whenever there is something to read."""
        self._want(descriptor, READ, call)

    def wait(self, descriptor: int, event: int) -> None:
        """Return when there is something to read, or room to write; from a greenlet."""
        self._want(descriptor, event | _ONCE, gevent.getcurrent().switch)
        try:
            self._hub.switch()
        finally:
            if descriptor in self._calls:
                self._calls[descriptor] = _nothing

    def forget(self, descriptor: int) -> None:
        """Make no call any more."""
        if self._calls.pop(descriptor, None):
            self._epoll.unregister(descriptor)

    def _want(self, descriptor: int, events: int, call: Call) -> None:
        if descriptor in self._calls:
            self._epoll.modify(descriptor, events)
        else:
            self._epoll.register(descriptor, events)
        self._calls[descriptor] = call

    def _look(self) -> None:
        """Before the loop goes to sleep: if nothing is ready, what comes now comes later than this."""
        asked_ns = now()
        if not self._whether.poll(0):
            self.looked_ns = asked_ns

    def _call(self) -> None:
        asked_ns, calls = now(), self._calls
        for descriptor, _ in self._epoll.poll(0, max(1, len(calls))):
            try:
                calls.get(descriptor, _nothing)()
            except Exception:  # noqa: BLE001 - of one socket, and the others are to be called
                self._hub.handle_error(self, *sys.exc_info())
        self.looked_ns = asked_ns


def _nothing() -> None:
    """Do nothing: somebody was called before who has ended this."""


@cache
def poll() -> Poll:
    """Return the one of this process, made where it is first wanted."""
    return Poll()
