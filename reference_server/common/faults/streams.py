"""Streams that cost more than they should when their clients leave, or read slowly: mixins for any kind of stream."""

import asyncio
import itertools
import os
import socket
from collections import deque
from typing import ClassVar

from aiohttp import web

from ssegauge.reference_server.common.log import Log, Reader
from ssegauge.reference_server.common.streaming import Streaming

TCP_CLOSE, TCP_CLOSE_WAIT = 7, 8  # linux/net/tcp_states.h
STEP_S = 0.005


class Miscounting(Streaming):
    """Counts streams when they open, and never when they end."""

    async def stream(self, request: web.Request, *where: object) -> web.StreamResponse:
        """Make up for the healthy count."""
        try:
            return await super().stream(request, *where)
        finally:
            self.open += 1


class Holding(Streaming):
    """Keeps the sockets of clients that left, in the state that their leaving put them into."""

    state: int
    held: ClassVar[deque[int]]

    async def stream(self, request: web.Request, *where: object) -> web.StreamResponse:
        """Duplicate the socket, and see what becomes of it."""
        if request.transport is None:
            raise ConnectionResetError
        copy = request.transport.get_extra_info("socket").dup()
        try:
            return await super().stream(request, *where)
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


class HoldsAfterFin(Holding):
    """Keeps the last three sockets whose clients sent FIN: few, so that descriptors do not grow."""

    state = TCP_CLOSE_WAIT
    held: ClassVar[deque[int]] = deque(maxlen=3)


class HoldsAfterRst(Holding):
    """Keeps the sockets whose clients sent RST: the kernel's table has no such row, only descriptors show it."""

    state = TCP_CLOSE
    held: ClassVar[deque[int]] = deque(maxlen=1_000)


class Opening(Streaming):
    """Opens a file for each stream, and never closes it."""

    async def stream(self, request: web.Request, *where: object) -> web.StreamResponse:
        """Open it."""
        os.open(os.devnull, os.O_RDONLY)
        return await super().stream(request, *where)


class Remembering(Streaming):
    """Remembers 256 KiB of each stream for ever."""

    memory: list[bytes]

    async def stream(self, request: web.Request, *where: object) -> web.StreamResponse:
        """Remember."""
        self.memory = [*getattr(self, "memory", []), os.urandom(1024) * 256]
        return await super().stream(request, *where)


class HeadHangs(Streaming):
    """Never answers HEAD."""

    async def get(self, request: web.Request) -> web.StreamResponse:
        """Answer GET, and wait for ever for HEAD."""
        if request.method == "HEAD":
            await for_ever()
        return await super().get(request)


class HeadBegins(Streaming):
    """Counts a stream as open for each HEAD, which no reader will ever leave."""

    async def get(self, request: web.Request) -> web.StreamResponse:
        """Count it."""
        self.open += request.method == "HEAD"
        return await super().get(request)


async def follow_in_turns(log: Log, reader: Reader, turn: asyncio.Lock, beat: tuple[float, bytes]) -> None:
    """Bring the reader the log's events in small steps, one reader at a time, each waited for; `beat`: (s, comment)."""
    reader.transport.set_write_buffer_limits(high=0)
    connection = reader.transport.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    for step in itertools.count(1):
        if log.closed and reader.position == log.end:
            return
        async with turn:
            await _write_next(log, reader)
        await asyncio.sleep(STEP_S)
        if step % (beat[0] // STEP_S) == 0:
            reader.write(beat[1])


async def _write_next(log: Log, reader: Reader) -> None:
    """Write one event and wait until it is gone."""
    if reader.position < log.end:
        reader.position += 1
        reader.write(log.blocks[reader.position - 1 - log.base])
        await reader.writer.drain()


async def for_ever() -> None:
    """Wait until cancelled."""
    await asyncio.Event().wait()


def cut(reader: Reader) -> None:
    """Close the connection without the end of the body."""
    reader.transport.close()
    raise ConnectionResetError("closed on purpose")
