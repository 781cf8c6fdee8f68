"""What the browser tests share: servers, a relay, pages, and what npm has to install."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browser.relay import Relay
from tests.browser.server import Server
from tests.browser.waiting import PATIENCE_S, wait_until
from tests.npm import node_modules

HERE = Path(__file__).parent
expect.set_options(timeout=PATIENCE_S * 1000)


@pytest.fixture
def start_server() -> Iterator[Callable[..., Server]]:
    """Starts servers, which end with the test."""
    started: list[Server] = []

    def start(*options: str) -> Server:
        started.append(Server(*options))
        return started[-1]

    yield start
    for server in started:
        if server.process.returncode is None:
            server.stop()


@pytest.fixture(scope="session")
def shared_server() -> Iterator[Server]:
    made = Server()
    yield made
    made.stop()


@pytest.fixture
def server(shared_server: Server) -> Server:
    """A server without streams; a test that ends its server starts one with `start_server`."""
    wait_until(lambda: shared_server.open_streams == 0, "the streams of the test before are gone")
    return shared_server


@pytest.fixture
def relay(server: Server) -> Iterator[Relay]:
    """A relay to `server`."""
    made = Relay(server.url)
    yield made
    made.close()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """A browser profile of its own: cookies, locks and channels are not shared between tests."""
    made = browser.new_context(reduced_motion="reduce")
    made.set_default_timeout(PATIENCE_S * 1000)
    yield made
    made.close()


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    """A page whose scripts must not fail, nor break its Content-Security-Policy."""
    made = context.new_page()
    wrong: list[str] = []
    made.on("pageerror", lambda error: wrong.append(str(error)))
    made.on("console", lambda message: wrong.append(message.text) if "Content Security" in message.text else None)
    yield made
    assert wrong == []


@pytest.fixture(scope="session")
def modules() -> Path:
    """node_modules as package.json asks for; installed once, then kept."""
    return node_modules(HERE)
