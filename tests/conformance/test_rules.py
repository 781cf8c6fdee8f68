import importlib
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest

from ssegauge.conformance.catalogue import RULES, TIGHTENED
from ssegauge.conformance.init.glimpse import Glimpse
from ssegauge.conformance.judge import Result, in_order_of_cause, judge
from ssegauge.conformance.recording.transcript import Chunk, Transcript
from ssegauge.conformance.rules import Rule
from ssegauge.conformance.rules.rule import sentences
from ssegauge.conformance.seen import View, spoken
from tests.corpus import chat
from tests.corpus.build import Case, Run, exchange
from tests.corpus.whole import HEALTHY, UNUSUAL

CORPUS = Path(__file__).parents[1] / "corpus"
every_rule = pytest.mark.parametrize("rule", RULES.values(), ids=RULES)


def cases() -> dict[str, Case]:
    """The cases of all corpus modules, by the code of their rule."""
    found: dict[str, Case] = {}
    for path in sorted(CORPUS.glob("*.py")):
        found |= getattr(importlib.import_module(f"tests.corpus.{path.stem}"), "CASES", {})
    return found


CASES = cases()


def runs(kind: str) -> list[Any]:
    """One parameter for each run of that kind: the rule's code and the run."""
    return [
        pytest.param(code, run, id=f"{code}-{number}")
        for code, case in CASES.items()
        for number, run in enumerate(getattr(case, kind), 1)
    ]


def judged(code: str, run: Run) -> Result:
    promises = CASES[code].promises if code in CASES else None
    profile = RULES[code].only or "task-progress"
    (result,) = judge(run, rules={code: RULES[code]}, profile=profile, promises=promises)
    return result


@pytest.mark.parametrize(("code", "run"), runs("good"))
def test_passes_what_is_right(code: str, run: Run) -> None:
    result = judged(code, run)

    assert (result.verdict, result.summary) == ("pass", "")
    assert result.observations > 0


@pytest.mark.parametrize(("code", "run"), runs("bad"))
def test_fails_what_is_wrong_and_shows_where(code: str, run: Run) -> None:
    result = judged(code, run)

    assert result.verdict == "fail"
    assert result.summary
    assert result.evidence
    assert {one.transcript for one in result.evidence} <= {one.name for one in run}


@pytest.mark.parametrize(("code", "run"), runs("silent"))
def test_says_nothing_where_nothing_can_be_said(code: str, run: Run) -> None:
    result = judged(code, run)

    assert result.verdict in {"not_observed", "not_applicable", "not_judged"}, result.summary


@every_rule
def test_no_evidence_is_no_pass(rule: Rule) -> None:
    assert judged(rule.code, ()).verdict == "not_observed"


@every_rule
def test_a_rule_has_runs_that_pass_and_runs_that_fail(rule: Rule) -> None:
    assert rule.code in CASES
    assert CASES[rule.code].good
    assert CASES[rule.code].bad


def test_every_case_is_of_a_rule() -> None:
    assert set(CASES) <= set(RULES)


@every_rule
def test_a_rule_says_what_why_how_and_by_which_clause(rule: Rule) -> None:
    assert re.fullmatch(r"[A-Z`].*[^.]\.", rule.title)
    assert len(rule.title) < 120
    for text in (rule.why, rule.mend):
        assert re.fullmatch(r"\S.*[^.]\.", text)
    assert rule.example
    assert rule.source.quote
    assert rule.source.title


@every_rule
def test_a_code_is_a_group_and_a_defect(rule: Rule) -> None:
    assert re.fullmatch(r"[a-z]+/[a-z0-9]+(-[a-z0-9]+)*", rule.code)


@every_rule
def test_a_profile_clause_is_a_sentence_of_the_profile(rule: Rule) -> None:
    if rule.kind == "profile":
        name, number = rule.source.title.split()
        assert rule.source.quote in sentences(name)[number]
        assert name == (rule.only or "event-stream")


@pytest.mark.parametrize("name", ["event-stream", "chat-completions", "responses", "messages"])
def test_every_sentence_has_a_rule(name: str) -> None:
    tightened = TIGHTENED[name].values()
    cited = {rule.source.title for rule in RULES.values()} | {one.source.title for one in tightened}
    assert sorted(number for number in sentences(name) if f"{name} {number}" not in cited) == []


def test_what_a_profile_makes_of_a_general_rule_is_of_one_that_exists() -> None:
    for profile, levels in TIGHTENED.items():
        assert set(levels) <= {code for code, rule in RULES.items() if rule.only is None}
        assert {one.source.title.split()[0] for one in levels.values()} <= {profile}


def test_a_rule_rests_on_what_exists_and_never_on_itself() -> None:
    groups = {rule.group for rule in RULES.values()}
    assert {one for rule in RULES.values() for one in rule.rests_on} <= groups | set(RULES)
    assert set(in_order_of_cause(RULES)) == set(RULES)


def test_the_rules_of_a_group_stand_together() -> None:
    groups = [group for group, _ in groupby(rule.group for rule in RULES.values())]

    assert len(set(groups)) == len(groups)


def test_a_healthy_server_raises_nothing_and_lets_rules_pass() -> None:
    verdicts = {one.rule.code: (one.verdict, one.summary) for one in judge(HEALTHY)}

    assert failures(verdicts) == {}
    seen_whole = {"response", "wire", "shape", "lifecycle", "resume"}
    unseen = {code for code, (verdict, _) in verdicts.items() if verdict != "pass"} & OF_TASKS
    assert {code for code in unseen if code.partition("/")[0] in seen_whole} == set()


def test_a_server_that_is_unusual_but_within_its_rights_raises_nothing() -> None:
    assert failures({one.rule.code: (one.verdict, one.summary) for one in judge(UNUSUAL)}) == {}


@pytest.mark.parametrize("run", [HEALTHY, UNUSUAL], ids=["healthy", "unusual"])
def test_a_healthy_server_of_tasks_is_one_of_event_streams_too(run: Run) -> None:
    results = judge(run, profile="event-stream")

    assert [(one.rule.code, one.summary) for one in results if one.verdict == "fail"] == []


OF_TASKS = {code for code, rule in RULES.items() if rule.only == "task-progress"}


def failures(verdicts: dict[str, tuple[str, str]]) -> dict[str, tuple[str, str]]:
    of_others = {code for code, rule in RULES.items() if rule.only not in {None, "task-progress"}}
    return {
        code: one for code, one in verdicts.items() if one[0] not in {"pass", "not_observed"} and code not in of_others
    }


HOSTILE = (None, True, -1, 1e400, 10**400, "", "x\x00\u2028", [], {}, [[{}]], {"status": []}, {"progress": {}})


@pytest.mark.parametrize("value", HOSTILE, ids=lambda value: repr(value)[:20])
def test_no_rule_breaks_on_values_of_any_type(value: Any) -> None:
    run = tuple(replace(one, chunks=tuple(spoiled(one, value))) for one in HEALTHY)

    results = judge(run) + judge(run, profile="event-stream")
    assert [(one.rule.code, one.summary) for one in results if one.verdict == "harness_error"] == []


# Members by which general rules know an event, or a protocol.
KNOWN = (
    "channel",
    "choices",
    "code",
    "delta",
    "error",
    "errors",
    "event",
    "id",
    "kind",
    "object",
    "op",
    "status",
    "type",
)


@pytest.mark.parametrize("value", HOSTILE, ids=lambda value: repr(value)[:20])
def test_no_rule_breaks_on_a_stream_of_objects_of_any_type(value: Any) -> None:
    bodies = [[{name: value}, {name: {name: value}}, {name: [value], "type": value}] for name in KNOWN]
    run = [
        exchange(*map(chat.data, body), task_id=None, kind="plain", how=how, situation=situation, nth=1)
        for body in bodies
        for how, situation in (("eof", None), ("cut", "crowd"))
    ]

    results = judge(run, profile="event-stream") + judge(run, profile="messages")
    assert [(one.rule.code, one.summary) for one in results if one.verdict == "harness_error"] == []
    for one in run:
        spoken(View(one).messages)
        Glimpse.of(View(one))


@pytest.mark.parametrize("value", HOSTILE, ids=lambda value: repr(value)[:20])
def test_no_rule_of_chat_completions_breaks_on_values_of_any_type(value: Any) -> None:
    choices = [value, {"index": value, "delta": value, "finish_reason": value}, *deltas(value)]
    whole = [{**chat.SAME, name: value} for name in (*chat.SAME, "choices", "usage", "error")]
    counts = [{**chat.SAME, "choices": [], "usage": {name: value}} for name in chat.USAGE]
    made = [{**chat.SAME, "choices": [choice]} for choice in choices] + whole + counts + [{"error": {"message": value}}]
    run = (
        *chat.answer(*map(chat.data, made), body={"n": value, "stream_options": value}),
        *chat.refusal(400, str(value)),
    )

    results = judge(run, profile="chat-completions")
    assert [(one.rule.code, one.summary) for one in results if one.verdict == "harness_error"] == []


def deltas(value: Any) -> Iterator[dict[str, Any]]:
    """Choices with the value somewhere in their delta."""
    for name in ("role", "content", "refusal", "tool_calls"):
        yield {"index": 0, "delta": {name: value}}
    for fragment in (
        value,
        {"index": value, "id": value, "function": value},
        {"function": {"name": value, "arguments": value}},
    ):
        yield {"index": 0, "delta": {"tool_calls": [fragment]}, "finish_reason": "tool_calls"}


def spoiled(one: Transcript, value: Any) -> Iterator[Chunk]:
    """The chunks, each member of each message replaced by the value in an event of its own; replies are the value."""
    if one.role != "stream":
        yield Chunk(1.0, json.dumps(value).encode())
        return
    for chunk in one.chunks:
        yield chunk
        for line in chunk.data.splitlines():
            if line.startswith(b"data: {"):
                for changed in replacements(json.loads(line[6:]), value):
                    yield replace(chunk, data=b"id: 1\ndata: " + json.dumps(changed).encode() + b"\n\n")


def replacements(whole: dict[str, Any], value: Any) -> Iterator[Any]:
    yield value
    for name, member in whole.items():
        yield {**whole, name: value}
        if isinstance(member, dict):
            yield from ({**whole, name: {**member, inner: value}} for inner in member)
