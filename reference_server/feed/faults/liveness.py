"""Streams that fall silent, or say that they live in a way that hurts."""

import asyncio

from ssegauge.reference_server.common.log import Reader
from ssegauge.reference_server.feed.events import Events
from ssegauge.reference_server.feed.faults.registry import breaks
from ssegauge.reference_server.feed.faults.tools import Editor, Tapped
from ssegauge.reference_server.feed.feed import Feed
from ssegauge.reference_server.feed.streams import Streams

DEAF_AFTER_S = 5.0
PAUSE_S = 7.0
TALKS_BETWEEN = 4


@breaks("liveness/heartbeat-missing")
class NoHeartbeat(Streams):
    """Says nothing while nothing happens."""

    async def beat(self) -> None:
        """Do nothing."""


@breaks("liveness/silent")
class Silent(NoHeartbeat):
    """Says nothing but what is published, not even at the beginning, and has no heartbeat."""

    def opening(self) -> bytes:
        """Return nothing."""
        return b""


@breaks("liveness/silent")
class NoTalk(Feed):
    """Says nothing by itself."""

    async def talk(self) -> None:
        """Do nothing."""


@breaks("liveness/gap-too-long")
class Stalling(Feed):
    """Says nothing by itself for seven seconds after every four events."""

    async def talk(self) -> None:
        """Pause from time to time."""
        while self.pace:
            is_due = self.log.end % TALKS_BETWEEN == TALKS_BETWEEN - 1
            await asyncio.sleep(PAUSE_S if is_due else self.pace)
            self.say(self.events.small_talk(self.log.end))


@breaks("liveness/first-event-late")
class SlowStart(Streams):
    """Lets a newcomer wait seven seconds for its first event, and then goes on with what happens next."""

    async def deliver(self, reader: Reader) -> None:
        """Wait, but for one who comes back for what it missed."""
        if reader.position == self.feed.log.end:
            await asyncio.sleep(PAUSE_S)
            reader.position = self.feed.log.end
        await super().deliver(reader)


@breaks("liveness/goes-deaf")
class GoesDeaf(Tapped):
    """Writes nothing more to a reader after five seconds, and leaves the connection open; newcomers get everything."""

    def editor(self) -> Editor:
        """Start the five seconds."""
        loop = asyncio.get_running_loop()
        end = loop.time() + DEAF_AFTER_S
        return lambda block: [block] if loop.time() < end else []


@breaks("liveness/heartbeat-is-an-event")
class HeartbeatEvents(Events):
    """Sends heartbeats as events."""

    def heartbeat(self) -> bytes:
        """Return an event that is none of the feed's."""
        return self.block({"type": "heartbeat"})


@breaks("liveness/heartbeat-is-an-event")
class AlwaysBeating(Streams):
    """Sends heartbeats as events, whether something happens or not."""

    async def beat(self) -> None:
        """Send one to every reader in each third of the heartbeat's time."""
        while True:
            await asyncio.sleep(self.heartbeat / 3)
            await self.feed.log.beat(self.events.heartbeat())
