"""Results in, ``conformance.json`` out, with the verdict on the whole. Pure.

``fail`` when a MUST is broken (with ``strict`` also a SHOULD). ``could_not_judge`` when the harness itself failed, when
nothing was seen or judged, when many streams had no answer, when what was to be looked at was not looked at wholly, or
when what follows from a lesser breach would have broken a MUST. Else ``pass``: only what was looked at can pass.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from ssegauge.conformance.judge import Result
from ssegauge.conformance.recording.transcript import Transcript
from ssegauge.conformance.rules import Rule
from ssegauge.conformance.seen import Level, Seen, View
from ssegauge.conformance.sse import Comment
from ssegauge.conformance.target import Profile
from ssegauge.conformance.words import lasted

SCHEMA = "ssegauge/conformance/1"
# Each waited for as long as the least patient probe waits: 2 s, less what timers are early by.
LEAST_IN_VAIN, MOST_IN_VAIN, IN_VAIN_MS = 4, 0.25, 1950.0
VERDICTS = ("pass", "fail", "not_judged", "not_observed", "not_applicable", "harness_error")


def looked(transcripts: Iterable[Transcript]) -> dict[str, Any]:
    """Return how much was looked at: event streams, events and comments in them, and the longest look in seconds."""
    streams = Seen.of(transcripts).streams
    longest_ms = max((view.transcript.end.at_ms for view in streams if view.transcript.end), default=0.0)
    return {
        "streams": len(streams),
        "events": sum(len(view.events) for view in streams),
        "comments": sum(1 for view in streams for _ in view.of(Comment)),
        "longest_s": round(longest_ms / 1000, 1),
    }


def nothing_seen(seen: Mapping[str, Any]) -> str:
    """Return why nothing can be said, where no event and no comment came on any stream; else nothing."""
    if seen["events"] or seen["comments"]:
        return ""
    if not seen["streams"]:
        return "no event stream was seen, so nothing is known of one"
    many = f"{seen['streams']} stream{'s' * (seen['streams'] != 1)}"
    return f"no event and no comment came on {many} in up to {lasted(1000 * seen['longest_s'])}, so nothing can pass"


def unanswered_streams(transcripts: Iterable[Transcript]) -> str:
    """Return why little is known, where many streams had no answer while others had; else nothing."""
    asked = [view for view in Seen.of(transcripts).role("stream") if view.transcript.end]
    in_vain = [view.transcript.end.at_ms for view in asked if view.transcript.end and _waited_in_vain(view)]
    if len(in_vain) < max(LEAST_IN_VAIN, MOST_IN_VAIN * len(asked)) or len(in_vain) == len(asked):
        return ""
    some = f"{len(in_vain)} of {len(asked)} streams that were asked for had no answer"
    return f"{some} in up to {lasted(max(in_vain))}, so too little was seen"


def _waited_in_vain(view: View) -> bool:
    end = view.transcript.end
    return view.head is None and end is not None and end.how in {"cut", "timeout"} and end.at_ms >= IN_VAIN_MS


def overall(results: Iterable[Result], *, strict: bool = False, known: Collection[str] = ()) -> str:
    """Return the verdict on the whole: ``pass``, ``fail`` or ``could_not_judge``; known findings break nothing."""
    results = list(results)
    breaking: set[Level] = {"must", "should"} if strict else {"must"}
    if any(one.verdict == "fail" and one.level in breaking and one.rule.code not in known for one in results):
        return "fail"
    verdicts = {one.verdict for one in results}
    unsure = any(
        one.verdict == "not_judged" and one.level in breaking and set(known).isdisjoint(one.because) for one in results
    )
    if "harness_error" in verdicts or unsure or not verdicts & {"pass", "fail"}:
        return "could_not_judge"
    return "pass"


def document(
    results: Iterable[Result],
    *,
    profile: Profile,
    strict: bool = False,
    transcripts: Sequence[Transcript] = (),
    baseline: tuple[str, Collection[str]] | None = None,
    notes: Sequence[str] = (),
    interrupted: bool = False,
) -> dict[str, Any]:
    """Return ``conformance.json``.

    Args:
        results: one a rule.
        profile: the profile that was judged by.
        strict: whether a broken SHOULD counts as a failure.
        transcripts: the exchanges that were judged.
        baseline: its file's name and the codes of known findings. One whose rule now passes is stale, and a stale
            baseline fails: it would hide the finding when it comes back.
        notes: why what was to be looked at was not; then nothing passes.
        interrupted: whether the check was cut off; then nothing passes.
    """
    results, seen = list(results), looked(transcripts)
    path, known = baseline or ("", ())
    stale = sorted({*known} & {one.rule.code for one in results if one.verdict == "pass"})
    verdict = overall(results, strict=strict, known=frozenset(known))
    notes = [*notes, *filter(None, [nothing_seen(seen), unanswered_streams(transcripts)])]
    if verdict == "pass":
        verdict = "could_not_judge" if notes or interrupted else "fail" if stale else "pass"
    counts = Counter[str](one.verdict for one in results)
    return {
        "schema": SCHEMA,
        "profile": profile,
        "verdict": verdict,
        "strict": strict,
        "transcripts": len(transcripts),
        "looked": seen,
        "counts": {verdict: counts[verdict] for verdict in VERDICTS},
        **({"baseline": {"path": path, "known": sorted(known), "stale": stale}} if baseline else {}),
        **({"notes": notes} if notes else {}),
        "results": [_row(one, known) for one in results],
    }


def _row(result: Result, known: Collection[str]) -> dict[str, Any]:
    rule: Rule = result.rule
    return {
        "rule": rule.code,
        "group": rule.group,
        "level": result.level,
        "kind": rule.kind,
        "title": rule.title,
        "verdict": result.verdict,
        "summary": result.summary,
        "observations": result.observations,
        "needs": result.needs,
        **({"because": list(result.because)} if result.because else {}),
        "evidence": [asdict(one) for one in result.evidence],
        "why": rule.why,
        "mend": rule.mend,
        "source": {key: getattr(rule.source, key) for key in ("title", "url", "quote")},
        **({"known": True} if result.verdict == "fail" and rule.code in known else {}),
    }
