"""The decoder against Chromium's EventSource: the same streams must give the same events."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from ssegauge.conformance.sse import Event, decode
from tests.browser.oracle_server import Oracle, possible_types, serve
from tests.sse.corpus import BOM, WHATWG, Case
from tests.sse.streams import sample
from tests.sse.wpt import WPT

pytestmark = pytest.mark.browser

BATCH = 500
SEED = 205


@pytest.fixture(scope="module")
def oracle(browser: Browser) -> Iterator[Oracle]:
    streams: list[bytes] = []
    with serve(streams) as address:
        page = browser.new_page()
        page.goto(address)
        yield Oracle(page, streams)
        page.close()


def our_reading(stream: bytes) -> list[tuple[str, str, str]]:
    items = decode(stream)
    return [(item.type, item.data, item.last_event_id) for item in items if isinstance(item, Event)]


def accepted_readings(stream: bytes) -> list[list[tuple[str, str, str]]]:
    """The standard's reading; and Chromium's where it is known to deviate.

    At the byte behind a BOM its parser does not look for an end of line (event_source_parser.cc, AddBytes: the
    `continue` where the BOM was found), so a CR or LF there is the first character of the first line.
    """
    if stream[:3] == BOM and stream[3:4] in (b"\r", b"\n"):
        return [our_reading(stream), our_reading(BOM + b"?" + stream[4:])]
    return [our_reading(stream)]


def test_chromium_agrees_with_the_corpus(oracle: Oracle) -> None:
    cases: list[Case] = [*WHATWG, *WPT]

    readings = oracle.read([case.stream for case in cases])

    for case, reading in zip(cases, readings, strict=True):
        assert reading in [list(case.events), *accepted_readings(case.stream)[1:]], case.name


def test_the_page_reports_what_the_decoder_would_not_dispatch(oracle: Oracle) -> None:
    """The comparison can fail: the page listens to types that only another reading of the bytes would find."""
    stream = b"event: odd\ndata: 1\n\nevent:  error\ndata: 2\n\nevent: open\ndata: 3\nid: 4\n\n"

    assert {"odd", " error", "open"} <= possible_types(stream)
    assert oracle.read([stream]) == [[("odd", "1", ""), (" error", "2", ""), ("open", "3", "4")]]


def test_chromium_agrees_on_random_streams(
    oracle: Oracle, browser: Browser, request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]
) -> None:
    streams = sample(request.config.getoption("oracle_streams"), seed=SEED)
    readings = [reading for batch in batches(streams) for reading in oracle.read(batch)]
    compared = list(zip(streams, readings, strict=True))
    mismatches = [(stream, got) for stream, got in compared if got not in accepted_readings(stream)]
    known = sum(our_reading(stream) != got for stream, got in compared) - len(mismatches)

    with capsys.disabled():
        print(
            f"\nStreams compared with Chromium {browser.version}: {len(compared)}, events: "
            f"{sum(map(len, readings))}, mismatches: {len(mismatches)} (and {known} that start with a BOM and an "
            "end of line, which Chromium is known to misread)"
        )
    assert len(compared) == request.config.getoption("oracle_streams")
    assert not mismatches, f"decoder: {our_reading(mismatches[0][0])}, stream and Chromium: {mismatches[0]}"


def batches(streams: list[bytes]) -> Iterator[list[bytes]]:
    for start in range(0, len(streams), BATCH):
        yield streams[start : start + BATCH]
