"""An application as a process: listening, limits, start and stop.

Stopping drains: no new connection is taken, every stream is ended properly, and what has not ended after
`drain_s` is cut. Clients come back, after their reconnection time, to whatever runs then.
"""

import asyncio
import contextlib
import resource
import signal
import socket
import sys
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

from aiohttp import web

from ssegauge.reference_server.common.application import REFUSALS
from ssegauge.reference_server.common.connection import Connection
from ssegauge.reference_server.common.errors import CannotServe

BACKLOG = 4096
FIELD_LIMIT = 32 * 1024  # of a head, in bytes
SEND_BUFFER = 64 * 1024  # of the kernel, for each connection; it would grow to megabytes for a slow reader
MOST_STREAMS = 20_000
SPARE_DESCRIPTORS = 256


@contextlib.asynccontextmanager
async def running(
    app: web.Application,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    idle_s: float = 15.0,
    stall_s: float = 60.0,
    drain_s: float = 5.0,
) -> AsyncIterator[str]:
    """Serve for as long as the context is open, which is entered with the base URL; leaving it drains.

    Args:
        app: what to serve.
        host: where to listen.
        port: where to listen; 0 takes a free port.
        idle_s: a connection that sends no whole request for so long is closed.
        stall_s: a client that takes nothing, or says nothing at all, for so long is dropped.
        drain_s: so long a slow reader may take to its end when the server stops.

    Raises:
        CannotServe: the address cannot be listened on.
    """
    runner = web.AppRunner(
        app,
        handler_cancellation=True,  # a client that leaves is noticed at once
        shutdown_timeout=drain_s,
    )
    listener = listen(host, port, stall_s)
    await runner.setup()
    try:
        # Closed, not waited for: its connections end only with the streams.
        with contextlib.closing(await accept(runner, listener, idle_s)):
            yield f"http://{f'[{host}]' if ':' in host else host}:{listener.getsockname()[1]}"
    finally:
        await runner.cleanup()


async def accept(runner: web.AppRunner, listener: socket.socket, idle_s: float) -> asyncio.Server:
    """Take connections for the application of the runner, until the server is closed."""
    assert runner.server, "the runner is set up"
    loop = asyncio.get_running_loop()
    options: dict[str, Any] = {
        "access_log": None,
        "auto_decompress": False,  # `bodies` does that, and minds bodies that are cut
        "keepalive_timeout": idle_s,  # also for a head that never ends
        "max_line_size": FIELD_LIMIT,
        "max_field_size": FIELD_LIMIT,
    }
    connection = partial(Connection, runner.server, runner.app[REFUSALS], loop=loop, **options)
    return await loop.create_server(connection, sock=listener, backlog=BACKLOG)


def listen(host: str, port: int, stall_s: float) -> socket.socket:
    """Return a listening socket; raises CannotServe.

    Connections inherit what bounds the cost of a client that reads nothing, or vanished without a word.
    """
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listener = socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        reason = f"cannot listen on {host} port {port}: {error.strerror}"
        raise CannotServe(f"{reason}; choose another with --host and --port (0: a free one)") from None
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
    if sys.platform == "linux":
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(stall_s * 1000))
    return listener


async def until_stopped(server: contextlib.AbstractAsyncContextManager[str], name: str) -> None:
    """Keep the server running until SIGTERM or SIGINT; print one line when it listens, the address last."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with server as base_url:
        print(f"{name} on {base_url}", flush=True)
        await stop.wait()


def most_streams() -> int:
    """Let this process open as many descriptors as it may; return how many of them may be streams."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):  # some systems do not take back their own answer
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = MOST_STREAMS if soft == resource.RLIM_INFINITY else max(soft - SPARE_DESCRIPTORS, soft // 2)
    return min(MOST_STREAMS, most)
