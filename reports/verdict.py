"""What a run's documents say: states, severities and verdicts that every rendering shares. Pure.

A failed rule has one of four severities, so that a build is broken by exactly what makes the exit status
1:

    fail      level must, or level should in a strict run
    known     listed in the baseline: reported, not counted
    warning   level should in a run that is not strict
    note      level advice: legal, but without effect or worth knowing

The other states are the verdicts themselves: pass, not_judged, not_observed, not_applicable, harness_error.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from ssegauge.reports.folder import Document, RunFolder

STATES = ("fail", "harness_error", "warning", "known", "note", "not_judged", "not_observed", "not_applicable", "pass")
OUTCOMES = ("fail", "could_not_judge", "pass")
LEVEL_SEVERITY = {"must": "fail", "should": "warning", "advice": "note"}


def severity(finding: Mapping[str, Any], *, strict: bool) -> str:
    """Return how much a failure counts: fail, known, warning or note."""
    if finding.get("known"):
        return "known"
    return "fail" if strict and finding["level"] == "should" else LEVEL_SEVERITY[finding["level"]]


def state(result: Mapping[str, Any], *, strict: bool) -> str:
    """Return a result's verdict, or for a failure its severity; one of `STATES`."""
    return severity(result, strict=strict) if result["verdict"] == "fail" else str(result["verdict"])


def states(conformance: Document) -> Counter[str]:
    """Count the results of a conformance document by state."""
    return Counter(state(result, strict=conformance["strict"]) for result in conformance["results"])


def by_state(conformance: Document) -> list[tuple[str, Document]]:
    """Return (state, result) of every result, the worst first, otherwise in document order."""
    pairs = [(state(result, strict=conformance["strict"]), result) for result in conformance["results"]]
    return sorted(pairs, key=lambda pair: STATES.index(pair[0]))


def known(conformance: Document) -> Sequence[Document]:
    """Return the findings that would break the check, were they not in the baseline."""
    counts = ("must", "should") if conformance["strict"] else ("must",)
    return [one for state, one in by_state(conformance) if state == "known" and one["level"] in counts]


def groups(conformance: Document) -> dict[str, list[Document]]:
    """Return the results by group, both in document order."""
    found: dict[str, list[Document]] = {}
    for result in conformance["results"]:
        found.setdefault(result["group"], []).append(result)
    return found


def dragged(conformance: Document) -> dict[str, list[str]]:
    """Return by cause the rules that were not judged because of it, both in document order."""
    found: dict[str, list[str]] = {}
    for result in conformance["results"]:
        for cause in result.get("because", ()) if result["verdict"] == "not_judged" else ():
            found.setdefault(cause, []).append(result["rule"])
    return found


def findings(load: Document, conformance: Document | None = None) -> Sequence[Document]:
    """Return what the rules found on the streams of a load run, the worst first.

    What breaks nothing, and the conformance check of the same run has told, is not told again.
    """
    told = {one["rule"] for one in conformance["results"] if one["verdict"] == "fail"} if conformance else set()
    found = [(severity(one, strict=False), one) for one in load["conformance"]["findings"]]
    new = [pair for pair in found if pair[0] == "fail" or pair[1]["rule"] not in told]
    return [one for _, one in sorted(new, key=lambda pair: STATES.index(pair[0]))]


def objectives(load: Document) -> Sequence[Document]:
    """Return the objectives of a load run, the worst first."""
    return sorted(load["objectives"], key=rank)


def rank(objective: Mapping[str, Any] | None) -> int:
    """Return the place of an objective among others, the worst first; one that was not measured comes last."""
    return OUTCOMES.index(objective["verdict"]) if objective else len(OUTCOMES)


def overall(folder: RunFolder) -> str:
    """Return the run's verdict: pass, fail or could_not_judge. What is missing or unfinished never passes."""
    verdicts = {part["verdict"] for part in (folder.conformance, folder.load) if part}
    if "fail" in verdicts:
        return "fail"
    return "pass" if verdicts == {"pass"} and is_finished(folder) else "could_not_judge"


def is_finished(folder: RunFolder) -> bool:
    """Tell whether the run came to its end; a folder without run.json (judged offline) has no run to end."""
    return folder.run is None or (folder.run["finished"] is not None and not folder.run["interrupted"])
