"""Whatever a server sends, a rule has a verdict: our own failure must never be its way out."""

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from conformance.judge import judge
from conformance.transcript import Transcript
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
)
SITUATIONS = ("idle", "canary", "race", "after-cut", "storm", "after-storm", "slow", "beside-slow")
WORDS = st.sampled_from(
    ["connected", "progress", "error", "running", "completed", "failed", TASK, "10 %", "\ud800", ""]
)
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | WORDS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(WORDS, inner, max_size=2),
    max_leaves=4,
)


def objects(*keys: str, **known: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """JSON objects with some of the keys, of which any may hold anything."""
    return st.fixed_dictionaries({}, optional={**dict.fromkeys(keys, VALUES), **known})


STATES = objects("taskId", "stage", "progress", "message", "error", "results", "estimatedTimeRemaining", status=WORDS)
MESSAGES = objects("taskId", "timestamp", "message", type=WORDS, progress=STATES | VALUES) | VALUES
BODIES = st.lists(MESSAGES.map(lambda value: f"id: 1\ndata: {json.dumps(value)}\n\n".encode()), max_size=4)


def seen(body: list[bytes], status: int, how: str) -> list[Transcript]:
    """The same answer to everything that a probe may ask."""
    more = {"status": status, "how": how, "ended_at": 20_000.0}
    streams = [exchange(*body, kind=kind, **more) for kind in ("self-running", "manual", "failing")]
    streams += [exchange(*body, situation=one, kind="manual", **more) for one in SITUATIONS]
    streams += [exchange(*body, resume=one, last_event_id="1", reader="cut", **more) for one in ("known", "stale")]
    streams += [exchange(*body, joined=one, kind="manual", **more) for one in ("late", "after-end")]
    answers = [exchange(*body, role=role, task_id=TASK, case="foreign", **more) for role in ROLES]
    updates = [update(5.0, 10), update(1000.0, 100, "completed"), canary("lf")]
    return [*streams, *answers, *updates]


@settings(max_examples=100, deadline=None)
@given(BODIES, st.sampled_from([200, 204, 401, 404, 500]), st.sampled_from(["eof", "cut", "timeout", "error"]))
def test_no_rule_breaks_down(body: list[bytes], status: int, how: str) -> None:
    results = judge(seen(body, status, how))

    assert [(one.rule.code, one.summary) for one in results if one.verdict == "harness_error"] == []
