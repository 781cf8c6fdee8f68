"""Streams for those who may not read them, and text that breaks out of its event."""

from aiohttp import web

from ssegauge.reference_server.common.security import Security
from ssegauge.reference_server.faults.registry import breaks
from ssegauge.reference_server.tasks import Task, Tasks

STREAM = "/api/brand-monitor/progress/"


@breaks("security/stream-without-auth")
class OpenStream(Security):
    """Asks for the token everywhere but on streams."""

    def admits(self, request: web.Request) -> bool:
        """Whether the request has the token, or is for a stream."""
        return request.path.startswith(STREAM) or super().admits(request)


@breaks("security/cross-task-leak")
class SharedText(Tasks):
    """Shows the first message of each manual task to the readers of another one, too."""

    def record(self, task: Task) -> None:
        """Report the message in the newest other manual task that has readers."""
        super().record(task)
        others = (other for other in reversed(self.by_id.values()) if other is not task and self.is_watched(other))
        if task.log.end == 2 and not task.worker and (other := next(others, None)):
            self.move(other, {"message": task.state["message"]})

    def is_watched(self, task: Task) -> bool:
        """Whether the task is manual, running and read."""
        return bool(task.log.ready) and not task.worker and task.state["status"] == "running"
