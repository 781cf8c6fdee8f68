"""What several faults are made of."""

from collections.abc import Callable, Iterable

from ssegauge.reference_server.common.log import Reader
from ssegauge.reference_server.common.tap import Tap
from ssegauge.reference_server.feed.events import Events
from ssegauge.reference_server.feed.feed import Feed
from ssegauge.reference_server.feed.streams import Streams

Editor = Callable[[bytes], Iterable[bytes]]


def is_event(block: bytes) -> bool:
    """Whether the block is one of the feed's events: no comment, and not what a stream begins with."""
    return b"data:" in block


def pending(feed: Feed, reader: Reader) -> list[bytes]:
    """Return everything that the log has for the reader, which then is at its end."""
    found = [feed.log.blocks[number - feed.log.base] for number in range(reader.position, feed.log.end)]
    reader.position = feed.log.end
    return found


class Tapped(Streams):
    """Streams of which each is edited by an `editor` of its own."""

    def editor(self) -> Editor:
        """Return the function that edits the blocks of a new stream."""
        raise NotImplementedError

    async def deliver(self, reader: Reader) -> None:
        """Deliver through a tap, which the opening has not passed."""
        Tap(reader, self.editor())
        await super().deliver(reader)


class Spoiled(Events):
    """Events of which every third is spoiled."""

    said = 0

    def message(self, number: int, text: str) -> bytes:
        """Return the event, spoiled where it is its turn."""
        self.said += 1
        block = super().message(number, text)
        return block if self.said % 3 else self.spoil(block)

    def spoil(self, block: bytes) -> bytes:
        """Return the block with its fault."""
        raise NotImplementedError
