"""Whatever a server sends, a rule has a verdict: our own failure must never be its way out."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ssegauge.conformance.judge import judge
from ssegauge.conformance.recording.transcript import Transcript
from tests.corpus.build import TASK, exchange
from tests.corpus.delivery import update
from tests.corpus.security_injection import update as canary

ROLES = (
    "unknown-task",
    "malformed-id",
    "method",
    "query",
    "large-header",
    "no-token",
    "compressed",
    "snapshot",
    "origin",
    "http10",
)
SITUATIONS = ("idle", "canary", "race", "after-cut", "storm", "after-storm", "slow", "beside-slow", "steady")
WORDS = st.sampled_from(["\ud800", TASK, "10 %", "", "completed"])
VALUES: st.SearchStrategy[Any] = WORDS | st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | WORDS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(WORDS, inner, max_size=2),
    max_leaves=4,
)
TYPES = st.sampled_from(["connected", "progress", "error"])
STATUSES = st.sampled_from(["pending", "running", "completed", "failed"])


def objects(*keys: str, **known: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """JSON objects that have the keys, with anything in them but in the known ones."""
    return st.fixed_dictionaries({**dict.fromkeys(keys, VALUES), **known})


STATES = objects(
    "taskId", "stage", "progress", "message", "error", "results", "estimatedTimeRemaining", status=STATUSES
)
MESSAGES = objects("taskId", "timestamp", "message", type=TYPES, progress=STATES) | objects("type", "progress") | VALUES
BODIES = st.lists(MESSAGES.map(lambda value: f"id: 1\ndata: {json.dumps(value)}\n\n".encode()), max_size=6)


def seen(body: list[bytes], status: int, how: str) -> list[Transcript]:
    """The same answer to everything that a probe may ask."""
    more = {"status": status, "how": how, "ended_at": 20_000.0}
    streams = [exchange(*body, kind=kind, **more) for kind in ("self-running", "manual", "failing")]
    streams += [exchange(*body, situation=one, kind="manual", **more) for one in SITUATIONS]
    streams += [exchange(*body, resume=one, last_event_id="1", reader="cut", **more) for one in ("known", "stale")]
    streams += [exchange(*body, reader=one, **more) for one in ("uncut", "newcomer")]
    streams += [exchange(*body, joined=one, kind="manual", **more) for one in ("late", "after-end")]
    answers = [exchange(*body, role=role, task_id=TASK, case="foreign", **more) for role in ROLES]
    updates = [update(5.0, 10), update(1000.0, 100, "completed"), canary("lf")]
    return [*streams, *answers, *updates]


def breakdowns(body: list[bytes], status: int, how: str) -> list[tuple[str, str]]:
    """The rules that failed by themselves, and how."""
    run = seen(body, status, how)
    results = judge(run) + judge(run, profile="event-stream")
    return [(one.rule.code, one.summary) for one in results if one.verdict == "harness_error"]


@pytest.mark.parametrize(
    "value", ["\ud800", "", None, [], [{}], {}, {"a": []}, True, 10**400, -1.5, float("nan")], ids=repr
)
def test_no_rule_breaks_down_over_one_value_in_every_field(value: Any) -> None:
    fields = ("taskId", "timestamp", "message", "stage", "progress", "error", "results", "estimatedTimeRemaining")
    same = dict.fromkeys(fields, value)
    states = [value, *({**same, "status": status} for status in ("running", "completed", "failed", value))]
    messages = [
        {**same, "type": kind, "progress": state} for kind in ("connected", "progress", "error") for state in states
    ]
    body = [f"data: {json.dumps(message)}\n\n".encode() for message in (value, *messages)]

    assert breakdowns(body, 200, "eof") == []


@settings(max_examples=100, deadline=None)
@given(BODIES, st.sampled_from([200, 204, 401, 404, 500]), st.sampled_from(["eof", "cut", "timeout", "error"]))
def test_no_rule_breaks_down(body: list[bytes], status: int, how: str) -> None:
    assert breakdowns(body, status, how) == []
