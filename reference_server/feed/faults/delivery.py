"""Events that reach some readers only, come twice, late, in one piece, or not at all."""

import asyncio
import itertools
import zlib
from collections.abc import Iterable

from aiohttp import web

from ssegauge.reference_server.common.log import Reader
from ssegauge.reference_server.common.tap import Gzip, Tap
from ssegauge.reference_server.feed.events import Events
from ssegauge.reference_server.feed.faults.registry import breaks
from ssegauge.reference_server.feed.faults.tools import Editor, Tapped, is_event, pending
from ssegauge.reference_server.feed.feed import Feed
from ssegauge.reference_server.feed.streams import Streams

BATCH_S = 1.0
LATE_S = 2.3
HELD_S = 4.0
QUIET_S = 2.0
MOST_QUEUED = 8000  # characters


@breaks("delivery/readers-differ")
class SharedQueue(Streams):
    """Lets all readers take events from one queue: each event reaches one of them only."""

    def __init__(self, feed: Feed, limit: int, heartbeat: float) -> None:
        super().__init__(feed, limit, heartbeat)
        self.taken: dict[Reader, int] = {}  # who reads -> how many events it took
        self.takers: dict[bytes, Reader] = {}

    async def deliver(self, reader: Reader) -> None:
        """Pass on the events that this reader takes."""
        self.taken[reader] = min(self.taken.values(), default=0)
        Tap(reader, lambda block: [block] if not is_event(block) or self.taker(block) is reader else [])
        try:
            await super().deliver(reader)
        finally:
            del self.taken[reader]

    def taker(self, block: bytes) -> Reader:
        """Return who takes the event: of those who read, the one that has taken least."""
        if block not in self.takers:
            taker = self.takers[block] = min(self.taken, key=self.taken.__getitem__)
            self.taken[taker] += 1
        return self.takers[block]


@breaks("delivery/readers-differ:every-tenth")
class Unlucky(Tapped):
    """Lets a reader who comes second miss every tenth event."""

    def editor(self) -> Editor:
        """Count the events of every second one of those who read at once."""
        is_unlucky = self.open % 2 == 0
        events = itertools.count(1)
        return lambda block: [] if is_event(block) and next(events) % 10 == 0 and is_unlucky else [block]


@breaks("delivery/told-twice")
class Doubled(Events):
    """Tells each event twice, the second time without its id."""

    def message(self, number: int, text: str) -> bytes:
        """Return both."""
        block = super().message(number, text)
        return block + block.partition(b"\n")[2]


@breaks("security/told-to-others")
class Overheard(Streams):
    """Tells every reader what is for one inbox alone."""

    def audible(self, inbox: str) -> Editor:  # noqa: ARG002 - whoever it is
        """Let everything pass."""
        return lambda block: [block]


@breaks("delivery/update-lost")
class Losing(Feed):
    """Accepts what is published, and tells nobody of every second one, the first among them."""

    def publish(self, text: str) -> int:
        """Return the number that the event would have."""
        if self.published % 2:
            return super().publish(text)
        self.published += 1
        return self.first + self.log.end


@breaks("delivery/update-lost:all")
class Deaf(Feed):
    """Accepts what is published, and tells nobody."""

    def publish(self, text: str) -> int:  # noqa: ARG002 - what is lost
        """Return the number that the event would have."""
        self.published += 1
        return self.first + self.log.end


@breaks("delivery/update-lost:after-quiet")
class Forgetful(Tapped):
    """Tells a reader to whom nothing was told for two seconds nothing more; heartbeats go on."""

    def editor(self) -> Editor:
        """Remember when this reader was told something."""
        loop = asyncio.get_running_loop()
        told, is_deaf = loop.time(), False

        def edit(block: bytes) -> Iterable[bytes]:
            nonlocal told, is_deaf
            if not is_event(block):
                return [block]
            is_deaf = is_deaf or loop.time() - told > QUIET_S
            told = loop.time()
            return [] if is_deaf else [block]

        return edit


@breaks("delivery/text-altered")
class InLatin(Feed):
    """Keeps texts in Latin-1, in which most letters are question marks."""

    def publish(self, text: str) -> int:
        """Say what is left of it."""
        return super().publish(text.encode("latin-1", "replace").decode("latin-1"))


@breaks("delivery/text-altered:lines")
class Splitting(Feed):
    """Takes every code for a line end that Python's `splitlines` does."""

    def publish(self, text: str) -> int:
        """Say its lines."""
        return super().publish("\n".join(text.splitlines()))


@breaks("delivery/update-lost:large")
class Limited(Feed):
    """Accepts what is published, and tells nobody what does not fit into a message of its queue."""

    def publish(self, text: str) -> int:
        """Return the number that the event would have, where it is too large."""
        if len(text) <= MOST_QUEUED:
            return super().publish(text)
        self.published += 1
        return self.first + self.log.end


@breaks("delivery/update-duplicated")
class Twice(Feed):
    """Tells what is published twice, in two events."""

    def publish(self, text: str) -> int:
        """Say it once more."""
        number = super().publish(text)
        self.say(text)
        return number


@breaks("delivery/update-late")
class Late(Feed):
    """Tells what is published 2.3 s late."""

    def publish(self, text: str) -> int:
        """Publish later; return the number that the event would have now."""
        asyncio.get_running_loop().call_later(LATE_S, super().publish, text)
        return self.first + self.log.end


@breaks("delivery/update-reordered")
class Overtaking(Feed):
    """Lets every second publication overtake the one before, if it comes within a second."""

    held: str | None = None

    def publish(self, text: str) -> int:
        """Hold it, or tell it before the one that is held."""
        if self.held is None:
            self.held = text
            asyncio.get_running_loop().call_later(BATCH_S, self.release)
            return self.first + self.log.end
        number = super().publish(text)
        self.release()
        return number

    def release(self) -> None:
        """Tell what is held."""
        if self.held is not None:
            super().publish(self.held)
            self.held = None


@breaks("delivery/batched")
class Batched(Streams):
    """Collects events for a second."""

    async def deliver(self, reader: Reader) -> None:
        """Start the second with the first block."""
        held: list[bytes] = []
        loop = asyncio.get_running_loop()

        def hold(block: bytes) -> Iterable[bytes]:
            if not held:
                loop.call_later(BATCH_S, release)
            held.append(block)
            return []

        def release() -> None:
            tap.send(b"".join(held))
            held.clear()

        tap = Tap(reader, hold)
        await super().deliver(reader)
        while held:  # noqa: ASYNC110 - a fault may poll
            await asyncio.sleep(0.01)


@breaks("delivery/held-to-the-end:head-first")
class HeldBody(Streams):
    """Sends the head, collects the whole body for four seconds, and ends."""

    def opening(self) -> bytes:
        """Leave it to the body."""
        return b""

    async def deliver(self, reader: Reader) -> None:
        """Send everything at once."""
        await asyncio.sleep(HELD_S)
        reader.write(b"".join([super().opening(), *pending(self.feed, reader)]))


@breaks("delivery/held-to-the-end")
class HeldWhole(HeldBody):
    """Collects the whole response for four seconds, head and body."""

    async def begin(self, request: web.Request, response: web.StreamResponse, position: int) -> Reader:
        """Send the head when the body is complete."""
        await asyncio.sleep(HELD_S)
        return await super().begin(request, response, position)

    async def deliver(self, reader: Reader) -> None:
        """Send everything at once."""
        reader.write(b"".join([self.events.opening(), *pending(self.feed, reader)]))


@breaks("delivery/one-event-late")
class OneBehind(Tapped):
    """Sends each event with the next one."""

    def editor(self) -> Editor:
        """Hold the newest event."""
        held: list[bytes] = []

        def edit(block: bytes) -> Iterable[bytes]:
            if not is_event(block):
                return [block]
            held.append(block)
            return [held.pop(0)] if len(held) > 1 else []

        return edit


class Holding(Gzip):
    """Leaves it to the compressor when to write."""

    def __init__(self, reader: Reader) -> None:
        super().__init__(reader)
        self.compressor = zlib.compressobj(wbits=self.GZIP + zlib.MAX_WBITS)

    def flushed(self, block: bytes) -> Iterable[bytes]:
        """Return what the compressor gives."""
        return [self.compressor.compress(block)]


class Unpacked(Gzip):
    """Leaves everything as it is."""

    def flushed(self, block: bytes) -> Iterable[bytes]:
        """Return the block."""
        return [block]

    def close(self) -> None:
        """Write no end."""


@breaks("response/not-in-its-coding")
class Mislabelled(Streams):
    """Says to clients that accept gzip that the stream is compressed, which it is not."""

    compressor = Unpacked


@breaks("delivery/held-by-compression")
class Compressed(Streams):
    """Compresses for clients that accept gzip, and holds events until the compressor's buffer is full."""

    compressor = Holding
