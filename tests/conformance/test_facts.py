"""The contract between probes and rules, as it stands in a transcript's file."""

from typing import Any

import pytest

from ssegauge.conformance.facts import Facts, known_role


def test_only_what_was_set_is_written_and_read_back() -> None:
    facts = Facts(kind="plain", last_event_id="", opened=0)

    assert facts.as_json() == {"kind": "plain", "last_event_id": "", "opened": 0}
    assert Facts.read(facts.as_json()) == facts


@pytest.mark.parametrize(
    "row",
    [
        {"knd": "plain"},
        {"kind": "plane"},
        {"opened": True},
        {"opened": "1"},
        {"opened": 1.5},
        {"value": float("nan")},
        {"task_id": ["a"]},
        {"capture": 1},
        {"reader": {}},
    ],
)
def test_what_no_probe_sets_is_refused(row: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"no fact that this version knows"):
        Facts.read(row)


def test_a_role_that_no_probe_sets_is_refused() -> None:
    with pytest.raises(ValueError, match="no role"):
        known_role("streem")


def test_facts_are_matched_by_those_that_are_wanted() -> None:
    facts = Facts(task_id="a", reader="cut")

    assert facts.has(Facts())
    assert facts.has(Facts(reader="cut"))
    assert not facts.has(Facts(reader="twin"))
    assert not facts.has(Facts(reader="cut", resume="known"))
