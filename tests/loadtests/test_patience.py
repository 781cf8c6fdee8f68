"""When a run of requests is given up."""

from __future__ import annotations

from collections import Counter
from types import SimpleNamespace
from typing import Any

import pytest

from ssegauge.loadtests.measuring.answers import Tally
from ssegauge.loadtests.running.conducting.patience import Patience

STRANGE = "this is a Chat Completions stream: --profile chat-completions"


def lead(tally: Tally, opened: int) -> Any:
    reported = SimpleNamespace(
        tally=tally, total={"opened": opened}.__getitem__, counted=lambda _: Counter[str](), longest_wait_s=0.0
    )
    return SimpleNamespace(reported=reported, plan=SimpleNamespace(users=2), elapsed_s=1.0, complaint="")


@pytest.mark.parametrize(
    ("tally", "opened", "complaint"),
    [
        (Tally(foreign=Counter({STRANGE: 1})), 1, STRANGE),
        (
            Tally(failed=9, failures=Counter({"status 401": 9})),
            0,
            "no request was answered by a stream: status 401 x 9",
        ),
        (Tally(failed=9, failures=Counter({"status 429": 9})), 1, ""),
        (Tally(failed=1, failures=Counter({"status 401": 1})), 0, ""),
    ],
)
def test_requests_are_made_in_vain(tally: Tally, opened: int, complaint: str) -> None:
    leading = lead(tally, opened)
    assert Patience(leading).asks_in_vain() == bool(complaint)
    assert leading.complaint.startswith(complaint)
    assert bool(leading.complaint) == bool(complaint)
