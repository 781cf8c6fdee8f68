"""What tests of several packages share: Chromium, and how long the oracle runs."""

import os
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

INSTALL_CHROMIUM = "install chromium (Debian: apt-get install chromium)"
CHROMIUM_FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--oracle-streams",
        type=int,
        default=400,
        help="how many event streams the decoder and Chromium are compared on (make oracle: 20000)",
    )


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep the tests of a file together, and run what uses the browser last, in one process.

    While the browser is open, Playwright's event loop runs, and no other one can.
    """
    items.sort(key=_uses_the_browser)
    for item in items:
        item.add_marker(pytest.mark.xdist_group("browser" if _uses_the_browser(item) else str(item.path)))


def _uses_the_browser(item: pytest.Item) -> bool:
    return "browser" in getattr(item, "fixturenames", ())


@pytest.fixture(scope="session")
def chromium_path() -> str:
    """Debian's Chromium; without it the test is skipped, but fails where CI promises to have it."""
    path = shutil.which("chromium", path=f"/usr/bin{os.pathsep}{os.environ.get('PATH', '')}")
    if path is None:
        missing = pytest.fail if os.environ.get("CI") else pytest.skip
        missing(INSTALL_CHROMIUM)
    return path


@pytest.fixture(scope="session")
def browser(chromium_path: str) -> Iterator[Browser]:
    """One Chromium for the session (Playwright's sync API); tests make their own contexts and pages."""
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=chromium_path, args=CHROMIUM_FLAGS)
        yield chromium
        chromium.close()
