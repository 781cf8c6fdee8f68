"""A task's events as an append-only log, and the readers that are positions in it.

There is no queue per reader. A reader that keeps up is *ready*: `append` frames the block once and writes it
straight to every ready reader's transport. A reader whose transport is full leaves the ready ones and is
caught up from the log by its own coroutine, so it delays nobody and holds no memory but the transport's
buffer (64 KiB, asyncio's default). Nothing is awaited between "has everything" and "is ready", so no event
can fall between.

The log keeps its newest RETAINED_BYTES; readers beyond that have fallen behind and are told so.
"""

import asyncio
from collections import deque
from dataclasses import dataclass

from aiohttp import web
from aiohttp.abc import AbstractStreamWriter

RETAINED_BYTES = 4 * 1024 * 1024
BATCH = 500  # readers that get a heartbeat before others may run


class FellBehindError(Exception):
    """The reader's position is no longer in the log."""


def chunk(block: bytes) -> bytes:
    """Return the block as one chunk of the chunked transfer coding (RFC 9112, section 7.1)."""
    return b"%x\r\n%b\r\n" % (len(block), block)


@dataclass(slots=True, eq=False)
class Reader:
    """One open stream: where it writes to and the number of the event it needs next."""

    transport: asyncio.Transport
    connection: web.RequestHandler
    writer: AbstractStreamWriter
    chunked: bool
    position: int

    def write(self, block: bytes) -> None:
        """Hand the block to the transport; an empty one would be the chunk that ends the body."""
        if block:
            self.transport.write(chunk(block) if self.chunked else block)


class Log:
    """Encoded events, numbered from 0, of which the first `base` are forgotten."""

    __slots__ = ("base", "blocks", "closed", "ready", "size")

    def __init__(self) -> None:
        self.base = 0
        self.blocks: deque[bytes] = deque()
        self.closed = False
        self.ready: dict[Reader, asyncio.Future[None]] = {}
        self.size = 0

    @property
    def end(self) -> int:
        """The number of the event that comes next."""
        return self.base + len(self.blocks)

    def append(self, block: bytes) -> None:
        """Add an event and write it to every reader that is ready."""
        self.blocks.append(block)
        self.size += len(block)
        while self.size > RETAINED_BYTES:
            self.size -= len(self.blocks.popleft())
            self.base += 1
        framed = chunk(block)
        for reader in tuple(self.ready):
            reader.position += 1
            if not reader.transport.is_closing():
                reader.transport.write(framed if reader.chunked else block)
            if reader.connection.writing_paused:
                self._wake(reader)

    async def beat(self, comment: bytes) -> None:
        """Write a comment to every reader that is ready, letting others run before each batch."""
        for number, reader in enumerate(tuple(self.ready)):
            if number % BATCH == 0:
                await asyncio.sleep(0)
            if reader in self.ready:
                reader.write(comment)

    def close(self) -> None:
        """End every reader's stream once it has all events."""
        self.closed = True
        for reader in tuple(self.ready):
            self._wake(reader)

    async def follow(self, reader: Reader) -> None:
        """Bring the reader every event from its position on; return after the last of a closed log.

        Raises:
            FellBehindError: the next event is no longer in the log.
            ConnectionError: the client left.
        """
        while True:
            await reader.writer.drain()
            if reader.position < self.base:
                raise FellBehindError
            if reader.position < self.end:
                reader.position += 1
                reader.write(self.blocks[reader.position - 1 - self.base])
            elif self.closed:
                return
            else:
                await self._next(reader)

    async def _next(self, reader: Reader) -> None:
        """Be ready until woken: the transport is full, or the log is closed."""
        woken = self.ready[reader] = asyncio.get_running_loop().create_future()
        try:
            await woken
        finally:
            self.ready.pop(reader, None)

    def _wake(self, reader: Reader) -> None:
        woken = self.ready.pop(reader)
        if not woken.done():  # it is when the reader's coroutine was cancelled and has not run yet
            woken.set_result(None)
