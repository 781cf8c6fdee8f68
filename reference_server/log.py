"""A task's events as an append-only log, and the readers that are positions in it.

There is no queue per reader. A reader that keeps up is *ready*: `append` frames the block once and writes it
straight to every ready reader's transport. A reader whose transport is full leaves the ready ones and is
caught up from the log by its own coroutine, so it delays nobody and holds no memory but the transport's
buffer (64 KiB, asyncio's default). Nothing is awaited between "has everything" and "is ready", so no event
can fall between.

The log keeps its newest RETAINED_BYTES; readers beyond that have fallen behind and are told so.
"""

import asyncio
from dataclasses import dataclass

from aiohttp import web
from aiohttp.abc import AbstractStreamWriter

RETAINED_BYTES = 4 * 1024 * 1024


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
    wake: asyncio.Future[None] | None = None

    def write(self, block: bytes) -> None:
        """Hand the block to the transport."""
        self.transport.write(chunk(block) if self.chunked else block)

    async def drain(self, timeout_s: float) -> None:
        """Wait until the transport takes more.

        Raises:
            ConnectionResetError: it took nothing for `timeout_s`, and the connection is dropped.
        """
        if not self.connection.writing_paused:
            return
        try:
            async with asyncio.timeout(timeout_s):
                await self.writer.drain()
        except TimeoutError:
            self.transport.abort()
            raise ConnectionResetError("the client stopped reading") from None


class Log:
    """Encoded events, numbered from 0, of which the first `base` are forgotten."""

    __slots__ = ("base", "blocks", "closed", "ready", "size")

    def __init__(self) -> None:
        self.base = 0
        self.blocks: list[bytes] = []
        self.closed = False
        self.ready: set[Reader] = set()
        self.size = 0

    @property
    def end(self) -> int:
        """The number of the event that comes next."""
        return self.base + len(self.blocks)

    def append(self, block: bytes) -> None:
        """Add an event and write it to every reader that is ready."""
        self.blocks.append(block)
        self._forget(len(block))
        framed = chunk(block)
        for reader in tuple(self.ready):
            reader.position += 1
            if not reader.transport.is_closing():
                reader.transport.write(framed if reader.chunked else block)
            if reader.connection.writing_paused:
                self._wake(reader)

    async def beat(self, comment: bytes, batch: int = 500) -> None:
        """Write a comment to every reader that is ready, letting others run after each `batch`."""
        readers = tuple(self.ready)
        for start in range(0, len(readers), batch):
            for reader in readers[start : start + batch]:
                if reader in self.ready:
                    reader.write(comment)
            await asyncio.sleep(0)

    def close(self) -> None:
        """End every reader's stream once it has all events."""
        self.closed = True
        for reader in tuple(self.ready):
            self._wake(reader)

    async def follow(self, reader: Reader, stall_s: float) -> None:
        """Bring the reader every event from its position on; return after the last of a closed log.

        Raises:
            FellBehindError: the next event is no longer in the log.
            ConnectionResetError: the client took nothing for `stall_s` seconds.
        """
        while True:
            await reader.drain(stall_s)
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
        reader.wake = asyncio.get_running_loop().create_future()
        self.ready.add(reader)
        try:
            await reader.wake
        finally:
            self.ready.discard(reader)
            reader.wake = None

    def _wake(self, reader: Reader) -> None:
        self.ready.discard(reader)
        if reader.wake is not None and not reader.wake.done():
            reader.wake.set_result(None)

    def _forget(self, added: int) -> None:
        """Drop the older half when the log is twice as large as it promises to keep."""
        self.size += added
        if self.size > 2 * RETAINED_BYTES:
            half = len(self.blocks) // 2
            self.size -= sum(map(len, self.blocks[:half]))
            del self.blocks[:half]
            self.base += half
