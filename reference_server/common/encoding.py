"""Events as bytes (WHATWG HTML, "Server-sent events", #parsing-an-event-stream).

Each event is a block of LF-ended ASCII lines, terminated by its blank line. JSON is written with every
non-ASCII character escaped, so text from users can neither end a line, whatever a client takes for a line end,
nor make invalid UTF-8 of a lone surrogate.
"""

import json
import time
from typing import Any

Json = dict[str, Any]


def now_ms() -> int:
    """Return the time in milliseconds since the Unix epoch."""
    return time.time_ns() // 1_000_000


class Encoder:
    """Encodes events whose data is JSON, and the heartbeat."""

    retry_ms = 2_000

    def heartbeat(self) -> bytes:
        """Return a comment line. A blank line after it would be an empty event to clients as common as httpx-sse."""
        return b": keep-alive\n"

    def dump(self, envelope: Json) -> str:
        """Return the object as JSON text of one line."""
        return json.dumps(envelope, allow_nan=False, separators=(",", ":"))

    def block(self, envelope: Json, event_id: str | None = None, retry: int | None = None) -> bytes:
        """Return the lines of one event."""
        fields = {"retry": retry, "id": event_id, "data": self.dump(envelope)}
        lines = [f"{name}: {value}\n" for name, value in fields.items() if value is not None]
        return "".join([*lines, "\n"]).encode()
