"""Readers who are promised the same: what each was told twice is no proof of it, but is nothing of its own either."""

from ssegauge.conformance.catalogue import RULES
from ssegauge.conformance.judge import judge
from ssegauge.conformance.recording.transcript import Transcript
from ssegauge.conformance.target import Promises
from tests.corpus.readers import bare, feed, reader, twin

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
