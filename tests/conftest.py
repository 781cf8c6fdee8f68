"""What tests of several packages share: Chromium, and how long the oracle runs."""

import os
import shutil
import socket
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, sync_playwright

from ssegauge.conformance.recording.reader import drop_all

INSTALL_CHROMIUM = "install Chromium (Debian: apt-get install chromium-headless-shell)"
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


# Proofs that take minutes: each has a make target, which asks for its marker.
LONG = frozenset({"chaos", "examples", "gateways", "hostile", "matrix", "tables"})
# What waits longest comes first, so that the processes end together: beside the matrix, which works hard, what bears
# that; what measures comes later. (xdist keeps this order where it is told to, by --no-loadscope-reorder.)
FIRST = ("test_matrix.py", "test_recipes.py", "browser", "test_page.py", "cli", "loadtests")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what is long unless it is asked for with `-m`."""
    unasked = {name for name in LONG if name not in (config.getoption("-m") or "")}
    left_out = [item for item in items if any(mark.name in unasked for mark in item.iter_markers())]
    config.hook.pytest_deselected(items=left_out)
    out = {*map(id, left_out)}
    items[:] = sorted((item for item in items if id(item) not in out), key=_turn)


def asked_for(request: pytest.FixtureRequest, parameter: str) -> list[Any]:
    """Return the values of a parameter that are tested in the fixture's file in this run, each once."""
    specs = [getattr(item, "callspec", None) for item in request.session.items if item.path == request.path]
    return list(dict.fromkeys(spec.params[parameter] for spec in specs if spec and parameter in spec.params))


def _turn(item: pytest.Item) -> int:
    return next((turn for turn, name in enumerate(FIRST) if name in item.path.parts), len(FIRST))


def _where(command: str) -> str | None:
    return shutil.which(command, path=f"/usr/bin{os.pathsep}{os.environ.get('PATH', '')}")


@pytest.fixture(scope="session")
def chromium_path() -> str:
    """Debian's Chromium; without it the test is skipped, but fails where CI promises to have it.

    The same engine without a browser's windows takes a third of the CPU.
    """
    path = next(filter(None, map(_where, ("chromium-headless-shell", "chromium"))), None)
    if path is None:
        missing = pytest.fail if os.environ.get("CI") else pytest.skip
        missing(INSTALL_CHROMIUM)
    return path


@pytest.fixture(scope="module")
def browser(chromium_path: str) -> Iterator[Browser]:
    """One Chromium for a file (Playwright's sync API); tests make their own contexts and pages.

    It is closed behind the file: while it is open, Playwright's event loop runs, and no other one can.
    """
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=chromium_path, args=CHROMIUM_FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture
def may_vanish() -> None:
    """Whether this user may set a filter on a socket: some kernels let root alone, and CI is root."""
    try:
        with socket.socket() as one:
            drop_all(one)
    except PermissionError:
        missing = pytest.fail if os.environ.get("CI") else pytest.skip
        missing("this kernel lets only root set a filter on a socket")
