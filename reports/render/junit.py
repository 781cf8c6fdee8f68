"""A run as JUnit XML: a suite per group of rules, a case per rule and per objective.

A case fails exactly where the exit status would be 1, and is an error where it would be 2:

    fail                        failure, with the evidence
    harness_error               error
    could_not_judge, unfinished error
    not_observed/applicable     skipped, with what is missing
    warning, known, note        passed, the finding in system-out

Rules are not timed one by one (probes are shared), so `time` is 0 everywhere.
"""

import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from reports import verdict, words
from reports.folder import Document, RunFolder
from reports.render.visible import prose

OUTCOMES = {
    "fail": "failure",
    "harness_error": "error",
    "could_not_judge": "error",
    "not_observed": "skipped",
    "not_applicable": "skipped",
}
COUNTED = {"failures": "failure", "errors": "error", "skipped": "skipped"}


@dataclass(frozen=True, slots=True)
class Case:
    """One test case: its state decides the outcome (`OUTCOMES`; any other state passed)."""

    name: str
    state: str
    message: str
    text: str = ""

    @property
    def outcome(self) -> str:
        """The element that tells the outcome; empty when the case passed."""
        return OUTCOMES.get(self.state, "")


def junit(folder: RunFolder) -> str:
    """Return the JUnit XML of a run."""
    root = ET.Element("testsuites", name="ssegauge")
    cases = [case for name, suite in _suites(folder) for case in _add_suite(root, folder, name, suite)]
    _count(root, cases)
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _suites(folder: RunFolder) -> Iterator[tuple[str, list[Case]]]:
    seen: dict[str, list[Case]] = {}
    if folder.conformance:
        strict = folder.conformance["strict"]
        groups = verdict.groups(folder.conformance).items()
        rules = {group: [_rule_case(result, strict) for result in results] for group, results in groups}
        seen["conformance"] = [case for suite in rules.values() for case in suite]
        yield from rules.items()
    if folder.load:
        found = [_finding_case(finding) for finding in verdict.findings(folder.load)]
        seen["load"] = [*map(_objective_case, folder.load["objectives"]), *found]
        yield "load", seen["load"]
    yield "run", [*_part_cases(folder, seen), _finished_case(folder)]


def _rule_case(result: Document, strict: bool) -> Case:
    missing = result.get("needs") or result["summary"]
    skipped = result["verdict"] == "not_observed"
    message = f"not observed; add: {missing}" if skipped else result["summary"]
    return Case(result["rule"], verdict.state(result, strict=strict), message, words.plain(result))


def _finding_case(finding: Document) -> Case:
    state = verdict.severity(finding, strict=False)
    return Case(f"under load: {finding['rule']}", state, finding["summary"], words.plain(finding))


def _objective_case(objective: Document) -> Case:
    return Case(objective["rule"], objective["verdict"], words.objective(objective), objective.get("note", ""))


def _part_cases(folder: RunFolder, seen: Mapping[str, list[Case]]) -> Iterator[Case]:
    """Give each part's verdict a case where no case of its own shows it already."""
    for name, cases in seen.items():
        state = (getattr(folder, name) or {})["verdict"]
        shown = any(case.outcome == OUTCOMES.get(state) for case in cases)
        yield Case(f"{name} verdict", "pass" if shown else state, f"{name}: {words.LABELS[state]}")


def _finished_case(folder: RunFolder) -> Case:
    state = "pass" if verdict.is_finished(folder) else "could_not_judge"
    return Case("run finished", state, "the run did not finish; what was measured until then was judged")


def _add_suite(root: ET.Element, folder: RunFolder, name: str, cases: list[Case]) -> list[Case]:
    suite = ET.SubElement(root, "testsuite", name=prose(name))
    _count(suite, cases)
    if folder.run:
        suite.set("timestamp", folder.run["started"].removesuffix("Z"))
    for case in cases:
        _add_case(suite, name, case)
    return cases


def _add_case(suite: ET.Element, group: str, case: Case) -> None:
    element = ET.SubElement(suite, "testcase", name=case.name, classname=f"ssegauge.{prose(group)}", time="0")
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
    for name, count in {**counts, "time": 0}.items():
        element.set(name, str(count))
