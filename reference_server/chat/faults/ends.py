"""Answers that do not come to the end that the protocol promises."""

import json
from collections.abc import Iterator

from ssegauge.reference_server.chat.completions import Asked, Completions
from ssegauge.reference_server.chat.faults.registry import breaks
from ssegauge.reference_server.common.log import Reader
from ssegauge.reference_server.generation import form
from ssegauge.reference_server.generation.faults import StaysOpen
from ssegauge.reference_server.generation.streams import Streams

breaks("end/marker-missing:open")(StaysOpen)


@breaks("end/marker-missing", "end/marker-missing:open")
class NoMarker(Completions):
    """Ends an answer without `[DONE]`."""

    def blocks(self, asked: Asked) -> Iterator[bytes]:
        """Leave it out."""
        return (block for block in super().blocks(asked) if b"[DONE]" not in block)


@breaks("end/events-after-marker")
class Afterword(Completions):
    """Sends one more chunk after `[DONE]`."""

    def blocks(self, asked: Asked) -> Iterator[bytes]:
        """Add it."""
        yield from super().blocks(asked)
        yield self.chunk(asked, [], asked.counted)


@breaks("end/events-after-marker:twice")
class SaysItTwice(Completions):
    """Sends `[DONE]` twice."""

    def blocks(self, asked: Asked) -> Iterator[bytes]:
        """Add it."""
        yield from super().blocks(asked)
        yield b"data: [DONE]\n\n"


@breaks("capacity/serves-few-at-once:error")
class TurnsAway(Streams):
    """Tells an error, and nothing else, to who asks while another is being answered."""

    async def deliver(self, reader: Reader, asked: form.Asked) -> None:
        """Look whether another is."""
        if self.open == 1:
            await super().deliver(reader, asked)
            return
        error = {"message": "The queue is full.", "type": "server_error", "param": None, "code": 503}
        reader.write(b"data: " + json.dumps({"error": error}).encode() + b"\n\ndata: [DONE]\n\n")
