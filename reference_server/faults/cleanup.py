"""Clients that leave, or read slowly, and what they cost."""

import asyncio
from collections import defaultdict
from typing import ClassVar

from aiohttp import web

from ssegauge.reference_server.common.faults.streams import follow_in_turns
from ssegauge.reference_server.common.log import Reader
from ssegauge.reference_server.common.refusals import RefusedError
from ssegauge.reference_server.common.tap import Tap
from ssegauge.reference_server.faults.registry import breaks
from ssegauge.reference_server.stream import Streams
from ssegauge.reference_server.tasks import Task

STORM = 50


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
        """Take turns."""
        await follow_in_turns(task.log, reader, self.turns[task.id], (self.heartbeat / 3, self.events.heartbeat()))


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
