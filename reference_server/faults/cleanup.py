"""Clients that leave, or read slowly, and what they cost."""

import asyncio
import itertools
import os
import socket
from collections import defaultdict, deque
from typing import ClassVar

from aiohttp import web

from ssegauge.reference_server.common.log import Reader
from ssegauge.reference_server.common.refusals import RefusedError
from ssegauge.reference_server.common.tap import Tap
from ssegauge.reference_server.faults.registry import breaks
from ssegauge.reference_server.stream import Streams
from ssegauge.reference_server.tasks import Task

TCP_CLOSE, TCP_CLOSE_WAIT = 7, 8  # linux/net/tcp_states.h
STORM = 50


@breaks("cleanup/open-count-wrong")
class Miscounting(Streams):
    """Counts streams when they open, and never when they end."""

    async def stream(self, request: web.Request, task: Task, position: int) -> web.StreamResponse:
        """Make up for the healthy count."""
        try:
            return await super().stream(request, task, position)
        finally:
            self.open += 1


class Holding(Streams):
    """Keeps the sockets of clients that left, in the state that their leaving put them into."""

    state: int
    held: ClassVar[deque[int]]

    async def stream(self, request: web.Request, task: Task, position: int) -> web.StreamResponse:
        """Duplicate the socket, and see what becomes of it."""
        if request.transport is None:
            raise ConnectionResetError
        copy = request.transport.get_extra_info("socket").dup()
        try:
            return await super().stream(request, task, position)
        finally:
            self.keep_or_close(copy)

    def keep_or_close(self, copy: socket.socket) -> None:
        """Keep the socket if its client left in the way that is looked for."""
        if copy.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] != self.state:
            copy.close()
            return
        if len(self.held) == self.held.maxlen:
            os.close(self.held.popleft())
        self.held.append(copy.detach())


@breaks("cleanup/socket-held-after-fin")
class HoldsAfterFin(Holding):
    """Keeps the last three sockets whose clients sent FIN: few, so that descriptors do not grow."""

    state = TCP_CLOSE_WAIT
    held: ClassVar[deque[int]] = deque(maxlen=3)


@breaks("cleanup/socket-held-after-rst")
class HoldsAfterRst(Holding):
    """Keeps the sockets whose clients sent RST: the kernel's table has no such row, only descriptors show it."""

    state = TCP_CLOSE
    held: ClassVar[deque[int]] = deque(maxlen=1_000)


@breaks("cleanup/descriptors-grow")
class Opening(Streams):
    """Opens a file for each stream, and never closes it."""

    async def stream(self, request: web.Request, task: Task, position: int) -> web.StreamResponse:
        """Open it."""
        os.open(os.devnull, os.O_RDONLY)
        return await super().stream(request, task, position)


@breaks("cleanup/memory-grows")
class Remembering(Streams):
    """Remembers 256 KiB of each stream for ever."""

    memory: list[bytes]

    async def stream(self, request: web.Request, task: Task, position: int) -> web.StreamResponse:
        """Remember."""
        self.memory = [*getattr(self, "memory", []), os.urandom(1024) * 256]
        return await super().stream(request, task, position)


@breaks("cleanup/refuses-after-storm")
class Exhausted(Streams):
    """Has 50 places, and does not give back those of clients that left early."""

    left = 0

    async def get(self, request: web.Request) -> web.StreamResponse:
        """Answer 503 when the places are used up."""
        if self.left >= STORM:
            raise RefusedError(503, "too_many_streams", "Too many open streams. Try again soon.")
        return await super().get(request)

    async def stream(self, request: web.Request, task: Task, position: int) -> web.StreamResponse:
        """Count clients that left."""
        try:
            return await super().stream(request, task, position)
        except asyncio.CancelledError:
            self.left += 1
            raise


@breaks("cleanup/disconnect-stops-task")
class Stopping(Streams):
    """Stops the task with its reader."""

    async def stream(self, request: web.Request, task: Task, position: int) -> web.StreamResponse:
        """Stop the worker when the client leaves."""
        try:
            return await super().stream(request, task, position)
        except asyncio.CancelledError:
            if task.worker:
                task.worker.cancel()
            raise


@breaks("slow/slow-reader-stalls-others")
class OneByOne(Streams):
    """Writes to the readers of a task one by one, waiting for each."""

    turns: ClassVar[defaultdict[str, asyncio.Lock]] = defaultdict(asyncio.Lock)

    async def deliver(self, task: Task, reader: Reader) -> None:
        """Take turns, in small steps, with a heartbeat at times."""
        reader.transport.set_write_buffer_limits(high=0)
        connection = reader.transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        turn, steps = self.turns[task.id], itertools.count(1)
        while not (task.log.closed and reader.position == task.log.end):
            async with turn:
                await self.write_next(task, reader)
            await asyncio.sleep(0.005)
            if next(steps) % (self.heartbeat / 3 // 0.005) == 0:
                reader.write(self.events.heartbeat())

    async def write_next(self, task: Task, reader: Reader) -> None:
        """Write one event and wait until it is gone."""
        if reader.position < task.log.end:
            reader.position += 1
            reader.write(task.log.blocks[reader.position - 1 - task.log.base])
            await reader.writer.drain()


class NeverFull:
    """Stands in for a connection, and its writer, that always takes more."""

    writing_paused = False

    async def drain(self) -> None:
        """Wait for nothing."""


@breaks("slow/slow-reader-grows-memory")
class Unbounded(Streams):
    """Queues without bound for a reader that does not read, and keeps 64 copies of what it queues."""

    async def deliver(self, task: Task, reader: Reader) -> None:
        """Never wait for the reader."""
        copies: list[bytes] = []
        transport = reader.transport
        full = transport.get_write_buffer_limits()[1]

        def hoard(block: bytes) -> list[bytes]:
            if transport.get_write_buffer_size() > full:
                copies.append(block * 64)
            return [block]

        Tap(reader, hoard)
        reader.connection = NeverFull()  # type: ignore[assignment] # it stands in for one property
        reader.writer = NeverFull()  # type: ignore[assignment] # and for one method
        await super().deliver(task, reader)
