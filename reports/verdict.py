"""What a run's documents say, in the words and severities that every rendering shares. Pure.

A failed rule has one of four severities, so that a build is broken by exactly what makes the exit status
1:

    fail      level must, or level should in a strict run
    known     listed in the baseline: reported, not counted
    warning   level should in a run that is not strict
    note      level advice: legal, but without effect or worth knowing

The other states are the verdicts themselves: pass, not_observed, not_applicable, harness_error.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from reports.frames import Document, RunFolder

STATES = ("fail", "harness_error", "warning", "known", "note", "not_observed", "not_applicable", "pass")
LABELS = {
    "fail": "failed",
    "harness_error": "harness error",
    "warning": "warning",
    "known": "known",
    "note": "advice",
    "not_observed": "not observed",
    "not_applicable": "not applicable",
    "pass": "passed",
    "could_not_judge": "could not judge",
}
LEVEL_SEVERITY = {"must": "fail", "should": "warning", "advice": "note"}
CONFORMANCE_WORDS = {
    "pass": "The server speaks the protocol right.",
    "fail": "The conformance check failed.",
    "could_not_judge": "Conformance could not be judged.",
}
LOAD_WORDS = {
    "pass": "It held up under load.",
    "fail": "It did not hold up under load.",
    "could_not_judge": "Whether it holds up under load could not be judged.",
}


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


def groups(conformance: Document) -> dict[str, list[Document]]:
    """Return the results by group, both in document order."""
    found: dict[str, list[Document]] = {}
    for result in conformance["results"]:
        found.setdefault(result["group"], []).append(result)
    return found


def findings(load: Document) -> Sequence[Document]:
    """Return what the rules found on the streams of a load run."""
    found: Sequence[Document] = load["conformance"]["findings"]
    return found


def overall(folder: RunFolder) -> str:
    """Return the run's verdict: pass, fail or could_not_judge. What is missing or unfinished never passes."""
    verdicts = {part["verdict"] for part in (folder.conformance, folder.load) if part}
    if "fail" in verdicts:
        return "fail"
    return "pass" if verdicts == {"pass"} and is_finished(folder) else "could_not_judge"


def is_finished(folder: RunFolder) -> bool:
    """Tell whether the run came to its end; a folder without run.json (judged offline) has no run to end."""
    return folder.run is None or (folder.run["finished"] is not None and not folder.run["interrupted"])


def headline(folder: RunFolder) -> str:
    """Return the run's verdict in a sentence or two, for people."""
    said = [_conformance_words(folder.conformance), _load_words(folder.load)]
    if not is_finished(folder):
        said.append("The run did not finish: only what was measured until then is shown.")
    return " ".join(filter(None, said)) or "Nothing was judged."


def _conformance_words(conformance: Document | None) -> str:
    if conformance is None:
        return ""
    broken = states(conformance)["fail"]
    if not broken:
        return CONFORMANCE_WORDS[conformance["verdict"]]
    return f"{broken} {'rule is' if broken == 1 else 'rules are'} broken."


def _load_words(load: Document | None) -> str:
    if load is None:
        return ""
    missed = [title(objective).lower() for objective in load["objectives"] if objective["verdict"] == "fail"]
    return f"Under load it missed: {', '.join(missed)}." if missed else LOAD_WORDS[load["verdict"]]


# ---- objectives ----

# The four figures of the specification: rule -> (title, how the limit bounds the value).
OBJECTIVES = {
    "performance/concurrent-streams": ("Concurrent streams", "≥"),
    "performance/connect-time": ("Connection time", "<"),
    "performance/update-latency": ("Update latency", "<"),
    "performance/degradation": ("Impact on an existing endpoint", "<"),
}


def title(objective: Mapping[str, Any]) -> str:
    """Return an objective's name for people."""
    rule: str = objective["rule"]
    return OBJECTIVES.get(rule, (rule, ""))[0]


def limit(objective: Mapping[str, Any]) -> str:
    """Return an objective's limit with its comparison, such as ``< 1 s``."""
    sign = OBJECTIVES.get(objective["rule"], ("", "<"))[1]
    return f"{sign} {quantity(objective['limit'], objective['unit'])}"


def interval(objective: Mapping[str, Any]) -> str:
    """Return an objective's 95 % confidence interval for people, or nothing."""
    ends = objective.get("interval") or ()
    return " to ".join(quantity(end, objective["unit"]) for end in ends)


def quantity(value: float | None, unit: str) -> str:
    """Return a value with its unit at three significant digits; a dash when there is no value."""
    if value is None or value != value:  # noqa: PLR0124 - NaN is the one value unlike itself
        return "–"
    if unit == "ratio":
        return f"{significant(100 * value)} %"
    if unit == "ms" and abs(value) >= 1000:
        return f"{significant(value / 1000)} s"
    return f"{significant(value)} {unit}".rstrip()


def significant(value: float) -> str:
    """Return a number at three significant digits or as a whole number, with thousands separated."""
    return f"{value:,.0f}" if float(value).is_integer() or abs(value) >= 100 else f"{value:.3g}"
