"""What the recordings of a load run cost to judge: twice as many take about twice as long, and not the square of it."""

from time import process_time

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from ssegauge.conformance.judge import judge
from ssegauge.conformance.recording.transcript import Chunk, End, Head, Request, Transcript
from ssegauge.loadtests.judging.under_load import MOST_STREAMS

EVENT = b'id: %d\ndata: {"timestamp": %d, "v": %d, "p": "' + b"a" * 60 + b'"}\n\n'
EVENTS = 100
MADE_MS = 1_795_862_005_000


def recording(number: int) -> Transcript:
    """What a reader of a feed was told of 50 events a second, each stamped anew for it."""
    told = ((at * 20, EVENT % (at, MADE_MS + at * 20 + number % 7, at)) for at in range(EVENTS))
    chunks = tuple(Chunk(10.0 + at_ms + number / 10, data) for at_ms, data in told)
    head, end = Head(5.0, 200, (("content-type", "text/event-stream"),)), End(EVENTS * 20.0 + 10, "cut", "")
    asked = Request("GET", "http://127.0.0.1/")
    return Transcript(f"load-{number}", asked, started_ms=MADE_MS + number, head=head, chunks=chunks, end=end)


def cost_s(many: int) -> float:
    """CPU seconds, the least of three."""

    def once() -> float:
        some = [recording(number) for number in range(many)]
        began = process_time()
        judge(some, profile="event-stream")
        return process_time() - began

    return min(once() for _ in range(3))


def test_recordings_are_judged_one_by_one(benchmark: BenchmarkFixture) -> None:
    if not benchmark.enabled:
        pytest.skip("a ratio of CPU times, for `make bench`")
    half, whole = cost_s(MOST_STREAMS // 2), benchmark.pedantic(cost_s, args=(MOST_STREAMS,), rounds=1)
    benchmark.extra_info |= {"25 of 100 events, s": round(half, 2), "50 of them, s": round(whole, 2)}
    assert whole < 2.7 * half
