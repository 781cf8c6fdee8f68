"""The decoder beside other Python parsers, on the same chunks: `make bench`, or

    pytest tests/benchmarks/test_decoder.py --benchmark-enable --benchmark-group-by=group

Compare within one run; `extra_info` has events/s and MB/s.
"""

import json
from collections import deque

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from ssegauge.conformance.sse import Decoder
from tests.sse.peers import OURS, PEERS, Reader, read_httpx_sse_response

READERS = OURS | {"httpx-sse, iter_sse": read_httpx_sse_response} | PEERS


def event(number: int, padding: int = 40) -> bytes:
    body = {
        "type": "progress",
        "taskId": "task-42",
        "progress": {"stage": "analysis", "progress": number % 101, "message": "m" * padding},
        "timestamp": 1_700_000_000_000 + number,
    }
    return b"id: %d\ndata: %s\n\n" % (number, json.dumps(body, separators=(",", ":")).encode())


def joined(chunks: list[bytes], count: int) -> list[bytes]:
    return [b"".join(chunks[at : at + count]) for at in range(0, len(chunks), count)]


small = [event(number) for number in range(2000)]
WORKLOADS: dict[str, tuple[int, list[bytes]]] = {
    "small JSON events, one a chunk": (2000, small),
    "small JSON events, 100 a chunk": (2000, joined(small, 100)),
    "small JSON events, CRLF": (2000, [chunk.replace(b"\n", b"\r\n") for chunk in small]),
    "100 kB events": (50, [event(number, 100_000) for number in range(50)]),
    "ten comments an event": (1000, [b": heartbeat\n\n" * 10 + chunk for chunk in small[:1000]]),
    "one-byte chunks": (100, [bytes([byte]) for chunk in small[:100] for byte in chunk]),
}


@pytest.mark.parametrize("reader", READERS.values(), ids=READERS)
@pytest.mark.parametrize("workload", WORKLOADS)
def test_events(benchmark: BenchmarkFixture, workload: str, reader: Reader) -> None:
    count, chunks = WORKLOADS[workload]
    benchmark.group = workload
    assert sum(bool(data) for _, data, _ in reader(iter(chunks))) == count

    benchmark(lambda: deque(reader(iter(chunks)), maxlen=0))

    if benchmark.stats:
        seconds = benchmark.stats.stats.min
        benchmark.extra_info["events/s"] = round(count / seconds)
        benchmark.extra_info["MB/s"] = round(sum(map(len, chunks)) / seconds / 1e6, 1)


ADVERSARIAL = {
    "empty data lines": b"data\n",
    "blank lines": b"\n",
    "CR and LF": b"\r\n\r",
    "colons": b":\n",
    "one line without end": b"x",
    "one data line without end": b"data: x",
    "ids": b"id: 1\n",
    "broken UTF-8": b"data: \xff\xe2\x82\xf0\n",
    "usual and unusual blocks": b"data: x\n\ndata\n\n",
    "digits": b"retry: 9999999999\n",
}


@pytest.mark.parametrize("megabytes", [0.2, 0.8])
@pytest.mark.parametrize("pattern", ADVERSARIAL)
def test_adversarial_input(benchmark: BenchmarkFixture, pattern: str, megabytes: float) -> None:
    """Four times the bytes must take four times the time: compare the two of a group."""
    benchmark.group = f"adversarial: {pattern}"
    unit = ADVERSARIAL[pattern]
    stream = unit * int(megabytes * 1e6 / len(unit))

    def feed() -> None:
        decoder = Decoder()
        for at in range(0, len(stream), 4096):
            decoder.feed(stream[at : at + 4096])
        decoder.close()

    benchmark.pedantic(feed, rounds=3)
