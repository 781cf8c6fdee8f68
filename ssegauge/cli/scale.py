"""``calibrate`` and ``load --plan``: what this machine can carry, and how many like it a load needs."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from ssegauge.cli.work import errors

if TYPE_CHECKING:
    from ssegauge.loadtests.running.cli import Options
    from ssegauge.loadtests.scale.costs import Costs
    from ssegauge.loadtests.scale.plan import Plan

CALIBRATING = 2000, 2.0, 10.0  # streams, events per second on each, seconds: where a plan has no costs to go by
screen = Console(highlight=False)


def calibrated(streams: int, rate: float, duration_s: float, *, loud: bool) -> Costs:
    """Measure what the generator costs here, with a live line when ``loud``."""
    from ssegauge.loadtests.running.cli import Options, describe, make_room
    from ssegauge.loadtests.scale.calibrate import calibrate
    from ssegauge.reports.render.live import live

    make_room(Options(users=streams), "--streams")
    if not loud:
        return calibrate(streams, rate, duration_s)
    with live(errors, "Calibrating: starting a sender and Locust") as tell:
        return calibrate(streams, rate, duration_s, lambda status: tell(f"Calibrating: {describe(status)}"))


def show_costs(costs: Costs, *, as_json: bool) -> None:
    """Print what was measured, and how much one process carries."""
    from ssegauge.loadtests.scale.plan import USABLE

    if as_json:
        print(json.dumps(asdict(costs), indent=2))
        return
    events = (USABLE - costs.idle_share) * 1e6 / costs.us_per_event
    busy = f"load average {costs.load_average:g} on {costs.cores} cores"
    _table(
        f"One process that holds streams, measured with {costs.streams:,} of them and {costs.events_per_s:,.0f} events"
        f" a second ({busy})",
        [
            (
                "CPU of an event",
                f"{costs.us_per_event:.1f} µs: {events:,.0f} events a second in {USABLE:.0%} of a core",
            ),
            ("CPU of an opening", f"{costs.us_per_opening:.0f} µs"),
            ("CPU when nothing comes", f"{costs.idle_share:.1%} of a core"),
            ("memory", f"{costs.mib_per_process:.0f} MiB, and {costs.kib_per_stream:.1f} KiB a stream"),
            ("of the process that leads", f"{costs.us_leader_per_event:.1f} µs an event"),
            ("bytes wait to be read", f"{costs.delay_p99_ms:.1f} ms (p99)"),
            ("error of latency", f"p50 {costs.error_p50_ms:+.2f} ms, p99 {costs.error_p99_ms:+.2f} ms"),
        ],
    )
    if costs.load_average > costs.cores / 2:
        screen.print("Other work kept this machine busy, which makes these figures worse than it is; measure again.")


def show_plan(options: Options, file: Path | None, event_bytes: int, *, as_json: bool, loud: bool) -> None:
    """Print what a load needs; measure first what it costs, where no file says so."""
    from ssegauge.loadtests.running.sources import addresses
    from ssegauge.loadtests.scale import costs, plan

    known = costs.load(file) if file else calibrated(*CALIBRATING, loud=loud)
    wanted = plan.Wanted(
        options.users,
        options.rate,
        event_bytes,
        options.spawn_rate,
        options.duration_s,
        max(1, len(addresses(options.source))),
    )
    made = plan.plan(wanted, known)
    if as_json:
        print(json.dumps(made.plain(), indent=2))
        return
    _show(made)


def _show(made: Plan) -> None:
    wanted = made.wanted
    first, rest = made.bounds[0], made.bounds[1:]
    title = f"{wanted.streams:,} streams, {wanted.rate:g} events a second on each: {made.events_per_s:,.0f} a second"
    _table(
        title,
        [
            (f"{one.what}{' (limits first)' if one is first else ''}", f"{one.streams:,} streams a machine: {one.why}")
            for one in made.bounds
        ],
    )
    _table(
        f"{made.machines:,} machine{'s' * (made.machines > 1)} like this one",
        [
            ("processes", f"{made.processes:,}, each with {made.streams_per_process:,} streams; one more leads"),
            ("cores", f"{made.cores:.1f} in all, busy"),
            ("memory", f"{made.memory_mib / 1024:,.1f} GiB in all, the kernel's sockets included"),
            ("network", f"{made.gbit_per_s:.3g} Gbit/s in all, events of {wanted.event_bytes} bytes"),
            ("opening", f"{made.opening_s:,.0f} s, at {wanted.opening_rate:g} a second (--spawn-rate)"),
            (
                "the process that leads",
                f"{made.leader_share:.0%} of a core, {made.leader_mib / 1024:.1f} GiB at the end",
            ),
            ("disk", f"{made.disk_mib:,.0f} MiB of samples"),
        ],
    )
    if first.what == "ports" and rest and made.fewest < made.machines:
        screen.print(
            f"With {made.sources} addresses on each (--source), or as many ports of the server, {rest[0].what} limits:"
            f" {made.fewest} machine{'s' * (made.fewest > 1)}."
        )
    for note in made.notes:
        screen.print(f"{note}.")


def _table(title: str, rows: Iterable[tuple[str, str]]) -> None:
    screen.print(title, soft_wrap=True)
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    for row in rows:
        table.add_row(*row)
    screen.print(table)
    screen.print()
