"""Readers that cost more than they should: others, the server, or those who may not read."""

import asyncio
import contextlib
import socket
from weakref import WeakKeyDictionary

from aiohttp import web
from aiohttp.typedefs import Handler

from ssegauge.reference_server.common.faults.streams import follow_in_turns
from ssegauge.reference_server.common.log import Reader
from ssegauge.reference_server.common.security import Security
from ssegauge.reference_server.feed.faults.registry import breaks, breaks_by
from ssegauge.reference_server.feed.feed import Feed
from ssegauge.reference_server.feed.streams import Streams

WORK_S = 0.02


class Few(Streams):
    """Serves a few at once; others get no head until one of those leaves."""

    places: int

    def __init__(self, feed: Feed, limit: int, heartbeat: float) -> None:
        super().__init__(feed, limit, heartbeat)
        self.free = asyncio.Semaphore(self.places)

    async def stream(self, request: web.Request, position: int) -> web.StreamResponse:
        """Wait for a place."""
        async with self.free:
            return await super().stream(request, position)


@breaks("capacity/serves-few-at-once")
class Two(Few):
    """Serves two streams at once; a third gets no head until one of them leaves."""

    places = 2


@breaks("capacity/serves-few-at-once:one")
class One(Few):
    """Serves one stream after the other."""

    places = 1


@breaks("capacity/serves-few-at-once:told")
class Told(Few):
    """Answers whoever comes and tells three at once what happens: others are told when one of those leaves."""

    places = 3

    async def stream(self, request: web.Request, position: int) -> web.StreamResponse:
        """Send the head at once."""
        return await Streams.stream(self, request, position)

    async def deliver(self, reader: Reader) -> None:
        """Wait for a place."""
        async with self.free:
            await super().deliver(reader)


class Doors:
    """How many streams are open, and whether none is."""

    def __init__(self) -> None:
        self.streams = 0
        self.nobody_reads = asyncio.Event()
        self.nobody_reads.set()

    def opened(self, more: int) -> None:
        """Count streams that were opened, or closed (-1)."""
        self.streams += more
        if self.streams:
            self.nobody_reads.clear()
        else:
            self.nobody_reads.set()


DOORS: WeakKeyDictionary[web.Application, Doors] = WeakKeyDictionary()


@breaks_by("capacity/serves-few-at-once:calls")
@web.middleware
async def answer_calls_when_nobody_reads(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer no POST while a stream is open."""
    doors = DOORS.setdefault(request.app, Doors())
    if request.method == "POST":
        await doors.nobody_reads.wait()
    if request.path != "/events":
        return await handler(request)
    doors.opened(1)
    try:
        return await handler(request)
    finally:
        doors.opened(-1)


@breaks("capacity/serves-few-at-once:newest")
class Newest(Streams):
    """Ends the stream that is open when another comes: two tabs end each other's for ever."""

    current: asyncio.Timeout | None = None

    async def deliver(self, reader: Reader) -> None:
        """Deliver until the next one comes."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(None) as mine:
                if self.current:
                    self.current.reschedule(asyncio.get_running_loop().time())
                self.current = mine
                try:
                    await super().deliver(reader)
                finally:
                    self.current = None if self.current is mine else self.current


@breaks("cleanup/half-open-held")
class Waiting(Streams):
    """Never gives up on a client that vanished: no time limit on what was sent, and no keep-alive."""

    async def stream(self, request: web.Request, position: int) -> web.StreamResponse:
        """Take the limits off the connection."""
        if request.transport is None:
            raise ConnectionResetError
        connection = request.transport.get_extra_info("socket")
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 0)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 0)
        return await super().stream(request, position)


@breaks("cleanup/work-goes-on")
class Working(Streams):
    """Starts a producer for each reader, and does not stop it when the reader leaves; `work` in the metrics grows."""

    def __init__(self, feed: Feed, limit: int, heartbeat: float) -> None:
        super().__init__(feed, limit, heartbeat)
        self.producers: set[asyncio.Task[None]] = set()

    async def stream(self, request: web.Request, position: int) -> web.StreamResponse:
        """Start the producer."""
        producer = asyncio.create_task(self.produce())
        self.producers.add(producer)
        producer.add_done_callback(self.producers.discard)
        return await super().stream(request, position)

    async def produce(self) -> None:
        """Work until the server stops."""
        while not self.feed.log.closed:
            await asyncio.sleep(WORK_S)
            self.feed.work += 1


@breaks("slow/slow-reader-stalls-others")
class OneByOne(Streams):
    """Writes to the readers one by one, waiting for each."""

    def __init__(self, feed: Feed, limit: int, heartbeat: float) -> None:
        super().__init__(feed, limit, heartbeat)
        self.turn = asyncio.Lock()

    async def deliver(self, reader: Reader) -> None:
        """Take turns."""
        await follow_in_turns(self.feed.log, reader, self.turn, (self.heartbeat / 3, self.events.heartbeat()))


@breaks("security/stream-without-auth")
class OpenStream(Security):
    """Asks for the token everywhere but on the stream."""

    def admits(self, request: web.Request) -> bool:
        """Whether the request has the token, or is for the stream."""
        return request.path == "/events" or super().admits(request)


@breaks("security/stream-without-auth:any-token")
class AnyToken(Security):
    """Asks for a token on the stream, and does not look at it."""

    def admits(self, request: web.Request) -> bool:
        """Whether the request has the token, or is for the stream and has one."""
        return (request.path == "/events" and "Authorization" in request.headers) or super().admits(request)
