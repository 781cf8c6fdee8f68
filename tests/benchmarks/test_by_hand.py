"""CPU per event of a load process beside clients written by hand, on the same stream: `make bench`.

`extra_info` has microseconds of CPU per event. Integrity, witnesses and samples are no part of what the others do.
"""

import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import psutil
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from ssegauge.conformance.runfolder import RunFolder
from ssegauge.conformance.target import from_url
from ssegauge.loadtests.running.cli import LOCUST, Options, run_load
from tests.cli.command import ROOT

STREAMS, RATE, SECONDS = 50, 50, 10.0
FEW, SHORT = 5, 1.0
US = "us CPU per event"


@pytest.fixture(scope="module")
def feed_url() -> Iterator[str]:
    line = [sys.executable, "-m", "ssegauge.reference_server", "--profile", "event-stream", "--port", "0"]
    with subprocess.Popen([*line, "--pace", str(1 / RATE)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        yield f"{process.stdout.readline().split()[-1]}/events"
        process.terminate()


@pytest.mark.parametrize("client", ["aiohttp", "httpx-sse", "locust"])
def test_a_client_by_hand(benchmark: BenchmarkFixture, client: str, feed_url: str) -> None:
    if not benchmark.enabled and client != "aiohttp":
        pytest.skip("one of them shows that it works")
    streams, seconds = (STREAMS, SECONDS) if benchmark.enabled else (FEW, SHORT)
    words = [sys.executable, "-m", "tests.benchmarks.by_hand", client, feed_url, str(streams), str(seconds)]
    options = {"cwd": ROOT, "check": True, "capture_output": True, "text": True}
    done = benchmark.pedantic(subprocess.run, (words,), options, rounds=1)
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["events"] >= streams
    benchmark.extra_info[US] = round(found["cpu_s"] / found["events"] * 1e6, 1)


def test_ssegauge(benchmark: BenchmarkFixture, feed_url: str, tmp_path: Path) -> None:
    if not benchmark.enabled:
        pytest.skip("test_load.py plays a small run of it")
    points: list[tuple[float, int]] = []

    def read(status: Mapping[str, Any]) -> None:
        """Keep the CPU time of the load process and the events the feed has said, while all streams are open."""
        if status["open"] == STREAMS:
            used = [child.cpu_times() for child in psutil.Process().children() if LOCUST in child.cmdline()]
            points.append((sum(one.user + one.system for one in used), events_said(feed_url)))

    target = from_url(feed_url)
    RunFolder.create(tmp_path / "run", target, ["benchmark"])
    options = Options(scenario="watch", users=STREAMS, duration_s=SECONDS, spawn_rate=STREAMS)
    document = benchmark.pedantic(run_load, args=(target, tmp_path / "run", options, read), rounds=1)
    assert document["connections"]["peak_open"] == STREAMS
    (first_cpu, first), (last_cpu, last) = points[0], points[-2]  # by the last one the end may have begun
    benchmark.extra_info[US] = round((last_cpu - first_cpu) / (last - first) / STREAMS * 1e6, 1)


def events_said(feed_url: str) -> int:
    with urllib.request.urlopen(feed_url.replace("/events", "/metrics.json")) as answer:
        return int(json.load(answer)["events"])
