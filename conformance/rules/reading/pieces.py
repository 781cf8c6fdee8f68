"""The text of a language model, piece by piece, as it stands at the promised place (``promises.token``)."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from ssegauge.conformance.seen import Message, Seen, View
from ssegauge.conformance.target import pointer


@dataclass(frozen=True, slots=True)
class Told:
    """The pieces of one text, none of them empty, and the events that tell them."""

    view: View
    pieces: tuple[str, ...]
    messages: tuple[Message, ...]

    @property
    def text(self) -> str:
        """The whole of it."""
        return "".join(self.pieces)

    def at(self, place: int) -> Message:
        """Return the event that tells the character at a place in the text."""
        for piece, message in zip(self.pieces, self.messages, strict=True):
            place -= len(piece)
            if place < 0:
                return message
        return self.messages[-1]


def told_texts(seen: Seen) -> Iterator[Told]:
    """Yield the texts that are told at the promised place, one for each stream and type of event."""
    for view in seen.streams if seen.promises.token is not None else ():
        found: dict[str, list[tuple[str, Message]]] = defaultdict(list)
        for message in view.messages:
            if piece := _piece(message, seen.promises.token or ""):
                found[_kind(message)].append((piece, message))
        for told in found.values():
            pieces, messages = zip(*told, strict=True)
            yield Told(view, pieces, messages)


def _piece(message: Message, place: str) -> str:
    try:
        found = pointer(message.value, place)
    except LookupError:
        return ""
    return found if isinstance(found, str) else ""


def _kind(message: Message) -> str:
    return message.type if isinstance(message.type, str) else message.event.type
