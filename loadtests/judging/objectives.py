"""Measured values -> verdicts, as pure functions of a ``Measured`` and the target's limits.

Zero evidence never passes: an objective with fewer samples than ``FEWEST`` cannot be judged, and neither can
anything that passed or failed while the generator was saturated.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

import numpy as np

from ssegauge.conformance.target import Limits
from ssegauge.loadtests.judging.impact import FEWEST_PAIRS, Ratio
from ssegauge.loadtests.judging.remedies import with_remedy
from ssegauge.loadtests.judging.silence import LEAST_S, Silence
from ssegauge.loadtests.measuring.integrity import Account
from ssegauge.loadtests.measuring.samples import Floats
from ssegauge.loadtests.measuring.witnesses import Witnessed

Verdict = Literal["pass", "fail", "could_not_judge"]
CONNECT_TIME: Final = "performance/connect-time"
DEGRADATION: Final = "performance/degradation"
UPDATE_LATENCY: Final = "performance/update-latency"
OFFERED: Final = 0.95  # the least share of the planned updates that is the load asked for
TOLD_MUCH = 5  # events
FEWEST: Final = 20  # a p99 of fewer samples is their maximum, by luck


@dataclass(frozen=True, slots=True)
class Objective:
    """One judged limit; the fields are those of the run folder's contract."""

    rule: str
    limit: float
    value: float | None
    unit: str
    statistic: str
    samples: int
    verdict: Verdict
    interval: tuple[float, float] | None = None
    note: str = ""
    at_least: bool = False  # the limit bounds the value from below
    exclusive: bool = False  # the limit itself does not meet it

    def document(self) -> dict[str, Any]:
        """Return it as JSON, without the parts it does not have."""
        optional: dict[str, Any] = {
            "interval": list(self.interval) if self.interval else None,
            "note": self.note or None,
        }
        optional |= {"at_least": self.at_least or None, "exclusive": self.exclusive or None}
        required = ("rule", "limit", "value", "unit", "statistic", "samples", "verdict")
        present = {name: value for name, value in optional.items() if value is not None}
        return {name: getattr(self, name) for name in required} | present


@dataclass(frozen=True, slots=True)
class Measured:
    """What a run measured; times in ms."""

    connect: Floats
    update: Floats
    account: Account
    users: int
    peak_open: int
    failed: int
    dropped: int
    reasons: str = ""
    driven: bool = True  # updates were triggered by us
    updates_expected: bool = True  # the scenario should have seen updates
    ratio: Ratio | None = None
    existing: bool = False  # the target names an existing endpoint, and phases were run
    pings: int = 0
    ping_failures: str = ""
    planned: int = 0  # updates that were due, and what became of them
    accepted: int = 0
    refused: int = 0
    refusals: str = ""
    shaped: bool = False  # a shape said how many streams at each moment
    held: int | None = None  # the fewest streams open in a phase that was to have them
    witnessed: Witnessed | None = None  # what streams that are not driven say of each other
    shared: bool | None = None  # whether all readers are promised the same
    goodput: float | None = None  # the share of requests that met every objective, and of which kinds those are
    goodput_of: Collection[str] = ()
    blurred: str = ""  # why gaps between tokens cannot be judged
    late_first: str = ""  # why no first token can be called too late
    late: str = ""  # why what counts from a planned moment cannot be
    unmatched: str = ""  # why there were no tokens
    checked: int = 0  # events that a schema or the user's own code is for, how many are wrong, and why
    wrong: int = 0
    wrong_why: str = ""
    judged: int = 0  # streams that the rules judged
    broken: Sequence[str] = ()  # codes of the MUST rules that they broke
    complaint: str = ""  # why the whole run is void
    connect_complaint: str = ""  # why connect times are
    update_complaint: str = ""  # why update latency is
    behind: str = ""  # why update latency may be shorter than it looks, and by how many ms at most
    behind_ms: float = math.inf
    untimed: str = ""  # why events with time stamps were not timed
    silence: Silence | None = None  # in which the run ended

    def complaint_of(self, objective: Objective) -> str:
        """Return why an objective cannot be judged, by what it rests on."""
        name = objective.rule.rpartition("/")[2]
        doubts = {
            "connect": self.connect_complaint or self.late,
            "update": self.update_complaint or self._behind_complaint(objective),
            "token-gap": self.blurred,
            # Read late it counts as later than it was: what holds nevertheless holds.
            "first-token": self.late or (self.late_first if objective.verdict == "fail" else ""),
            "goodput": self.late or self._goodput_complaint(objective.verdict) or self.unmatched,
            **dict.fromkeys(("first-event", "duration"), self.late),
        }
        return self.complaint or next((why for what, why in doubts.items() if name.startswith(what)), "")

    def qualified(self, objective: Objective) -> Objective:
        """Return an objective as one that cannot be judged where that is so, or with what its value may be off by."""
        found = voided(objective, self.complaint_of(objective))
        if not self.behind or found.note or not found.rule.rpartition("/")[2].startswith("update"):
            return found
        sure = f"at most {self.behind_ms:.0f} ms of it can be a clock's that is behind ours, as Date fields say"
        return replace(found, note=sure if found.verdict == "fail" else self.behind)

    def _behind_complaint(self, objective: Objective) -> str:
        """Return why an update latency cannot be judged: what holds although it looks longer than it is holds."""
        is_sure = objective.value is not None and objective.value - self.behind_ms >= objective.limit
        return "" if objective.verdict == "pass" or is_sure else self.behind

    def _goodput_complaint(self, verdict: Verdict) -> str:
        """Return why goodput cannot be judged: for what any of its objectives cannot be."""
        if self.blurred and "token_gap" in self.goodput_of:
            return self.blurred
        return self.late_first if verdict == "fail" and "first_token" in self.goodput_of else ""


def judge(measured: Measured, limits: Limits) -> list[Objective]:
    """Return all objectives, judged."""
    found = [
        percentile_below(CONNECT_TIME, measured.connect, limits.connect_s * 1e3),
        concurrent(measured, limits),
    ]
    if measured.updates_expected:
        found.append(update_latency(measured, limits))
    if measured.driven:
        found += [offered_load(measured), *integrity(measured.account)]
    elif measured.witnessed:
        found += witnesses(measured.witnessed, shared=measured.shared, update_s=limits.update_s)
    if measured.silence:
        found.append(fell_silent(measured.silence, measured.users))
    found += judged_anyway(measured)
    if measured.existing:
        found.append(degradation(measured, limits))
    return [measured.qualified(item) for item in found]


def judged_anyway(measured: Measured) -> list[Objective]:
    """Return what holds of every scenario's streams."""
    found = [conformance(measured)] if measured.judged else []
    return [*found, checks(measured)] if measured.checked else found


def checks(measured: Measured) -> Objective:
    """No event breaks the schema that is promised, and the user's own code found none wrong."""
    values = ("performance/event-checks", 0, measured.wrong, "events", "found wrong", measured.checked)
    return Objective(*values, _verdict(not measured.wrong), note=measured.wrong_why)


def overall(objectives: Iterable[Objective]) -> Verdict:
    """Return the run's verdict: a failure outweighs a doubt, a doubt outweighs a pass."""
    verdicts = {item.verdict for item in objectives} or {"could_not_judge"}
    order: tuple[Verdict, ...] = ("fail", "could_not_judge", "pass")
    return next(verdict for verdict in order if verdict in verdicts)


def percentile_below(rule: str, values: Floats, limit_ms: float) -> Objective:
    """The 99th percentile (linear interpolation) is below the limit."""
    if values.size < FEWEST:
        note = f"{values.size} samples, at least {FEWEST} are needed; run longer or with more users"
        value = float(np.percentile(values, 99)) if values.size else None
        return Objective(rule, limit_ms, value, "ms", "p99", values.size, "could_not_judge", note=note)
    value = float(np.percentile(values, 99))
    if value < -1.0:
        note = "the server's clock is ahead of ours: its time stamps lie in the future"
        return Objective(rule, limit_ms, value, "ms", "p99", values.size, "could_not_judge", note=note)
    return Objective(rule, limit_ms, value, "ms", "p99", values.size, _verdict(value < limit_ms))


def update_latency(measured: Measured, limits: Limits) -> Objective:
    """The 99th percentile is below the limit; where nothing can be timed, running longer would not help."""
    judged = percentile_below(UPDATE_LATENCY, measured.update, limits.update_s * 1e3)
    if measured.driven or measured.update.size:
        return judged
    stamps = f"no event could be timed ({measured.untimed})" if measured.untimed else "no event told when it was made"
    note = f"{stamps}, and no stream had two of them: there was nothing to time"
    return replace(judged, note=note)


def concurrent(measured: Measured, limits: Limits) -> Objective:
    """As many streams as asked for were open at once, and none failed or dropped.

    A server that lets streams wait for their heads, longer than a connect may take, holds no more of them at once.
    Who asks for fewer than the limit gets that judged, and is told that it is less.
    """
    limit = min(limits.concurrent, measured.users)
    values = ("performance/concurrent-streams", limit, measured.peak_open, "streams", "peak", measured.peak_open)
    if not measured.peak_open:
        note = f"no stream was opened: {with_remedy(measured.reasons or 'none was tried')}"
        return Objective(*values, "could_not_judge", note=note)
    least = limit if measured.shaped else measured.users  # the top of a shape may be a moment
    if not (measured.failed or measured.dropped) and measured.peak_open < least:
        waited_s = float(measured.connect.max()) / 1e3 if measured.connect.size else 0.0
        if waited_s > limits.connect_s:
            note = f"answers {measured.peak_open} at a time; the others waited up to {waited_s:.1f} s for their head"
            return Objective(*values, "fail", note=note)
        note = f"{measured.users} wanted, but the streams end too soon to be open at once; use streams that last longer"
        return Objective(*values, "could_not_judge", note=note)
    if measured.failed or measured.dropped:
        reasons = f" ({measured.reasons})" if measured.reasons else ""
        note = f"{measured.users} wanted; {measured.failed} failed, {measured.dropped} dropped{reasons}"
        return Objective(*values, "fail", note=note)
    fewer = f"only {measured.users} were asked for; the limit is {limits.concurrent}"
    return Objective(*values, "pass", note=fewer if limit < limits.concurrent else "")


def integrity(account: Account) -> list[Objective]:
    """Every update arrived, once, in order."""
    counts = (("lost", account.lost), ("duplicated", account.duplicated), ("reordered", account.reordered))
    return [_none_of(f"performance/event-{name}", name, count, account.sent) for name, count in counts]


def offered_load(measured: Measured) -> Objective:
    """The server took the load that was planned: what it refuses, or lets wait, it was not loaded with."""
    planned, share = measured.planned, measured.accepted / measured.planned if measured.planned else None
    values = ("performance/offered-load", OFFERED, share, "share", "accepted of the planned updates", planned)
    if share is None:
        return Objective(*values, "could_not_judge", note="no update was due; run longer, or with a higher --rate")
    refused = f"{measured.refused} of {planned} updates were refused: {measured.refusals}" if measured.refused else ""
    if share >= OFFERED:
        return Objective(*values, "pass", note=refused)
    if measured.refused > (1 - OFFERED) * planned:
        return Objective(*values, "fail", note=refused)
    note = f"{planned} updates were due and {measured.accepted} accepted; replies take too long for the rate: lower it"
    return Objective(*values, "could_not_judge", note=note)


def witnesses(seen: Witnessed, *, shared: bool | None = None, update_s: float = 2.0) -> list[Objective]:
    """No stream lacks what most others of its feed had, has it twice or in another order, or falls silent.

    Of streams that are said to be each one reader's own no other is a witness.
    """
    events = sum(seen.counts)
    counts = [("event-duplicated", "repeated", seen.duplicated, events)] if events else []
    alike = seen.expected and shared is not False
    if alike:
        counts += [
            ("event-lost", "lost", seen.lost, seen.expected),
            ("event-reordered", "reordered", seen.reordered, events),
        ]
    found = [
        Objective(f"performance/{rule}", 0, count, "events", f"{name}, by the other streams", of, _verdict(not count))
        for rule, name, count, of in counts
    ]
    if alike:
        values = ("performance/stream-silent", 0, seen.silent, "streams", "silent while others were told", seen.streams)
        found.append(Objective(*values, _verdict(not seen.silent)))
    found += [_late(seen, update_s)] if shared and seen.late_of >= FEWEST else []
    if shared is False:
        return found
    if shared and seen.shared is False:
        return [*found, _parted(seen)]
    found += [_untold(seen)] if seen.shared and not seen.expected else []
    return [*found, *([_starved(seen)] if _starves(seen) else [])]


def fell_silent(silence: Silence, users: int) -> Objective:
    """Say that all streams were silent at the end: whether there was nothing to tell only the server's owner knows."""
    told = f"no stream was told anything in the last {silence.lasted_s:.1f} s"
    note = f"{told}; before, something came each {silence.usual_s:.1f} s or sooner; measure while there is news to tell"
    values = ("performance/all-silent", LEAST_S, silence.lasted_s, "s", "silent at the end", users)
    return Objective(*values, "could_not_judge", exclusive=True, note=note)


def _late(seen: Witnessed, update_s: float) -> Objective:
    """No reader is told an event later after the first than an update may take, where all are promised the same."""
    values = ("performance/readers-apart", update_s * 1e3, seen.late_ms, "ms", "p99", seen.late_of)
    return Objective(*values, _verdict(seen.late_ms < update_s * 1e3), exclusive=True)


def _parted(seen: Witnessed) -> Objective:
    """Where all are promised the same, what one stream alone was told is lost on all others."""
    told = sum(seen.counts)
    values = ("performance/event-lost", 0, told, "events", "told to one stream alone", told)
    return Objective(*values, "fail", note="no two streams had an event in common, and all are promised the same")


def _untold(seen: Witnessed) -> Objective:
    """Say why nothing can be said of what streams lack."""
    values = ("performance/event-lost", 0, None, "events", "lost, by the other streams", 0)
    apart = f"they are told the same up to {seen.apart_ms / 1e3:.1f} s apart"
    note = f"no stream was open for long enough beside others to say what it lacks ({apart}); let streams last longer"
    return Objective(*values, "could_not_judge", note=note)


def _starves(seen: Witnessed) -> bool:
    """Whether most streams were told nothing at all beside others that were told much, and nothing else shows it."""
    starved = seen.counts.count(0)
    return not seen.expected and 2 * starved >= len(seen.counts) > 1 and max(seen.counts) >= TOLD_MUCH


def _starved(seen: Witnessed) -> Objective:
    starved, streams = seen.counts.count(0), len(seen.counts)
    values = ("performance/stream-silent", 0, starved, "streams", "told nothing while others were told", streams)
    told = f"{starved} of {streams} streams were told nothing, and one was told {max(seen.counts)} events"
    note = f"{told}; where each reader has a stream of its own, say so: shared = false in [promises]"
    return Objective(*values, "could_not_judge", note=note)


def conformance(measured: Measured) -> Objective:
    """No stream of the run breaks a MUST."""
    broken = len(measured.broken)
    values = ("performance/breaks-under-load", 0, broken, "MUST rules", "broken", measured.judged)
    return Objective(*values, _verdict(not broken), note=", ".join(measured.broken))


def degradation(measured: Measured, limits: Limits) -> Objective:
    """The existing endpoint's median grows by less than the limit, and the whole interval says so."""
    rule, limit, ratio = DEGRADATION, 1 + limits.degradation, measured.ratio
    fixed = (rule, limit, ratio.value if ratio else None, "ratio", "ratio of medians", measured.pings)
    if measured.ping_failures:
        note = f"the existing endpoint did not answer well: {measured.ping_failures}"
        return Objective(*fixed, "could_not_judge", note=note)
    if measured.held is not None and measured.held < OFFERED * measured.users:
        note = f"only {measured.held} of {measured.users} streams were open when their impact was measured"
        return Objective(*fixed, "could_not_judge", note=note)
    if ratio is None:
        note = f"fewer than {FEWEST_PAIRS} usable pairs of phases; run longer"
        return Objective(*fixed, "could_not_judge", note=note)
    interval = (ratio.low, ratio.high)
    if ratio.high < limit:
        return Objective(*fixed, "pass", interval)
    if ratio.low > limit:
        return Objective(*fixed, "fail", interval)
    note = "the interval holds the limit: run longer, or on a quieter machine"
    return Objective(*fixed, "could_not_judge", interval, note)


def voided(objective: Objective, complaint: str) -> Objective:
    """Return the objective as one that cannot be judged, where there is a complaint."""
    if not complaint:
        return objective
    return replace(objective, verdict="could_not_judge", note=complaint)


def _none_of(rule: str, name: str, count: int, samples: int) -> Objective:
    if not samples:
        note = "no update was sent while a stream was open"
        return Objective(rule, 0, count, "events", name, 0, "could_not_judge", note=note)
    return Objective(rule, 0, count, "events", name, samples, _verdict(count == 0))


def _verdict(good: bool) -> Verdict:
    return "pass" if good else "fail"
