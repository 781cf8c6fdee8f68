"""The fuzz target's invariants on bounded, repeatable input: the grammar's streams, raw bytes, and the corpus."""

import tracemalloc

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ssegauge.conformance.sse import Decoder, FastDecoder
from tests.fuzz.decoder_target import BOUNDS, HEAD, check
from tests.sse.corpus import WHATWG
from tests.sse.streams import event_streams
from tests.sse.wpt import WPT

heads = st.binary(min_size=HEAD, max_size=HEAD)
# Repeatable, and whatever the load of the machine.
steady = settings(deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])


@settings(steady, max_examples=600)
@given(heads, event_streams)
def test_invariants_on_event_streams(head: bytes, stream: bytes) -> None:
    check(head + stream)


@settings(steady, max_examples=250)
@given(st.binary(max_size=400))
def test_invariants_on_any_bytes(data: bytes) -> None:
    check(data)


@pytest.mark.parametrize("bound", range(len(BOUNDS)))
def test_invariants_on_the_corpus(bound: int) -> None:
    for case in [*WHATWG, *WPT]:
        check(bytes([bound, 1, 2, 3]) + case.stream)


ENDLESS = {
    "line": b"data: " + b"x" * 4090,
    "lines of one field": b"data: x\n" * 512,
    "lines of empty data": b"data\n" * 800,
    "event types": b"event: " + b"x" * 50 + b"\n",
    "fields without colon": b"x\n" * 2048,
    "comments": b": x\n" * 1024,
    "name": b"x" * 4096,
    "broken UTF-8": b"\xff" * 4096,
}


@pytest.mark.parametrize("chunk", ENDLESS.values(), ids=ENDLESS)
@pytest.mark.parametrize("decoder_class", [Decoder, FastDecoder])
def test_a_block_without_end_takes_bounded_memory(chunk: bytes, decoder_class: type[Decoder | FastDecoder]) -> None:
    bound = 8 << 10
    decoder = decoder_class(max_event_bytes=bound)
    tracemalloc.start()
    try:
        for _ in range(50):
            decoder.feed(chunk)
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert held < 4 * bound
