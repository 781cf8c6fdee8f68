"""A run folder's samples and a run's counts -> load.json.

Everything that can be is computed from the samples on disk, so that the document says what the folder shows.
``Facts`` holds what no sample says. Percentiles interpolate linearly between the nearest samples.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np

from ssegauge.conformance.target import Target
from ssegauge.loadtests.judging import answers, asked, offset, trend
from ssegauge.loadtests.judging.answers import Answered, Kind, Requests
from ssegauge.loadtests.judging.health import Health
from ssegauge.loadtests.judging.impact import ratio_of
from ssegauge.loadtests.judging.objectives import Measured, Objective, judge, judged_anyway, overall, voided
from ssegauge.loadtests.measuring import samples
from ssegauge.loadtests.measuring.clocks import Clocks
from ssegauge.loadtests.measuring.integrity import Account
from ssegauge.loadtests.measuring.samples import CONNECT, EXISTING, FIRST_EVENT, GAP, OPEN, UPDATE, Floats
from ssegauge.loadtests.measuring.witnesses import Witnessed
from ssegauge.loadtests.stream.clock import Clock

SCHEMA: Final = "ssegauge/load/1"
MOST_REASONS: Final = 5


@dataclass(frozen=True, slots=True)
class Facts:
    """What a run knows beside its samples."""

    scenario: str
    started: str  # ISO 8601, UTC
    duration_s: float
    users: int
    rate: float | None  # updates per second, None when nothing is driven
    clock: Clock
    failed: int = 0
    dropped: int = 0
    failures: Counter[str] = field(default_factory=Counter)
    drops: Counter[str] = field(default_factory=Counter)
    account: Account = field(default_factory=Account)
    sending_ms: Floats = field(default_factory=lambda: np.empty(0))  # of these three see ``Health``
    looping_ms: Floats = field(default_factory=lambda: np.empty(0))
    cpu_shares: Floats = field(default_factory=lambda: np.empty(0))
    clock_step_ms: float = 0.0
    standstill_ms: float = 0.0
    clocks: Clocks = field(default_factory=Clocks)
    updates: Mapping[str, int] = field(default_factory=dict)  # "planned", "accepted", "refused", "sent"
    refusals: Counter[str] = field(default_factory=Counter)
    held: int | None = None  # see Measured
    witnessed: Witnessed | None = None
    left: Mapping[str, int] = field(default_factory=dict)  # streams that users left in the midst, by "fin" and "rst"
    checked: int = 0  # events that the user's own code has looked at
    checks: Counter[str] = field(default_factory=Counter)  # why it found some wrong
    aborted: Objective | None = None  # broken so that the run was ended
    asked: Sequence[str] = ()  # objectives that the user states
    phases: Sequence[Mapping[str, Any]] = ()
    ping_failures: Counter[str] = field(default_factory=Counter)
    requests: Requests | None = None  # of a run of requests and answers
    conformance: Mapping[str, Any] = field(default_factory=lambda: {"streams_judged": 0, "findings": []})
    complaint: str = ""  # why nothing can be judged, beside what the generator's figures say


def summarize(run_folder: Path, target: Target, facts: Facts) -> dict[str, Any]:
    """Return the load.json document of a run folder."""
    latency = {kind: samples.read(run_folder, kind, "value", "delay_ms") for kind in (CONNECT, FIRST_EVENT, UPDATE)}
    (gaps,) = samples.read(run_folder, GAP, "value")
    delays = _known(np.concatenate([facts.looping_ms, *(delay for _, delay in latency.values())]))
    health = _health(facts, latency[CONNECT][1], read_together(run_folder))
    limits, stamped = target.limits, facts.rate is None
    own_faults = [health.complaint(limits), health.update_complaint(limits), health.connect_complaint(limits)]
    phases = dict(samples.read_phases(run_folder, EXISTING))
    seen = _answered(run_folder, target, facts.requests) if facts.requests else None
    wanted = [asked.parse(text) for text in facts.asked]
    good = answers.good_requests(seen, asked.tests(wanted)) if seen and seen.settled else None
    measured = Measured(
        connect=latency[CONNECT][0],
        update=latency[UPDATE][0],
        account=facts.account,
        users=seen.settled if seen else facts.users,
        peak_open=peak_open(run_folder),
        failed=facts.failed,
        dropped=facts.dropped,
        reasons=reasons(facts.failures + facts.drops),
        driven=not stamped,
        updates_expected=not stamped or bool(facts.clocks.firsts) or not gaps.size,
        planned=facts.updates.get("planned", 0),
        accepted=facts.updates.get("accepted", 0),
        refused=facts.updates.get("refused", 0),
        refusals=reasons(facts.refusals),
        held=facts.held,
        witnessed=facts.witnessed,
        ratio=ratio_of(phases),
        existing=bool(facts.phases),
        pings=sum(values.size for values in phases.values()),
        ping_failures=reasons(facts.ping_failures),
        checked=facts.checked,
        wrong=facts.checks.total(),
        wrong_why=reasons(facts.checks),
        judged=facts.conformance["streams_judged"],
        broken=[finding["rule"] for finding in facts.conformance["findings"] if finding["level"] == "must"],
        complaint=facts.complaint or own_faults[0],
        update_complaint=own_faults[1] or (offset.complaint(facts.clocks) if stamped else ""),
        connect_complaint=own_faults[2],
        goodput=good / seen.settled if seen and good is not None else None,
        blurred=seen.blurred if seen else "",
        late_first=seen.late_first if seen else "",
        late=health.arrival_complaint(limits) if seen and seen.requests.arrivals else "",
    )
    every = {samples.KINDS[kind]: values for kind, (values, _) in latency.items()} | {"gap": gaps}
    every |= {name: kind.value for name, kind in seen.kinds.items()} if seen else {}
    own = [*answers.judge(seen, limits), *judged_anyway(measured)] if seen else judge(measured, limits)
    stated = (asked.judge(one, measured, every) for one in wanted)
    objectives = [voided(one, measured.complaint_of(one)) for one in (*own, *stated)]
    objectives += [voided(facts.aborted, measured.complaint)] if facts.aborted else []
    source = "event-timestamp" if stamped else "planned"
    kinds = {"connect": latency[CONNECT][0], "first_event": latency[FIRST_EVENT][0]}
    shown = _answer_times(seen) if seen else _update_times(latency[UPDATE][0], gaps, source)
    return {
        "schema": SCHEMA,
        "scenario": facts.scenario,
        "verdict": overall(objectives),
        "started": facts.started,
        "duration_s": round(facts.duration_s, 3),
        "users": facts.users,
        "rate": facts.rate,
        "phases": list(facts.phases),
        "objectives": [item.document() for item in objectives],
        "connections": _connections(measured, facts),
        "latency_ms": {name: percentiles(values) for name, values in kinds.items()} | shown,
        "updates": None if stamped else {**facts.updates, "refusals": dict(facts.refusals.most_common())},
        "integrity": asdict(facts.account) if facts.account.sent else None,
        "witnesses": _witnesses(facts.witnessed) if facts.witnessed else None,
        "requests": answers.document(seen, good) if seen else None,
        "checks": {"events": facts.checked, "failed": facts.checks.total(), "reasons": dict(facts.checks.most_common())}
        if facts.checked
        else None,
        "server": _server(run_folder),
        "trends": trend.document(run_folder),
        "conformance": dict(facts.conformance),
        "generator": _generator(delays, facts, own_faults) | {"saturated": any(own_faults)},
    }


def percentiles(values: Floats) -> dict[str, Any]:
    """Return p50, p95, p99 and max, None for no samples; less than 0 (another clock) is shown as 0."""
    if not values.size:
        return {"p50": None, "p95": None, "p99": None, "max": None, "samples": 0}
    p50, p95, p99 = (max(0.0, round(float(value), 4)) for value in np.percentile(values, (50, 95, 99)))
    return {"p50": p50, "p95": p95, "p99": p99, "max": max(0.0, round(float(values.max()), 4)), "samples": values.size}


def peak_open(run_folder: Path) -> int:
    """Return the most streams that were open at once."""
    at, step = samples.read(run_folder, OPEN, "at_ms", "value")
    return max(0, int(np.cumsum(step[np.lexsort((step, at))]).max())) if at.size else 0


def reasons(counted: Counter[str]) -> str:
    """Return the most frequent reasons in one line."""
    return ", ".join(f"{reason} x {count}" for reason, count in counted.most_common(MOST_REASONS))


def _connections(measured: Measured, facts: Facts) -> dict[str, Any]:
    requested = facts.requests.tally.asked if facts.requests else facts.users
    counts: dict[str, Any] = {"requested": requested, "peak_open": measured.peak_open}
    counts |= {"failed": facts.failed, "dropped": facts.dropped}
    counts |= {"drop_reasons": dict((facts.failures + facts.drops).most_common())}
    return counts | ({"left": dict(facts.left)} if any(facts.left.values()) else {})


def _update_times(updates: Floats, gaps: Floats, source: str) -> dict[str, Any]:
    update = percentiles(updates) | {"source": source}
    return {"update": update} | ({"gap": percentiles(gaps)} if gaps.size else {})


def _answered(run_folder: Path, target: Target, requests: Requests) -> Answered:
    columns = {
        name: Kind(*samples.read(run_folder, number, "at_ms", "stream", "value"))
        for number, name in enumerate(samples.KINDS)
    }
    return Answered(requests, columns, target.promises, answers.turns_of(columns))


def _answer_times(seen: Answered) -> dict[str, Any]:
    shown = ("first_token", "token_gap", "time_per_token", "gap", "duration")
    return {name: percentiles(seen.kinds[name].value) for name in shown if seen.kinds[name].value.size}


def _server(run_folder: Path) -> dict[str, Any] | None:
    (cpu,) = samples.read(run_folder, samples.SERVER_CPU, "value")
    at, memory = samples.read(run_folder, samples.SERVER_MEMORY, "at_ms", "value")
    (files,) = samples.read(run_folder, samples.SERVER_DESCRIPTORS, "value")
    if not memory.size:
        return None
    ordered = memory[np.argsort(at)]
    return {
        "cpu_percent": {"mean": _rounded(cpu.mean()), "max": _rounded(cpu.max())} if cpu.size else None,
        "memory_mib": {"first": _rounded(ordered[0]), "last": _rounded(ordered[-1]), "max": _rounded(memory.max())},
        "descriptors": int(files.max()),
    }


def _rounded(value: float) -> float:
    return round(float(value), 2)


def _witnesses(seen: Witnessed) -> dict[str, Any]:
    counts = np.array(seen.counts or (0,))
    spread = {"least": int(counts.min()), "median": float(np.median(counts)), "most": int(counts.max())}
    names = ("streams", "shared", "expected", "lost", "duplicated", "reordered", "silent")
    return {name: getattr(seen, name) for name in names} | {"events_per_stream": spread}


def _health(facts: Facts, connect_delay_ms: Floats, reading_ms: Floats) -> Health:
    stamped = facts.clock == "kernel"
    return Health(
        sending_ms=facts.sending_ms,
        reading_ms=reading_ms,
        # Where the kernel stamps arrivals, a late loop lengthens connects alone: it was noted with each of them.
        looping_ms=_known(connect_delay_ms if stamped else facts.looping_ms),
        cpu_shares=facts.cpu_shares,
        clock_step_ms=facts.clock_step_ms,
        standstill_ms=facts.standstill_ms,
        stamped=stamped,
    )


def _generator(delays: Floats, facts: Facts, own_faults: Sequence[str]) -> dict[str, Any]:
    complaint = facts.complaint or next(filter(None, own_faults), "")
    delay = percentiles(delays)
    shares = facts.cpu_shares
    figures = {
        "delay_ms": {name: delay[name] for name in ("p50", "p99", "max")},
        "cpu_percent": round(float(shares.mean()) * 100, 1) if shares.size else None,
        "clock": facts.clock,
    }
    return figures | ({"note": complaint} if complaint else {})


def read_together(run_folder: Path) -> Floats:
    """Return, for each update, by how much its arrival may be stamped late: the delay of a read of several, else 0."""
    at, stream, delay = samples.read(run_folder, UPDATE, "at_ms", "stream", "delay_ms")
    order = np.lexsort((at, stream))
    same = (np.diff(at[order]) == 0) & (np.diff(stream[order]) == 0)
    earlier = np.append(same, [False] * min(1, at.size))
    return np.where(earlier, np.nan_to_num(delay[order]), 0.0)


def _known(delays: Floats) -> Floats:
    return delays[~np.isnan(delays)]
