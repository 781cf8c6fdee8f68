"""What holds for the decoder, whatever the bytes.

1. `feed` and `close` raise nothing.
2. Chunking does not matter: any split gives the same items, offsets, ids, reconnection time and line endings.
3. Memory is bounded: never more than `max_event_bytes` of a block are held, after any chunk.
4. Items are in stream order and within the stream; events do not overlap; each has a blank line's end at its end.
5. Without `Oversized`, the events are those of the standard's algorithm word for word (`tests.sse.reference`).
6. `FastDecoder` gives the same events and last event ID as `Decoder`, for any split and any bound.

`check` reads the bound and the sizes of the chunks from the input's first bytes, so that a fuzzer can vary them.
Run until something breaks, with atheris installed: `python -m tests.fuzz decoder [libFuzzer options]`.
"""

from itertools import cycle

from ssegauge.conformance.sse import Decoder, Event, FastDecoder, Observation, Oversized
from tests.sse.reference import read_stream

BOUNDS = (1 << 20, 0, 1, 7, 30, 200)
HEAD = 4


def check(data: bytes) -> None:
    """Check every invariant on one input."""
    head, stream = data[:HEAD].ljust(HEAD, b"\1"), data[HEAD:]
    bound = BOUNDS[head[0] % len(BOUNDS)]
    chunks = cut(stream, [size or 1 for size in head[1:]])
    whole, split = Decoder(max_event_bytes=bound), Decoder(max_event_bytes=bound)
    items = feed_all(whole, [stream], bound)

    assert items == feed_all(split, chunks, bound), "2: chunking"
    assert state(whole) == state(split), "2: chunking"
    check_offsets(items, stream)
    check_reference(whole, items, stream)
    for parts in ([stream], chunks):
        check_fast(whole, items, parts, bound)


def cut(stream: bytes, sizes: list[int]) -> list[bytes]:
    chunks, at = [], 0
    for size in cycle(sizes):
        if at >= len(stream):
            return chunks
        chunks.append(stream[at : at + size])
        at += size
    raise AssertionError("cycle() ends only when it is given nothing")


def feed_all(decoder: Decoder, chunks: list[bytes], bound: int) -> list[Event | Observation]:
    items: list[Event | Observation] = []
    for chunk in chunks:
        items += decoder.feed(chunk)
        assert decoder.held_bytes <= max(bound, 1), "3: memory"
    return items + decoder.close()


def state(decoder: Decoder) -> tuple[object, ...]:
    return (decoder.offset, decoder.last_event_id, decoder.reconnection_time, decoder.line_endings)


def check_offsets(items: list[Event | Observation], stream: bytes) -> None:
    at = 0
    for item in items:
        assert 0 <= item.start < item.end <= len(stream), "4: within the stream"
        if isinstance(item, Event):
            assert at <= item.start, "4: events do not overlap"
            assert stream[item.end - 1] in b"\r\n", "4: an event ends with a line"
            at = item.end


def check_reference(decoder: Decoder, items: list[Event | Observation], stream: bytes) -> None:
    if any(isinstance(item, Oversized) for item in items):
        return
    events, last_event_id, retry = read_stream(stream)
    assert events == event_list(items), "5: events"
    assert last_event_id == decoder.last_event_id, "5: last event ID"
    digits = None if retry is None else retry.lstrip("0") or "0"
    if digits is None or len(digits) < 20:
        assert decoder.reconnection_time == (None if digits is None else int(digits)), "5: retry"


def check_fast(exact: Decoder, items: list[Event | Observation], chunks: list[bytes], bound: int) -> None:
    fast = FastDecoder(max_event_bytes=bound)
    messages = [message for chunk in chunks for message in fast.feed(chunk)]
    assert event_list(items) == messages, "6: fast"
    assert exact.last_event_id == fast.last_event_id, "6: fast"


def event_list(items: list[Event | Observation]) -> list[tuple[str, str, str]]:
    return [(item.type, item.data, item.last_event_id) for item in items if isinstance(item, Event)]
