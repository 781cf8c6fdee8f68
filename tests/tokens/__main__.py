"""How right a load run's token times are, and what a token costs: ``make tokens``, or

    python -m tests.tokens [STREAMS] [TOKENS_A_SECOND] [SECONDS]

Three runs of as many streams against `tests.tokens.mock`, in a process of its own, which notes when it sent: idle, with
a process that burns CPU on each core, and the same events watched as any feed is, without a look at tokens. Times are
right as far as they are possible by the mock's notes: the kernel stamps what arrives within the mock's ``send``.
"""

import contextlib
import json
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import psutil

from ssegauge.conformance.runfolder import RunFolder
from ssegauge.conformance.target import from_toml
from ssegauge.loadtests.running.cli import LOCUST, Options, run_load
from tests.benchmarks.test_load import busy_machine

CHAT = """
base_url = "{url}"
profile = "chat-completions"
[stream]
path = "/v1/chat/completions"
json = {{ model = "mock", stream = true, messages = [{{ role = "user", content = "Hi" }}] }}
"""
FEED = """
base_url = "{url}"
profile = "event-stream"
[stream]
path = "/events"
"""
ERROR = ("error p50, p99, max", "within 1 ms")
HEAD = ("run", "gaps", "late, kept out", *(f"{what} {name}" for what in ("gap", "first token") for name in ERROR))
MATCH_MS = 250.0
CLOCK_MS = 0.01  # both clocks are written with fewer digits than they have
Floats = np.ndarray[Any, Any]
Notes = np.ndarray[Any, Any]  # of one answer: when each token was due, just before its send and just after, in ns


@dataclass
class Measured:
    """A run's samples and document, the mock's notes, and what an event cost, in µs."""

    frame: pd.DataFrame
    load: dict[str, Any]
    notes: list[Notes]
    cost_us: float
    cost_mock: float


@contextlib.contextmanager
def mock(notes: Path, **settings: float) -> Iterator[tuple[str, psutil.Process]]:
    """Run the mock; yield its address and process."""
    command = [sys.executable, "-m", "tests.tokens.mock", str(notes)]
    command += [f"{name}={value}" for name, value in settings.items()]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        yield process.stdout.readline().strip(), psutil.Process(process.pid)
        process.send_signal(signal.SIGTERM)
        process.wait()


def run(streams: int, rate: float, seconds: float, burners: int, *, chat: bool) -> Measured:
    """Load the mock once; each user has one answer for the whole run."""
    with tempfile.TemporaryDirectory() as folder:
        notes, out = Path(folder) / "notes.json", Path(folder) / "run"
        opening = 100.0  # users a second
        settings = {"tokens": seconds * rate, "first": 0.5, "pace": 1 / rate}
        points: list[tuple[int, int, float]] = []

        def look(status: Mapping[str, Any]) -> None:
            for child in psutil.Process().children():
                if LOCUST in child.cmdline():
                    used = child.cpu_times()
                    points.append((status["open"], time.time_ns(), used.user + used.system))

        with busy_machine(burners), mock(notes, **settings) as (url, process):
            target = from_toml((CHAT if chat else FEED).format(url=url))
            RunFolder.create(out, target, ["tokens"])
            scenario = "requests" if chat else "watch"
            options = Options(scenario=scenario, users=streams, spawn_rate=opening, duration_s=seconds)
            load = run_load(target, out, options, look)
            used = process.cpu_times()
        frame = pd.read_parquet(out / "samples")
        noted = [np.array(one["sent"], dtype=np.int64).reshape(-1, 3) for one in json.loads(notes.read_text())]
    sent = sum(len(one) for one in noted)
    return Measured(frame, load, noted, cost(points, streams, noted), (used.user + used.system) / sent * 1e6)


def cost(points: list[tuple[int, int, float]], streams: int, notes: list[Notes]) -> float:
    """Return CPU µs an event while all streams are open, by what the mock sent meanwhile."""
    steady = [(at_ns, used) for opened, at_ns, used in points if opened == streams]
    if len(steady) < 4:
        return float("nan")
    (since_ns, first), (until_ns, last) = steady[1], steady[-2]
    sent = np.concatenate([one[:, 2] for one in notes if len(one)])
    return (last - first) / max(1, int(((sent > since_ns) & (sent <= until_ns)).sum())) * 1e6


def errors(measured: Measured) -> tuple[list[float], list[float]]:
    """Return by how many ms each gap, and each first token's arrival, is outside of what the mock's notes allow."""
    began_ms = pd.Timestamp(measured.load["started"]).value / 1e6
    frame = measured.frame[measured.frame["kind"].isin(["first_token", "token_gap", "token_gap_late"])]
    starts = np.array([one[0, 2] / 1e6 for one in measured.notes if len(one)])
    kept = [one for one in measured.notes if len(one)]
    gaps: list[float] = []
    firsts: list[float] = []
    for _, rows in frame.sort_values("at_ms").groupby("stream"):
        at_ms = rows["at_ms"].to_numpy() + began_ms
        near = np.flatnonzero(np.abs(starts - at_ms[0]) < MATCH_MS)
        sent = max((kept[one] for one in near), key=partial(_fit, at_ms))
        before, after = sent[:, 1] / 1e6, sent[:, 2] / 1e6
        firsts.append(_outside(at_ms[0], before[0], after[0]))
        which = np.clip(np.searchsorted(before, at_ms, "right") - 1, 0, len(before) - 1)
        is_gap = rows["kind"].to_numpy() == "token_gap"
        value = rows["value"].to_numpy()
        for one in np.flatnonzero(is_gap):
            least, most = before[which[one]] - after[which[one - 1]], after[which[one]] - before[which[one - 1]]
            gaps.append(_outside(value[one], least, most))
    return gaps, firsts


def _fit(at_ms: Floats, sent: Notes) -> float:
    """Return the share of arrivals that came within a send: of the stream that it is, nearly all; of others, few."""
    before, after = sent[:, 1] / 1e6, sent[:, 2] / 1e6
    which = np.clip(np.searchsorted(before - CLOCK_MS, at_ms, "right") - 1, 0, len(before) - 1)
    return float(np.mean(at_ms <= after[which] + CLOCK_MS))


def _outside(value: float, least: float, most: float) -> float:
    return float(max(0.0, least - value, value - most))


def row(name: str, measured: Measured) -> str:
    """Return a row of the table."""
    gaps, firsts = errors(measured)
    tokens = measured.load["requests"]["tokens"]
    figures = [spread(gaps), share(gaps), spread(firsts), share(firsts)]
    return " | ".join(
        ["", name, f"{len(gaps):,}", f"{tokens['gaps_read_late']:,} + {tokens['read_together']:,}", *figures, ""]
    ).strip()


def share(errors_ms: list[float]) -> str:
    return f"{np.mean(np.array(errors_ms) < 1.0):.2%}"


def spread(values: list[float]) -> str:
    return "{:.3f}, {:.3f}, {:.3f} ms".format(*np.percentile(values, [50, 99, 100]))


def lateness(measured: Measured) -> str:
    """Return how late the mock itself sent."""
    late = np.concatenate([one[:, 1] - one[:, 0] for one in measured.notes if len(one)]) / 1e6
    return spread(late.tolist())


def main(streams: float = 200, rate: float = 50.0, seconds: float = 10.0) -> None:
    streams = int(streams)
    cores = psutil.cpu_count() or 1
    print(f"{streams} streams x {rate:g} tokens/s, {seconds:g} s, {cores} cores, load {psutil.getloadavg()[0]:.1f}\n")
    print(" | ".join(["", *HEAD, ""]).strip(), "|---" * len(HEAD) + "|", sep="\n")
    runs = {"idle": run(streams, rate, seconds, 0, chat=True), "burnt": run(streams, rate, seconds, cores, chat=True)}
    for name, measured in runs.items():
        print(row(name, measured), flush=True)
    bare = run(streams, rate, seconds, 0, chat=False)
    print()
    for name, measured in {**runs, "bare engine (watch)": bare}.items():
        generator = measured.load["generator"]
        print(
            f"{name}: {measured.cost_us:.1f} µs CPU per event, mock {measured.cost_mock:.1f} µs; own delay p99 "
            f"{generator['delay_ms']['p99']:.1f} ms; the mock itself was late by {lateness(measured)}; "
            f"verdict {measured.load['verdict']}"
        )


if __name__ == "__main__":
    main(*map(float, sys.argv[1:]))
