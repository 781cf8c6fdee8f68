"""What an event costs the load generator beside the least that a reader can do, in one run: `make bench`.

`extra_info` has the CPU time of an event, of our process that holds the streams (with everything decoded, checked and
recorded) and of a reader in C that counts blank lines, on the same sender, in turn; and what `calibrate` measures. The
machine's other work makes both slower, so it is the ratio that tells.
"""

from __future__ import annotations

import shutil
import statistics
import subprocess
import sys
from pathlib import Path

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from ssegauge.loadtests.scale.calibrate import calibrate

STREAMS, RATE, SECONDS, TURNS = 10_000, 1.0, 8.0, 2


@pytest.fixture
def reader(tmp_path: Path) -> Path:
    if not (compiler := shutil.which("cc")):
        pytest.skip("install a C compiler (Debian: apt-get install gcc)")
    subprocess.run([compiler, "-O2", "-o", tmp_path / "reader", Path(__file__).with_name("reader.c")], check=True)
    return tmp_path / "reader"


def least(reader: Path, streams: int, rate: float, seconds: float) -> float:
    """Return what an event costs the reader in C, in us."""
    line = [sys.executable, "-m", "ssegauge.loadtests.scale.sender", str(streams), str(rate), "1", "1000000"]
    with subprocess.Popen(line, stdout=subprocess.PIPE, text=True) as sender:
        assert sender.stdout
        port = sender.stdout.readline().rpartition(":")[2].partition("/")[0]
        done = subprocess.run(
            [reader, port, str(streams), str(seconds)], capture_output=True, text=True, timeout=120, check=True
        )
        sender.kill()
    return float(done.stdout)


@pytest.mark.parametrize(("streams", "rate"), [(STREAMS, RATE), (50, 100.0)])
def test_an_event_beside_the_least_reader(benchmark: BenchmarkFixture, reader: Path, streams: int, rate: float) -> None:
    if not benchmark.enabled:
        pytest.skip("a ratio of CPU times, for `make bench`")
    ours, theirs = [], []

    def measure() -> None:
        for _ in range(TURNS):
            ours.append(calibrate(streams, rate, SECONDS))
            theirs.append(least(reader, streams, rate, SECONDS))

    benchmark.pedantic(measure, rounds=1)
    ratios = [one.us_per_event / other for one, other in zip(ours, theirs, strict=True)]
    for name in ("us_per_event", "us_per_opening", "kib_per_stream", "us_leader_per_event", "delay_p99_ms"):
        benchmark.extra_info[name] = [getattr(one, name) for one in ours]
    benchmark.extra_info["error of p50, p99, ms"] = [(one.error_p50_ms, one.error_p99_ms) for one in ours]
    benchmark.extra_info["C reader, us per event"] = [round(one, 2) for one in theirs]
    benchmark.extra_info["ratio, median"] = round(statistics.median(ratios), 2)
