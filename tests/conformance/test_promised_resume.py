"""What a promise to go on after Last-Event-ID makes of the general rules on coming back."""

import pytest

from ssegauge.conformance.catalogue import RULES
from ssegauge.conformance.judge import Result, judge
from ssegauge.conformance.target import Promises
from tests.corpus.build import Run, event
from tests.corpus.readers import feed, reader, twin
from tests.corpus.resume_any import LIVE, SERVED, odd
from tests.corpus.resume_header import FIRST_TEN, NEXT_FOUR, NO_ID, UNCUT, back, burst, newcomer, told

NEWCOMER = newcomer((10.0, NO_ID))


def judged(code: str, run: Run, *, resume: bool | None = True) -> Result:
    (result,) = judge(run, profile="event-stream", promises=Promises(resume=resume), rules={code: RULES[code]})
    return result


@pytest.mark.parametrize(
    ("chunks", "verdict"),
    [
        (burst(NEXT_FOUR), "pass"),
        (burst(["7", "8"]), "pass"),  # we left before the rest
        (burst(["8", "9"]), "fail"),
        (told(["58", "59"]), "fail"),  # nothing is kept
    ],
)
def test_a_gap_is_a_broken_promise(chunks: list[tuple[float, bytes]], verdict: str) -> None:
    result = judged("resume/gap-on-resume", (UNCUT, back(*chunks), NEWCOMER))

    assert (result.verdict, result.level) == (verdict, "must")


def test_silence_is_a_gap_as_soon_as_it_is_clear() -> None:
    code = "resume/gap-on-resume"

    assert judged(code, (UNCUT, back(how="timeout", ended_at=3000.0), NEWCOMER)).verdict == "fail"
    assert judged(code, (UNCUT, back(), NEWCOMER)).verdict == "not_observed"


def test_nothing_promised_no_gap() -> None:
    result = judged("resume/gap-on-resume", (UNCUT, back(*burst(["8", "9"])), NEWCOMER), resume=None)

    assert (result.verdict, "promises" in result.summary) == ("not_applicable", True)


@pytest.mark.parametrize(
    ("code", "ids"),
    [
        ("resume/begins-anew", FIRST_TEN),
        ("resume/duplicate-on-resume", ["6", *NEXT_FOUR]),
        ("resume/events-lost-on-resume", ["8", "9"]),
    ],
)
def test_a_promise_makes_a_must_of_what_is_a_should(code: str, ids: list[str]) -> None:
    run = (UNCUT, back(*burst(ids)), NEWCOMER)

    assert judged(code, run, resume=None).level == "should"
    assert (judged(code, run).verdict, judged(code, run).level) == ("fail", "must")


@pytest.mark.parametrize(
    ("status", "case", "given", "level"),
    [
        (422, "foreign", ("12",), "should"),  # only who came from another server brings such an id
        (500, "foreign", ("12",), "must"),
        (422, "foreign", (), "must"),  # the ids of this stream may look like it
    ],
)
def test_how_much_a_refused_id_weighs(status: int, case: str, given: tuple[str, ...], level: str) -> None:
    known = tuple(odd(*LIVE, case="beyond", value=value, resume="stale") for value in given)
    result = judged("resume/unknown-id-refused", (SERVED, *known, odd(status=status, case=case)), resume=None)

    assert (result.verdict, result.level) == ("fail", level)


@pytest.mark.parametrize(("resume", "level"), [(None, "advice"), (True, "must")])
def test_a_server_that_compares_numbers_may_wait_for_one_from_far_ahead(resume: bool | None, level: str) -> None:
    run = (SERVED, odd(case="far", value="1000016", resume="stale"))
    result = judged("resume/unknown-id-silenced", run, resume=resume)

    assert (result.verdict, result.level) == ("fail", level)


@pytest.mark.parametrize(
    ("begins", "said"),
    [(-1, "the ids (by which 6 events came once more)"), (20, "the ids alone"), (1, "the stream")],
)
def test_it_is_told_whether_what_ids_name_began_anew_too(begins: int, said: str) -> None:
    anew = [(10.0 + n, event(f"event {begins + n}", str(n + 1))) for n in range(8)]
    result = judged("resume/begins-anew", (UNCUT, back(*anew)), resume=None)

    assert f"{said} began anew" in result.summary


@pytest.mark.parametrize(
    ("shared", "resume", "apart", "verdict"),
    [(True, True, 9, "fail"), (True, True, 0, "pass"), (True, None, 9, "pass"), (None, True, 9, "pass")],
)
def test_what_all_are_told_has_one_id_for_all(
    shared: bool | None, resume: bool | None, apart: int, verdict: str
) -> None:
    def replica(ahead: int) -> list[tuple[float, bytes]]:
        return [(at, event(f"event {n}", str(n + ahead))) for n, (at, _) in enumerate(feed(last=20))]

    code, promises = "resume/ids-repeated", Promises(shared=shared, resume=resume)
    run = (reader(replica(0)), twin(replica(apart)))
    (result,) = judge(run, profile="event-stream", promises=promises, rules={code: RULES[code]})

    assert (result.verdict, result.level) == (verdict, "must")
