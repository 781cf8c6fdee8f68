"""The table from the ticket to sentences, rules and tests names what exists, and leaves nothing out."""

import re
from pathlib import Path

import pytest

from ssegauge.conformance.catalogue import RULES, TIGHTENED

ROOT = Path(__file__).parents[1]
TABLE = (ROOT / "docs" / "traceability.md").read_text(encoding="utf-8")
SPEC = (ROOT / "conformance" / "profiles" / "task_progress" / "spec.md").read_text(encoding="utf-8")
SENTENCES = set(re.findall(r"^- \*\*(S\d+\.\d+)\*\*", SPEC, re.MULTILINE))
# By code: the sentence of the ticket's profile that a rule stands on, a rule of its own or a general one.
CITED = {code: rule.source for code, rule in RULES.items() if rule.source.title.startswith("task-progress")}
CITED |= {code: tightened.source for code, tightened in TIGHTENED["task-progress"].items()}
TICKET = [
    *(f"AC{n} " for n in range(1, 16)),
    "Connection Time",
    "Update Latency",
    "Performance Impact",
    "Concurrent Usage",
    "should establish SSE connection successfully",
    "should send progress updates in real-time",
    "should handle connection failures gracefully",
    "should maintain performance standards",
    "should handle errors gracefully",
    "should clean up connections properly",
    "should work with real brand monitoring workflow",
    "should handle concurrent connections",
    "should maintain data integrity",
    "should provide accurate progress tracking",
]


@pytest.mark.parametrize("line", TICKET)
def test_every_line_of_the_ticket_has_a_row(line: str) -> None:
    (row,) = [row for row in TABLE.splitlines() if row.startswith(f"| {line}")]
    _, _, sentences, judged, tested, _ = (cell.strip() for cell in row.split("|"))
    assert all((sentences, judged, tested))


def test_every_sentence_is_traced() -> None:
    assert set(re.findall(r"S\d+\.\d+", TABLE)) == SENTENCES


def test_every_rule_in_the_table_exists() -> None:
    objectives = (ROOT / "loadtests" / "judging" / "objectives.py").read_text(encoding="utf-8")
    measured = {f"performance/event-{name}" for name in ("lost", "duplicated", "reordered")}
    measured |= set(re.findall(r'"(performance/[a-z-]+)"', objectives))
    assert set(re.findall(r"`([a-z]+/[a-z0-9-]+)`", TABLE)) <= set(RULES) | measured


def test_every_rule_of_the_profile_is_in_the_table() -> None:
    assert sorted(code for code in CITED if f"`{code}`" not in TABLE) == []


def test_every_test_in_the_table_exists() -> None:
    source = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py"))
    assert sorted(name for name in re.findall(r"`(test_\w+)`", TABLE) if f"def {name}(" not in source) == []


@pytest.mark.parametrize("code", CITED)
def test_a_rule_cites_its_sentence_as_it_stands(code: str) -> None:
    number = CITED[code].title.rpartition(" ")[2]
    assert number in SENTENCES
    text = " ".join(SPEC.replace("`", "").split())
    assert " ".join(CITED[code].quote.replace("`", "").split()) in text
