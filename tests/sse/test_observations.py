"""What the decoder passes over, and where: each case is one stream and everything it gives, offsets included."""

from dataclasses import FrozenInstanceError

import pytest

from ssegauge.conformance.sse import (
    BlockWithoutData,
    ByteOrderMark,
    Comment,
    Decoder,
    Event,
    FastDecoder,
    IgnoredField,
    Observation,
    Oversized,
    ReplacedBytes,
    Retry,
    UnfinishedTail,
    decode,
)

STREAMS: dict[bytes, list[Event | Observation]] = {
    b"": [],
    b"\n\n": [],
    b": hello\n\n": [Comment(0, 7, " hello")],
    b":\r\n:\xff\r\n": [Comment(0, 1, ""), ReplacedBytes(4, 5), Comment(3, 5, "\ufffd"), UnfinishedTail(0, 7, False)],
    b"id: 1\ndata: x\n\n": [Event("message", "x", "1", "1", 0, 15)],
    b"data: x\r\n\r\ndata: y\r\n\r\n": [
        Event("message", "x", "", None, 0, 10),
        Event("message", "y", "", None, 11, 21),
    ],
    b"\n\n: c\ndata: x\n\n": [Comment(2, 5, " c"), Event("message", "x", "", None, 2, 15)],
    b"retry: 250\n\n": [Retry(0, 10, 250)],
    b"retry: " + b"9" * 5000 + b"\n\n": [Retry(0, 5007, 2**64 - 1)],
    b"retry: 18446744073709551614\n\n": [Retry(0, 27, 2**64 - 2)],
    b"retry: 18446744073709551616\n\n": [Retry(0, 27, 2**64 - 1)],
    b"retry: " + b"0" * 5000 + b"7\n\n": [Retry(0, 5008, 7)],
    b"retry: 3s\n\n": [IgnoredField(0, 9, "retry", "3s", "retry-not-digits", "retry")],
    b"retry\n\n": [IgnoredField(0, 5, "retry", "", "retry-not-digits", "retry")],
    b"id: a\x00\n\n": [IgnoredField(0, 6, "id", "a\x00", "id-with-nul", "id")],
    b"foo: bar\n\n": [IgnoredField(0, 8, "foo", "bar", "unknown-field", "")],
    b"Data: x\n Event\n\n": [
        IgnoredField(0, 7, "Data", "x", "unknown-field", "data"),
        IgnoredField(8, 14, " Event", "", "unknown-field", "event"),
    ],
    b"\xef\xbb\xbfdata: x\n\n": [ByteOrderMark(0, 3, True), Event("message", "x", "", None, 3, 12)],
    b"\xef\xbb\xbf\xef\xbb\xbfdata: x\n\n": [
        ByteOrderMark(0, 3, True),
        ByteOrderMark(3, 6, False),
        IgnoredField(3, 13, "\ufeffdata", "x", "unknown-field", "data"),
    ],
    b"data: 1\n\n\xef\xbb\xbf\n": [
        Event("message", "1", "", None, 0, 9),
        ByteOrderMark(9, 12, False),
        IgnoredField(9, 12, "\ufeff", "", "unknown-field", ""),
        UnfinishedTail(9, 13, False),
    ],
    b"\xef\xbb\xbf": [ByteOrderMark(0, 3, True)],
    b"data: \xff\xfex\xc3\n\n": [
        ReplacedBytes(6, 8),
        ReplacedBytes(9, 10),
        Event("message", "\ufffd\ufffdx\ufffd", "", None, 0, 12),
    ],
    "data: é\n".encode() + b"x\xe2\x82: 1\n\n": [
        ReplacedBytes(10, 12),
        IgnoredField(9, 15, "x\ufffd", "1", "unknown-field", ""),
        Event("message", "é", "", None, 0, 17),
    ],
    b"event: a\nid: 1\n\n": [BlockWithoutData(0, 16, "a", "1")],
    b"id\n\n": [BlockWithoutData(0, 4, "", "")],
    b"event\n\n": [BlockWithoutData(0, 7, "", None)],
    b"data: x": [UnfinishedTail(0, 7, True)],
    b"data: x\n\ndata: y\n": [Event("message", "x", "", None, 0, 9), UnfinishedTail(9, 17, True)],
    b"data: x\r": [UnfinishedTail(0, 8, True)],
    b"data: x\r\r\n": [Event("message", "x", "", None, 0, 9)],
    b": c\n": [Comment(0, 3, " c"), UnfinishedTail(0, 4, False)],
    b": c": [UnfinishedTail(0, 3, False)],
    b"data: \xff\xe2\x82": [ReplacedBytes(6, 7), UnfinishedTail(0, 9, True)],
}


@pytest.mark.parametrize(("stream", "items"), STREAMS.items(), ids=[repr(key[:24]) for key in STREAMS])
def test_everything_a_stream_gives(stream: bytes, items: list[Event | Observation]) -> None:
    single_bytes = Decoder()

    assert items == decode(stream)
    assert items == [item for byte in stream for item in single_bytes.feed(bytes([byte]))] + single_bytes.close()


BOUNDED: dict[bytes, list[Event | Observation]] = {
    b"data: 3456\n\n": [Event("message", "3456", "", None, 0, 12)],
    b"data: 34567\n\ndata: x\n\n": [Oversized(0, 11), Event("message", "x", "", None, 13, 22)],
    b"data: 34567\r\n\r\ndata: x\r\n\r\n": [Oversized(0, 11), Event("message", "x", "", None, 15, 25)],
    b"\ndata: 34567\nid: 1\nretry: 1\n: c\n\n": [Oversized(1, 12)],
    b"id: 1\ndata: x\n\nid: 2\ndata: 3456789\n\n": [
        Event("message", "x", "1", "1", 0, 15),
        Oversized(15, 31),
    ],
    b"data\n" * 6 + b"\n": [Event("message", "\n" * 5, "", None, 0, 31)],
    b"data\n" * 8 + b"\ndata\n\n": [Oversized(0, 39), Event("message", "", "", None, 41, 47)],
    b": 345678\n: 345678\n\n": [Comment(0, 8, " 345678"), Comment(9, 17, " 345678")],
    b": 345678901\n\n": [Oversized(0, 11)],
    b"data: 34567": [Oversized(0, 11), UnfinishedTail(0, 11, True)],
    b"data: 34567\xff\n\xff": [Oversized(0, 11), UnfinishedTail(0, 14, True)],
}


@pytest.mark.parametrize(("stream", "items"), BOUNDED.items(), ids=[repr(key[:24]) for key in BOUNDED])
def test_a_block_past_the_bound_is_discarded_up_to_its_blank_line(
    stream: bytes, items: list[Event | Observation]
) -> None:
    single_bytes = Decoder(max_event_bytes=10)

    assert items == decode(stream, max_event_bytes=10)
    assert items == [item for byte in stream for item in single_bytes.feed(bytes([byte]))] + single_bytes.close()


def test_the_id_of_an_oversized_block_is_not_taken() -> None:
    decoder = Decoder(max_event_bytes=10)

    decoder.feed(b"id: 1\n\nid: 2\ndata: 3456789\n\n")

    assert decoder.last_event_id == "1"


def test_heartbeats_do_not_fill_a_block() -> None:
    decoder = Decoder(max_event_bytes=10)

    items = [item for _ in range(100) for item in decoder.feed(b": beat\n")] + decoder.feed(b"data: x\n\n")

    assert items[-1] == Event("message", "x", "", None, 0, 709)
    assert all(isinstance(item, Comment) for item in items[:-1])


def test_line_endings_are_counted() -> None:
    decoder = Decoder()

    decoder.feed(b"data: 1\rdata: 2\ndata: 3\r\n\r")
    assert decoder.line_endings == {"\n": 1, "\r": 2, "\r\n": 1}

    decoder.feed(b"\n")
    assert decoder.line_endings == {"\n": 1, "\r": 1, "\r\n": 2}

    decoder.feed(b"\r")
    decoder.close()
    assert decoder.line_endings == {"\n": 1, "\r": 2, "\r\n": 2}


def test_close_twice_gives_nothing_more() -> None:
    decoder = Decoder()
    decoder.feed(b"data: x")

    assert len(decoder.close()) == 1
    assert decoder.close() == []


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_takes_any_bytes_and_keeps_none_of_them(kind: type) -> None:
    buffer = bytearray(b"data: x\n\ndata: y\n")
    decoder = Decoder()

    items = decoder.feed(kind(buffer))
    buffer[:] = b"z" * len(buffer)

    assert items == [Event("message", "x", "", None, 0, 9)]
    assert decoder.feed(b"\n") == [Event("message", "y", "", None, 9, 18)]


def test_items_are_immutable() -> None:
    (event,) = decode(b"data: x\n\n")

    with pytest.raises(FrozenInstanceError):
        event.start = 1  # type: ignore[misc]


def test_fast_decoder_takes_an_id_before_or_behind_the_data() -> None:
    stream = b"id: 1\ndata: a\n\nevent: e\ndata: b\nid: 2\n\nid: 3\ndata: c\nid: 4\n\ndata: d\n\n"

    messages = FastDecoder().feed(stream)

    assert messages == [("message", "a", "1"), ("e", "b", "2"), ("message", "c", "4"), ("message", "d", "4")]


def test_fast_decoder_leaves_the_usual_shape_and_comes_back() -> None:
    decoder = FastDecoder()
    usual, odd = b"id: 1\nevent: e\ndata: x\n\n", b"data: 1\ndata: 2\n\n"

    messages = decoder.feed(usual + odd + usual[:9]) + decoder.feed(usual[9:] + usual) + decoder.feed(usual)

    assert messages == [("e", "x", "1"), ("message", "1\n2", "1"), *[("e", "x", "1")] * 3]


def test_blocks_read_elsewhere_count_in_offsets_and_end_a_crlf() -> None:
    decoder = Decoder()
    decoder.feed(b"data: 1\r\r")

    decoder.pass_blocks(9, "7")

    assert decoder.feed(b"\ndata: x\n\n") == [Event("message", "x", "7", None, 19, 28)]
    assert decoder.line_endings == {"\n": 3, "\r": 2, "\r\n": 0}
