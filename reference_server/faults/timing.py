"""Streams that say things too late, or nothing while nothing happens; and streams of no task."""

import asyncio
import zlib
from collections.abc import Callable, Iterable
from typing import Any

from aiohttp import web

from ssegauge.reference_server.common.faults.streams import for_ever
from ssegauge.reference_server.common.log import Reader
from ssegauge.reference_server.common.tap import Tap
from ssegauge.reference_server.faults.registry import breaks
from ssegauge.reference_server.faults.tools import Tapped, is_end, is_progress, send_pending
from ssegauge.reference_server.stream import Streams
from ssegauge.reference_server.tasks import Task

BATCH_S = 1.0
LATE_S = 2.3


@breaks("liveness/heartbeat-missing")
class NoHeartbeat(Streams):
    """Says nothing while nothing happens."""

    async def beat(self) -> None:
        """Do nothing."""


@breaks("liveness/heartbeat-is-an-event")
class HeartbeatEvent(Streams):
    """Sends heartbeats as events."""

    async def beat(self) -> None:
        """Send an event to every idle stream, as often as the comment."""
        while True:
            await asyncio.sleep(self.heartbeat / 3)
            for task in tuple(self.tasks.by_id.values()):
                await task.log.beat(self.events.block(self.events.envelope("heartbeat", task.id)))


@breaks("liveness/idle-stream-closed")
class ClosesIdle(Streams):
    """Ends a stream on which nothing but its beginning came for most of a heartbeat's time."""

    async def deliver(self, task: Task, reader: Reader) -> None:
        """Deliver until nothing happens."""
        send_pending(task, reader)
        end = task.log.end
        try:
            async with asyncio.timeout(0.8 * self.heartbeat):
                return await super().deliver(task, reader)
        except TimeoutError:
            return None if task.log.end == end else await super().deliver(task, reader)


@breaks("liveness/heartbeats-without-a-task")
class StreamsNothing(Streams):
    """Opens a stream for a task that does not exist, and keeps it alive."""

    async def get(self, request: web.Request) -> web.StreamResponse:
        """Answer as for an idle task."""
        task_id = request.match_info["task_id"]
        if task_id not in self.tasks.by_id:
            reader = await self.begin(request, self.response(), 0)
            reader.write(self.events.connected(task_id))
            while True:
                await asyncio.sleep(min(0.5, self.heartbeat / 2))
                reader.write(self.events.heartbeat())
        return await super().get(request)


class Delayed(Tapped):
    """Streams whose taps hold blocks back; a stream ends only when its tap holds nothing."""

    async def finish(self, response: web.StreamResponse, reader: Reader) -> None:
        """Wait for the tap, then end."""
        tap: Any = reader.transport
        while getattr(tap, "held", None):  # noqa: ASYNC110 - a fault may poll
            await asyncio.sleep(0.01)
        await super().finish(response, reader)

    async def deliver(self, task: Task, reader: Reader) -> None:
        """Deliver what there is at once, and the rest through the tap."""
        send_pending(task, reader)
        held: list[bytes] = []
        tap: Any = Tap(reader, lambda block: self.hold(tap, held, block))
        tap.held = held
        await Streams.deliver(self, task, reader)

    def hold(self, tap: Tap, held: list[bytes], block: bytes) -> Iterable[bytes]:
        """Take the block, and see to it that it is sent."""
        raise NotImplementedError


@breaks("delivery/batched")
class Batched(Delayed):
    """Collects events for a second."""

    def hold(self, tap: Tap, held: list[bytes], block: bytes) -> Iterable[bytes]:
        """Start the second with the first event."""
        if not held:
            asyncio.get_running_loop().call_later(BATCH_S, self.release, tap, held)
        held.append(block)
        return []

    def release(self, tap: Tap, held: list[bytes]) -> None:
        """Send what was collected."""
        tap.send(b"".join(held))
        held.clear()


@breaks("delivery/update-late")
class Late(Delayed):
    """Sends each event 2.3 s late."""

    def hold(self, tap: Tap, held: list[bytes], block: bytes) -> Iterable[bytes]:
        """Send this block later."""
        held.append(block)
        asyncio.get_running_loop().call_later(LATE_S, self.release, tap, held)
        return []

    def release(self, tap: Tap, held: list[bytes]) -> None:
        """Send the oldest block."""
        tap.send(held.pop(0))


@breaks("delivery/held-by-compression")
class Compressed(Streams):
    """Compresses for clients that accept gzip, and leaves it to the compressor when to write."""

    async def begin(self, request: web.Request, response: web.StreamResponse, position: int) -> Reader:
        """Put the compressor between reader and transport."""
        if "gzip" not in request.headers.get("Accept-Encoding", ""):
            return await super().begin(request, response, position)
        response.headers.update({"Content-Encoding": "gzip", "Vary": "Accept-Encoding"})
        reader = await super().begin(request, response, position)
        compressor = zlib.compressobj(wbits=31)
        tap: Any = Tap(reader, lambda block: [compressor.compress(block)])
        tap.compressor = compressor
        return reader

    async def finish(self, response: web.StreamResponse, reader: Reader) -> None:
        """Write what the compressor holds."""
        tap: Any = reader.transport
        if compressor := getattr(tap, "compressor", None):
            tap.send(compressor.flush())
        await super().finish(response, reader)


class Counting(Tapped):
    """Streams that do something to every fourth report."""

    def editor(self, task: Task) -> Callable[[bytes], Iterable[bytes]]:  # noqa: ARG002 - a hook
        """Count this stream's reports."""
        seen: list[bytes] = []

        def edit(block: bytes) -> Iterable[bytes]:
            if not is_progress(block) or is_end(block):
                return [block]
            seen.append(block)
            return self.edit(seen, block)

        return edit

    def edit(self, seen: list[bytes], block: bytes) -> list[bytes]:
        """Return what to send for the newest of the blocks seen."""
        raise NotImplementedError


@breaks("performance/event-lost")
class Losing(Counting):
    """Loses every fourth report."""

    def edit(self, seen: list[bytes], block: bytes) -> list[bytes]:
        """Return nothing for it."""
        return [] if len(seen) % 4 == 0 else [block]


@breaks("performance/event-duplicated")
class Repeating(Counting):
    """Sends every fourth report twice."""

    def edit(self, seen: list[bytes], block: bytes) -> list[bytes]:
        """Return it twice."""
        return [block, block] if len(seen) % 4 == 0 else [block]


@breaks("performance/event-reordered")
class Reordering(Counting):
    """Sends every third report after the fourth."""

    def edit(self, seen: list[bytes], block: bytes) -> list[bytes]:
        """Hold the third back, and return it after the fourth."""
        return {3: [], 0: [block, seen[-2] if len(seen) > 1 else b""]}.get(len(seen) % 4, [block])


@breaks("errors/unknown-task-hangs")
class UnknownHangs(Streams):
    """Never answers for a task that does not exist."""

    async def get(self, request: web.Request) -> web.StreamResponse:
        """Answer, or wait for ever."""
        if request.match_info["task_id"] not in self.tasks.by_id:
            await for_ever()
        return await super().get(request)
