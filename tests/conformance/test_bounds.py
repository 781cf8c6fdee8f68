"""What is kept of an exchange is bounded, and what we cut says nothing of the server."""

import gzip
import zlib

import pytest

from ssegauge.conformance.jsontext import MOST_DEPTH, read_json
from ssegauge.conformance.recording import bounds
from ssegauge.conformance.recording.bounds import Meter, Pool
from ssegauge.conformance.recording.transcript import BOUNDED, Head
from ssegauge.conformance.seen.coding import Uncoder
from tests.corpus.build import exchange


def taken(pool: Pool, data: bytes, most: int, coding: str = "identity") -> int:
    """How many chunks are kept of an exchange that sends the same for ever."""
    meter = Meter(pool, Head(0.0, 200, (("Content-Encoding", coding),)))
    for number in range(most):
        meter.take(data)
        if meter.full:
            assert meter.full.startswith(BOUNDED)
            return number
    return most


@pytest.mark.parametrize(
    "data", [b"data: 1\n\n" * 5000, b":\n" * 30_000, b"data: [" + b"[]," * 20_000 + b"]\n\n", b"x" * 65536], ids=len
)
def test_an_exchange_is_left_when_it_costs_too_much(data: bytes) -> None:
    pool = Pool()
    kept = taken(pool, data, 2000)
    assert 0 < kept < 2000
    assert kept * len(data) <= bounds.EXCHANGE_BYTES
    assert pool.spent <= bounds.EXCHANGE_COST


def test_many_exchanges_cost_no_more_than_a_run_may() -> None:
    pool, most = Pool(), 300
    for _ in range(100):
        taken(pool, b"data: 1\n\n" * 5000, most)
    assert pool.spent <= bounds.RUN_COST + 100 * bounds.FLOOR


def test_a_chunk_that_becomes_too_much_is_not_kept() -> None:
    pool = Pool()
    for _ in range(100):
        assert taken(pool, gzip.compress(bytes(50 << 20)), 10, "gzip") == 0
    assert pool.spent < 100 * bounds.FLOOR


def test_a_stream_that_ends_by_itself_is_kept_when_the_run_has_spent_all() -> None:
    assert taken(Pool(spent=bounds.RUN_COST), b"data: 1\n\n" * 10, 20) == 20


@pytest.mark.parametrize("coding", ["gzip", "deflate", "gzip, deflate"])
def test_what_packs_well_is_read_whole(coding: str) -> None:
    text = b"".join(b'data: {"type": "progress", "n": %d}\n\n' % (n * n) for n in range(50_000))
    packed = {"gzip": gzip.compress, "deflate": zlib.compress}
    body = text
    for name in coding.split(", "):
        body = packed[name](body)
    uncoder = Uncoder(coding)
    assert b"".join(uncoder.feed(body[at : at + 1000]) for at in range(0, len(body), 1000)) == text
    assert not uncoder.exceeded


def test_an_end_of_ours_is_no_end_to_rules() -> None:
    from ssegauge.conformance.seen import View

    assert View(exchange(b"data: 1\n\n", how="cut", detail=f"{BOUNDED}so much")).transcript.end is None
    bomb = exchange(gzip.compress(bytes(50 << 20)), headers={"Content-Encoding": "gzip"})
    assert View(bomb).transcript.end is None
    assert View(bomb).body == b""


@pytest.mark.parametrize(
    "text", ["[" * 9999, '{"a":' * 9999, '"' + '\\"' * 9999, "9" * 9999, "1" + "[" * 300 + "]" * 300]
)
def test_json_that_cannot_be_read_is_a_value_error(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        read_json(text)


def test_brackets_in_strings_are_not_depth() -> None:
    text = '["' + "[" * 999 + '"]'
    assert read_json(text) == ["[" * 999]
    assert read_json("[" * MOST_DEPTH + "]" * MOST_DEPTH)
