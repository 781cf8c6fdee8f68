"""What every stream over HTTP does: a head at once, a body that is written as it comes, a proper end."""

import contextlib
import logging
from collections.abc import Iterator
from typing import Any

from aiohttp import web

from ssegauge.reference_server.common.log import Reader
from ssegauge.reference_server.common.refusals import RefusedError

# `no-cache` is the ticket's; `no-store` keeps a private stream off disks; `no-transform` keeps intermediaries
# from compressing, and so from holding events (RFC 9111, section 5.2.2). No charset: UTF-8 is the only one
# there is (WHATWG HTML, iana.html#text/event-stream).
HEAD = {
    "Content-Type": "text/event-stream",
    "Cache-Control": "no-cache, no-store, no-transform",
    "X-Accel-Buffering": "no",
}
log = logging.getLogger(__name__)


class Streaming:
    """Serves streams, at most `limit` at once, none silent for longer than `heartbeat` seconds."""

    def __init__(self, limit: int, heartbeat: float) -> None:
        self.limit = limit
        self.heartbeat = heartbeat
        self.open = 0

    @contextlib.contextmanager
    def counted(self, **about: str | int) -> Iterator[None]:
        """Count one more open stream, and log its beginning and end; raises RefusedError if they are too many."""
        if self.open >= self.limit:
            raise self.full()
        self.open += 1
        log.info("stream opened", extra={**about, "open": self.open})
        try:
            yield
        finally:
            self.open -= 1
            log.info("stream closed", extra={**about, "open": self.open})

    def full(self) -> RefusedError:
        """Return the refusal of a stream that is one too many."""
        return RefusedError(503, "too_many_streams", "Too many open streams. Try again soon.")

    async def get(self, request: web.Request) -> web.StreamResponse:
        """Answer a request for a stream."""
        raise NotImplementedError

    async def stream(self, request: web.Request, *where: Any, **more: Any) -> web.StreamResponse:  # noqa: ANN401 - its own
        """Send a whole stream; what it is of, each kind of stream knows."""
        raise NotImplementedError

    def response(self) -> web.StreamResponse:
        """Return the response with its head."""
        return web.StreamResponse(headers=HEAD)

    async def begin(self, request: web.Request, response: web.StreamResponse, position: int) -> Reader:
        """Send the head and return the reader."""
        writer = await response.prepare(request)
        if writer is None or request.transport is None:
            raise ConnectionResetError("the client left")
        writer.send_headers()
        chunked = "Transfer-Encoding" in response.headers
        if not chunked:
            response.force_close()  # the end of the connection is the end of the body (RFC 9112, section 6.3)
        return Reader(request.transport, request.protocol, writer, chunked, position)

    async def finish(self, response: web.StreamResponse, reader: Reader) -> None:  # noqa: ARG002 - for faults
        """End the body properly."""
        await response.write_eof()
