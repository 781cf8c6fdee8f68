"""How many machines a load needs, by what it costs on one of them, and what limits first. Pure arithmetic.

A machine holds the fewest of the streams that its cores, its memory, its ports and its link bear. Descriptors
bound a process, so they say how many processes there are. All samples go to the one process that leads.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any, Final

from ssegauge.conformance.errors import CannotJudge
from ssegauge.loadtests.scale.costs import Costs

USABLE: Final = 0.7  # of a core, of memory, of a link: what is fuller is late
SPARE_DESCRIPTORS: Final = 200
MOST_IN_A_PROCESS: Final = 18_000  # streams: more were not tried in one
FRAMING_BYTES: Final = 78  # of an event: chunk, TCP with stamps, IP, Ethernet
ACK_BYTES: Final = 66
KERNEL_KIB: Final = 5.0  # of a socket: see docs/scaling.md
SAMPLE_BYTES: Final = 120  # of an event in the leader's memory, as it sums up
LEADER_MIB: Final = 300.0
MIB: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Wanted:
    """A load: streams at once, events a second on each, bytes of an event, streams opened a second, seconds of it all.

    ``sources`` are the addresses that each machine has.
    """

    streams: int
    rate: float
    event_bytes: int = 200
    opening_rate: float = 1000.0
    duration_s: float = 30.0
    sources: int = 1


@dataclass(frozen=True, slots=True)
class Bound:
    """How many streams one machine bears by one thing that it has, and how many machines that makes."""

    what: str
    streams: int
    machines: int
    why: str


@dataclass(frozen=True, slots=True)
class Plan:
    """What a load needs.

    Attributes:
        bounds: of a machine, the tightest first: that is what limits.
        machines, processes: those that hold streams; the one that leads is a process more.
        sources: addresses of each machine with which its ports would not limit; fewest: machines that this makes.
        notes: what cannot be had by more machines, a sentence each.
    """

    wanted: Wanted
    bounds: tuple[Bound, ...]
    machines: int
    processes: int
    streams_per_process: int
    sources: int
    fewest: int
    events_per_s: float
    cores: float
    memory_mib: float
    gbit_per_s: float
    opening_s: float
    leader_share: float
    leader_mib: float
    disk_mib: float
    notes: tuple[str, ...] = ()

    def plain(self) -> dict[str, Any]:
        """Return it as plain values."""
        return asdict(self)


def plan(wanted: Wanted, costs: Costs) -> Plan:
    """Return what a load needs; raises CannotJudge where one machine bears no stream at all."""
    bounds = tuple(sorted(_bounds(wanted, costs), key=lambda bound: bound.streams))
    if bounds[0].streams < 1:
        raise CannotJudge(f"--plan: a machine like this one bears no stream: {bounds[0].what}, {bounds[0].why}")
    machines = bounds[0].machines
    on_each = math.ceil(wanted.streams / machines)
    processes = machines * max(_processes(on_each, costs), min(costs.cores, on_each))
    events = wanted.streams * wanted.rate
    samples = events * wanted.duration_s
    others = next(bound for bound in bounds if bound.what != "ports")
    leader_share = costs.idle_share + events * costs.us_leader_per_event / 1e6
    opened_s = USABLE * 1e6 / costs.us_per_opening * min(processes, machines * costs.cores)
    return Plan(
        wanted=wanted,
        bounds=bounds,
        machines=machines,
        processes=processes,
        streams_per_process=math.ceil(wanted.streams / processes),
        sources=math.ceil(math.ceil(wanted.streams / others.machines) / costs.ports),
        fewest=others.machines,
        events_per_s=events,
        cores=processes * costs.idle_share + events * costs.us_per_event / 1e6,
        memory_mib=processes * costs.mib_per_process + wanted.streams * _kib(costs) / 1024,
        gbit_per_s=events * _bits(wanted) / 1e9,
        opening_s=wanted.streams / min(wanted.opening_rate, opened_s),
        leader_share=leader_share,
        leader_mib=LEADER_MIB + samples * SAMPLE_BYTES / MIB,
        disk_mib=samples * costs.bytes_per_event / MIB,
        notes=tuple(_notes(wanted, costs, leader_share, opened_s)),
    )


def _bounds(wanted: Wanted, costs: Costs) -> list[Bound]:
    busy = wanted.rate * costs.us_per_event / 1e6  # of a core, for a stream
    free = costs.cores * (USABLE - costs.idle_share)
    found = [
        (
            "CPU",
            free / busy if busy else math.inf,
            f"{costs.cores} cores, {USABLE:.0%} of each, {costs.us_per_event:.1f} µs an event",
        ),
        ("memory", _fit(costs), f"{costs.memory_mib / 1024:.1f} GiB, {_kib(costs):.1f} KiB a stream"),
        (
            "ports",
            float(costs.ports * wanted.sources),
            f"{costs.ports:,} of each address towards one server; more with --source",
        ),
    ]
    if costs.link_mbit and wanted.rate:
        bits = USABLE * costs.link_mbit * 1e6
        found.append(("link", bits / (wanted.rate * _bits(wanted)), f"{costs.link_mbit:,} Mbit/s"))
    return [_bound(wanted.streams, what, bears, why) for what, bears, why in found]


def _bound(streams: int, what: str, bears: float, why: str) -> Bound:
    whole = int(min(bears, streams))
    return Bound(what, whole, math.ceil(streams / max(1, whole)), why)


def _fit(costs: Costs) -> float:
    """Return how many streams fit into the memory: in a process a core, and in more where those may open no more."""
    usable = USABLE * costs.memory_mib * 1024
    base, kib = costs.mib_per_process * 1024, _kib(costs)
    fit = (usable - costs.cores * base) / kib
    opened = costs.cores * _in_a_process(costs)
    return fit if fit <= opened else max(float(opened), usable / (kib + base / _in_a_process(costs)))


def _notes(wanted: Wanted, costs: Costs, leader_share: float, opened_s: float) -> list[str]:
    notes = []
    if leader_share > USABLE:
        most = (USABLE - costs.idle_share) * 1e6 / costs.us_leader_per_event
        runs = math.ceil(wanted.streams * wanted.rate / most)
        notes.append(
            f"One master takes {most:,.0f} samples a second: start {runs} runs side by side, each with its own master"
        )
    if wanted.opening_rate > opened_s:
        notes.append(f"So many processes open {opened_s:,.0f} streams a second at most")
    return notes


def _processes(streams: int, costs: Costs) -> int:
    return math.ceil(streams / _in_a_process(costs))


def _in_a_process(costs: Costs) -> int:
    return max(1, min(MOST_IN_A_PROCESS, costs.descriptors - SPARE_DESCRIPTORS))


def _kib(costs: Costs) -> float:
    return costs.kib_per_stream + KERNEL_KIB


def _bits(wanted: Wanted) -> int:
    return 8 * (wanted.event_bytes + FRAMING_BYTES + ACK_BYTES)
