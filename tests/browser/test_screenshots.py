"""The page in its main states: it never overflows sideways, and these are the pictures of docs/page.md.

UPDATE_SCREENSHOTS=1 python -m pytest tests/browser/test_screenshots.py    writes them to docs/images
"""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.relay import Relay
from tests.browser.server import Server

pytestmark = pytest.mark.browser

IMAGES = Path(__file__).parents[2] / "docs" / "images"
LARGEST = 150_000
WIDE, NARROW = {"width": 1000, "height": 720}, {"width": 390, "height": 780}

RUNNING = {
    "status": "running",
    "stage": "Comparing competitors",
    "progress": 46,
    "message": "Finding the brands named next to Acme Coffee (step 5 of 10)",
    "estimatedTimeRemaining": 38,
}
RESULTS = {
    "brand": "Globex",
    "mentions": 2384,
    "sentiment": 0.62,
    "competitors": [{"name": "Initech", "share": 0.31}, {"name": "Acme Coffee", "share": 0.22}],
    "visibilityScore": 74,
    "recommendations": ["Answer the questions that your competitors are named for."],
}
GUIDANCE = (
    "Analyzing sentiment failed because a data source did not answer. "
    "Nothing was saved; start the analysis again in a minute."
)


def watch(server: Server, relay: Relay, page: Page, **brands: list[dict[str, Any]]) -> None:
    """Shows a task of each name after these updates."""
    tasks = {server.create(manual=True): updates for updates in brands.values()}
    for task_id, updates in tasks.items():
        for changes in updates:
            server.update(task_id, **changes)
    names = (name.replace("_", " ") for name in brands)
    page.goto(f"{relay.url}/#{urlencode(dict(zip(tasks, names, strict=True)))}")
    expect(page.get_by_text("Connecting", exact=True)).to_have_count(0)


def empty(server: Server, relay: Relay, page: Page) -> None:
    page.goto(relay.url)


def several(server: Server, relay: Relay, page: Page) -> None:
    done = [{"status": "running", "progress": 90}, {"status": "completed", "results": RESULTS}]
    watch(server, relay, page, Initech=[], Globex=done, Acme_Coffee=[RUNNING])


def failed(server: Server, relay: Relay, page: Page) -> None:
    watch(server, relay, page, Acme_Coffee=[RUNNING, {"status": "failed", "error": GUIDANCE}])


def lost(server: Server, relay: Relay, page: Page) -> None:
    page.clock.install()
    watch(server, relay, page, Acme_Coffee=[RUNNING])
    relay.cut()
    expect(page.get_by_text("Connecting", exact=True)).to_be_visible()
    page.clock.fast_forward(10_000)
    expect(page.get_by_text("Trying to reconnect", exact=True)).to_be_visible()


def unknown(server: Server, relay: Relay, page: Page) -> None:
    page.goto(f"{relay.url}/#6f1d2c-lost-in-a-restart=Acme+Coffee")
    expect(page.get_by_text("Not found", exact=True)).to_be_visible()


PICTURES: dict[str, tuple[Callable[..., None], dict[str, int], str]] = {
    "page-empty": (empty, WIDE, "light"),
    "page-light": (several, WIDE, "light"),
    "page-dark": (several, WIDE, "dark"),
    "page-narrow-light": (several, NARROW, "light"),
    "page-narrow-dark": (several, NARROW, "dark"),
    "page-failed": (failed, WIDE, "light"),
    "page-lost": (lost, WIDE, "dark"),
    "page-unknown": (unknown, WIDE, "light"),
}


@pytest.mark.parametrize("name", PICTURES)
def test_picture(name: str, server: Server, relay: Relay, browser: Browser, tmp_path: Path) -> None:
    show, viewport, scheme = PICTURES[name]
    folder = IMAGES if os.environ.get("UPDATE_SCREENSHOTS") else tmp_path
    context = browser.new_context(viewport=viewport, color_scheme=scheme, reduced_motion="reduce")
    page = context.new_page()

    show(server, relay, page)
    overflow = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    picture = page.screenshot(path=folder / f"{name}.png", full_page=True)
    context.close()

    assert overflow == 0
    assert len(picture) < LARGEST
