"""The server put together: parts, routes, limits, start and stop.

`Parts` are the classes that faults replace; the healthy server knows nothing of faults.

Stopping drains: no new connection is taken, every stream is ended properly, and what has not ended after
`drain_s` is cut. Clients come back, after their reconnection time, to whatever runs then.
"""

import asyncio
import contextlib
import errno
import gc
import math
import resource
import signal
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Coroutine, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Middleware

from reference_server import bodies, logs
from reference_server.api import Api
from reference_server.events import Events
from reference_server.metrics import Metrics, health
from reference_server.security import Security
from reference_server.stream import Streams
from reference_server.tasks import Tasks

PAGE = Path(__file__).parent / "page"
API = "/api/brand-monitor"
BACKLOG = 4096
COLLECTION = (10_000, 10, 50)  # full collections are rare: with 18,000 streams open each stops everything for 0.3 s
SEND_BUFFER = 64 * 1024  # of the kernel, for each connection; it would grow to megabytes for a slow reader
UNACKNOWLEDGED_MS = 60_000  # so long the kernel waits for a sign of a client that vanished
SPARE_DESCRIPTORS = 256


class CannotServe(Exception):  # noqa: N818 - part of the public interface
    """The server cannot start; the message is one line for the user."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What can be set. Times are in seconds."""

    token: str | None = None
    allow_origin: Collection[str] = ()
    heartbeat: float = 15.0
    stall_s: float = 60.0
    idle_s: float = 15.0
    drain_s: float = 5.0
    task_ttl_s: float = 3600.0
    max_tasks: int = 20_000
    max_streams: int = 20_000

    def __post_init__(self) -> None:
        """Refuse what would stop the heartbeat; raises CannotServe."""
        if not 0 < self.heartbeat < math.inf:
            raise CannotServe("heartbeat must be a number of seconds above 0")


@dataclass(slots=True)
class Parts:
    """The classes and hooks that make a server."""

    events: type[Events] = Events
    tasks: type[Tasks] = Tasks
    streams: type[Streams] = Streams
    api: type[Api] = Api
    security: type[Security] = Security
    middlewares: list[Middleware] = field(default_factory=list)
    field_limit: int = 16 * 1024


def make_app(settings: Settings, parts: Parts | None = None) -> web.Application:
    """Return the application; `parts` replaces healthy parts by others."""
    parts = parts or Parts()
    events = parts.events()
    tasks = parts.tasks(events, settings.task_ttl_s, settings.max_tasks)
    streams = parts.streams(tasks, events, settings.max_streams, settings.heartbeat, settings.stall_s)
    security = parts.security(settings.token, settings.allow_origin)
    app = web.Application(middlewares=[*security.middlewares(), *parts.middlewares], client_max_size=bodies.LIMIT)
    app.on_response_prepare.append(security.add_fields)
    app.add_routes(routes(parts.api(tasks), streams, Metrics(tasks, streams)))
    app.cleanup_ctx.append(lambda _: background(streams.beat(), expire(tasks)))

    async def drain(_: web.Application) -> None:
        tasks.close()

    app.on_shutdown.append(drain)
    return app


def routes(api: Api, streams: Streams, metrics: Metrics) -> list[web.AbstractRouteDef]:
    """Return every route."""
    stream = f"{API}/progress/{{task_id}}"
    return [
        web.post(f"{API}/tasks", api.create),
        web.get(f"{API}/tasks/{{task_id}}", api.read),
        web.post(f"{API}/tasks/{{task_id}}/updates", api.update),
        web.get(stream, streams.get, allow_head=False),
        web.head(stream, streams.head),
        web.get("/health", health),
        web.get("/metrics.json", metrics.json),
        web.get("/metrics", metrics.prometheus),
        web.get("/openapi.json", file_handler(bodies.DESCRIPTION)),
        web.get("/", file_handler(PAGE / "index.html")),
        web.static("/page", PAGE),
    ]


def file_handler(path: Path) -> Callable[[web.Request], Awaitable[web.FileResponse]]:
    """Return a handler that answers with the file."""

    async def answer(_request: web.Request) -> web.FileResponse:
        return web.FileResponse(path)

    return answer


async def expire(tasks: Tasks) -> None:
    """Look for tasks past their time, for ever."""
    while True:
        await asyncio.sleep(min(30.0, tasks.ttl_s / 4))
        tasks.expire()


@contextlib.asynccontextmanager
async def background(*loops: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Run the endless coroutines beside the server."""
    running = [asyncio.create_task(loop) for loop in loops]
    yield
    for task in running:
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)


@contextlib.asynccontextmanager
async def running(host: str, port: int, settings: Settings, faults: Sequence[str] = ()) -> AsyncIterator[str]:
    """Serve inside the context, whose value is the base URL; leaving it drains.

    Raises:
        CannotServe: a fault is unknown, or the address cannot be listened on.
    """
    parts = parts_for(faults)
    runner = web.AppRunner(
        make_app(settings, parts),
        access_log=None,
        handler_cancellation=True,  # a client that leaves is noticed at once
        keepalive_timeout=settings.idle_s,  # also for a head that never ends
        max_line_size=parts.field_limit,
        max_field_size=parts.field_limit,
        shutdown_timeout=settings.drain_s,
    )
    await runner.setup()
    try:
        await _listen(runner, host, port)
        yield f"http://{f'[{host}]' if ':' in host else host}:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def _listen(runner: web.AppRunner, host: str, port: int) -> None:
    if not 0 <= port <= 65535:
        raise CannotServe(f"port {port} is not in 0-65535")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            reason = f"port {port} of {host} is taken; choose another with --port, or 0 for a free one"
            raise CannotServe(reason) from None
        raise CannotServe(f"cannot listen on {host} port {port}: {error.strerror}") from None
    _bound(listener)
    await web.SockSite(runner, listener, backlog=BACKLOG).start()


def _bound(listener: socket.socket) -> None:
    """Bound what a client that does not read, or is gone without a word, costs; accepted sockets inherit it."""
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
    if sys.platform == "linux":
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNACKNOWLEDGED_MS)


def start(faults: Sequence[str] = (), **options: Any) -> contextlib.AbstractAsyncContextManager[str]:  # noqa: ANN401 - see Settings
    """Serve on a free port of 127.0.0.1 inside `async with ... as base_url`; options: see Settings."""
    return running("127.0.0.1", 0, Settings(**options), faults)


def serve(
    host: str = "127.0.0.1",
    port: int = 8205,
    *,
    faults: Sequence[str] = (),
    log_level: str = "warning",
    **options: Any,  # noqa: ANN401 - see Settings
) -> None:
    """Serve until SIGTERM or SIGINT, then drain and return; prints one line when listening.

    Raises:
        CannotServe: an option is wrong or the address cannot be listened on.
    """
    if log_level not in logs.LEVELS:
        raise CannotServe(f"log level must be one of {', '.join(logs.LEVELS)}")
    logs.configure(log_level)
    gc.set_threshold(*COLLECTION)
    settings = Settings(**options)
    descriptors = _raise_descriptor_limit()
    limit = min(settings.max_streams, max(descriptors - SPARE_DESCRIPTORS, descriptors // 2))
    asyncio.run(_serve(host, port, replace(settings, max_streams=limit), faults))


async def _serve(host: str, port: int, settings: Settings, faults: Sequence[str]) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with running(host, port, settings, faults) as base_url:
        print(f"ssegauge reference server on {base_url}", flush=True)
        await stop.wait()


def parts_for(faults: Sequence[str]) -> Parts:
    """Return the healthy parts, or what the faults make of them; raises CannotServe for an unknown code."""
    if not faults:
        return Parts()
    from reference_server.faults import compose

    return compose(faults)


def _raise_descriptor_limit() -> int:
    """Let this process open as many descriptors as it may, one for each stream; return how many."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return sys.maxsize if soft == resource.RLIM_INFINITY else soft
