"""A server put together: routes, refusals, who may read, and what runs beside the requests."""

import asyncio
import math
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Coroutine
from pathlib import Path
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Middleware

from ssegauge.reference_server.common import bodies
from ssegauge.reference_server.common.errors import CannotServe
from ssegauge.reference_server.common.refusals import Refusals
from ssegauge.reference_server.common.security import Security

SHARED = Path(__file__).parent / "page"
SPECIFICATIONS = Path(__file__).parents[2] / "conformance" / "profiles"  # texts to link to: nothing is imported
TYPES = {
    ".css": "text/css",
    ".html": "text/html",
    ".js": "text/javascript",
    ".json": "application/json",
    ".md": "text/plain",
    ".svg": "image/svg+xml",
    ".ts": "text/plain",
}
REFUSALS = web.AppKey("refusals", Refusals)
Beside = Callable[[], Coroutine[Any, Any, None]]


def put_together(
    routes: Collection[web.AbstractRouteDef],
    refusals: Refusals,
    security: Security,
    middlewares: Collection[Middleware],
    *,
    beside: Collection[Beside],
    close: Callable[[], None],
) -> web.Application:
    """Return the application; `beside` runs while it runs, `close` ends its streams."""
    app = web.Application(
        middlewares=[refusals.refuse_helpfully, security.check_token, *middlewares], client_max_size=bodies.LIMIT
    )
    app[REFUSALS] = refusals
    app.add_routes(routes)
    app.on_response_prepare.append(security.add_fields)

    async def run_beside(_app: web.Application) -> AsyncIterator[None]:
        loops = [asyncio.create_task(loop()) for loop in beside]
        yield
        for loop in loops:
            loop.cancel()

    async def drain(_app: web.Application) -> None:
        close()

    app.cleanup_ctx.append(run_beside)
    app.on_shutdown.append(drain)
    return app


def seconds(name: str, value: float, least: float = 0.0) -> float:
    """Return the value if it is a length of time above `least`; raises CannotServe."""
    if not least < value < math.inf:
        raise CannotServe(f"--{name} must be a number of seconds above 0")
    return value


def page(folder: Path) -> list[web.AbstractRouteDef]:
    """Return the routes of a page: `/`, and its files below `/page/` with those that all pages share."""
    paths = sorted([*folder.iterdir(), *SHARED.iterdir()])
    files = [web.get(f"/page/{path.name}", file_handler(path)) for path in paths]
    return [web.get("/", file_handler(folder / "index.html")), *files]


def file_handler(path: Path) -> Callable[[web.Request], Awaitable[web.Response]]:
    """Return a handler that answers with the file as it is now, whole: ranges of it are not served."""
    body, kind = path.read_bytes(), TYPES[path.suffix]

    async def answer(_request: web.Request) -> web.Response:
        return web.Response(body=body, content_type=kind, charset="utf-8" if kind.startswith("text/") else None)

    return answer
