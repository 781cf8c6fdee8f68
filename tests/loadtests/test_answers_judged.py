"""What requests come to: goodput, how many are answered at a time, and what cannot be judged."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import pytest

from ssegauge.conformance.target import Limits, Promises
from ssegauge.loadtests.judging import asked
from ssegauge.loadtests.judging.answers import (
    Answered,
    Requests,
    at_a_time,
    document,
    good_requests,
    in_vain,
    judge,
    of_each,
    unanswered,
)
from ssegauge.loadtests.judging.objectives import Measured
from ssegauge.loadtests.judging.turns import Kind, turns_of
from ssegauge.loadtests.measuring.answers import Tally
from ssegauge.loadtests.measuring.integrity import Account
from ssegauge.loadtests.measuring.samples import KINDS
from ssegauge.reports import words


def kind(rows: Iterable[tuple[float, float, float]]) -> Kind:
    """Return samples of (at_ms, stream, value)."""
    columns = np.array(list(rows), dtype=float).reshape(-1, 3).T
    return Kind(*columns)


def seen(kinds: dict[str, Kind], promises: Promises | None = None, **tally: int) -> Answered:
    return Answered(Requests(Tally(**tally)), {name: Kind() for name in KINDS} | kinds, promises or Promises())


def served(
    slots: int, count: int, took_ms: float = 1000.0, first_ms: float = 5.0, held: str = "connect"
) -> dict[str, Kind]:
    """Return the samples of requests that all come at once to a server that answers so many at a time."""
    heads, events, opened = [], [], []
    for number in range(count):
        turn_ms = number // slots * took_ms
        begins_ms = turn_ms + first_ms
        heads.append(
            (begins_ms if held == "connect" else first_ms, number, begins_ms if held == "connect" else first_ms)
        )
        events.append((begins_ms + 1.0, number, begins_ms + 1.0))
        opened += [(heads[-1][0], number, 1.0), (turn_ms + took_ms, number, -1.0)]
    return {"connect": kind(heads), "first_event": kind(events), "open": kind(opened)}


@pytest.mark.parametrize("held", ["connect", "first_event"])
def test_a_server_that_answers_four_at_a_time_is_named(held: str) -> None:
    kinds = served(4, 20, held=held)
    found = turns_of({name: Kind() for name in KINDS} | kinds)
    assert found
    what = "head" if held == "connect" else "first event"
    assert found.told == f"answers 4 at a time; the others waited up to 4.0 s for their {what}"
    turned = Answered(Requests(Tally(finished=20)), seen(kinds).kinds, Promises(), found)
    objectives = {one.rule: one for one in judge(turned, Limits())}
    at_once = objectives["performance/answers-at-once"]
    assert (at_once.verdict, at_once.value, at_once.limit) == ("fail", 4, 20)
    assert {one.verdict for one in judge(turned, Limits(concurrent=4))} == {"pass"}


def test_a_server_that_is_slow_for_all_is_not_said_to_have_turns() -> None:
    every = {name: Kind() for name in KINDS}
    assert turns_of(every | served(20, 20)) is None
    assert turns_of(every | served(20, 20, first_ms=900.0)) is None
    dice = np.random.default_rng(1)
    begun = np.sort(dice.uniform(0, 20_000, 200))
    waits, took = dice.exponential(800, 200), dice.uniform(500, 1500, 200)
    rows = [(b + w, n, w) for n, (b, w) in enumerate(zip(begun, waits, strict=True))]
    ends = [(b + w + t, n, -1.0) for n, (b, w, t) in enumerate(zip(begun, waits, took, strict=True))]
    assert turns_of(every | {"connect": kind(rows), "first_event": kind(rows), "open": kind(ends)}) is None


def refusing(slots: int, users: int, rounds: int) -> dict[str, Kind]:
    """Return the samples of users who ask each second; so many are answered for 0.9 s, others refused at once."""
    heads, opened, refused = [], [], []
    for number in range(users * rounds):
        at_ms = number // users * 1000.0 + number % users
        if number % users < slots:
            heads.append((at_ms + 5, number, 5))
            opened += [(at_ms + 5, number, 1.0), (at_ms + 900, number, -1.0)]
        else:
            refused.append((at_ms + 3, number, 429.0))
    return {"connect": kind(heads), "open": kind(opened), "turned_away": kind(refused)}


def test_a_server_that_answers_four_at_once_and_refuses_the_rest_is_named() -> None:
    kinds = {name: Kind() for name in KINDS} | refusing(4, 16, 5)
    found = turns_of(kinds)
    assert found
    assert found.told == "answered 4 at once and refused the rest (429)"
    assert found.document() == {"streams": 4, "refused": 429}
    turned = Answered(Requests(Tally(finished=20, failed=60)), kinds, Promises(), found)
    at_once = {one.rule: one for one in judge(turned, Limits())}["performance/answers-at-once"]
    assert (at_once.verdict, at_once.value, at_once.limit) == ("fail", 4, 16)
    assert at_a_time(found, Limits(concurrent=4), 16).verdict == "pass"


def test_a_server_that_lets_in_so_many_a_minute_is_not_said_to_answer_so_many_at_once() -> None:
    every = {name: Kind() for name in KINDS}
    opened = kind((at, number, 1.0 - 2 * (at > 50)) for number in range(4) for at in (5.0, 900.0))
    assert turns_of(every | {"open": opened, "turned_away": kind((1000.0 * n, n, 429) for n in range(1, 30))}) is None
    few = {"open": opened, "turned_away": kind([(6.0, 9, 503.0)] * 4)}
    assert turns_of(every | few) is None


def test_goodput_is_the_share_that_met_every_objective() -> None:
    """Of ten answers one has a late token, one a slow start, one both; one more was cut."""
    first = kind((100, number, 900 if number in {1, 3} else 200) for number in range(11))
    gaps = kind((at, number, 400 if number in {2, 3} and at == 9 else 20) for number in range(11) for at in range(10))
    done = kind((2000, number, 1500) for number in range(10))
    answered = seen({"first_token": first, "token_gap": gaps, "duration": done}, finished=10, cut=1)
    texts = ("first_token_p95 < 500ms", "token_gap_max < 100ms", "goodput > 95%")
    good = good_requests(answered, asked.tests(map(asked.parse, texts)))
    assert good == 7
    found = document(answered, good)
    assert found["goodput"] == pytest.approx(7 / 11)
    assert good_requests(answered, {}) == 10


def test_an_answer_without_a_token_is_not_good_where_tokens_come() -> None:
    kinds = {"first_token": kind([(300, 0, 300)]), "duration": kind((900, number, 900) for number in range(2))}
    assert good_requests(seen(kinds, pieces=7), {}) == 1
    assert good_requests(seen(kinds), {}) == 2


def test_what_an_answer_has_none_of_cannot_be_asked_of_it() -> None:
    """An answer of one token has no gap and no pace; nothing of that kind makes it a bad one."""
    kinds = {"first_token": kind([(300, 0, 300), (300, 1, 300)]), "duration": kind([(900, 0, 900), (900, 1, 900)])}
    texts = ("token_gap_p99 < 100ms", "tokens_per_second_p5 > 20", "time_per_token_p95 < 1s", "gap_max < 1s")
    tests = asked.tests(map(asked.parse, texts))
    assert good_requests(seen(kinds, pieces=2), tests) == 2
    slow = {"token_gap": kind([(600, 1, 300)]), "token_rate": kind([(600, 1, 30)])}
    assert good_requests(seen(kinds | slow, pieces=3), tests) == 1


def test_goodput_is_void_with_what_it_rests_on() -> None:
    nothing = np.array([])
    measured = Measured(nothing, nothing, Account(), 1, 1, 0, 0, goodput=0.5, blurred="late gaps", late_first="firsts")
    for text, of, why in (
        ("goodput > 90%", ["token_gap"], "late gaps"),
        ("goodput > 40%", ["token_gap"], "late gaps"),
        ("goodput > 90%", ["first_token"], "firsts"),
        ("goodput > 40%", ["first_token"], ""),
        ("goodput > 90%", ["duration"], ""),
    ):
        rests = replace(measured, goodput_of=of)
        assert rests.complaint_of(asked.judge(asked.parse(text), rests, {})) == why


def test_an_empty_answer_breaks_what_is_promised_where_tokens_come() -> None:
    half = seen({}, Promises(token="/text"), finished=10, pieces=20, events=30, empty=5)
    empty = {one.rule: one for one in judge(half, Limits())}["performance/answers-empty"]
    assert (empty.verdict, empty.value, empty.samples) == ("fail", 5, 10)
    assert "5 of 10 finished without a text at promises.token = '/text'" in empty.note
    whole = seen({}, Promises(token="/text"), finished=10, pieces=20, events=30)
    assert "performance/answers-empty" not in {one.rule for one in judge(whole, Limits())}


def test_each_requests_statistic_is_its_own() -> None:
    values = np.random.default_rng(1).permutation(np.arange(60.0))
    rows = kind((0, number % 3, value) for number, value in enumerate(values))
    for part in ("p50", "p99", "mean", "max", "min"):
        streams, found = of_each(rows, part)
        assert list(streams) == [0, 1, 2]
        for stream, one in zip(streams, found, strict=True):
            own = values[int(stream) :: 3]
            truth = (
                {"mean": own.mean(), "max": own.max(), "min": own.min()}.get(part)
                if part[0] == "m"
                else np.percentile(own, float(part[1:]))
            )
            assert one == pytest.approx(truth)


def test_nothing_is_judged_of_what_was_not_seen() -> None:
    (finished,) = judge(seen({}), Limits())
    assert finished.verdict == "could_not_judge"
    assert finished.value is None
    assert words.limit(finished.document()) == "≥ 100 %"
    nowhere = seen({}, Promises(token="/text"), finished=5, events=100, empty=5)
    found = {one.rule: one for one in judge(nowhere, Limits())}
    assert found["performance/tokens"].verdict == "could_not_judge"
    assert words.limit(found["performance/tokens"].document()).startswith("≥")
    assert "promises.token = '/text' matches nothing in 100 events" in found["performance/tokens"].note
    promised = seen({}, Promises(first_event_s=1.0, gap_s=1.0), finished=5)
    verdicts = {one.rule: one.verdict for one in judge(promised, Limits())}
    assert verdicts["performance/first-event"] == verdicts["performance/gap"] == "could_not_judge"


def test_answers_that_have_the_place_for_a_text_and_none_in_it_are_said_to_be_empty() -> None:
    promises = Promises(token="/text")
    for tally, what in (({"events": 9, "blank": 3, "markers": 3}, "is empty"), ({"events": 3, "markers": 3}, "alone")):
        empty = seen({}, promises, finished=3, empty=3, **tally)
        tokens = {one.rule: one for one in judge(empty, Limits())}["performance/tokens"]
        assert tokens.verdict == "could_not_judge"
        assert tokens.note.startswith("no answer has a text: ")
        assert what in tokens.note


def test_goodput_is_not_judged_where_no_event_has_a_place_for_tokens() -> None:
    nowhere = seen({}, Promises(token="/text"), finished=5, events=100, markers=5, empty=5)
    tokens = {one.rule: one for one in judge(nowhere, Limits())}["performance/tokens"]
    assert tokens.document()["at_least"]
    nothing = np.array([])
    measured = Measured(nothing, nothing, Account(), 5, 1, 0, 0, goodput=0.0, unmatched=nowhere.unmatched)
    for text, why in (("goodput > 90%", nowhere.unmatched), ("failed < 1", "")):
        assert measured.complaint_of(asked.judge(asked.parse(text), measured, {})) == why


def test_gaps_that_were_read_together_void_what_is_said_of_gaps() -> None:
    some = kind((at, 1, 20) for at in range(95))
    late = kind((at, 1, 40) for at in range(5))
    assert "5 of 100 gaps between tokens were read late" in seen({"token_gap": some, "token_gap_late": late}).blurred
    assert not seen({"token_gap": some}).blurred


def test_first_tokens_that_were_read_late_are_never_called_too_late() -> None:
    first, late = kind((at, at, 600) for at in range(95)), kind((at, at, 40) for at in range(5))
    found = seen({"first_token": first, "first_token_late": late})
    assert found.late_first == "5 of 95 first tokens were read late, several at once; use a quieter machine"
    assert not seen({"first_token": first}).late_first
    nothing = np.array([])
    measured = Measured(nothing, nothing, Account(), 1, 1, 0, 0, late_first=found.late_first)
    for limit, why in (("500ms", found.late_first), ("700ms", "")):
        judged = asked.of_samples(asked.parse(f"first_token_p95 < {limit}"), first.value)
        assert measured.complaint_of(judged) == why


WHY = {
    "status 401": "give credentials",
    "status 404: The model `x` does not exist": "the model's name",
    "status 429": "ask it less often",
    "content type application/json, not text/event-stream": '"stream": true',
    "connection refused": "check base_url",
}


@pytest.mark.parametrize(("reason", "remedy"), WHY.items())
def test_a_server_that_answers_no_request_is_told_in_one_line(reason: str, remedy: str) -> None:
    told = unanswered(Counter({reason: 7}))
    assert f"no request was answered by a stream: {reason} x 7; " in told
    assert remedy in told
    assert "\n" not in told


def test_nothing_is_judged_where_no_request_was_answered_or_as_another_profile_does() -> None:
    refused = Tally(asked=9, failed=9, told_to_wait_s=30.0, failures=Counter({"status 429: slow down": 9}))
    assert in_vain(refused) == (
        "no request was answered by a stream: status 429: slow down x 9; it wants to be left alone for 30 s "
        "(Retry-After); the server takes no more: ask it less often, or later"
    )
    for become in ("finished", "cut", "unfinished"):
        assert not in_vain(refused + Tally(asked=1, **{become: 1}))
    strange = "this is a Chat Completions stream: --profile chat-completions"
    assert in_vain(Tally(finished=3) + Tally(foreign=Counter({strange: 3}))) == strange
    assert not in_vain(Tally())


def test_tallies_add_up_and_survive_a_message() -> None:
    one = Tally(asked=2, failed=1, told_to_wait_s=3.0, failures=Counter({"status 429": 1}))
    other = Tally(asked=1, cut=1, told_to_wait_s=1.0, cuts=Counter({"cut off": 1}))
    whole = Tally.of(one.plain()) + Tally.of(other.plain())
    assert (whole.asked, whole.failed, whole.cut, whole.told_to_wait_s) == (3, 1, 1, 3.0)
    assert (whole.failures, whole.cuts) == (Counter({"status 429": 1}), Counter({"cut off": 1}))
