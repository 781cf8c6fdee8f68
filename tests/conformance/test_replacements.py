"""What a rule looks for in texts that repeat: in time that grows with them, and not with every way to split them."""

import pytest

from ssegauge.conformance.judge import judge
from tests.corpus.build import exchange

LOST, WHOLE = b"\xef\xbf\xbd", b"\xc3\xbc"


def told(texts: tuple[bytes, bytes]) -> str:
    streams = [
        exchange(b"data: %s\n\n" % text, reader=name) for name, text in zip(("uncut", "newcomer"), texts, strict=True)
    ]
    results = {one.rule.code: one for one in judge(streams, profile="event-stream")}
    return results["wire/replacement-character"].summary


@pytest.mark.timeout(20)
def test_a_text_that_repeats_is_looked_for_in_one_that_nearly_is_it() -> None:
    assert "U+FFFD in the data" in told((LOST.join([b"aaa"] * 20), b"a" * 75 + b"b" * 9 + b"a" * 75))


def test_a_text_that_repeats_is_found() -> None:
    assert "was told the character" in told((LOST.join([b"aaa"] * 20), WHOLE.join([b"aaa"] * 20)))
