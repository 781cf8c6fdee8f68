"""Rules and transcripts in, verdicts out. Pure: no clock, no files, no network.

``judge`` gives one ``Result`` a rule. ``document`` makes ``conformance.json`` of them, with the verdict on the
whole: ``fail`` when a MUST is broken (with ``strict`` also a SHOULD), ``could_not_judge`` when the harness itself
failed, when no rule passed or failed, since zero evidence never passes, or when what was to be looked at was not
looked at wholly, else ``pass``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ssegauge.conformance.catalogue import RULES
from ssegauge.conformance.recording.transcript import Transcript
from ssegauge.conformance.rules import Rule, Verdict
from ssegauge.conformance.seen import Evidence, Mark, Seen
from ssegauge.conformance.target import Limits, Profile

SCHEMA = "ssegauge/conformance/1"
MOST_EVIDENCE = 5  # a rule broken a thousand times is shown by its first few
NOT_IN_A_CAPTURE = "not in this capture; `ssegauge check` on the running server may show it"
# What is no table of the target file, as it is to be written there.
LINES = {
    "origin": '`origin = "https://app.example"`, above all tables,',
    "observe.pid": "`pid = 4711` in [observe]",
}
NOT_RECORDED = "not recorded; check the running server again"


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one rule. ``observations`` counts what supports it or breaks it; ``needs`` is for not_observed."""

    rule: Rule
    verdict: Verdict
    summary: str = ""
    evidence: tuple[Evidence, ...] = ()
    observations: int = 0
    needs: str = ""


def judge(
    transcripts: Iterable[Transcript],
    *,
    profile: Profile = "task-progress",
    limits: Limits | None = None,
    hooks: Collection[str] | None = None,
    quick: bool = False,
    rules: Mapping[str, Rule] = RULES,
) -> list[Result]:
    """Judge what was seen by every rule.

    Args:
        transcripts: what was seen.
        profile: rules of the task-progress profile are not applicable to any other.
        limits: what the server promises.
        hooks: the target file's hooks, to say what is missing; None where there is no server to ask again.
        quick: whether the run left out what takes long.
        rules: the rules to judge by.
    """
    seen = Seen.of(transcripts, profile, limits)
    return [_result(one, seen, hooks, quick) for one in rules.values()]


def _result(rule: Rule, seen: Seen, hooks: Collection[str] | None, quick: bool) -> Result:
    if rule.only and rule.only != seen.profile:
        return Result(rule, "not_applicable", f"belongs to the {rule.only} profile")
    try:
        marks = list(rule.check(seen))
    except Exception as error:  # noqa: BLE001 - a defect of one rule must not take the others with it
        return Result(rule, "harness_error", f"the rule itself failed: {type(error).__name__}: {error}")
    return _verdict(rule, marks) or Result(rule, "not_observed", needs=_missing(rule, seen, hooks, quick))


def _verdict(rule: Rule, marks: list[Mark]) -> Result | None:
    bad = [mark for mark in marks if mark.good is False]
    judged = sum(mark.good is not None for mark in marks)
    if bad:
        evidence = tuple(mark.evidence for mark in bad[:MOST_EVIDENCE] if mark.evidence)
        more = f" (and {len(bad) - 1} more)" if len(bad) > 1 else ""
        return Result(rule, "fail", bad[0].summary + more, evidence, judged)
    if judged:
        return Result(rule, "pass", observations=judged)
    if marks:
        return Result(rule, "not_applicable", marks[0].summary)
    return None


def _missing(rule: Rule, seen: Seen, hooks: Collection[str] | None, quick: bool) -> str:
    if quick and rule.patient:
        return "left out by --quick"
    if hooks is None:
        captured = any(view.facts.capture for view in seen.views)
        return NOT_IN_A_CAPTURE if captured else NOT_RECORDED
    missing = [LINES.get(name, f"[{name}]") for name in rule.needs if name not in hooks]
    if missing:
        return f"add {' and '.join(missing)} to the target file"
    return "the situation did not come up"


def overall(results: Iterable[Result], *, strict: bool = False, known: Collection[str] = ()) -> str:
    """Return the verdict on the whole: ``pass``, ``fail`` or ``could_not_judge``; known findings break nothing."""
    results = list(results)
    breaking = {"must", "should"} if strict else {"must"}
    failed = (one.rule for one in results if one.verdict == "fail")
    if any(rule.level in breaking and rule.code not in known for rule in failed):
        return "fail"
    verdicts = {one.verdict for one in results}
    if "harness_error" in verdicts or not verdicts & {"pass", "fail"}:
        return "could_not_judge"
    return "pass"


def document(
    results: Iterable[Result],
    *,
    profile: Profile,
    strict: bool = False,
    transcripts: int = 0,
    baseline: tuple[str, Collection[str]] | None = None,
    notes: Sequence[str] = (),
    interrupted: bool = False,
) -> dict[str, Any]:
    """Return ``conformance.json``.

    Args:
        results: one a rule.
        profile: the profile that was judged by.
        strict: whether a broken SHOULD counts as a failure.
        transcripts: how many exchanges were judged.
        baseline: its file's name and the codes of known findings. One whose rule now passes is stale, and a stale
            baseline fails: it would hide the finding when it comes back.
        notes: why what was to be looked at was not; then nothing passes.
        interrupted: whether the check was cut off; then nothing passes.
    """
    results = list(results)
    counts = Counter[str](one.verdict for one in results)
    order = ("pass", "fail", "not_observed", "not_applicable", "harness_error")
    path, known = baseline or ("", ())
    stale = sorted(set(known) & {one.rule.code for one in results if one.verdict == "pass"})
    verdict = overall(results, strict=strict, known=known)
    if verdict == "pass":
        verdict = "could_not_judge" if notes or interrupted else "fail" if stale else "pass"
    return {
        "schema": SCHEMA,
        "profile": profile,
        "verdict": verdict,
        "strict": strict,
        "transcripts": transcripts,
        "counts": {verdict: counts[verdict] for verdict in order},
        **({"baseline": {"path": path, "known": sorted(known), "stale": stale}} if baseline else {}),
        **({"notes": list(notes)} if notes else {}),
        "results": [_row(one, known) for one in results],
    }


def _row(result: Result, known: Collection[str]) -> dict[str, Any]:
    rule = result.rule
    return {
        "rule": rule.code,
        "group": rule.group,
        "level": rule.level,
        "kind": rule.kind,
        "title": rule.title,
        "verdict": result.verdict,
        "summary": result.summary,
        "observations": result.observations,
        "needs": result.needs,
        "evidence": [asdict(one) for one in result.evidence],
        "why": rule.why,
        "mend": rule.mend,
        "source": {key: getattr(rule.source, key) for key in ("title", "url", "quote")},
        **({"known": True} if result.verdict == "fail" and rule.code in known else {}),
    }
