"""The two sides of a hop, and what is told of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final, Literal

from ssegauge.conformance.seen import Message, View
from ssegauge.conformance.target import Promises, pointer

Kind = Literal["damaged", "held", "changed", "unclear"]
KINDS: Final = ("damaged", "held", "changed", "unclear")


@dataclass(frozen=True, slots=True)
class Told:
    """What a hop does to ``what``, both sides named, and how to mend it; ``streams`` of ``of`` showed it."""

    kind: Kind
    what: str
    summary: str
    mend: str = ""
    streams: int = 0
    of: int = 0

    def seen_in(self, streams: int, of: int) -> Told:
        """Return it with the number of streams that showed it."""
        return replace(self, streams=streams, of=of)


@dataclass(frozen=True, eq=False)
class Side:
    """One stream, as it came on one of the two ways; ``own_ms`` is how late its reader was at most."""

    view: View
    promises: Promises
    own_ms: float = 0.0

    @cached_property
    def said(self) -> tuple[Message, ...]:
        """The events before the end marker."""
        return tuple(one for one in self.view.messages if not self._is_marker(one))

    @cached_property
    def pieces(self) -> tuple[tuple[float, str], ...]:
        """When a piece of the text came, and the piece; without a promised place of text, each event's data."""
        found = ((one.item.at_ms, self._text(one)) for one in self.said)
        return tuple((at_ms, text) for at_ms, text in found if text)

    @property
    def text(self) -> str:
        """The whole text."""
        return "".join(piece for _, piece in self.pieces)

    @property
    def has_marker(self) -> bool:
        """Whether the event came that says that the stream is over."""
        return any(map(self._is_marker, self.view.messages))

    @property
    def wants_marker(self) -> bool:
        """Whether such an event is promised."""
        return bool(self.promises.ends and self.promises.ends.has_marker)

    @property
    def is_whole(self) -> bool:
        """Whether it came to its end."""
        return self.has_marker or (self.view.ended_by_server and not self.wants_marker)

    def _is_marker(self, one: Message) -> bool:
        ends = self.promises.ends
        return bool(ends and ends.has_marker and ends.is_marker(one.event.type, one.event.data))

    def _text(self, one: Message) -> str:
        if self.promises.token is None:
            return one.event.data
        try:
            found = pointer(one.value, self.promises.token)
        except LookupError:
            return ""
        return found if isinstance(found, str) else ""


@dataclass(frozen=True, eq=False)
class Pair:
    """The same request, answered directly and through the hop."""

    direct: Side
    through: Side


def is_steady(pairs: list[Pair]) -> bool:
    """Whether the server itself says the same each time, as far as several whole answers show."""
    whole = [pair.direct.text for pair in pairs if pair.direct.is_whole]
    return len(whole) > 1 and len(set(whole)) == 1
