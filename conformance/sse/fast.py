"""The load generator's decoder: dispatched events alone, for little CPU.

No second grammar: one pattern knows the usual shape of a block (`id`, `event` and one line of `data`, in this
order or with the `id` last) and takes such blocks from the start of a chunk, all in one call. The exact
`Decoder` reads everything else: the rest of a block that an earlier chunk began, and a chunk from the first
byte on that does not fit. What comes out is what `Decoder` gives for the same bytes, in linear time: neither
looks at a byte more than a fixed number of times.
"""

import re

from ssegauge.conformance.sse.decoder import Decoder
from ssegauge.conformance.sse.items import Event

Message = tuple[str, str, str]  # (type, data, last_event_id)

# Possessive, so that what does not fit is given up at once; the last group is all from there on.
# An empty id or event type does not fit, because findall() would not tell it from none.
_usual_blocks = re.compile(
    r"(?:\n|:.*+\n)*+"  # comments and further blank lines
    r"(?:id: ?+([^\n\0]++)\n)?+"
    r"(?:event: ?+(.++)\n)?+"
    r"data: ?+(.*+)\n"
    r"(?:id: ?+([^\n\0]++)\n)?+"  # FastAPI writes it here
    r"\n"
    r"|((?s:.+))"
).findall
_BLANK_LINE = re.compile(rb"\n\n|\r\n\r\n|\r\r")


class FastDecoder:
    """Gives `(type, data, last_event_id)` of each dispatched event.

    What the end of the stream leaves unfinished is no event, so there is nothing to close.

    Attributes:
        last_event_id: the last event ID string.
        passed: bytes of whole blocks that were read without the exact decoder, since that was used.
    """

    __slots__ = ("_exact", "_max_event_bytes", "_within_block", "last_event_id", "passed")

    def __init__(self, *, max_event_bytes: int = 1 << 20) -> None:
        self.last_event_id = ""
        self._exact: Decoder | None = None  # most streams never need it
        self._max_event_bytes = max_event_bytes
        self._within_block = False
        self.passed = 0

    @property
    def between_blocks(self) -> bool:
        """Whether nothing of a block has been read."""
        return not self._within_block

    @property
    def reconnection_time(self) -> int | None:
        """Return the reconnection time (ms) that the stream has set by ``retry``, None before."""
        return self._exact.reconnection_time if self._exact else None

    def feed(self, chunk: bytes) -> list[Message]:
        """Take the next bytes of the stream; give the events they complete."""
        if self._within_block or len(chunk) > self._max_event_bytes:
            return self._finish_block(chunk)
        try:
            text = chunk.decode()
        except UnicodeDecodeError:
            return self._feed_exact(chunk)
        line_ending = "\n"
        if "\r" in text:
            line_ending, crlf_text, text = "\r\n", text, text.replace("\r\n", "\n")
            if "\r" in text or text.count("\n") != len(crlf_text) - len(text):  # not CRLF alone
                return self._feed_exact(chunk)
        messages: list[Message] = []
        last_event_id = self.last_event_id
        self.passed += len(chunk)
        for own_id, event_type, data, later_id, rest in _usual_blocks(text):
            if rest:
                self.last_event_id = last_event_id
                return messages + self._feed_rest(rest.replace("\n", line_ending).encode())
            if own_id or later_id:
                last_event_id = later_id or own_id
            messages.append((event_type or "message", data, last_event_id))
        self.last_event_id = last_event_id
        return messages

    def _feed_rest(self, rest: bytes) -> list[Message]:
        self.passed -= len(rest)
        return self._feed_exact(rest)

    def _finish_block(self, chunk: bytes) -> list[Message]:
        """Leave to the exact decoder all up to the next blank line; a chunk past the bound whole."""
        blank_line = _BLANK_LINE.search(chunk) if len(chunk) <= self._max_event_bytes else None
        if blank_line is None:
            return self._feed_exact(chunk)
        messages = self._feed_exact(chunk[: blank_line.end()])
        rest = chunk[blank_line.end() :]
        return messages + self.feed(rest) if rest else messages

    def _feed_exact(self, chunk: bytes) -> list[Message]:
        exact = self._exact = self._exact or Decoder(max_event_bytes=self._max_event_bytes)
        if self.passed:
            exact.pass_blocks(self.passed, self.last_event_id)
            self.passed = 0
        items = exact.feed(chunk)
        self.last_event_id = exact.last_event_id
        self._within_block = not exact.between_blocks
        return [(item.type, item.data, item.last_event_id) for item in items if isinstance(item, Event)]
