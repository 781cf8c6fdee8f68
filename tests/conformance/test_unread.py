"""Where no event stream came, rules on events name why: no line of a target file would help."""

from dataclasses import replace
from typing import Any

import pytest

from ssegauge.conformance.catalogue import RULES
from ssegauge.conformance.document import document
from ssegauge.conformance.judge import judge
from tests.corpus.build import exchange

PLAIN = {"content-type": "text/plain"}
ON_EVENTS = ("wire/invalid-utf8", "delivery/update-late", "security/injection-lf")


def needs(*exchanges: Any, **options: Any) -> dict[str, str]:
    results = judge(exchanges, profile="event-stream", hooks=(), **options)
    return {one.rule.code: one.needs for one in results if one.verdict == "not_observed"}


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"headers": PLAIN}, "the content type was wrong, so nothing was read"),
        ({"status": 503}, "the status was not 200, so nothing was read"),
    ],
)
@pytest.mark.parametrize("quick", [True, False])
def test_the_reason_is_what_the_server_did_wrong(given: dict[str, Any], why: str, quick: bool) -> None:
    told = needs(exchange(b"data: 1\n\n", **given), quick=quick)
    assert {told[code] for code in ON_EVENTS} == {why}


def test_what_is_seen_from_outside_is_still_a_line_to_add() -> None:
    told = needs(exchange(b"data: 1\n\n", headers=PLAIN))
    assert told["cleanup/memory-grows"] == "add `pid = 4711` in [observe] to the target file"
    assert told["security/allowed-origin-shut-out"].startswith("add `origin")
    assert told["response/malformed-http2"] == "the situation did not come up"


def test_one_stream_that_was_read_is_enough_to_ask_for_more() -> None:
    told = needs(exchange(b"data: 1\n\n"), replace(exchange(b"data: 1\n\n", headers=PLAIN), name="plain"))
    assert told["delivery/update-late"] == "add [publish] to the target file"


def test_a_rule_left_out_is_no_reason() -> None:
    rules = {code: one for code, one in RULES.items() if code != "response/content-type"}
    told = needs(exchange(b"data: 1\n\n", headers=PLAIN), rules=rules)
    assert told["wire/invalid-utf8"] == "the situation did not come up"


def test_the_document_says_it_of_each_rule() -> None:
    results = judge([exchange(b"data: 1\n\n", headers=PLAIN)], profile="event-stream", hooks=())
    made = document(results, profile="event-stream")
    told = [one["needs"] for one in made["results"] if one["rule"] == "wire/invalid-utf8"]
    assert told == ["the content type was wrong, so nothing was read"]
