"""Readers who are promised the same: what each was told twice is no proof of it, but is nothing of its own either."""

from collections.abc import Callable

from ssegauge.conformance.catalogue import RULES
from ssegauge.conformance.judge import judge
from ssegauge.conformance.recording.transcript import Transcript
from ssegauge.conformance.target import Promises
from tests.corpus.readers import bare, feed, history_of_some, reader, turned, twin

CODE = "delivery/readers-differ"


def verdict(*run: Transcript) -> str:
    (result,) = judge(run, profile="event-stream", promises=Promises(shared=True), rules={CODE: RULES[CODE]})
    return result.verdict


def doubled(n: int) -> bytes:
    return bare(n) * 2


def test_each_event_twice_to_everybody_is_no_difference() -> None:
    assert verdict(reader(feed(doubled)), twin(feed(doubled))) != "fail"


def test_nothing_in_common_is_one_also_where_all_is_doubled() -> None:
    assert verdict(reader(feed(doubled)), twin(feed(doubled, first=100, last=190, every=20.0))) == "fail"


def word(n: int) -> bytes:
    """An event without a number that could count it."""
    return b"data: " + chr(ord("a") + n % 26).encode() * (1 + n // 26) + b"\n\n"


def test_few_events_of_which_each_reached_one_reader_are_told_apart() -> None:
    ones, others = feed(word, last=80, every=60.0)[::6], feed(word, last=80, every=60.0)[3::6]

    assert verdict(reader(ones), twin(others)) == "fail"
    assert verdict(reader(ones), twin(ones)) != "fail"


def counted_for_each(first: int) -> Callable[[int], bytes]:
    """The same events to everybody, with ids that count what this connection was told."""
    return lambda n: b"id: %d\n" % (n - first) + bare(n)


def test_the_same_by_other_ids_is_something_in_common() -> None:
    assert verdict(reader(feed(counted_for_each(0))), twin(feed(counted_for_each(40)))) != "fail"


def test_what_was_told_between_the_events_of_a_newcomers_history_is_not_lost() -> None:
    assert verdict(*history_of_some()) != "fail"


def test_the_same_in_another_order_is_a_difference() -> None:
    assert verdict(reader(feed(word)), twin(turned(feed(word)))) == "fail"
