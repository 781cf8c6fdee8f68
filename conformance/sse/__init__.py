"""Event streams: bytes in, events and observations out.

The decoder follows the WHATWG HTML Standard, "Server-sent events", sections
`#parsing-an-event-stream` and `#event-stream-interpretation`, byte for byte, and tells what it
passed over, so that no rule needs a second parser.

    decoder = Decoder()
    for chunk in chunks:                  # split anywhere: the result is the same
        for item in decoder.feed(chunk):  # Event | Observation, in stream order
            ...
    decoder.close()                       # the end of the stream: what was left unfinished

`decode(data)` does all of it for a whole stream. `FastDecoder` gives `(type, data, last_event_id)`
tuples alone, for load generation; it recognises the usual shape of an event and hands everything
else to `Decoder`.

Every item carries `start` and `end`, byte offsets `[start, end)` in the stream, its byte order mark
included. The classes are described in `ssegauge.conformance.sse.items`: `Event`; and the observations
`Comment`, `Retry`, `IgnoredField`, `ByteOrderMark`, `ReplacedBytes`, `BlockWithoutData`,
`UnfinishedTail` and `Oversized`. Standard library only; no clock, no I/O.
"""

from ssegauge.conformance.sse.decoder import Decoder, decode
from ssegauge.conformance.sse.fast import FastDecoder, Message
from ssegauge.conformance.sse.items import (
    BlockWithoutData,
    ByteOrderMark,
    Comment,
    Event,
    IgnoredField,
    Observation,
    Oversized,
    ReplacedBytes,
    Retry,
    UnfinishedTail,
)

__all__ = [
    "BlockWithoutData",
    "ByteOrderMark",
    "Comment",
    "Decoder",
    "Event",
    "FastDecoder",
    "IgnoredField",
    "Message",
    "Observation",
    "Oversized",
    "ReplacedBytes",
    "Retry",
    "UnfinishedTail",
    "decode",
]
