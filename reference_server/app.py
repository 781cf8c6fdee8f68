"""The application put together: parts, routes, and what runs beside them.

`Parts` are the classes that the package `faults` replaces; nothing here knows of faults.
"""

import asyncio
import math
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from dataclasses import dataclass, field
from pathlib import Path

from aiohttp import web
from aiohttp.typedefs import Middleware

from ssegauge.reference_server import bodies
from ssegauge.reference_server.api import Api
from ssegauge.reference_server.events import Events
from ssegauge.reference_server.metrics import Metrics, health
from ssegauge.reference_server.refusals import refuse_helpfully
from ssegauge.reference_server.security import Security
from ssegauge.reference_server.stream import Streams
from ssegauge.reference_server.tasks import Tasks

PAGE = Path(__file__).parent / "page"
TASKS = "/api/brand-monitor/tasks"
TYPES = {
    ".css": "text/css",
    ".html": "text/html",
    ".js": "text/javascript",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".ts": "text/plain",
}
PROGRESS = "/api/brand-monitor/progress/{task_id}"


class CannotServe(Exception):  # noqa: N818 - part of the public interface
    """The server cannot start; the message is one line for the user."""


@dataclass(slots=True)
class Parts:
    """The classes and further middlewares that make a server."""

    events: type[Events] = Events
    tasks: type[Tasks] = Tasks
    streams: type[Streams] = Streams
    security: type[Security] = Security
    middlewares: list[Middleware] = field(default_factory=list)


def make_app(
    parts: Parts,
    *,
    token: str | None = None,
    allow_origin: Collection[str] = (),
    heartbeat: float = 15.0,
    task_ttl_s: float = 3600.0,
    max_tasks: int = 20_000,
    max_streams: int = 20_000,
) -> web.Application:
    """Return the application, made of the parts.

    Args:
        parts: what it is made of.
        token: what the API asks for; None asks for nothing.
        allow_origin: the origins whose pages may read the API.
        heartbeat: the longest silence of a stream, in seconds.
        task_ttl_s: a task that does not move for so long fails, or is forgotten if it has ended.
        max_tasks: how many tasks are kept.
        max_streams: how many streams may be open.

    Raises:
        CannotServe: the heartbeat is no length of time.
    """
    if not 0 < heartbeat < math.inf:
        raise CannotServe("heartbeat must be a number of seconds above 0")
    tasks = parts.tasks(parts.events(), task_ttl_s, max_tasks)
    streams = parts.streams(tasks, max_streams, heartbeat)
    security = parts.security(token, allow_origin)
    middlewares = [refuse_helpfully, security.check_token, *parts.middlewares]
    app = web.Application(middlewares=middlewares, client_max_size=bodies.LIMIT)
    app.add_routes(routes(Api(tasks), streams, Metrics(tasks, streams)))
    app.on_response_prepare.append(security.add_fields)

    async def beside(_app: web.Application) -> AsyncIterator[None]:
        loops = [asyncio.create_task(loop) for loop in (streams.beat(), tasks.expire())]
        yield
        for loop in loops:
            loop.cancel()

    async def drain(_app: web.Application) -> None:
        tasks.close()

    app.cleanup_ctx.append(beside)
    app.on_shutdown.append(drain)
    return app


def routes(api: Api, streams: Streams, metrics: Metrics) -> list[web.AbstractRouteDef]:
    """Return every route."""
    return [
        web.post(TASKS, api.create),
        web.get(f"{TASKS}/{{task_id}}", api.read),
        web.post(f"{TASKS}/{{task_id}}/updates", api.update),
        web.get(PROGRESS, streams.get),
        web.get("/health", health),
        web.get("/metrics.json", metrics.json),
        web.get("/metrics", metrics.prometheus),
        web.get("/openapi.json", file_handler(bodies.DESCRIPTION)),
        web.get("/", file_handler(PAGE / "index.html")),
        *(web.get(f"/page/{path.name}", file_handler(path)) for path in sorted(PAGE.iterdir())),
    ]


def file_handler(path: Path) -> Callable[[web.Request], Awaitable[web.Response]]:
    """Return a handler that answers with the file as it is now, whole: ranges of it are not served."""
    body, kind = path.read_bytes(), TYPES[path.suffix]

    async def answer(_request: web.Request) -> web.Response:
        return web.Response(body=body, content_type=kind, charset="utf-8" if kind.startswith("text/") else None)

    return answer
