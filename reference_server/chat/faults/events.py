"""Events that are unlike the others, or say something else than what was meant."""

from collections.abc import Callable, Iterator

from ssegauge.reference_server.chat.completions import Asked, Completions
from ssegauge.reference_server.chat.faults.registry import breaks

PIECE = 5  # bytes


class Spoiled(Completions):
    """Completions whose fourth event is spoiled."""

    def blocks(self, asked: Asked) -> Iterator[bytes]:
        """Yield the events, one of them spoiled."""
        return (self.spoil(block) if number == 3 else block for number, block in enumerate(super().blocks(asked)))

    def spoil(self, block: bytes) -> bytes:
        """Return the event with its fault."""
        raise NotImplementedError


# code -> what is done, and what becomes of an event
SPOILS: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
    "wire/two-values-in-one": (
        "Leaves out the blank line behind an event, so that it and the next are one.",
        lambda block: block.rstrip(b"\n") + b"\n",
    ),
    "shape/unlike-the-others": (
        "Sends a ping whose data is empty.",
        lambda block: block + b"event: ping\ndata: \n\n",
    ),
    "shape/unlike-the-others:text": (
        "Sends a ping whose data is no JSON.",
        lambda block: block + b"data: ping\n\n",
    ),
}


def _spoiled(about: str, change: Callable[[bytes], bytes]) -> type[Spoiled]:
    class Changed(Spoiled):
        def spoil(self, block: bytes) -> bytes:
            return change(block)

    Changed.__doc__ = about
    return Changed


for code, (about, change) in SPOILS.items():
    breaks(code)(_spoiled(about, change))


@breaks("wire/replacement-character")
class CutCharacters(Completions):
    """Cuts the text into pieces of five bytes, and decodes each by itself."""

    def pieces(self, asked: Asked) -> Iterator[str]:
        """Yield what the pieces give."""
        raw = asked.answer.text.encode()
        return (raw[at : at + PIECE].decode("utf-8", "replace") for at in range(0, len(raw), PIECE))
