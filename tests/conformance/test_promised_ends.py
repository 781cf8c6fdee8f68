"""What a promised end marker makes of the rules on the end."""

import pytest

from ssegauge.conformance.catalogue import RULES
from ssegauge.conformance.judge import Result, judge
from ssegauge.conformance.recording.transcript import Transcript
from ssegauge.conformance.target import Ends, Promises
from tests.corpus.build import exchange

BYE, ONE = b"event: bye\ndata: {}\n\n", b"data: 1\n\n"
PROMISED = Promises(ends=Ends(event="bye"))


def told(code: str, *runs: Transcript, promises: Promises = PROMISED) -> Result:
    (result,) = judge(runs, rules={code: RULES[code]}, profile="event-stream", promises=promises)
    return result


def stream(*chunks: bytes, how: str = "eof", ended_at: float | None = None, detail: str = "") -> Transcript:
    return exchange(*chunks, how=how, ended_at=ended_at, detail=detail, task_id=None, kind="plain")


def test_without_the_promised_marker_a_must_is_broken() -> None:
    result = told("end/marker-missing", stream(ONE, ONE))

    assert (result.verdict, result.level) == ("fail", "must")
    assert "an event of type 'bye'" in result.summary


@pytest.mark.parametrize("how", ["close", "never"])
def test_where_no_marker_is_promised_none_is_missing(how: str) -> None:
    assert told("end/marker-missing", stream(ONE), promises=Promises(ends=Ends(how=how))).verdict == "not_observed"


GOAWAY = {"how": "error", "detail": "ended by HTTP/2: GOAWAY with NO_ERROR"}


@pytest.mark.parametrize(("ended_at", "end"), [(9000.0, {}), (10_000.0, {}), (8200.0, GOAWAY)])
def test_any_end_breaks_the_promise_of_none(ended_at: float, end: dict[str, str]) -> None:
    cut = stream(ONE, ONE, ended_at=ended_at, **end)

    result = told("end/cut-by-timeout", cut, promises=Promises(ends=Ends(how="never")))

    assert (result.verdict, result.level) == ("fail", "must")
    assert told("end/cut-by-timeout", cut, promises=Promises(ends=Ends(how="close"))).verdict != "fail"


def test_a_stream_that_stays_open_after_the_promised_marker_is_named() -> None:
    result = told("end/open-after-marker", stream(ONE, BYE, how="cut", ended_at=5000.0))

    assert (result.verdict, result.level) == ("fail", "must")
    assert "'bye'" in result.summary


def test_what_follows_the_promised_marker_is_named() -> None:
    assert told("end/events-after-marker", stream(ONE, BYE, ONE)).verdict == "fail"
    assert told("end/events-after-marker", stream(ONE, BYE)).verdict == "pass"


def test_where_every_reader_has_a_stream_of_its_own_none_are_compared() -> None:
    result = told("delivery/readers-differ", stream(ONE), promises=Promises(shared=False))

    assert result.verdict == "not_applicable"
