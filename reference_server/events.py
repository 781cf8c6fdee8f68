"""What a task's stream says.

An event ID is `{task ID}.{n}`: n counts the task's progress events from 0.
"""

from typing import Any

from ssegauge.reference_server.common.encoding import Encoder, Json, now_ms


class Events(Encoder):
    """Encodes the three kinds of event, and the heartbeat."""

    def connected(self, task_id: str) -> bytes:
        """Return the synthetic first event: it sets the reconnection time and has no ID."""
        return self.block(self.envelope("connected", task_id), retry=self.retry_ms)

    def progress(self, task_id: str, number: int, progress: Json) -> bytes:
        """Return the task's progress event `number`, stamped with the present."""
        return self.block(self.envelope("progress", task_id, progress=progress), self.event_id(task_id, number))

    def error(self, task_id: str, message: str) -> bytes:
        """Return the report of a failure of the stream itself."""
        return self.block(self.envelope("error", task_id, message=message))

    def event_id(self, task_id: str, number: int) -> str:
        """Return the ID of the task's progress event `number`."""
        return f"{task_id}.{number}"

    def number(self, task_id: str, event_id: str) -> int | None:
        """Return which of the task's events the ID names, or None if it is not one of this task's IDs."""
        digits = event_id.rpartition(".")[2][:12]
        number = int(digits) if digits.isascii() and digits.isdigit() else -1
        return number if self.event_id(task_id, number) == event_id else None

    def envelope(self, kind: str, task_id: str, **members: Any) -> Json:  # noqa: ANN401 - JSON values
        """Return the event's data as an object; its time stamp is in milliseconds since the Unix epoch."""
        return {"type": kind, "taskId": task_id, **members, "timestamp": now_ms()}
