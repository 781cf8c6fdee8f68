"""The progress stream of one task over HTTP.

The head goes out at once, then `connected`; then the reader follows the task's log to its end, and the body is
ended properly. Where the reader begins follows from `Last-Event-ID`: strictly after the event
that it names; at the current state (the newest event) if it names none that is retained; 204, which stops an
EventSource from coming back, if it names the terminal event.
"""

import asyncio
import time

from aiohttp import web

from ssegauge.reference_server.common.log import FellBehindError, Reader
from ssegauge.reference_server.common.streaming import Streaming
from ssegauge.reference_server.tasks import Task, Tasks


class Streams(Streaming):
    """Serves the streams of `tasks`, at most `limit` at once, none silent for longer than `heartbeat` seconds."""

    def __init__(self, tasks: Tasks, limit: int, heartbeat: float) -> None:
        super().__init__(limit, heartbeat)
        self.tasks = tasks
        self.events = tasks.events

    async def get(self, request: web.Request) -> web.StreamResponse:
        """Answer GET: the stream, or 204, 404 or 503; and HEAD, by the head of the stream."""
        task = self.tasks.find(request.match_info["task_id"])
        if request.method == "HEAD":
            return self.response()
        position = self.position(task, request.headers.get("Last-Event-ID"))
        if self.is_over(task, position):
            return web.Response(status=204)
        with self.counted(task=task.id, position=position):
            return await self.stream(request, task, position)

    def position(self, task: Task, last_event_id: str | None) -> int:
        """Return the number of the first event to send."""
        last = self.events.number(task.id, last_event_id or "")
        if last is not None and task.log.base <= last + 1 <= task.log.end:
            return last + 1
        return task.log.end - 1

    def is_over(self, task: Task, position: int) -> bool:
        """Whether the client already has the terminal event."""
        return task.ended and position == task.log.end

    async def stream(self, request: web.Request, task: Task, position: int) -> web.StreamResponse:
        """Send the whole stream."""
        response = self.response()
        reader = await self.begin(request, response, position)
        reader.write(self.opening(task))
        try:
            await self.deliver(task, reader)
        except FellBehindError:
            message = "You read too slowly and missed updates. Reconnect to go on."
            reader.write(self.events.error(task.id, message))
        await self.finish(response, reader)
        return response

    def opening(self, task: Task) -> bytes:
        """Return what every stream begins with."""
        return self.events.connected(task.id)

    async def deliver(self, task: Task, reader: Reader) -> None:
        """Send the task's events until it ends."""
        await task.log.follow(reader)

    async def beat(self) -> None:
        """Keep silent streams alive, for ever: none is silent for longer than two thirds of `heartbeat`."""
        third = self.heartbeat / 3
        while True:
            await asyncio.sleep(third)
            for task in tuple(self.tasks.by_id.values()):
                if time.monotonic() - task.moved_at >= third:
                    await task.log.beat(self.events.heartbeat())
