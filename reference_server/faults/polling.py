"""Streams that look at their task from time to time instead of being told of its events."""

import asyncio

from ssegauge.reference_server.common.log import Reader
from ssegauge.reference_server.faults.registry import breaks
from ssegauge.reference_server.faults.tools import send_pending
from ssegauge.reference_server.stream import Streams
from ssegauge.reference_server.tasks import Task

POLL_S = 1.0


@breaks("delivery/polled")
class Polls(Streams):
    """Sends the newest event once a second, all streams at the same moment."""

    async def deliver(self, task: Task, reader: Reader) -> None:
        """Send what there is, and then what each look finds."""
        send_pending(task, reader)
        while not task.log.closed:
            await asyncio.sleep(POLL_S - asyncio.get_running_loop().time() % POLL_S)
            if reader.position == task.log.end:
                reader.write(self.events.heartbeat())
            reader.position = max(reader.position, task.log.end - 1)
            send_pending(task, reader)
