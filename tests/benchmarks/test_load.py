"""What a load process costs, and how right it measures when the machine is busy: `make bench`, or

    pytest tests/benchmarks/test_load.py --benchmark-enable

`extra_info` has CPU per event, memory per stream, and the error of the measured latency. One Locust process watches
one driven task of the reference server (fan-out); figures are taken while all streams are open, by what the process
had used at the first and at the last of its statuses. Without --benchmark-enable the same runs are small.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from ssegauge.conformance.runfolder import RunFolder
from ssegauge.conformance.target import from_toml, from_url
from ssegauge.loadtests.running.cli import LOCUST, Options, run_load
from tests.loadtests.conftest import reference_at
from tests.loadtests.servers import StampedSender, scripted

SMALL_USERS, SMALL_SECONDS = 20, 1.0
RUNS = {50: 50.0, 1000: 5.0, 5000: 1.0, 10_000: 1.0}  # streams: events per second on each


@dataclass
class Meter:
    """Reads the load process's CPU time and memory at each of its statuses."""

    points: list[tuple[int, int, float, int]] = field(default_factory=list)  # open, received, CPU s, RSS

    def __call__(self, status: Mapping[str, Any]) -> None:
        for child in psutil.Process().children():
            if LOCUST in child.cmdline():
                used = child.cpu_times()
                rss = child.memory_info().rss
                self.points.append((status["open"], status["received"], used.user + used.system, rss))

    def figures(self, streams: int) -> dict[str, float]:
        """Return CPU per event, and memory per stream against the first status, when few were open."""
        steady = [point for point in self.points if point[0] == streams and point[1]]
        # Not the last one: by the time it is read here, the end of the run may have begun.
        (_, first_events, first_cpu, _), (_, last_events, last_cpu, rss) = (
            steady[0],
            steady[-2 if len(steady) > 2 else -1],
        )
        open_before, _, _, rss_before = self.points[0]
        return {
            "us CPU per event": round((last_cpu - first_cpu) / max(1, last_events - first_events) * 1e6, 1),
            "KiB per stream": round((rss - rss_before) / 1024 / max(1, streams - open_before), 1),
        }


@pytest.fixture
def server_url() -> Iterator[str]:
    line = [sys.executable, "-m", "ssegauge.reference_server", "--port", "0"]
    with subprocess.Popen(line, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        yield process.stdout.readline().split()[-1]
        process.terminate()


@pytest.mark.parametrize("streams", RUNS)
def test_fan_out(benchmark: BenchmarkFixture, streams: int, server_url: str, tmp_path: Path) -> None:
    if not benchmark.enabled and streams != min(RUNS):
        pytest.skip("without --benchmark-enable all sizes are the same small run")
    users = streams if benchmark.enabled else SMALL_USERS
    seconds = 10.0 if benchmark.enabled else SMALL_SECONDS
    options = Options(
        scenario="watch", users=users, rate=RUNS[streams], duration_s=seconds, spawn_rate=max(100, users / 10)
    )
    target = from_toml(reference_at(server_url))
    RunFolder.create(tmp_path / "run", target, ["benchmark"])
    meter = Meter()

    document = benchmark.pedantic(run_load, args=(target, tmp_path / "run", options, meter), rounds=1)

    assert document["connections"]["peak_open"] == users
    assert document["integrity"]["lost"] == 0
    if benchmark.enabled:
        benchmark.extra_info.update(meter.figures(users) | {"own delay, ms": document["generator"]["delay_ms"]})


def burn() -> None:
    while True:
        pass


@contextlib.contextmanager
def busy_machine(processes: int) -> Iterator[None]:
    burners = [multiprocessing.get_context("spawn").Process(target=burn, daemon=True) for _ in range(processes)]
    for burner in burners:
        burner.start()
    try:
        yield
    finally:
        for burner in burners:
            burner.kill()
            burner.join()


@pytest.mark.parametrize("busy", [False, True], ids=["idle machine", "busy machine"])
def test_error_of_the_measured_latency(benchmark: BenchmarkFixture, busy: bool, tmp_path: Path) -> None:
    """The sender's own account of its delays is the truth; it counts up to just before its send."""
    sender = StampedSender(0.01)
    burners = (psutil.cpu_count() or 1) if busy and benchmark.enabled else 0
    users, seconds = (20, 10.0) if benchmark.enabled else (5, SMALL_SECONDS)
    with scripted(sender) as url, busy_machine(burners):
        target = from_url(url)
        RunFolder.create(tmp_path / "run", target, ["benchmark"])
        options = Options(scenario="watch", users=users, duration_s=seconds)
        document = benchmark.pedantic(run_load, args=(target, tmp_path / "run", options), rounds=1)
    measured = document["latency_ms"]["update"]
    assert measured["samples"] > 20
    truth = dict(zip(("p50", "p95", "p99"), np.percentile(sender.delays_ms, (50, 95, 99)), strict=True))
    benchmark.extra_info.update({f"error of {name}, ms": round(measured[name] - truth[name], 3) for name in truth})
    benchmark.extra_info["own delay p99, ms"] = document["generator"]["delay_ms"]["p99"]
