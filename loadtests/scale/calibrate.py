"""What streams and events cost the generator here: one short run against a bare sender that knows the truth.

The run has a process that leads and one that holds the streams, so that the cost of each shows by itself. Their CPU
time is read with what they report, so it is that of just those events; nothing of it is kept but what is returned.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any, Final

from ssegauge.conformance.errors import CannotJudge
from ssegauge.conformance.recording.keeper import end_with_parent
from ssegauge.conformance.runfolder import RunFolder
from ssegauge.conformance.target import from_url
from ssegauge.loadtests.running.cli import Options, run_load
from ssegauge.loadtests.scale.costs import Costs, machine
from ssegauge.loadtests.scale.sender import Truth

OPENING_S: Final = 3.0
QUIET_S: Final = 3.0
ARRIVING_S: Final = 3.0  # for what was sent last
Status = Mapping[str, Any]


def calibrate(
    streams: int, rate: float, duration_s: float, on_progress: Callable[[Status], None] = lambda _: None
) -> Costs:
    """Measure; raises CannotJudge where the run was none to go by, KeyboardInterrupt when interrupted."""
    statuses: list[Status] = []

    def note(status: Status) -> None:
        statuses.append(status)
        on_progress(status)

    busy = os.getloadavg()[0]
    length_s = QUIET_S + duration_s + ARRIVING_S
    options = Options(
        "watch", users=streams, spawn_rate=max(1.0, streams / OPENING_S), duration_s=length_s, processes=1
    )
    events = max(2, round(rate * duration_s))
    with tempfile.TemporaryDirectory() as place, _sender(streams, rate, events) as (url, told):
        folder = RunFolder.create(Path(place) / "run", from_url(url), ["calibrate"])
        document = run_load(from_url(url), folder.path, options, note)
        truth = Truth(**json.loads(told.readline() or "{}"))
        disk = sum(file.stat().st_size for file in (folder.path / "samples").iterdir())
    return costs_of(statuses, document, truth, disk, streams=streams, busy=busy)


def costs_of(
    statuses: Sequence[Status], document: Mapping[str, Any], truth: Truth, disk: int, *, streams: int, busy: float
) -> Costs:
    """Return the costs that a run shows, by what it said while it went on; raises CannotJudge where it shows none."""
    statuses = [one for one in statuses if one["nodes_kib"]]  # the process that holds streams has reported
    quiet = [one for one in statuses if one["open"] == streams and not one["received"]]
    steady = [one for one in statuses if one["open"] == streams and 0 < one["received"] < truth.sent]
    update = document["latency_ms"].get("update")
    if len(quiet) < 2 or len(steady) < 2 or not update:
        why = document["generator"].get("note") or f"{document['connections']['peak_open']} of {streams} streams opened"
        raise CannotJudge(f"calibrate: too little was measured ({why}); take fewer --streams, or a longer --duration")
    if update["samples"] != truth.sent:  # else the error is not that of the same events
        arrived = f"{update['samples']:,} of {truth.sent:,} events arrived in time"
        raise CannotJudge(f"calibrate: {arrived}; take fewer --streams, or a lower --rate")
    idle = _per(quiet, "nodes_cpu_s", "elapsed_s")
    begun, opened = statuses[0], quiet[0]
    seconds, events = _over(steady, "elapsed_s"), _over(steady, "received")
    opening_s = (opened["nodes_cpu_s"] - begun["nodes_cpu_s"]) - idle * (opened["elapsed_s"] - begun["elapsed_s"])
    many = max(1, opened["open"] - begun["open"])
    kib = _positive((steady[-1]["nodes_kib"] - begun["nodes_kib"]) / many)
    leader_s = _over(steady, "leader_cpu_s") - _per(quiet, "leader_cpu_s", "elapsed_s") * seconds
    return Costs(
        **machine(),
        streams=streams,
        events_per_s=round(events / seconds, 1),
        load_average=round(busy, 1),
        us_per_event=_positive((_over(steady, "nodes_cpu_s") - idle * seconds) / events * 1e6),
        us_per_opening=_positive(opening_s / many * 1e6),
        idle_share=_positive(idle),
        kib_per_stream=kib,
        mib_per_process=round((begun["nodes_kib"] - kib * begun["open"]) / 1024, 1),
        us_leader_per_event=_positive(leader_s / events * 1e6),
        bytes_per_event=round(disk / update["samples"], 2),
        delay_p99_ms=document["generator"]["delay_ms"]["p99"],
        error_p50_ms=round(update["p50"] - truth.p50_ms, 4),
        error_p99_ms=round(update["p99"] - truth.p99_ms, 4),
    )


def _over(statuses: Sequence[Status], name: str) -> float:
    return float(statuses[-1][name] - statuses[0][name])


def _per(statuses: Sequence[Status], name: str, by: str) -> float:
    return _over(statuses, name) / max(_over(statuses, by), 1e-9)


def _positive(value: float) -> float:
    """Return a cost that is never 0: less was not measured, and nothing is free."""
    return round(max(value, 0.001), 4)


@contextlib.contextmanager
def _sender(streams: int, rate: float, events: int) -> Iterator[tuple[str, IO[str]]]:
    """Run the sender; yield its URL, and where it tells the truth."""
    words = map(str, (streams, rate, QUIET_S, events))
    line = [sys.executable, "-P", "-m", "ssegauge.loadtests.scale.sender", *words]
    with subprocess.Popen(  # noqa: S603 - our own command line
        line,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=end_with_parent,  # noqa: PLW1509 - no thread was started yet
    ) as process:
        assert process.stdout
        try:
            yield process.stdout.readline().strip(), process.stdout
        finally:
            process.kill()
