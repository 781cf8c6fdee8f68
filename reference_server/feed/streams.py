"""The feed over HTTP.

The head goes out at once. A reader who comes back goes on strictly after the event that `Last-Event-ID` names; one
who names none that is kept (of before a restart, from the future, garbage) goes on as a newcomer does: with what
happens next.
"""

import asyncio
import contextlib
from collections.abc import Callable, Iterable

from aiohttp import web

from ssegauge.reference_server.common.log import FellBehindError, Reader
from ssegauge.reference_server.common.streaming import Streaming
from ssegauge.reference_server.common.tap import Gzip, Tap, accepts_gzip
from ssegauge.reference_server.feed.events import ADDRESSED
from ssegauge.reference_server.feed.feed import Feed


class Streams(Streaming):
    """Serves the streams of the feed."""

    compressor: type[Gzip] = Gzip

    def __init__(self, feed: Feed, limit: int, heartbeat: float) -> None:
        super().__init__(limit, heartbeat)
        self.feed = feed
        self.events = feed.events

    async def get(self, request: web.Request) -> web.StreamResponse:
        """Answer GET: the stream, or 503; and HEAD, by the head of the stream."""
        if request.method == "HEAD":
            return self.offered(request)
        position = self.position(request.headers.get("Last-Event-ID"))
        with self.counted(position=position):
            return await self.stream(request, position)

    def position(self, last_event_id: str | None) -> int:
        """Return the number of the first event to send."""
        after = self.feed.after(last_event_id)
        return self.feed.log.end if after is None else after

    def offered(self, request: web.Request) -> web.StreamResponse:
        """Return the response with its head, compressed if the client asks for it."""
        response = self.response()
        response.headers["Vary"] = "Accept-Encoding"
        if accepts_gzip(request.headers.get("Accept-Encoding", "")):
            response.headers["Content-Encoding"] = "gzip"
        return response

    async def stream(self, request: web.Request, position: int) -> web.StreamResponse:
        """Send the whole stream, which ends when the server does, or when the reader has fallen behind the log."""
        response = self.offered(request)
        reader = await self.begin(request, response, position)
        compressor = self.compressor(reader) if response.headers.get("Content-Encoding") == "gzip" else None
        Tap(reader, self.audible(request.query.get("inbox", "")))
        reader.write(self.opening())
        with contextlib.suppress(FellBehindError):  # the client comes back, and is a newcomer
            await self.deliver(reader)
        if compressor:
            compressor.close()
        await self.finish(response, reader)
        return response

    def audible(self, inbox: str) -> Callable[[bytes], Iterable[bytes]]:
        """Return what lets a reader be told what is for all, and what is for its inbox."""
        mine = self.events.address(inbox) if inbox else b""
        return lambda block: (
            [block] if not block.startswith(ADDRESSED.encode()) or (mine and block.startswith(mine)) else []
        )

    def opening(self) -> bytes:
        """Return what every stream begins with."""
        return self.events.opening()

    async def deliver(self, reader: Reader) -> None:
        """Send the feed's events until it ends."""
        await self.feed.log.follow(reader)

    async def beat(self) -> None:
        """Keep silent streams alive, for ever: none is silent for longer than two thirds of `heartbeat`."""
        third = self.heartbeat / 3
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(third)
            if loop.time() - self.feed.appended_at >= third:
                await self.feed.log.beat(self.events.heartbeat())
