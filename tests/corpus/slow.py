"""A reader that does not read, the one beside it, and the server's memory."""

from dataclasses import replace
from typing import Any

from ssegauge.conformance.recording.transcript import End, Request, Transcript
from tests.corpus.build import EPOCH_MS, Case, connected, exchange, progress
from tests.corpus.delivery import told as paced
from tests.corpus.delivery import update, updates

MIB = 1 << 20
SLOW = exchange(situation="slow", kind="manual", how="cut")
MOVES = updates(6, 20)
AFTER = tuple(update(10_000 + 20 * n, 10 * (n + 7)) for n in range(4))


def beside(*arrivals: float, **more: Any) -> Transcript:
    return paced(*arrivals, situation="beside-slow", **more)


LOST_BEFORE = (*MOVES, paced(105, 125, how="cut", ended_at=7000.0))


def process(moment: str, memory_bytes: Any) -> Transcript:
    return exchange(role="process", answered=False, moment=moment, memory_bytes=memory_bytes)


def large(n: int) -> Transcript:
    """An update with a text of 1 MiB."""
    request = Request("POST", "http://127.0.0.1/updates", (), "x" * MIB)
    return replace(update(100.0 * n, n, message=f"large {n}"), request=request)


def grew(mib: float) -> tuple[Transcript, ...]:
    return (SLOW, *map(large, range(4)), process("slow-before", 50 * MIB), process("slow-after", (50 + mib) * MIB))


CASES = {
    "slow/slow-reader-stalls-others": Case(
        good=(
            (SLOW, *MOVES, beside(105, 125, 145, 165, 185, 205)),
            (SLOW, *MOVES, beside(205, 205, 205, 205, 205, 205)),  # in a burst, but in time
            # So it is without a slow reader.
            (SLOW, *MOVES, *AFTER, beside(*[2500] * 6), paced(*[12_400] * 12, ended_at=12_400)),
        ),
        bad=(
            (SLOW, *MOVES, beside(105, 125, 3145, 3165, 3185, 3205)),
            (SLOW, *MOVES, beside(105, 125, how="timeout", ended_at=7000.0)),
        ),
        silent=(
            (*MOVES, beside(105, 125, 3145)),  # nobody was slow
            (exchange(situation="slow", answered=False, how="error"), *MOVES, beside(3000, 3000)),
            (SLOW, *MOVES, beside(how="cut", ended_at=900.0)),
            # What does not arrive beside it does not without it.
            (SLOW, *LOST_BEFORE, *AFTER, replace(beside(how="cut", ended_at=14_000.0), started_ms=EPOCH_MS + 9000.0)),
            (SLOW, *MOVES, exchange(status=503, situation="beside-slow")),
            (SLOW, replace(MOVES[0], head=None, end=End(5.0, "cut", "interrupted")), beside(how="cut")),
            (SLOW, exchange((10.0, connected() + progress(0)), situation="beside-slow", how="cut", kind="manual")),
        ),
    ),
    "slow/slow-reader-grows-memory": Case(
        good=(grew(0), grew(8), grew(-3)),  # a log that keeps what was said grows by that
        bad=(grew(41),),
        silent=((SLOW,), (SLOW, process("slow-before", 1))),
    ),
}
