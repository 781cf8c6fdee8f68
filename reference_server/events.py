"""What a stream says, in bytes (WHATWG HTML, "Server-sent events", #parsing-an-event-stream).

Each event is a block of LF-ended ASCII lines, terminated by its blank line. JSON is written with every
non-ASCII character escaped, so text from users can neither end a line, whatever a client takes for a line end,
nor make invalid UTF-8 of a lone surrogate.

An event ID is `{task ID}.{n}`: n counts the task's progress events from 0.
"""

import json
import time
from typing import Any

Json = dict[str, Any]


class Events:
    """Encodes the three kinds of event, and the heartbeat."""

    retry_ms = 2_000

    def connected(self, task_id: str) -> bytes:
        """Return the synthetic first event: it sets the reconnection time and has no ID."""
        return self.block(self.envelope("connected", task_id), retry=self.retry_ms)

    def progress(self, task_id: str, number: int, progress: Json) -> bytes:
        """Return the task's progress event `number`, stamped with the present."""
        return self.block(self.envelope("progress", task_id, progress=progress), self.event_id(task_id, number))

    def error(self, task_id: str, message: str) -> bytes:
        """Return the report of a failure of the stream itself."""
        return self.block(self.envelope("error", task_id, message=message))

    def heartbeat(self) -> bytes:
        """Return a comment line. A blank line after it would be an empty event to clients as common as httpx-sse."""
        return b": keep-alive\n"

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
        return {"type": kind, "taskId": task_id, **members, "timestamp": time.time_ns() // 1_000_000}

    def dump(self, envelope: Json) -> str:
        """Return the object as JSON text of one line."""
        return json.dumps(envelope, allow_nan=False, separators=(",", ":"))

    def block(self, envelope: Json, event_id: str | None = None, retry: int | None = None) -> bytes:
        """Return the lines of one event."""
        fields = {"retry": retry, "id": event_id, "data": self.dump(envelope)}
        lines = [f"{name}: {value}\n" for name, value in fields.items() if value is not None]
        return "".join([*lines, "\n"]).encode()
