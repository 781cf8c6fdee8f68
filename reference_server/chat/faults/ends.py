"""Answers that do not come to the end that the protocol promises."""

from collections.abc import Iterator

from ssegauge.reference_server.chat.completions import Asked, Completions
from ssegauge.reference_server.chat.faults.registry import breaks
from ssegauge.reference_server.generation.faults import StaysOpen

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
