"""How long a report and a comparison take, and how much memory: a report of 10 million samples, 5 s and 700 MiB.

`make bench` measures the ten million in a process of its own, so that the peak is the report's alone;
`make test` builds a small one to keep this running; no time is asserted there.
"""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from tests.reports import factory

SECONDS = 600
MEASURED = """
import resource, sys
from pathlib import Path
from ssegauge import reports
from ssegauge.reports.cli import compared
run = Path(sys.argv[2])
reports.build(run) if sys.argv[1] == "build" else compared([run], [run], tolerance=0.05)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""


def write_samples(folder: Path, rows: int, parts: int = 100) -> None:
    """Write update and gap samples, some opens and connects, in parts of equal time."""
    rng = np.random.default_rng(1)
    for number in range(parts):
        count = rows // parts
        at_ms = np.sort(rng.uniform(number, number + 1, count)) * SECONDS * 1000 / parts
        kinds = rng.choice(["update", "gap", "connect", "open"], count, p=[0.6, 0.38, 0.01, 0.01])
        value = np.where(kinds == "open", rng.choice([1.0, -1.0], count), rng.lognormal(1, 0.5, count))
        delay = rng.exponential(0.1, count)
        frame = pd.DataFrame({"at_ms": at_ms, "kind": kinds, "stream": 1, "value": value, "delay_ms": delay})
        factory.write_parts(folder / f"{number}", frame.assign(phase="streams-1"), rows=count)
        (folder / f"{number}" / "000000.parquet").rename(folder / f"{number:06}.parquet")
        (folder / f"{number}").rmdir()


@pytest.fixture(scope="module")
def big_run(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> tuple[Path, int]:
    rows = 10_000_000 if request.config.getoption("benchmark_enable") else 20_000
    run = factory.write_run(tmp_path_factory.mktemp("big"))
    (run / "samples").mkdir()
    write_samples(run / "samples", rows)
    return run, rows


@pytest.mark.parametrize("task", ["build", "compare"])
def test_report_of_ten_million_samples(benchmark: BenchmarkFixture, big_run: tuple[Path, int], task: str) -> None:
    run, rows = big_run
    command = [sys.executable, "-c", MEASURED, task, str(run)]
    done = benchmark.pedantic(subprocess.run, (command,), {"check": True, "capture_output": True}, rounds=1)
    benchmark.extra_info |= {"samples": rows, "peak_mib": int(done.stdout)}
    if benchmark.enabled and task == "build":
        assert int(done.stdout) < 700  # MiB
        assert benchmark.stats.stats.max < 5
