"""Answers over HTTP, at the pace of a model: the head at once, the first event after a while, then one by one."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass

from aiohttp import web

from ssegauge.reference_server.common import bodies
from ssegauge.reference_server.common.log import Reader
from ssegauge.reference_server.common.refusals import RefusedError
from ssegauge.reference_server.common.streaming import Streaming
from ssegauge.reference_server.generation.form import FAILURE, Asked, Form


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds until the first event, and between one and the next."""

    first_s: float
    next_s: float


class Streams(Streaming):
    """Serves the answers of one wire form, at most `limit` at once."""

    def __init__(self, form: Form, limit: int, heartbeat: float, pace: Pace) -> None:
        super().__init__(limit, heartbeat)
        self.form = form
        self.pace = pace

    async def post(self, request: web.Request) -> web.StreamResponse:
        """Answer POST: the stream, or the whole answer as JSON; or 400, 404, 408, 413, 415, 429, 500."""
        asked = self.form.asked(await bodies.read(request, self.form.body))
        with self.counted(model=asked.model):
            if asked.stream:
                return await self.stream(request, asked)
            await asyncio.sleep(self.pace.first_s + self.pace.next_s * asked.answer.count)
            if asked.fails:
                raise RefusedError(500, "server_error", FAILURE)
            return web.json_response(self.form.whole(asked))

    def full(self) -> RefusedError:
        """Return the refusal of a request that is one too many."""
        message = "Too many requests at once. Try again in a second."
        return RefusedError(429, "rate_limit_exceeded", message, {"Retry-After": "1"})

    async def stream(self, request: web.Request, asked: Asked) -> web.StreamResponse:
        """Send the whole stream."""
        response = self.response()
        reader = await self.begin(request, response, 0)
        await self.deliver(reader, asked)
        await self.finish(response, reader)
        return response

    def blocks(self, asked: Asked) -> Iterator[bytes]:
        """Yield what is written, one event at a time."""
        return self.form.blocks(asked)

    async def deliver(self, reader: Reader, asked: Asked) -> None:
        """Send the events, each when it is due, and none before the client takes the one before."""
        for number, block in enumerate(self.blocks(asked)):
            await self.wait(reader, self.pause(number))
            reader.write(block)
            await reader.writer.drain()

    def pause(self, number: int) -> float:
        """Return for how many seconds the answer's event of this number is waited for."""
        return self.pace.next_s if number else self.pace.first_s

    async def wait(self, reader: Reader, seconds: float) -> None:
        """Wait so long, with a comment from time to time."""
        longest = self.heartbeat * 2 / 3
        while seconds > longest:
            await asyncio.sleep(longest)
            reader.write(self.form.heartbeat())
            seconds -= longest
        await asyncio.sleep(seconds)
