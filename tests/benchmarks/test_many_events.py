"""What several readers of one stream cost to be judged: `make bench`. Seconds of CPU for 5,000 events: `extra_info`.

Four times the events must take about four times the time, whatever they are; the machine's pace cancels out.
"""

from collections.abc import Callable
from dataclasses import replace
from time import process_time

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from ssegauge.conformance.judge import judge
from ssegauge.conformance.recording.transcript import Transcript
from tests.corpus.build import EPOCH_MS, Run, exchange

READ_MS, FEW = 8000.0, 1000
MADE: dict[str, Callable[[int], bytes]] = {
    "with ids": lambda n: b'id: %d\ndata: {"n": %d}\n\n' % (n, n),
    "without": lambda n: b"data: %d\n\n" % n,
    "each of a type of its own": lambda n: b'id: %d\nevent: t%d\ndata: {"n": %d}\n\n' % (n, n, n),
    "each of members of its own": lambda n: b'id: %d\ndata: {"m%d": 1}\n\n' % (n, n),
}


def reader(kind: str, many: int, came_ms: float, name: str, *, at_once: float = 0.0, **facts: str) -> Transcript:
    """One that was told so many events in eight seconds, a part of them at once."""
    told = ((5.0 if n < at_once * many else 5.0 + READ_MS * n / many, MADE[kind](n)) for n in range(many))
    ended = {"how": "cut", "ended_at": READ_MS + 1000.0}
    seen = exchange(*told, name=name, task_id=None, kind="plain", **ended, **facts)
    return replace(seen, started_ms=EPOCH_MS + came_ms)


def readers(kind: str, many: int) -> Run:
    back = {"reader": "cut", "resume": "known", "last_event_id": "10"}
    return (
        reader(kind, many, 0.0, "plain", reader="uncut"),
        reader(kind, many, 3.0, "plain-twin", reader="twin"),
        reader(kind, many, 1500.0, "watch", reader="long"),
        reader(kind, many, 9500.0, "plain-resumed", at_once=0.8, **back),
        reader(kind, many, 10.0, "compressed", role="compressed"),
    )


@pytest.mark.parametrize("kind", MADE)
def test_cost_grows_with_the_events(benchmark: BenchmarkFixture, kind: str) -> None:
    run = readers(kind, FEW if benchmark.enabled else 20)
    benchmark.pedantic(judge, (run,), {"profile": "event-stream"}, rounds=3)
    if not benchmark.enabled:
        return
    few, many = (min(seconds(kind, FEW * times) for _ in range(3)) for times in (1, 4))
    benchmark.extra_info["CPU s for 5,000 events"] = round(few, 3)
    assert many < 10 * few + 0.05


def seconds(kind: str, many: int) -> float:
    run = readers(kind, many)
    began = process_time()
    judge(run, profile="event-stream")
    return process_time() - began
