"""The address is to be checked where what answers is none of ours, and nowhere else."""

from __future__ import annotations

from collections import Counter

import pytest

from ssegauge.loadtests.judging.answers import unanswered
from ssegauge.loadtests.judging.remedies import with_remedy
from ssegauge.loadtests.stream.head import NO_HTTP_1, NOT_HTTP


@pytest.mark.parametrize(
    "why", ["status 404 x 5", "connection refused x 5", "content type text/html x 5", f"{NOT_HTTP} x 5"]
)
def test_the_address_may_be_wrong(why: str) -> None:
    assert with_remedy(why) == f"{why}; check base_url and stream.path"


@pytest.mark.parametrize("why", ["status 429 x 25", "status 500 x 5", "status 401 x 5", f"{NO_HTTP_1} x 5"])
def test_the_address_is_right(why: str) -> None:
    assert with_remedy(why) == why


def test_what_is_known_of_a_status_is_said_of_requests_too() -> None:
    assert "check base_url" not in unanswered(Counter({"status 500": 5}))
    assert unanswered(Counter({"connection refused": 5})).endswith("check base_url and stream.path")
