from collections.abc import Iterator

import pytest

from ssegauge.conformance.sse import Decoder, Event, FastDecoder, Observation, decode
from tests.sse.corpus import WHATWG, Case
from tests.sse.sentences import ELSEWHERE, SENTENCES
from tests.sse.wpt import WPT

every_case = pytest.mark.parametrize("case", [*WHATWG, *WPT], ids=lambda case: case.name)


def splits(stream: bytes) -> Iterator[list[bytes]]:
    """The stream whole, byte by byte, and in two parts at every place."""
    yield [stream]
    yield [stream[at : at + 1] for at in range(len(stream))]
    for at in range(len(stream) + 1):
        yield [stream[:at], stream[at:]]


def seen(items: list[Event | Observation]) -> list[tuple[str, str, str]]:
    return [(item.type, item.data, item.last_event_id) for item in items if isinstance(item, Event)]


@every_case
def test_gives_what_a_browser_gives(case: Case) -> None:
    decoder = Decoder()

    items = decoder.feed(case.stream) + decoder.close()

    assert list(case.events) == seen(items)
    assert (case.last_event_id, case.reconnection_time) == (decoder.last_event_id, decoder.reconnection_time)


@every_case
def test_any_split_gives_the_same_items(case: Case) -> None:
    whole = decode(case.stream)

    for chunks in splits(case.stream):
        decoder = Decoder()
        items = [item for chunk in chunks for item in decoder.feed(chunk)] + decoder.close()
        assert whole == items, chunks


@every_case
def test_fast_decoder_gives_the_same_events_at_any_split(case: Case) -> None:
    for chunks in splits(case.stream):
        decoder = FastDecoder()
        messages = [message for chunk in chunks for message in decoder.feed(chunk)]
        assert list(case.events) == messages, chunks
        assert case.last_event_id == decoder.last_event_id


@pytest.mark.parametrize("ending", [b"\r", b"\r\n"], ids=["CR", "CRLF"])
@pytest.mark.parametrize(
    "case", [case for case in [*WHATWG, *WPT] if b"\r" not in case.stream], ids=lambda case: case.name
)
def test_other_line_endings_give_the_same_events(case: Case, ending: bytes) -> None:
    stream = case.stream.replace(b"\n", ending)

    assert list(case.events) == seen(decode(stream))
    for chunks in splits(stream):
        decoder = FastDecoder()
        assert list(case.events) == [message for chunk in chunks for message in decoder.feed(chunk)], chunks


def test_an_event_comes_with_the_byte_that_ends_its_blank_line() -> None:
    for ending in (b"\n", b"\r", b"\r\n"):
        stream = b"data: x" + 2 * ending
        blank_line_ends = len(stream) - len(ending) + 1
        decoder = Decoder()
        assert decoder.feed(stream[: blank_line_ends - 1]) == []
        assert seen(decoder.feed(stream[blank_line_ends - 1 : blank_line_ends])) == [("message", "x", "")]


def test_every_sentence_is_cited_by_a_case() -> None:
    cited = {key for case in WHATWG for key in case.cites}

    assert set(SENTENCES) == cited
    assert all(case.cites for case in WHATWG)
    assert all(case.wpt for case in WPT)
    assert not set(SENTENCES.values()) & set(ELSEWHERE)


def test_case_names_are_unique() -> None:
    names = [case.name for case in [*WHATWG, *WPT]]

    assert sorted(set(names)) == sorted(names)
