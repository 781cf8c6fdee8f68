"""A run folder's samples and a run's counts -> load.json.

Everything that can be is computed from the samples on disk, so that the document says what the folder shows.
``Facts`` holds what no sample says. Percentiles interpolate linearly between the nearest samples.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from ssegauge.conformance.target import Target
from ssegauge.loadtests.judging import answers, asked, herd, offset, shaped, traffic, trend
from ssegauge.loadtests.judging.answers import Answered, Requests
from ssegauge.loadtests.judging.asked import Asked
from ssegauge.loadtests.judging.facts import Facts
from ssegauge.loadtests.judging.health import Health
from ssegauge.loadtests.judging.herd import Herd, Wave
from ssegauge.loadtests.judging.impact import ratio_of
from ssegauge.loadtests.judging.objectives import (
    DEGRADATION,
    Measured,
    Objective,
    judge,
    judged_anyway,
    overall,
)
from ssegauge.loadtests.judging.shaped import Held
from ssegauge.loadtests.judging.silence import Silence, at_the_end
from ssegauge.loadtests.judging.turns import Kind, turns_of
from ssegauge.loadtests.measuring import samples
from ssegauge.loadtests.measuring.samples import (
    CONNECT,
    EVENTS,
    EXISTING,
    FIRST_EVENT,
    FIRST_OF_TYPE,
    GAP,
    GAP_OPEN,
    OPEN,
    RECOVER,
    UPDATE,
    Floats,
)
from ssegauge.loadtests.measuring.witnesses import Witnessed

SCHEMA: Final = "ssegauge/load/1"
BY_SHAPE: Final = "a shape says how many streams are open, so none are closed to compare; load once without it"
MOST_REASONS: Final = 5
NONE: Final[Floats] = np.empty(0)


def summarize(run_folder: Path, target: Target, facts: Facts) -> dict[str, Any]:
    """Return the load.json document of a run folder."""
    kept = _Kept.of(run_folder, target, facts)
    objectives = _objectives(kept, target, facts)
    unmeasured = {} if not _is_shaped_out(target, facts) else {"unmeasured": {DEGRADATION: BY_SHAPE}}
    return unmeasured | {
        "schema": SCHEMA,
        "scenario": facts.scenario,
        "verdict": overall(objectives),
        "started": facts.started,
        "duration_s": round(facts.duration_s, 3),
        "users": facts.users,
        "rate": facts.rate,
        "phases": list(facts.phases),
        "objectives": [item.document() for item in objectives],
        "connections": _connections(kept.measured, facts),
        "shape": kept.held.document(facts.shaped_since_s) if kept.held else None,
        "herd": herd.document(facts.herd, kept.waves) if facts.herd else None,
        "latency_ms": _latencies(kept, facts),
        "updates": {**facts.updates, "refusals": dict(facts.refusals.most_common())} if facts.driven else None,
        "integrity": asdict(facts.account) if facts.account.sent else None,
        "witnesses": _witnesses(facts.witnessed) if facts.witnessed else None,
        "types": traffic.types(run_folder, facts.types, FIRST_OF_TYPE if kept.seen else UPDATE),
        "throughput": traffic.document(run_folder),
        "requests": answers.document(kept.seen, kept.good) if kept.seen else None,
        "checks": _checks(facts) if facts.checked else None,
        "server": _server(run_folder),
        "trends": trend.document(run_folder),
        "conformance": dict(facts.conformance),
        "generator": _generator(kept, facts) | {"saturated": any(kept.faults)},
    }


def _is_shaped_out(target: Target, facts: Facts) -> bool:
    """Whether the impact on an existing endpoint would have been measured, but for a shape."""
    return facts.scenario == "progress" and target.existing is not None and facts.shape is not None


@dataclass(frozen=True, slots=True)
class _Kept:
    """What a run's samples say, beside what it knows itself.

    Attributes:
        latency: values and the generator's delays (ms) by kind; gaps (ms).
        delays: the generator's own, all of them (ms); faults: why everything, updates, connects are void.
        seen, good: answers to requests, and how many of them met every objective.
        wanted: the objectives that the user states.
    """

    latency: Mapping[int, tuple[Floats, ...]]
    gaps: Floats
    delays: Floats
    faults: Sequence[str]
    seen: Answered | None
    good: int | None
    wanted: Sequence[Asked]
    held: Held | None
    waves: Sequence[Wave]
    recover: Floats
    measured: Measured

    @classmethod
    def of(cls, run_folder: Path, target: Target, facts: Facts) -> _Kept:
        """Read a run folder's samples."""
        latency = {kind: samples.read(run_folder, kind, "value", "delay_ms") for kind in (CONNECT, FIRST_EVENT, UPDATE)}
        health = _health(facts, latency[CONNECT][1], read_together(run_folder))
        seen = _answered(run_folder, target, facts.requests) if facts.requests else None
        gaps = seen.kinds["gap"].value if seen else _gaps(run_folder)
        wanted = [asked.parse(text) for text in facts.asked]
        tests = asked.tests(wanted)
        good = answers.good_requests(seen, tests) if seen and seen.settled and not seen.unmatched else None
        limits = target.limits
        faults = (health.complaint(limits), health.update_complaint(limits), health.connect_complaint(limits))
        late = health.arrival_complaint(limits) if seen and seen.requests.arrivals else ""
        measured = replace(
            _measured(run_folder, facts),
            connect=latency[CONNECT][0],
            update=latency[UPDATE][0],
            users=seen.settled if seen else facts.users,
            shared=target.promises.shared,
            updates_expected=facts.driven or bool(facts.clocks.firsts) or not gaps.size,
            complaint=facts.complaint or faults[0],
            update_complaint=faults[1] or ("" if facts.driven else offset.ahead(facts.clocks)),
            behind="" if facts.driven else offset.behind(facts.clocks),
            behind_ms=offset.most_behind_ms(facts.clocks),
            connect_complaint=faults[2],
            untimed="" if facts.driven else ", ".join(facts.clocks.unusable),
            goodput=good / seen.settled if seen and good is not None else None,
            goodput_of={kind for kind, _ in tests},
            blurred=seen.blurred if seen else "",
            late_first=seen.late_first if seen else "",
            late=late,
            unmatched=seen.unmatched if seen else "",
            silence=_silence(run_folder, facts),
        )
        delays = _known(np.concatenate([facts.looping_ms, *(delay for _, delay in latency.values())]))
        held = _held(run_folder, limits.connect_s, facts) if facts.shape and not seen else None
        (recover,) = samples.read(run_folder, RECOVER, "value")
        waves = _waves(run_folder, facts.herd) if facts.herd else ()
        return cls(latency, gaps, delays, faults, seen, good, wanted, held, waves, recover, measured)


def _gaps(run_folder: Path) -> Floats:
    """Return the pauses between events; of those that were not over at the end, each longer than all that were.

    How long a pause is at the least says nothing of where it stands among longer ones.
    """
    (gaps,), (still,) = samples.read(run_folder, GAP, "value"), samples.read(run_folder, GAP_OPEN, "value")
    return np.concatenate([gaps, still[still > gaps.max(initial=0.0)]]) if gaps.size else gaps


def _measured(run_folder: Path, facts: Facts) -> Measured:
    """Return what a run knows of itself, as what is judged."""
    phases = dict(samples.read_phases(run_folder, EXISTING))
    return Measured(
        connect=NONE,
        update=NONE,
        account=facts.account,
        users=facts.users,
        peak_open=peak_open(run_folder),
        failed=facts.failed_streams,
        dropped=facts.dropped,
        reasons=reasons(facts.failures + facts.drops),
        driven=facts.driven,
        planned=facts.updates.get("planned", 0),
        accepted=facts.updates.get("accepted", 0),
        refused=facts.updates.get("refused", 0),
        refusals=reasons(facts.refusals),
        shaped=facts.shape is not None,
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
    )


def _silence(run_folder: Path, facts: Facts) -> Silence | None:
    """Return the silence in which streams ended that were told things of themselves, and were there all the time."""
    if facts.driven or facts.requests or facts.herd or facts.phases:
        return None
    opened_ms, step = samples.read(run_folder, OPEN, "at_ms", "value")
    if not (step < 0).any():
        return None
    reported_ms, events = samples.read(run_folder, EVENTS, "at_ms", "value")
    return at_the_end(reported_ms, events, float(opened_ms[step < 0].max()))


def _objectives(kept: _Kept, target: Target, facts: Facts) -> list[Objective]:
    """Return every objective, judged: the scenario's own, those that the user states, what ended the run."""
    measured, seen, limits = kept.measured, kept.seen, target.limits
    own = [*answers.judge(seen, limits), *judged_anyway(measured)] if seen else judge(measured, limits)
    more = [shaped.objective(kept.held, measured, limits)] if kept.held else []
    more += herd.judge(facts.herd, kept.waves) if facts.herd else []
    more += herd.missed(facts.returned) if target.promises.resume and not facts.herd else []
    every = {samples.KINDS[kind]: values for kind, (values, _) in kept.latency.items()}
    every |= {"gap": kept.gaps, "recover": kept.recover}
    every |= {one.kind: seen.kinds[one.kind].value for one in kept.wanted if one.part} if seen else {}
    stated = (asked.judge(one, measured, every) for one in kept.wanted)
    objectives = [measured.qualified(one) for one in (*own, *more, *stated)]
    return [*objectives, measured.qualified(facts.aborted)] if facts.aborted else objectives


def _waves(run_folder: Path, of: Herd) -> list[Wave]:
    opened = samples.read(run_folder, OPEN, "at_ms", "value")
    connects = samples.read(run_folder, CONNECT, "at_ms", "value")
    return herd.waves(of, (opened[0], opened[1]), (connects[0], connects[1]))


def _held(run_folder: Path, patience_s: float, facts: Facts) -> Held:
    assert facts.shape
    opened = samples.read(run_folder, OPEN, "at_ms", "value")
    return shaped.held(facts.shape, facts.shaped_since_s, patience_s, *opened)


def _latencies(kept: _Kept, facts: Facts) -> dict[str, Any]:
    kinds = {"connect": CONNECT, "first_event": FIRST_EVENT}
    always = {name: samples.percentiles(kept.latency[kind][0]) for name, kind in kinds.items()}
    if kept.seen:
        return always | _answer_times(kept.seen)
    source = {"source": "planned" if facts.driven else "event-timestamp"}
    again = {"recover": samples.percentiles(kept.recover)} if kept.recover.size else {}
    untimed = {"untimed": kept.measured.untimed} if kept.measured.untimed else {}
    return always | _update_times(kept.latency[UPDATE][0], kept.gaps, source | untimed) | again


def _checks(facts: Facts) -> dict[str, Any]:
    reasons = dict(facts.checks.most_common())
    return {"events": facts.checked, "failed": facts.checks.total(), "reasons": reasons}


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
    counts |= {"failed": facts.failed_streams, "dropped": facts.dropped}
    counts |= {"drop_reasons": dict((facts.failures + facts.drops).most_common())}
    counts |= {"left": dict(facts.left)} if any(facts.left.values()) else {}
    if facts.ended.get("streams") and not facts.herd:
        counts |= {"ended": {**facts.ended, **asdict(facts.returned)}}
    return counts | ({"told_to_wait": dict(facts.told_to_wait)} if facts.told_to_wait.get("refusals") else {})


def _update_times(updates: Floats, gaps: Floats, source: dict[str, str]) -> dict[str, Any]:
    update = samples.percentiles(updates) | source
    return {"update": update} | ({"gap": samples.percentiles(gaps)} if gaps.size else {})


class _Kinds(dict[str, Kind]):
    """Samples by kind, read when they are asked for: nobody asks for all of them."""

    def __init__(self, run_folder: Path) -> None:
        super().__init__()
        self._folder = run_folder

    def __missing__(self, name: str) -> Kind:
        self[name] = Kind(*samples.read(self._folder, samples.KINDS.index(name), "at_ms", "stream", "value"))
        return self[name]


def _answered(run_folder: Path, target: Target, requests: Requests) -> Answered:
    columns = _Kinds(run_folder)
    return Answered(requests, columns, target.promises, turns_of(columns))


def _answer_times(seen: Answered) -> dict[str, Any]:
    shown = ("first_token", "token_gap", "time_per_token", "gap", "duration")
    return {name: samples.percentiles(seen.kinds[name].value) for name in shown if seen.kinds[name].value.size}


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
    names = ("streams", "shared", "expected", "lost", "duplicated", "reordered", "silent", "late_ms")
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


def _generator(kept: _Kept, facts: Facts) -> dict[str, Any]:
    complaint = facts.complaint or next(filter(None, kept.faults), "")
    delay = samples.percentiles(kept.delays)
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
