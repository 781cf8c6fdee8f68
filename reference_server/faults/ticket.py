"""The ticket's own design, as it is written: the faults of a whole server at once.

It polls the task every two seconds and stamps what it finds with the time of sending; it has no IDs, no
reconnection time, no heartbeat and no end; every origin may read; and a task that does not exist is found out
after the first poll.
"""

import asyncio

from aiohttp import web

from ssegauge.reference_server.common.encoding import Json
from ssegauge.reference_server.common.faults.streams import for_ever
from ssegauge.reference_server.common.log import Reader
from ssegauge.reference_server.faults.registry import breaks
from ssegauge.reference_server.stream import Streams

POLL_S = 2.0
HEAD = {
    "Content-Type": "text/event-stream",
    "Cache-Control": "no-cache",
    "Connection": "keep-alive",
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Headers": "Cache-Control",
}


@breaks("ticket-as-written")
class AsWritten(Streams):
    """The route of the ticket, with its ProgressTracker."""

    async def get(self, request: web.Request) -> web.StreamResponse:
        """Answer every task ID with a stream."""
        self.open += 1
        try:
            return await self.track(request, request.match_info["task_id"])
        finally:
            self.open -= 1

    def response(self) -> web.StreamResponse:
        """Return the response with the ticket's head."""
        return web.StreamResponse(headers=HEAD)

    async def track(self, request: web.Request, task_id: str) -> web.StreamResponse:
        """Send what each poll finds, until the task ends; never end the stream."""
        response = self.response()
        reader = await self.begin(request, response, 0)
        self.send(reader, self.events.envelope("connected", task_id))
        while await self.poll(reader, task_id):
            pass
        await for_ever()
        return response

    async def poll(self, reader: Reader, task_id: str) -> bool:
        """Wait, send the task's progress, and return whether to go on."""
        await asyncio.sleep(POLL_S)
        task = self.tasks.by_id.get(task_id)
        if task is None:  # sendProgress(undefined) leaves the member out, then progress.status throws
            self.send(reader, self.events.envelope("progress", task_id))
            message = "Cannot read properties of undefined (reading 'status')"
            self.send(reader, self.events.envelope("error", task_id, message=message))
            return False
        self.send(reader, self.events.envelope("progress", task_id, progress=task.state))
        return not task.ended

    def send(self, reader: Reader, envelope: Json) -> None:
        """Write the event without ID."""
        reader.write(self.events.block(envelope))

    async def beat(self) -> None:
        """Send no heartbeats."""
