"""The exact decoder: WHATWG HTML, `#parsing-an-event-stream` and `#event-stream-interpretation`.

What holds for every input:
- `feed` and `close` never raise, whatever the bytes.
- Any split of the stream into chunks gives the same items, in stream order, with the same offsets.
- Nothing is held back: a line ends at its CR, and a LF that follows is swallowed when it comes; so an
  event is there with the first byte that ends its blank line.
- Of the current block at most `max_event_bytes` are held: an unfinished line, data, event type and id
  together. A block that needs more gives one `Oversized` and is discarded up to its blank line. Beside
  it only the last event ID string is kept, which came from such a block.
- The time taken is linear in the bytes fed, however they are cut.
"""

import codecs
from collections.abc import Callable

from ssegauge.conformance.sse.items import (
    BlockWithoutData,
    ByteOrderMark,
    Comment,
    Event,
    IgnoredField,
    IgnoreReason,
    Observation,
    Oversized,
    ReplacedBytes,
    Retry,
    UnfinishedTail,
)
from ssegauge.conformance.sse.utf8 import malformed, text

BOM = codecs.BOM_UTF8
LONGEST_RECONNECTION_TIME = 2**64 - 1


class Decoder:
    r"""Turns the bytes of one event stream into events and observations.

    Attributes:
        last_event_id: the last event ID string; set whenever a block ends, also one without data.
        reconnection_time: milliseconds from the last valid `retry`, None before the first one.
        offset: how many bytes have been fed.
        line_endings: how many lines ended with "\n", "\r" and "\r\n"; a CR counts as one until its LF comes.
    """

    def __init__(self, *, max_event_bytes: int = 1 << 20) -> None:
        self.last_event_id = ""
        self.reconnection_time: int | None = None
        self.offset = 0
        self.line_endings = {"\n": 0, "\r": 0, "\r\n": 0}
        self._max_event_bytes = max_event_bytes
        self._items: list[Event | Observation] = []
        self._line = bytearray()
        self._line_start = 0
        self._after_cr = False
        self._start_block(0)

    def feed(self, data: bytes | bytearray | memoryview) -> list[Event | Observation]:
        """Take the next bytes of the stream; give what they complete, in stream order."""
        chunk = bytes(data)
        if chunk:
            self._count_line_endings(chunk)
            if self._after_cr and chunk.startswith(b"\n"):
                chunk = self._swallow_lf(chunk)
            # On bytes, unlike on str, splitlines() knows CR, LF and CRLF alone.
            for piece in chunk.splitlines(keepends=True):
                self._take(piece)
            self._after_cr = chunk.endswith(b"\r")
        return self._give()

    def close(self) -> list[Event | Observation]:
        """End the stream: "any pending data must be discarded", and is told as `UnfinishedTail`."""
        if self._line_start == 0:
            self._line = bytearray(self._strip_bom(bytes(self._line)))
        if self.offset > self._block_start:
            self._end_within_block()
        self._start_block(self.offset)
        return self._give()

    @property
    def between_blocks(self) -> bool:
        """Whether nothing of a block is held: the next byte starts a line and no field is pending."""
        return not (self._line or self._skipping or self._holds_fields())

    @property
    def held_bytes(self) -> int:
        """How many bytes of the current block are held: at most `max_event_bytes`."""
        return len(self._line) + len(self._data) + len(self._type or b"") + len(self._id or b"")

    def pass_blocks(self, length: int, last_event_id: str) -> None:
        """Account for `length` bytes of whole blocks that were read elsewhere, fed between two blocks."""
        self._after_cr = False
        self.offset += length
        self.last_event_id = last_event_id
        self._start_block(self.offset)

    def _give(self) -> list[Event | Observation]:
        items, self._items = self._items, []
        return items

    def _emit(self, item: Event | Observation) -> None:
        self._items.append(item)

    def _start_block(self, start: int) -> None:
        self._block_start = self._line_start = start
        self._line.clear()
        self._data = bytearray()
        self._type: bytes | None = None
        self._id: bytes | None = None
        self._skipping = False

    def _holds_fields(self) -> bool:
        return bool(self._data) or self._type is not None or self._id is not None

    # Lines

    def _take(self, piece: bytes) -> None:
        """Take a line or a part of one, the end of the line included."""
        self.offset += len(piece)
        line = piece.rstrip(b"\r\n")
        if self.offset - self._block_start > self._max_event_bytes:  # else so much cannot be held
            self._bound(line)
        if len(line) == len(piece):
            self._hold(line)
        elif self._line or self._skipping:
            self._hold(line)
            self._end_line(bytes(self._line))
        else:
            self._end_line(line)

    def _hold(self, part: bytes) -> None:
        if self._skipping:
            self._line = self._line or bytearray(part[:1])  # enough to know a blank line
        else:
            self._line += part

    def _bound(self, part: bytes) -> None:
        """Discard the block if it cannot hold a further `part` of the line."""
        room = self._max_event_bytes - self.held_bytes
        if len(part) <= room or self._skipping:
            return
        self._emit(Oversized(self._block_start, self._line_start + len(self._line) + room + 1))
        line_start = self._line_start
        self._start_block(self._block_start)
        self._line_start = line_start
        self._skipping = True

    def _end_line(self, line: bytes) -> None:
        if self._line_start == 0:
            line = self._strip_bom(line)
        if not line:
            self._dispatch()
            self._start_block(self.offset)
            return
        if not self._skipping:
            self._interpret(line)
        self._line.clear()
        self._line_start = self.offset

    def _count_line_endings(self, chunk: bytes) -> None:
        crlf = chunk.count(b"\r\n")
        across = self._after_cr and chunk.startswith(b"\n")  # the CR was counted as one
        self.line_endings["\n"] += chunk.count(b"\n") - crlf - across
        self.line_endings["\r"] += chunk.count(b"\r") - crlf - across
        self.line_endings["\r\n"] += crlf + across

    def _swallow_lf(self, chunk: bytes) -> bytes:
        """Take the LF of a CRLF whose CR has ended the line already."""
        self.offset += 1
        if self._block_start == self._line_start:
            self._block_start += 1
        self._line_start += 1
        return chunk[1:]

    def _strip_bom(self, line: bytes) -> bytes:
        """Strip the one byte order mark that "UTF-8 decode" strips, from the stream's first line."""
        if line.startswith(BOM):
            self._block_start = self._line_start = len(BOM)
            self._emit(ByteOrderMark(0, len(BOM), stripped=True))
        return line.removeprefix(BOM)

    # Fields

    def _interpret(self, line: bytes) -> None:
        """Process a line that is not blank."""
        if not line.isascii():
            self._note_replaced(line)
            self._note_bom(line)
        name, _, value = line.partition(b":")
        if not name:
            self._emit(Comment(*self._span(line), text(value)))
            return
        process = FIELDS.get(name, Decoder._on_unknown)  # field names are compared literally
        process(self, line, value.removeprefix(b" "))  # one space, no more

    def _note_bom(self, line: bytes) -> None:
        if line.startswith(BOM):
            self._emit(ByteOrderMark(self._line_start, self._line_start + len(BOM), stripped=False))

    def _span(self, line: bytes) -> tuple[int, int]:
        return self._line_start, self._line_start + len(line)

    def _on_data(self, _line: bytes, value: bytes) -> None:
        self._data += value
        self._data += b"\n"

    def _on_event(self, _line: bytes, value: bytes) -> None:
        self._type = value

    def _on_id(self, line: bytes, value: bytes) -> None:
        if b"\0" in value:
            self._ignore(line, value, "id-with-nul")
        else:
            self._id = value

    def _on_retry(self, line: bytes, value: bytes) -> None:
        if value.isdigit():  # ASCII digits alone, on bytes
            self.reconnection_time = _milliseconds(value)
            self._emit(Retry(*self._span(line), self.reconnection_time))
        else:
            self._ignore(line, value, "retry-not-digits")

    def _on_unknown(self, line: bytes, value: bytes) -> None:
        self._ignore(line, value, "unknown-field")

    def _ignore(self, line: bytes, value: bytes, reason: IgnoreReason) -> None:
        name = text(line.partition(b":")[0])
        resembled = name.strip("\ufeff \t").lower()
        meant = resembled if resembled.encode() in FIELDS else ""
        self._emit(IgnoredField(*self._span(line), name, text(value), reason, meant))

    # Blocks

    def _dispatch(self) -> None:
        """Dispatch the event, as a blank line asks for."""
        if not self._holds_fields():
            return
        end = self._line_start + 1
        own_id = None if self._id is None else text(self._id)
        if own_id is not None:
            self.last_event_id = own_id
        event_type = text(self._type) if self._type else ""
        if self._data:
            data = text(self._data[:-1])
            self._emit(Event(event_type or "message", data, self.last_event_id, own_id, self._block_start, end))
        else:
            self._emit(BlockWithoutData(self._block_start, end, event_type, own_id))

    def _end_within_block(self) -> None:
        loses_fields = self._skipping or self._holds_fields()
        if not self._skipping:
            line = bytes(self._line)
            self._note_replaced(line, final=False)
            loses_fields |= bool(line) and not line.startswith(b":")
        self._emit(UnfinishedTail(self._block_start, self.offset, loses_fields))

    def _note_replaced(self, line: bytes, *, final: bool = True) -> None:
        for start, end in malformed(line, final=final):
            self._emit(ReplacedBytes(self._line_start + start, self._line_start + end))


# The steps to process a field: of the decoder, for a line and the value in it.
FIELDS: dict[bytes, Callable[[Decoder, bytes, bytes], None]] = {
    b"data": Decoder._on_data,
    b"event": Decoder._on_event,
    b"id": Decoder._on_id,
    b"retry": Decoder._on_retry,
}


def decode(data: bytes, *, max_event_bytes: int = 1 << 20) -> list[Event | Observation]:
    """Decode a whole stream: everything `feed` and `close` give for it, in stream order."""
    decoder = Decoder(max_event_bytes=max_event_bytes)
    return decoder.feed(data) + decoder.close()


def _milliseconds(digits: bytes) -> int:
    """Read ASCII digits, however many: int() is quadratic and, past 4,300 digits, an error."""
    significant = digits.lstrip(b"0")
    if len(significant) > 20:
        return LONGEST_RECONNECTION_TIME
    return min(int(significant or b"0"), LONGEST_RECONNECTION_TIME)
