"""What bytes cost that a server chooses to be costly: `make bench`. Seconds of CPU for 100 kB are in `extra_info`.

Four times the bytes must take about four times the time, whatever they are; the machine's pace cancels out.
"""

import base64
from collections.abc import Callable
from time import process_time

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from ssegauge.conformance.jsontext import read_json
from ssegauge.conformance.judge import judge
from ssegauge.conformance.recording.redaction import Redactor, RowWriter
from ssegauge.conformance.recording.transcript import from_capture
from ssegauge.conformance.sse import Decoder
from tests.fuzz.readers import SECRETS

UNITS = {
    "text": b"data: hello\n\n",
    "backslashes": b"\\",
    "escaped backslashes": b"\\u005c",
    "percent signs": b"%",
    "percent, escaped": b"%25",
    "ampersands": b"&amp;",
    "entities": b"&#92;",
    "quotes": b'"',
    "escaped quotes": b'\\"',
    "base64": b"YWxpY2U6",
    "equals": b"&=",
    "a secret": SECRETS[1].encode(),
    "brackets": b"[",
    "events": b"data:{}\n\n",
    "damaged events": b"data: \xef\xbf\xbd\n\n",
}
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
CHUNK = 4096
REDACTOR = Redactor(SECRETS)


def redacted(data: bytes) -> None:
    writer = RowWriter(REDACTOR)
    for at in range(0, len(data), CHUNK):
        writer.take({"chunk": {"at_ms": 1.0, "b64": base64.b64encode(data[at : at + CHUNK]).decode()}})
    writer.close()


def decoded(data: bytes) -> None:
    decoder = Decoder()
    for at in range(0, len(data), CHUNK):
        decoder.feed(data[at : at + CHUNK])


def is_json(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        read_json(b"[" + data)


def judged(data: bytes) -> None:
    judge([from_capture(HEAD + data)], profile="event-stream")


READERS: dict[str, Callable[[bytes], None]] = {
    "redaction": redacted,
    "redaction of a text": lambda data: REDACTOR.text(data.decode("latin-1")) and None,
    "decoder": decoded,
    "JSON": is_json,
    "every rule": judged,
}


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("reader", READERS)
def test_cost_grows_with_the_bytes(benchmark: BenchmarkFixture, reader: str, unit: str) -> None:
    data = UNITS[unit] * (100_000 // len(UNITS[unit]) if benchmark.enabled else 20)
    benchmark.group = reader
    benchmark.pedantic(READERS[reader], (data,), rounds=3)
    if not benchmark.enabled:
        return
    few, many = (min(seconds(reader, data * times) for _ in range(3)) for times in (1, 4))
    benchmark.extra_info["CPU s for 100 kB"] = round(few, 3)
    assert many < 10 * few + 0.05


def seconds(reader: str, data: bytes) -> float:
    began = process_time()
    READERS[reader](data)
    return process_time() - began
