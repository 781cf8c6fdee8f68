"""Heads that break the rules on responses."""

import asyncio
from typing import Any

from aiohttp import web

from ssegauge.reference_server.common.log import Reader
from ssegauge.reference_server.common.security import Security
from ssegauge.reference_server.common.tap import Tap
from ssegauge.reference_server.faults.registry import breaks
from ssegauge.reference_server.stream import Streams

STREAM = "text/event-stream"
HEADS: dict[str, dict[str, str]] = {
    "content-type": {"Content-Type": "text/plain; charset=utf-8"},
    "charset-not-utf8": {"Content-Type": "text/event-stream; charset=iso-8859-1"},
    "cacheable": {"Cache-Control": "public, max-age=3600, no-transform"},
    "transformable": {"Cache-Control": "no-cache, no-store"},
    "proxy-buffering-hint": {"X-Accel-Buffering": "yes"},
    "unregistered-coding": {"Content-Encoding": "none"},
}


def _with_head(fields: dict[str, str]) -> type[Streams]:
    class OtherHead(Streams):
        def response(self) -> web.StreamResponse:
            response = super().response()
            response.headers.update(fields)
            return response

    return OtherHead


for code, fields in HEADS.items():
    breaks(f"response/{code}")(_with_head(fields))


@breaks("response/status-not-200")
class Accepted(Streams):
    """Answers 202, as for a job that is yet to be done."""

    def response(self) -> web.StreamResponse:
        """Return the response with another status."""
        response = super().response()
        response.set_status(202)
        return response


@breaks("response/content-length-on-stream")
class Padded(Streams):
    """Names a length, and fills up to it with a comment at the end."""

    length = 1024 * 1024

    async def begin(self, request: web.Request, response: web.StreamResponse, position: int) -> Reader:
        """Count what is written from here on."""
        response.content_length = self.length
        reader = await super().begin(request, response, position)
        self._counted(reader)
        return reader

    def _counted(self, reader: Reader) -> None:
        tap: Any = Tap(reader, lambda block: self._count(tap, block))
        tap.left = self.length

    def _count(self, tap: Any, block: bytes) -> list[bytes]:  # noqa: ANN401 - a tap with one more attribute
        piece = block[: tap.left]
        tap.left -= len(piece)
        return [piece]

    async def finish(self, response: web.StreamResponse, reader: Reader) -> None:
        """Fill up."""
        left = getattr(reader.transport, "left", 0)
        reader.write(b":" + b" " * (left - 2) + b"\n" if left >= 2 else b"\n" * left)
        await super().finish(response, reader)


@breaks("response/head-held-until-first-event")
class HeldHead(Streams):
    """Sends the head with the next event, or after 1.5 s."""

    async def begin(self, request: web.Request, response: web.StreamResponse, position: int) -> Reader:
        """Wait, then begin."""
        task = self.tasks.find(request.match_info["task_id"])
        end = task.log.end
        for _ in range(75):
            if task.log.end > end or task.ended:
                break
            await asyncio.sleep(0.02)
        return await super().begin(request, response, position)


@breaks("response/204-with-body")
class BodyOf204(Streams):
    """Sends a body with the 204."""

    async def get(self, request: web.Request) -> web.StreamResponse:
        """Send a text after the head of a 204."""
        response = await super().get(request)
        if response.status != 204:
            return response
        response.force_close()
        writer = await response.prepare(request)
        if writer and request.transport:
            writer.send_headers()
            request.transport.write(b"gone")
        return response


@breaks("response/204-with-body")
class LengthOf204(Security):
    """Names the length of that body."""

    async def add_fields(self, request: web.Request, response: web.StreamResponse) -> None:
        """Add the length after aiohttp has removed it."""
        await super().add_fields(request, response)
        if response.status == 204 and request.method == "GET":
            response.headers["Content-Length"] = "4"


@breaks("response/te-and-content-length")
class TwoLengths(Security):
    """Names a length beside the chunked coding."""

    async def add_fields(self, request: web.Request, response: web.StreamResponse) -> None:
        """Add the length after aiohttp has chosen the coding."""
        await super().add_fields(request, response)
        if "Transfer-Encoding" in response.headers:
            response.headers["Content-Length"] = "1024"


@breaks("response/date-missing")
class Undated(Security):
    """Leaves out Date."""

    async def add_fields(self, request: web.Request, response: web.StreamResponse) -> None:
        """Remove what aiohttp has added."""
        await super().add_fields(request, response)
        del response.headers["Date"]


@breaks("response/no-nosniff")
class Sniffable(Security):
    """Lets browsers guess the type of a stream."""

    async def add_fields(self, request: web.Request, response: web.StreamResponse) -> None:
        """Remove the field that forbids it."""
        await super().add_fields(request, response)
        if response.content_type == STREAM:
            del response.headers["X-Content-Type-Options"]
