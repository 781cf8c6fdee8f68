"""Streams that are elsewhere, or nowhere any more."""

from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler

from ssegauge.reference_server.feed.faults.registry import breaks_by


@breaks_by("response/redirected")
@web.middleware
async def lead_on(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer a request for the stream with another address of it."""
    if request.path == "/events" and request.method == "GET" and not request.rel_url.raw_query_string:
        return web.Response(status=307, headers={"Location": "/events?here=1"})
    return await handler(request)


@breaks_by("errors/stops-listening")
@web.middleware
async def end_for_codings(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Listen no more once a body with a content coding has come, as a process that has ended."""
    if "Content-Encoding" in request.headers:
        transport: Any = request.transport
        transport._server.close()  # the listening socket: asyncio shows it nobody else
        transport.abort()
    return await handler(request)
