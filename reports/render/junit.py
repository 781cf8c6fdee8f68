"""A run as JUnit XML: a suite per group of rules, a case per rule and per objective.

The cases of a suite come the worst first. A case fails exactly where the exit status would be 1, and is an error where
it would be 2:

    fail                        failure, with the evidence
    harness_error               error
    could_not_judge             error
    not_observed                skipped, with why
    not_applicable              left out
    not_judged                  skipped, with the finding that it hangs on
    warning, known, note        passed, the finding in system-out

The last suite, "run", shows the verdict on the whole where no case does, as when a run was killed.
`time` of the whole, of "run" and of "load" is what these took; of a finding it is how long after its request it was
seen, at the latest. What else there is of rules is not timed one by one, as all read the same exchanges: 0.
"""

import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ssegauge.reports import verdict, words
from ssegauge.reports.folder import Document, RunFolder
from ssegauge.reports.headline import headline
from ssegauge.reports.render.visible import prose

OUTCOMES = {
    "fail": "failure",
    "harness_error": "error",
    "could_not_judge": "error",
    "not_judged": "skipped",
    "not_observed": "skipped",
}
COUNTED = {"failures": "failure", "errors": "error", "skipped": "skipped"}


@dataclass(frozen=True, slots=True)
class Case:
    """One test case: its state decides the outcome (`OUTCOMES`; any other state passed)."""

    name: str
    state: str
    message: str
    text: str = ""
    seconds: float = 0.0

    @property
    def outcome(self) -> str:
        """The element that tells the outcome; empty when the case passed."""
        return OUTCOMES.get(self.state, "")


def junit(folder: RunFolder) -> str:
    """Return the JUnit XML of a run."""
    root = ET.Element("testsuites", name="ssegauge")
    cases = [case for name, suite in _suites(folder) for case in _add_suite(root, folder, name, suite)]
    ET.SubElement(root[-1], "system-out").text = headline(folder)  # why it ended so, also where other cases tell parts
    _count(root, cases)
    _time(root, folder)
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _time(root: ET.Element, folder: RunFolder) -> None:
    """Say how long the run took, and its load."""
    run = folder.run
    whole = words.seconds_between(run["started"], run["finished"]) if run and run["finished"] else None
    if whole is not None:
        for element in (root, root[-1], root[-1][0]):
            element.set("time", f"{max(0.0, whole):.3f}")
    for suite in root.iterfind("testsuite[@name='load']"):
        suite.set("time", f"{folder.load['duration_s'] if folder.load else 0.0:.3f}")


def _suites(folder: RunFolder) -> Iterator[tuple[str, list[Case]]]:
    suites = {**_conformance_suites(folder.conformance), **_load_suites(folder.load)}
    yield from suites.items()
    state = verdict.overall(folder)
    shown = any(case.outcome == OUTCOMES.get(state) for cases in suites.values() for case in cases)
    yield "run", [Case("run verdict", "pass" if shown else state, headline(folder))]


def _conformance_suites(conformance: Document | None) -> dict[str, list[Case]]:
    if conformance is None:
        return {}
    found: dict[str, list[Case]] = {group: [] for group in verdict.groups(conformance)}
    for state, result in verdict.by_state(conformance):
        if state != "not_applicable":
            found[result["group"]].append(_rule_case(result, state))
    return {group: cases for group, cases in found.items() if cases}


def _load_suites(load: Document | None) -> dict[str, list[Case]]:
    if load is None:
        return {}
    found = [_finding_case(finding) for finding in verdict.findings(load)]
    judged = [_objective_case(one, load) for one in verdict.objectives(load)]
    unmeasured = [Case(rule, "not_observed", f"not measured: {why}") for rule, why in words.unmeasured(load).items()]
    return {"load": [*judged, *unmeasured, *found]}


def _rule_case(result: Document, state: str) -> Case:
    return Case(result["rule"], state, _message(result), words.plain(result), _seen_after(result))


def _message(result: Document) -> str:
    if result["verdict"] == "not_judged":
        return words.because(result)
    return f"not observed: {result['needs']}" if result["verdict"] == "not_observed" else words.says(result)


def _finding_case(finding: Document) -> Case:
    state = verdict.severity(finding, strict=False)
    name = f"under load: {finding['rule']}"
    return Case(name, state, words.says(finding), words.plain(finding), _seen_after(finding))


def _seen_after(finding: Document) -> float:
    """Return how long after its request a finding was seen, at the latest, in seconds; 0 where it shows no time."""
    return max((seen.get("at_ms") or 0.0 for seen in finding.get("evidence", ())), default=0.0) / 1000


def _objective_case(objective: Document, load: Document) -> Case:
    return Case(objective["rule"], objective["verdict"], words.objective(objective, load), objective.get("note", ""))


def _add_suite(root: ET.Element, folder: RunFolder, name: str, cases: list[Case]) -> list[Case]:
    suite = ET.SubElement(root, "testsuite", name=prose(name))
    _count(suite, cases)
    if folder.run:
        suite.set("timestamp", prose(folder.run["started"], longest=40).removesuffix("Z"))
    for case in cases:
        _add_case(suite, name, case)
    return cases


def _add_case(suite: ET.Element, group: str, case: Case) -> None:
    element = ET.SubElement(suite, "testcase", name=case.name, classname=f"ssegauge.{prose(group)}")
    element.set("time", f"{case.seconds:.3f}")
    message = prose(case.message, longest=300)
    if case.outcome == "skipped":
        ET.SubElement(element, "skipped", message=message)
    elif case.outcome:
        told = ET.SubElement(element, case.outcome, message=message, type=case.state)
        told.text = case.text or message
    elif case.state != "pass":
        ET.SubElement(element, "system-out").text = f"{words.LABELS[case.state]}: {case.text or message}"


def _count(element: ET.Element, cases: list[Case]) -> None:
    counts: dict[str, Any] = {"tests": len(cases)}
    counts |= {name: sum(case.outcome == outcome for case in cases) for name, outcome in COUNTED.items()}
    for name, count in {**counts, "time": f"{sum(case.seconds for case in cases):.3f}"}.items():
        element.set(name, str(count))
