"""The feed: one log of events for all, written by whoever publishes and by a clock of its own.

Ids count on for ever, over restarts too: they begin at the milliseconds since the Unix epoch at which the server
started, and fewer than a thousand a second are given. So an id of before a restart never becomes that of another
event.
"""

import asyncio

from ssegauge.reference_server.common.encoding import now_ms
from ssegauge.reference_server.common.log import Log
from ssegauge.reference_server.feed.events import Events

LONGEST_ID = 16  # digits


class Feed:
    """What was said, and how more is said: every `pace` seconds by itself, never if that is 0."""

    def __init__(self, events: Events, pace: float) -> None:
        self.events = events
        self.pace = pace
        self.log = Log()
        self.first = now_ms()
        self.appended_at = 0.0
        self.published = 0
        self.work = 0  # done for readers, an event for each

    def publish(self, text: str) -> int:
        """Tell every reader, and return the event's number, which is its id."""
        self.published += 1
        return self.say(text)

    def say(self, text: str) -> int:
        """Append an event and return its number."""
        number = self.first + self.log.end
        self.append(self.events.message(number, text))
        return number

    def tell(self, inbox: str, text: str) -> int:
        """Tell the readers of an inbox alone, and return the event's number."""
        self.published += 1
        number = self.first + self.log.end
        self.append(self.events.address(inbox) + self.events.message(number, text))
        return number

    def append(self, block: bytes) -> None:
        """Append a block to the log, which writes it to every reader."""
        self.appended_at = asyncio.get_running_loop().time()
        self.work += len(self.log.ready)
        self.log.append(block)

    def after(self, event_id: str | None) -> int | None:
        """Return the position strictly after the event with this id, or None if no such event is kept."""
        digits = event_id or ""
        if not (digits.isascii() and digits.isdigit() and len(digits) <= LONGEST_ID):
            return None
        position = int(digits) - self.first + 1
        return position if max(self.log.base, 1) <= position <= self.log.end and str(int(digits)) == digits else None

    async def talk(self) -> None:
        """Say something by itself, for ever, at an even pace."""
        while self.pace:
            await asyncio.sleep(self.pace)
            self.say(self.events.small_talk(self.log.end))

    def close(self) -> None:
        """End every stream."""
        self.log.close()
