"""What a decoder gives: events and observations.

An item's `start` and `end` are byte offsets `[start, end)` in the stream as it was sent (a byte order
mark counts). They do not depend on how the stream was cut into chunks: where a line ends with CRLF,
`end` is that of the CR, for the LF may not have come yet.

A *block* is what stands between two blank lines, its comments included; it starts at its first line
and ends with the first byte of the end of its blank line.
"""

from dataclasses import dataclass
from typing import Literal

IgnoreReason = Literal["unknown-field", "retry-not-digits", "id-with-nul"]


@dataclass(frozen=True, slots=True)
class Event:
    """A dispatched event: what EventSource gives its listeners.

    Attributes:
        type: the event type, "message" unless the block set another one.
        data: the data, its lines joined by LF.
        last_event_id: the last event ID string when the event was dispatched.
        id: the valid `id` field of this very block, None without one; tells an id set here from one that
            persisted.
        start: offset of the block's first line.
        end: offset behind the first byte (CR or LF) that ends the blank line.
    """

    type: str
    data: str
    last_event_id: str
    id: str | None
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Observation:
    """Something in the stream that is no event. Its offsets span the line, unless the kind says otherwise."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Comment(Observation):
    """A line that starts with a colon; `text` is all that follows the colon."""

    text: str


@dataclass(frozen=True, slots=True)
class Retry(Observation):
    """A valid `retry` field: the reconnection time is now `ms` (2**64 - 1 stands for more than that)."""

    ms: int


@dataclass(frozen=True, slots=True)
class IgnoredField(Observation):
    """A field without effect. `meant` is the known field its name resembles (`Data`, ` data`), or ""."""

    name: str
    value: str
    reason: IgnoreReason
    meant: str


@dataclass(frozen=True, slots=True)
class ByteOrderMark(Observation):
    """The three bytes EF BB BF at the start of a line.

    `stripped` at the very start of the stream; elsewhere it belongs to the line and spoils its field's name.
    """

    stripped: bool


@dataclass(frozen=True, slots=True)
class ReplacedBytes(Observation):
    """A run of bytes in one line that is not UTF-8 and was read as U+FFFD.

    A character that is cut by the end of the stream is none.
    """


@dataclass(frozen=True, slots=True)
class BlockWithoutData(Observation):
    """A block that named an event type or an id but held no data, so no event came of it.

    `type` was dropped ("" when none was given); `id` was taken (None when none was given). Spans the block.
    """

    type: str
    id: str | None


@dataclass(frozen=True, slots=True)
class UnfinishedTail(Observation):
    """The stream ended before the blank line: everything behind the last one, discarded.

    `loses_fields` is False where the tail holds comments (and fields without effect on a block) alone.
    """

    loses_fields: bool


@dataclass(frozen=True, slots=True)
class Oversized(Observation):
    """A block passed the decoder's bound and is discarded up to its blank line, its id with it.

    Spans from the block's start to behind the first byte that went past the bound.
    """
