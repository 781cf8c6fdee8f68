"""The feed's page in Chromium, whose EventSource asks for gzip: events as they come, and again after a crash."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.server import Server

pytestmark = pytest.mark.browser

IMAGES = Path(__file__).parents[2] / "docs" / "images"
WIDE, NARROW = {"width": 820, "height": 640}, {"width": 390, "height": 640}
FEED = ("--profile", "event-stream", "--pace", "0")
SAID = ("The ferry to Åland casts off", "Pilot boat № 4 leaves", "The Libertà passes the mole", "Wind 6 m/s")


@pytest.fixture
def feed(start_server: Callable[..., Server]) -> Server:
    """A feed that says what it is told, and nothing else."""
    return start_server(*FEED)


def publish(feed: Server, *said: str) -> None:
    for text in said:
        assert feed.http.post("/publish", json={"text": text}).status_code == 202


def live(page: Page, feed: Server) -> Page:
    page.goto(feed.url)
    expect(page.get_by_role("status")).to_have_text("Live")
    return page


def shown(page: Page) -> list[str]:
    return page.locator("#events .text").all_text_contents()


def test_events_show_as_they_come_the_newest_first(feed: Server, page: Page) -> None:
    live(page, feed)
    expect(page.get_by_text("The next one shows up here.")).to_be_visible()
    publish(feed, *SAID)
    expect(page.locator("#tally")).to_have_text("4 events")
    assert shown(page) == [*reversed(SAID)]


def test_text_of_others_is_never_markup(feed: Server, page: Page) -> None:
    live(page, feed)
    publish(feed, "<img src=x onerror=alert(1)>", "東京 🌤\ndata: b\n\nevent: c")
    expect(page.locator("#tally")).to_have_text("2 events")
    assert shown(page) == ["東京 🌤\ndata: b\n\nevent: c", "<img src=x onerror=alert(1)>"]
    assert page.locator("#events img").count() == 0


def test_what_one_reader_publishes_shows_to_all(feed: Server, page: Page) -> None:
    other = live(page.context.new_page(), feed)
    live(page, feed)
    page.get_by_label("Say something to all readers").fill("Fog at the mole")
    page.get_by_role("button", name="Publish").click()
    for one in (page, other):
        expect(one.locator("#events .text")).to_have_text("Fog at the mole")
    expect(page.get_by_label("Say something to all readers")).to_have_value("")


def test_what_cannot_be_published_is_said(feed: Server, page: Page) -> None:
    live(page, feed)
    page.evaluate("document.getElementById('text').removeAttribute('required')")
    page.get_by_role("button", name="Publish").click()
    expect(page.get_by_role("alert")).to_contain_text("text must be a text of 1 to 32,000 characters")


def test_the_page_comes_back_by_itself_after_a_crash(
    feed: Server, start_server: Callable[..., Server], page: Page
) -> None:
    live(page, feed)
    publish(feed, "before")
    expect(page.locator("#tally")).to_have_text("1 event")
    feed.kill()
    expect(page.get_by_role("status")).to_have_text("Connection lost. Coming back …")
    again = start_server(*FEED, "--port", str(urlsplit(feed.url).port))
    expect(page.get_by_role("status")).to_have_text("Live")
    publish(again, "after")
    expect(page.locator("#tally")).to_have_text("2 events")
    assert shown(page) == ["after", "before"]


def test_a_reader_who_was_away_is_told_what_it_missed(feed: Server, page: Page) -> None:
    """An EventSource comes back with the last id that it saw: here what it saw is known, and what happened since."""
    live(page, feed)
    publish(feed, "seen")
    expect(page.locator("#tally")).to_have_text("1 event")
    last = page.locator("#events .id").text_content()
    publish(feed, "missed")
    replayed: Any = page.evaluate(
        """async (id) => {
          const reply = await fetch("/events", { headers: { "Last-Event-ID": id } });
          const { value } = await reply.body.pipeThrough(new TextDecoderStream()).getReader().read();
          return value;
        }""",
        str(last).removeprefix("#"),
    )
    assert "retry: 2000" in replayed
    assert "seen" not in replayed


def test_a_feed_that_asks_for_a_token_says_so(start_server: Callable[..., Server], page: Page) -> None:
    page.goto(start_server(*FEED, "--token", "secret").url)
    expect(page.get_by_role("status")).to_contain_text("it may ask for a token")


@pytest.mark.parametrize(("name", "size", "scheme"), [("light", WIDE, "light"), ("narrow-dark", NARROW, "dark")])
def test_the_page_fits_and_these_are_its_pictures(
    name: str, size: Any, scheme: Any, feed: Server, browser: Browser
) -> None:
    context = browser.new_context(viewport=size, color_scheme=scheme, reduced_motion="reduce", locale="en-GB")
    page = live(context.new_page(), feed)
    publish(feed, *SAID)
    expect(page.locator("#tally")).to_have_text("4 events")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    if os.environ.get("UPDATE_SCREENSHOTS"):
        page.screenshot(path=IMAGES / f"feed-{name}.png")
    context.close()
