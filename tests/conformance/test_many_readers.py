"""Of many readers not every two are compared, and yet who differs from all others is found."""

from __future__ import annotations

import pytest

from ssegauge.conformance.catalogue import RULES
from ssegauge.conformance.judge import judge
from ssegauge.conformance.recording.transcript import Chunk, End, Head, Request, Transcript
from ssegauge.conformance.rules.reading.sharing import FEW, Telling, pairs
from ssegauge.conformance.seen import View

MANY = 50
LASTS_MS = 12_000.0
HEAD = Head(5.0, 200, (("content-type", "text/event-stream"),))


def reader(number: int, told: list[int], *, came_ms: float = 0.0) -> Transcript:
    """A reader of a feed with an event each 400 ms; what it is told it is told to the others in the same moment."""
    chunks = tuple(Chunk(400.0 * event + 10, b'id: %d\ndata: {"price": %d}\n\n' % (event, event * 7)) for event in told)
    end = End(LASTS_MS, "cut", "")
    asked = Request("GET", "http://127.0.0.1/")
    return Transcript(f"load-{number}", asked, head=HEAD, chunks=chunks, end=end, started_ms=came_ms)


@pytest.mark.parametrize(
    ("rule", "told"),
    [
        ("liveness/goes-deaf", list(range(8))),
        ("delivery/readers-differ", [event for event in range(29) if event not in {11, 12, 13}]),
    ],
)
@pytest.mark.parametrize("odd", [0, 17, 49])
def test_one_of_many_that_is_not_as_the_others_is_found(odd: int, rule: str, told: list[int]) -> None:
    every = list(range(29))
    some = [reader(number, told if number == odd else every, came_ms=number * 0.1) for number in range(MANY)]
    rules = {rule: RULES[rule]}
    (found,) = judge(some, profile="event-stream", rules=rules)
    (without,) = judge(some[:odd] + some[odd + 1 :], profile="event-stream", rules=rules)
    assert (found.verdict, without.verdict) == ("fail", "pass")
    assert found.where == {f"load-{odd}"} or f"another (load-{odd}) was not" in found.summary


@pytest.mark.parametrize("many", [FEW, FEW + 1, MANY, MANY + 1])
def test_each_is_compared_with_all_or_with_ten_and_no_two_twice(many: int) -> None:
    some = [Telling(View(reader(number, [], came_ms=number * 0.1)), ()) for number in range(many)]
    compared = [frozenset((id(one), id(other))) for one, other in pairs(some)]
    assert len(set(compared)) == len(compared)
    assert {sum(id(one) in two for two in compared) for one in some} == {many - 1 if many <= FEW else 10}
