"""Streams for those who may not read them, and text that breaks out of its event."""

import re

from aiohttp import web

from ssegauge.reference_server.common.encoding import Json
from ssegauge.reference_server.common.security import Security
from ssegauge.reference_server.events import Events
from ssegauge.reference_server.faults.registry import breaks
from ssegauge.reference_server.tasks import Task, Tasks

STREAM = "/api/brand-monitor/progress/"
CREDENTIALS = {"Access-Control-Allow-Credentials": "true"}


@breaks("security/cors-star-with-credentials")
class StarWithCredentials(Security):
    """Answers every origin with `*` and credentials, which browsers refuse."""

    async def add_fields(self, request: web.Request, response: web.StreamResponse) -> None:
        """Add both."""
        await super().add_fields(request, response)
        response.headers.update({"Access-Control-Allow-Origin": "*", **CREDENTIALS})


@breaks("security/cors-star")
class Star(Security):
    """Lets the pages of every origin read."""

    async def add_fields(self, request: web.Request, response: web.StreamResponse) -> None:
        """Name every origin, without credentials."""
        await super().add_fields(request, response)
        response.headers["Access-Control-Allow-Origin"] = "*"
        response.headers.pop("Access-Control-Allow-Credentials", None)


@breaks("security/cors-reflects-origin")
class Reflecting(Security):
    """Allows whatever origin asks."""

    async def add_fields(self, request: web.Request, response: web.StreamResponse) -> None:
        """Take the origin for the one that is allowed."""
        self.origins = frozenset({request.headers.get("Origin", "null")})
        await super().add_fields(request, response)


@breaks("security/vary-origin-missing")
class NotVarying(Security):
    """Names the allowed origin, and lets caches give that to others."""

    async def add_fields(self, request: web.Request, response: web.StreamResponse) -> None:
        """Remove the field."""
        await super().add_fields(request, response)
        response.headers.pop("Vary", None)


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


# code -> (escapes in JSON text, what is written instead): the character itself; or, for what Python's `splitlines`
# takes for line ends, a new data line, which tears the JSON text
RAW = {
    "lf": (r"(?<!\\r)\\n", "\n"),
    "cr": (r"\\r(?!\\n)", "\r"),
    "crlf": (r"\\r\\n", "\r\n"),
    "separator": (r"\\u2028|\\u2029|\\u0085", "\ndata: "),
    "nul": (r"\\u0000", "\0"),
}


def _unescaping(pattern: str, written: str) -> type[Events]:
    escapes = re.compile(rf"\\\\|({pattern})")  # an escaped backslash is passed over whole

    class Unescaping(Events):
        def dump(self, envelope: Json) -> str:
            return escapes.sub(lambda match: written if match[1] else match[0], super().dump(envelope))

    return Unescaping


for code, (pattern, written) in RAW.items():
    breaks(f"security/injection-{code}")(_unescaping(pattern, written))
