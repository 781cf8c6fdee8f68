"""Ids that mislead those who come back, and answers to them that lose, repeat or refuse."""

import re

from aiohttp import web

from ssegauge.reference_server.common.log import Reader
from ssegauge.reference_server.feed.events import Events
from ssegauge.reference_server.feed.faults.registry import breaks
from ssegauge.reference_server.feed.faults.tools import Editor, Spoiled, Tapped, is_event, pending
from ssegauge.reference_server.feed.streams import Streams


@breaks("resume/id-taken-back")
class TakenBack(Spoiled):
    """Tells every third event once more, with an `id` field that has no value."""

    def spoil(self, block: bytes) -> bytes:
        """Return both."""
        return block + re.sub(rb"^id:.*", b"id:", block, flags=re.MULTILINE)


@breaks("resume/replays-without-ids")
class NoIds(Events):
    """Sends every event that is kept to whoever comes, and gives none an id."""

    def message(self, number: int, text: str) -> bytes:
        """Return the event without its id."""
        return re.sub(rb"^id:.*\n", b"", super().message(number, text), flags=re.MULTILINE)


@breaks("resume/ids-repeated")
class SameIds(Events):
    """Gives every third event the id of the one before."""

    said = 0

    def message(self, number: int, text: str) -> bytes:
        """Return the event with its id, or that of the one before."""
        self.said += 1
        block = super().message(number, text)
        return block if self.said % 3 else block.replace(f"id: {number}\n".encode(), f"id: {number - 1}\n".encode())


@breaks("resume/ids-repeated:same-event")
class SameEvent(Spoiled):
    """Sends every third event twice, with its id."""

    def spoil(self, block: bytes) -> bytes:
        """Return it twice."""
        return block + block


@breaks("resume/duplicate-on-resume")
class Duplicate(Streams):
    """Sends the event that Last-Event-ID names once more."""

    def position(self, last_event_id: str | None) -> int:
        """Return a position one too low for a known id."""
        return super().position(last_event_id) - (self.feed.after(last_event_id) is not None)


@breaks("resume/gap-on-resume")
class NoReplay(Streams):
    """Lets those who come back go on with what happens next, as if they had missed nothing."""

    def position(self, last_event_id: str | None) -> int:  # noqa: ARG002 - what it ignores
        """Return the end."""
        return self.feed.log.end


@breaks("resume/events-lost-on-resume")
class Gap(Streams):
    """Continues one event too late, if there is one after it."""

    def position(self, last_event_id: str | None) -> int:
        """Return a position one too high."""
        position = super().position(last_event_id)
        return position + (position < self.feed.log.end - 1)


@breaks("resume/out-of-order")
class NewestFirst(Streams):
    """Sends those who come back the newest event before all others that they have missed."""

    async def deliver(self, reader: Reader) -> None:
        """Send what the reader has missed, and then the feed's events."""
        missed = pending(self.feed, reader)
        for block in missed[-1:] + missed[:-1]:
            reader.write(block)
        await super().deliver(reader)


@breaks("resume/begins-anew", "resume/replays-without-ids")
class BeginsAnew(Streams):
    """Sends every event that is kept to whoever comes, and whoever comes back."""

    def position(self, last_event_id: str | None) -> int:  # noqa: ARG002 - what it ignores
        """Return the position of the first event."""
        return self.feed.log.base


class Silencing(Tapped):
    """Sends some of those who come back nothing but heartbeats."""

    def silences(self, last_event_id: str) -> bool:
        """Whether it does so for this id."""
        raise NotImplementedError

    def position(self, last_event_id: str | None) -> int:
        """Return the position, which is none for who is silenced."""
        is_silenced = last_event_id is not None and self.silences(last_event_id)
        return -1 if is_silenced else super().position(last_event_id)

    async def deliver(self, reader: Reader) -> None:
        """Filter what comes for a reader without position."""
        if reader.position < 0:
            reader.position = self.feed.log.end
            return await super().deliver(reader)
        return await Streams.deliver(self, reader)

    def editor(self) -> Editor:
        """Leave out all events."""
        return lambda block: [] if is_event(block) else [block]


@breaks("resume/unknown-id-silenced")
class WaitsForUnknown(Silencing):
    """Waits for ever for the event after one that it does not know; only heartbeats come."""

    def silences(self, last_event_id: str) -> bool:
        """Whether no kept event has this id."""
        return self.feed.after(last_event_id) is None


@breaks("resume/known-id-silenced")
class ForgetsToGoOn(Silencing):
    """Sends nothing but heartbeats to those who come back with an id that it knows."""

    def silences(self, last_event_id: str) -> bool:
        """Whether a kept event has this id."""
        return self.feed.after(last_event_id) is not None


class Refuses(Streams):
    """Refuses an id that it does not know."""

    refusal: type[web.HTTPException]

    def position(self, last_event_id: str | None) -> int:
        """Return the position, or refuse."""
        if last_event_id is not None and self.feed.after(last_event_id) is None:
            raise self.refusal(text="This Last-Event-ID is not known here.")
        return super().position(last_event_id)


@breaks("resume/unknown-id-refused")
class AnswersConflict(Refuses):
    """Answers 409 to an id that it does not know."""

    refusal = web.HTTPConflict


@breaks("resume/unknown-id-refused:500")
class Fails(Refuses):
    """Answers 500 to an id that it does not know."""

    refusal = web.HTTPInternalServerError
