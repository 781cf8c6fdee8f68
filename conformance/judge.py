"""Rules and transcripts in, verdicts out. Pure: no clock, no files, no network.

``judge`` gives one ``Result`` a rule, causes before consequences: what a rule finds in a stream that a rule it rests on
has found broken is "not judged because of" that one, and no finding beside it.
"""

from __future__ import annotations

import graphlib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace

from ssegauge.conformance.catalogue import RULES, TIGHTENED
from ssegauge.conformance.recording.transcript import Transcript
from ssegauge.conformance.rules import Rule, Verdict
from ssegauge.conformance.seen import Evidence, Level, Mark, Seen
from ssegauge.conformance.target import Limits, Profile, Promises
from ssegauge.conformance.unread import reads_events, reason

MOST_EVIDENCE = 5  # a rule broken a thousand times is shown by its first few
LEVELS: tuple[Level, ...] = ("must", "should", "advice")
# What is broken in these groups spoils the stream in which it was seen, and says nothing of any other.
IN_ONE_STREAM = frozenset({"wire", "shape", "chat", "messages", "responses", "text"})
NOT_IN_A_CAPTURE = "not in this capture; `ssegauge check` on the running server may show it"
NOT_RECORDED = "not recorded; check the running server again"
# What is no table of the target file, as it is to be written there.
LINES = {
    "origin": '`origin = "https://app.example"`, above all tables,',
    "observe.pid": "`pid = 4711` in [observe]",
    "promises.vanished_s": "`vanished_s = 60.0` in [promises]",
    "update": "[publish]",
    "before": "[[before]]",
}
TASK_LINES = {**LINES, "update": "[task.create_manual] and [task.update]"}


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one rule.

    ``level`` is that of the gravest breach. ``observations`` counts what supports the rule or breaks it; ``needs`` says
    for not_observed what to add, or else why; ``because`` names, for not_judged, the broken rules from which the rest
    follows. ``where`` names the exchanges in which the rule is broken.
    """

    rule: Rule
    verdict: Verdict
    summary: str = ""
    evidence: tuple[Evidence, ...] = ()
    observations: int = 0
    needs: str = ""
    level: Level = "must"
    because: tuple[str, ...] = ()
    where: frozenset[str] = field(default_factory=frozenset)


def judge(
    transcripts: Iterable[Transcript],
    *,
    profile: Profile = "task-progress",
    limits: Limits | None = None,
    promises: Promises | None = None,
    hooks: Collection[str] | None = None,
    quick: bool = False,
    rules: Mapping[str, Rule] = RULES,
) -> list[Result]:
    """Judge what was seen by every rule; the results are in the order of the rules.

    Args:
        transcripts: what was seen.
        profile: rules of another profile are not applicable.
        limits: what the server is to hold.
        promises: what the stream's owner promises; a rule on a promise weighs more where it was given.
        hooks: the target file's hooks, to say what is missing; None where there is no server to ask again.
        quick: whether the run left out what takes long.
        rules: the rules to judge by.
    """
    seen = Seen.of(transcripts, profile, limits, promises)
    results: dict[str, Result] = {}
    graph = causes_of(rules)
    for code in graphlib.TopologicalSorter(graph).static_order():
        rule = weighed(rules[code], seen)
        results[code] = _result(rule, seen, _causes(graph[code], results)) or Result(
            rule, "not_observed", needs=_missing(rule, seen, hooks, quick), level=rule.level
        )
    return _with_reason([results[code] for code in rules], reason(seen, results), seen)


def _with_reason(results: list[Result], why: str, seen: Seen) -> list[Result]:
    """Return results in which rules that read events name why there was nothing to read, where it is known."""
    unseen = [one.rule for one in results if one.verdict == "not_observed"] if why else []
    moot = reads_events(unseen, seen)
    return [replace(one, needs=why) if one.rule.code in moot else one for one in results]


def in_order_of_cause(rules: Mapping[str, Rule]) -> list[str]:
    """Return the codes so that each comes after those that its rule rests on; raises graphlib.CycleError."""
    return list(graphlib.TopologicalSorter(causes_of(rules)).static_order())


def causes_of(rules: Mapping[str, Rule]) -> dict[str, list[str]]:
    """Return, for each rule, the codes of those on which it rests; a group stands for all rules of it."""
    place = {code: number for number, code in enumerate(rules)}
    named: dict[str, list[str]] = {code: [code] for code in rules}
    for code, rule in rules.items():
        named.setdefault(rule.group, []).append(code)
    return {
        code: sorted({one for name in rule.rests_on for one in named.get(name, ())} - {code}, key=place.__getitem__)
        for code, rule in rules.items()
    }


def weighed(rule: Rule, seen: Seen) -> Rule:
    """Return the rule as it stands for this server: by its profile, and by what was promised."""
    tightened = TIGHTENED.get(seen.profile, {}).get(rule.code)
    if tightened:
        rule = replace(rule, level=tightened.level, source=tightened.source)
    given = [level for name, level in rule.promised.items() if getattr(seen.promises, name)]
    return replace(rule, level=gravest([rule.level, *given])) if given else rule


def gravest(levels: Iterable[Level]) -> Level:
    """Return the level that weighs most."""
    return min(levels, key=LEVELS.index)


def _causes(rests_on: Iterable[str], results: Mapping[str, Result]) -> list[Result]:
    """Return the findings from which breaches follow: those that the rule rests on, or that these follow from."""
    found = (results[one] for one in rests_on)
    codes = dict.fromkeys(code for one in found for code in (one.rule.code, *one.because))
    return [one for code in codes if (one := results.get(code)) and one.verdict == "fail"]


def _result(rule: Rule, seen: Seen, causes: list[Result]) -> Result | None:
    if rule.only and rule.only != seen.profile:
        return Result(rule, "not_applicable", f"belongs to the {rule.only} profile", level=rule.level)
    try:
        marks = list(rule.check(seen))
    except (Exception, SystemExit) as error:  # noqa: BLE001 - a defect of one rule must not take the others with it
        said = f"the rule itself failed: {type(error).__name__}: {error}"
        return Result(rule, "harness_error", said, level=rule.level)
    return _verdict(rule, marks, causes)


def _verdict(rule: Rule, marks: list[Mark], causes: list[Result]) -> Result | None:
    broken = [mark for mark in marks if mark.good is False]
    bad = [mark for mark in broken if not any(_explains(cause, mark) for cause in causes)]
    judged = sum(mark.good is not None for mark in marks)
    if bad:
        return _finding(rule, bad, judged)
    if broken:
        because = [cause for cause in causes if any(_explains(cause, mark) for mark in broken)]
        codes = tuple(cause.rule.code for cause in because)
        return replace(_finding(rule, broken, judged), verdict="not_judged", because=codes)
    if judged:
        return Result(rule, "pass", observations=judged, level=rule.level)
    return _without(rule, marks) if marks else None


def _without(rule: Rule, marks: list[Mark]) -> Result:
    """Return what is to be said where nothing was judged: for want of what another rule keeps, or of any business."""
    causes = [mark for mark in marks if mark.because]
    if causes:
        codes = tuple(sorted({mark.because for mark in causes}))
        return Result(rule, "not_judged", causes[0].summary, level=rule.level, because=codes)
    return Result(rule, "not_applicable", marks[0].summary, level=rule.level)


def _finding(rule: Rule, bad: list[Mark], judged: int) -> Result:
    level = gravest(mark.level or rule.level for mark in bad)
    worst = [mark for mark in bad if (mark.level or rule.level) == level]
    evidence = tuple(mark.evidence for mark in worst[:MOST_EVIDENCE] if mark.evidence)
    more = f" (and {len(bad) - 1} more)" if len(bad) > 1 else ""
    where = frozenset(mark.evidence.transcript for mark in bad if mark.evidence)
    return Result(rule, "fail", worst[0].summary + more, evidence, judged, level=level, where=where)


def _explains(cause: Result, mark: Mark) -> bool:
    """Whether a breach follows from another: any does, but for one that spoils only the streams it was seen in."""
    if cause.rule.group not in IN_ONE_STREAM:
        return True
    return mark.evidence is not None and mark.evidence.transcript in cause.where


def _missing(rule: Rule, seen: Seen, hooks: Collection[str] | None, quick: bool) -> str:
    if quick and rule.patient:
        return "left out by --quick"
    if hooks is None:
        captured = any(view.facts.capture for view in seen.views)
        return NOT_IN_A_CAPTURE if captured else NOT_RECORDED
    lines = TASK_LINES if seen.profile == "task-progress" else LINES
    missing = [lines.get(name, f"[{name}]") for name in rule.needs if name not in hooks]
    if missing:
        return f"add {' and '.join(missing)} to the target file"
    return "the situation did not come up"
