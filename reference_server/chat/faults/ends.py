"""Answers that do not come to the end that the protocol promises, or do not begin."""

import asyncio
import itertools
from collections.abc import Iterator

from aiohttp import web

from ssegauge.reference_server.chat.completions import Asked, Completions, usage
from ssegauge.reference_server.chat.faults.registry import breaks
from ssegauge.reference_server.chat.streams import Pace, Streams
from ssegauge.reference_server.common.faults.streams import cut, for_ever
from ssegauge.reference_server.common.log import Reader

FEW = 2


@breaks("end/marker-missing", "end/marker-missing:open")
class NoMarker(Completions):
    """Ends an answer without `[DONE]`."""

    def blocks(self, asked: Asked) -> Iterator[bytes]:
        """Leave it out."""
        return (block for block in super().blocks(asked) if b"[DONE]" not in block)


@breaks("wire/truncated-chunked-body")
class HalfAnswer(Completions):
    """Closes the connection in the midst of an answer."""

    def blocks(self, asked: Asked) -> Iterator[bytes]:
        """Make half of it."""
        return itertools.islice(super().blocks(asked), len(asked.answer.pieces) // 2)


@breaks("end/open-after-marker", "end/marker-missing:open")
class StaysOpen(Streams):
    """Leaves the connection open after an answer."""

    async def finish(self, response: web.StreamResponse, reader: Reader) -> None:  # noqa: ARG002 - a hook
        """Wait for the client to go."""
        await for_ever()


@breaks("end/events-after-marker")
class Afterword(Completions):
    """Sends one more chunk after `[DONE]`."""

    def blocks(self, asked: Asked) -> Iterator[bytes]:
        """Add it."""
        yield from super().blocks(asked)
        yield self.chunk(asked, [], usage(asked))


@breaks("end/without-any-event", "wire/truncated-chunked-body:at-once")
class Empty(Completions):
    """Ends an answer at once, without one event."""

    def blocks(self, asked: Asked) -> Iterator[bytes]:  # noqa: ARG002 - what is not answered
        """Make none."""
        return iter(())


@breaks("wire/truncated-chunked-body", "wire/truncated-chunked-body:at-once")
class Breaks(Streams):
    """Closes the connection without the end of the body."""

    async def finish(self, response: web.StreamResponse, reader: Reader) -> None:  # noqa: ARG002 - a hook
        """Close it."""
        cut(reader)


@breaks("capacity/serves-few-at-once")
class Queueing(Streams):
    """Answers as many at once as --slots says, or two; others get no head until one of those is done."""

    def __init__(self, form: Completions, limit: int, heartbeat: float, pace: Pace) -> None:
        super().__init__(form, 20_000, heartbeat, pace)
        self.free = asyncio.Semaphore(limit if limit < 1_000 else FEW)

    async def stream(self, request: web.Request, asked: Asked) -> web.StreamResponse:
        """Wait for a place."""
        async with self.free:
            return await super().stream(request, asked)
