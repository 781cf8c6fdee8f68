"""What streams cost the generator, and how many machines a load needs: by figures that are known."""

from __future__ import annotations

import dataclasses
import json
import math
import socket
import threading
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ssegauge.conformance.errors import CannotJudge
from ssegauge.conformance.sse import FastDecoder
from ssegauge.loadtests.scale import costs
from ssegauge.loadtests.scale.calibrate import costs_of
from ssegauge.loadtests.scale.costs import Costs
from ssegauge.loadtests.scale.plan import KERNEL_KIB, Plan, Wanted, plan
from ssegauge.loadtests.scale.sender import HEAD, Sender, Truth
from tests.cli.command import ssegauge

KNOWN = Costs(
    cores=4,
    memory_mib=8192.0,
    descriptors=10_200,
    ports=28_000,
    link_mbit=10_000,
    streams=2000,
    events_per_s=4000.0,
    load_average=0.1,
    us_per_event=10.0,
    us_per_opening=100.0,
    idle_share=0.0,
    kib_per_stream=6.0,
    mib_per_process=100.0,
    us_leader_per_event=2.0,
    bytes_per_event=20.0,
    delay_p99_ms=5.0,
    error_p50_ms=0.01,
    error_p99_ms=0.02,
)


def planned(streams: int = 1_000_000, rate: float = 0.1, **others: Any) -> Plan:
    return plan(Wanted(streams, rate, **others), KNOWN)


def test_a_million_streams_are_limited_by_ports_first_and_by_memory_where_there_are_addresses() -> None:
    made = planned()
    assert (made.bounds[0].what, made.bounds[0].streams, made.machines) == ("ports", 28_000, 36)
    assert (made.sources, made.fewest) == (9, 4)
    freed = planned(sources=18)
    assert (freed.bounds[0].what, freed.bounds[0].streams) == ("memory", 276_460)  # 0.7 x 8 GiB / (6 + 5 + 10.24 KiB)
    assert freed.machines == 4
    assert freed.processes == 4 * 25  # 250,000 streams on each, 10,000 in a process
    assert freed.streams_per_process == 10_000
    assert freed.cores == pytest.approx(1.0)
    assert freed.memory_mib == pytest.approx(100 * 100 + 1_000_000 * (6 + KERNEL_KIB) / 1024)
    assert freed.gbit_per_s == pytest.approx(100_000 * 8 * (200 + 78 + 66) / 1e9)
    assert freed.opening_s == 1000
    assert freed.leader_share == pytest.approx(0.2)
    assert freed.disk_mib == pytest.approx(100_000 * 30 * 20 / 1024**2)
    assert freed.notes == ()


@pytest.mark.parametrize(
    ("wanted", "first"),
    [
        (Wanted(100_000, 10.0, sources=9), "CPU"),  # 28,000 streams in 2.8 cores
        (Wanted(100_000, 1.0, event_bytes=50_000, sources=9), "link"),
        (Wanted(10_000_000, 0.0, sources=999), "memory"),
        (Wanted(100_000, 0.0), "ports"),
    ],
)
def test_what_limits_first(wanted: Wanted, first: str) -> None:
    assert plan(wanted, KNOWN).bounds[0].what == first


def test_a_load_that_one_master_cannot_take_is_told_in_how_many_runs_it_can() -> None:
    (note,) = planned(rate=1.0, sources=9).notes  # 350,000 samples a second are 0.7 of its core
    assert note == "One master takes 350,000 samples a second: start 3 runs side by side, each with its own master"


def test_streams_that_cannot_be_opened_at_the_rate_asked_for() -> None:
    (note,) = planned(1000, opening_rate=1e6).notes
    assert note == "So many processes open 28,000 streams a second at most"


def test_a_machine_that_bears_nothing_is_one_line() -> None:
    with pytest.raises(CannotJudge, match=r"--plan: a machine like this one bears no stream: memory, 0.1 GiB"):
        plan(Wanted(1, 1.0), dataclasses.replace(KNOWN, memory_mib=100.0))


@given(streams=st.integers(1, 10**8), rate=st.floats(0, 1000), sources=st.integers(1, 100))
def test_no_process_and_no_machine_has_more_than_it_bears(streams: int, rate: float, sources: int) -> None:
    made = plan(Wanted(streams, rate, sources=sources), KNOWN)
    assert made.machines * made.bounds[0].streams >= streams or made.bounds[0].streams <= 1
    assert made.streams_per_process <= KNOWN.descriptors - 200
    assert made.processes >= made.machines
    assert math.ceil(streams / made.machines) <= KNOWN.ports * sources
    assert [bound.streams for bound in made.bounds] == sorted(bound.streams for bound in made.bounds)


# A run of 100 streams as it would say what goes on: 1 % of a core idle, 200 us an opening, 10 us an event.
STATUSES = [
    {"elapsed_s": at, "open": opened, "received": events, "nodes_cpu_s": cpu, "leader_cpu_s": lead, "nodes_kib": kib}
    for at, opened, events, cpu, lead, kib in [
        (0.0, 0, 0, 0.0, 1.0, 0.0),  # the worker has not reported yet
        (1.0, 20, 0, 0.500, 1.01, 100_120.0),
        (2.0, 100, 0, 0.526, 1.02, 100_600.0),
        (3.0, 100, 0, 0.536, 1.03, 100_600.0),
        (4.0, 100, 0, 0.546, 1.04, 100_600.0),
        (5.0, 100, 1_000, 0.566, 1.052, 100_600.0),
        (7.0, 100, 11_000, 0.686, 1.092, 100_600.0),
        (8.0, 100, 12_000, 0.9, 1.2, 100_600.0),  # all that was sent
        (9.0, 0, 12_000, 2.0, 2.0, 200_000.0),  # summing up
    ]
]
DOCUMENT = {
    "latency_ms": {"update": {"p50": 5.5, "p99": 9.25, "samples": 12_000}},
    "generator": {"delay_ms": {"p99": 3.0}},
    "connections": {"peak_open": 100},
}


def test_costs_are_those_that_the_run_shows() -> None:
    found = costs_of(STATUSES, DOCUMENT, Truth(12_000, 5.4, 9.5), 240_000, streams=100, busy=0.5)
    assert found.idle_share == pytest.approx(0.01)
    assert found.us_per_opening == pytest.approx(200)
    assert found.us_per_event == pytest.approx(10)
    assert found.us_leader_per_event == pytest.approx(2)
    assert (found.kib_per_stream, found.mib_per_process) == (6, 97.7)
    assert (found.events_per_s, found.bytes_per_event) == (5000, 20)
    assert (found.error_p50_ms, found.error_p99_ms) == (0.1, -0.25)


@pytest.mark.parametrize("statuses", [STATUSES[:5], STATUSES[4:], []], ids=["no events", "no quiet", "nothing"])
def test_a_run_that_shows_too_little_gives_no_costs(statuses: list[Any]) -> None:
    with pytest.raises(CannotJudge, match=r"calibrate: too little was measured \(100 of 100 streams opened\); take"):
        costs_of(statuses, DOCUMENT, Truth(12_000, 0, 0), 0, streams=100, busy=0.5)


def test_an_error_is_that_of_the_same_events() -> None:
    with pytest.raises(CannotJudge, match="calibrate: 12,000 of 12,001 events arrived in time; take fewer --streams"):
        costs_of(STATUSES, DOCUMENT, Truth(12_001, 5.4, 9.5), 240_000, streams=100, busy=0.5)


def test_the_sender_sends_every_stream_the_same_and_knows_when() -> None:
    sender = Sender(2)
    port = int(sender.url.rpartition(":")[2].partition("/")[0])
    socket.create_connection(("127.0.0.1", port)).close()  # as one that looks whether anybody listens
    readers = [socket.create_connection(("127.0.0.1", port), timeout=20) for _ in range(2)]
    for reader in readers:
        reader.sendall(b"GET /events HTTP/1.1\r\nHost: x\r\n\r\n")
    sender.admit()
    sending = threading.Thread(target=sender.send, args=(100.0, 50))
    sending.start()
    told = []
    for reader in readers:
        data = b""
        while data.count(b"progress") < 4:
            data += reader.recv(65536)
        body = data.removeprefix(HEAD)
        events = FastDecoder().feed(b"".join(line + b"\n" for line in body.split(b"\n") if b"\r" not in line))
        told.append([data for kind, data, _ in events])
    for reader in readers:
        reader.close()
    sending.join(20)
    sender.close()
    truth = sender.truth()
    assert [json.loads(one)["type"] for one in told[0][:4]] == ["connected", "progress", "progress", "progress"]
    assert told[0][1:4] == told[1][1:4]
    assert truth.sent >= 8
    assert 0 <= truth.p50_ms <= truth.p99_ms


def test_costs_are_kept_in_the_file_that_is_named_and_nowhere_else(tmp_path: Path) -> None:
    KNOWN.save(tmp_path / "costs.json")
    assert costs.load(tmp_path / "costs.json") == KNOWN
    with pytest.raises(CannotJudge, match=r"--out .*: cannot be written to"):
        KNOWN.save(tmp_path / "no" / "costs.json")


NO_COSTS = {
    "{": "is not JSON",
    "[]": "is no ssegauge/costs/1 document",
    '{"schema": "ssegauge/load/1"}': "is no ssegauge/costs/1 document",
    '{"schema": "ssegauge/costs/1"}': "cores is no number",
    json.dumps({"schema": "ssegauge/costs/1", **dataclasses.asdict(KNOWN), "ports": "many"}): "ports is no number",
    json.dumps({"schema": "ssegauge/costs/1", **dataclasses.asdict(KNOWN), "ports": 0}): "ports is not above 0",
}


@pytest.mark.parametrize("text", NO_COSTS)
def test_a_file_that_holds_no_costs_is_one_line(text: str, tmp_path: Path) -> None:
    (tmp_path / "costs.json").write_text(text)
    with pytest.raises(CannotJudge, match=f"--costs .*costs.json: {NO_COSTS[text]}.*; write it with `ssegauge calib"):
        costs.load(tmp_path / "costs.json")


def test_this_machine_has_what_machines_have() -> None:
    found = costs.machine()
    assert found["cores"] >= 1
    assert found["memory_mib"] > 100
    assert found["ports"] > 0
    assert {*found} < {one.name for one in dataclasses.fields(Costs)}


def test_a_plan_is_printed_and_loads_nothing(tmp_path: Path) -> None:
    KNOWN.save(tmp_path / "costs.json")
    words = ["load", "--plan", "--costs", "costs.json", "--users", "1000000", "--rate", "0.1"]
    done = ssegauge(*words, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "ports (limits first)" in done.stdout
    assert "36 machines like this one" in done.stdout
    assert "With 9 addresses on each (--source)" in " ".join(done.stdout.split())
    assert [path.name for path in tmp_path.iterdir()] == ["costs.json"]
    lost = ssegauge(*words[:3], "lost.json", cwd=tmp_path)
    assert (lost.returncode, lost.stdout) == (2, "")
    assert lost.stderr.startswith("ssegauge: --costs lost.json: No such file or directory; write it with")


def test_calibrating_needs_descriptors(tmp_path: Path) -> None:
    done = ssegauge("calibrate", "--streams", "1000000000", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith("ssegauge: --streams 1000000000: a process here may open only")
