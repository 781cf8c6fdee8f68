"""The React hook in a real React application, bundled with esbuild (npm) and run in Chromium under StrictMode."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from ssegauge import reference_server
from tests.browser.relay import Relay
from tests.browser.server import Server
from tests.browser.waiting import wait_until

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

HERE = Path(__file__).parent
HOOK = Path(reference_server.__file__).parent / "page" / "use-sse-progress.js"


@pytest.fixture(scope="session")
def bundle(modules: Path) -> str:
    """The application as one script."""
    command = [
        modules / ".bin" / "esbuild",
        HERE / "hook_app.jsx",
        "--bundle",
        "--format=iife",
        "--jsx=automatic",
        f"--alias:use-sse-progress={HOOK}",
        '--define:process.env.NODE_ENV="development"',
        "--log-level=warning",
    ]
    environment = os.environ | {"NODE_PATH": str(modules)}
    done = subprocess.run(command, check=False, env=environment, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


@pytest.fixture
def react(relay: Relay, page: Page, bundle: str) -> Page:
    """A page with the application loaded and nothing mounted."""
    page.goto(relay.url)
    page.evaluate(bundle)
    return page


def mount(page: Page, task_id: str | None) -> None:
    page.evaluate("(taskId) => window.mount(taskId)", task_id)


def shown(page: Page, **expected: Any) -> None:
    expect(page.locator("output")).to_have_text(json.dumps(expected, separators=(",", ":")))


def test_the_hook_follows_a_task_to_its_end(server: Server, relay: Relay, react: Page) -> None:
    task_id = server.create(manual=True)
    mount(react, task_id)
    shown(react, stage="Initializing", percent=0, error=None, isConnected=True)

    server.update(task_id, status="running", stage="Half", progress=50)
    shown(react, stage="Half", percent=50, error=None, isConnected=True)
    server.update(task_id, status="failed", error="No data. Start again.")
    shown(react, stage="Failed", percent=0, error="No data. Start again.", isConnected=False)


def test_strict_mode_leaves_one_stream_and_unmounting_none(server: Server, react: Page) -> None:
    task_id = server.create(manual=True)
    mount(react, task_id)
    shown(react, stage="Initializing", percent=0, error=None, isConnected=True)
    wait_until(lambda: server.open_streams == 1, "the stream of StrictMode's first mount is gone")

    react.evaluate("window.unmount()")
    wait_until(lambda: server.open_streams == 0, "unmounting closes the stream")

    mount(react, task_id)
    shown(react, stage="Initializing", percent=0, error=None, isConnected=True)


def test_a_new_task_id_never_shows_the_old_tasks_progress(server: Server, react: Page) -> None:
    old, new = server.create(manual=True), server.create(manual=True)
    server.update(old, status="running", stage="Old", progress=70)
    mount(react, old)
    shown(react, stage="Old", percent=70, error=None, isConnected=True)

    mount(react, new)
    shown(react, stage="Initializing", percent=0, error=None, isConnected=True)
    wait_until(lambda: server.open_streams == 1, "the old task's stream is gone")

    rendered = react.evaluate("window.rendered.map(([asked, state]) => [asked, state.progress?.taskId ?? null])")
    assert all(shown_id in (None, asked) for asked, shown_id in rendered)


def test_no_task_id_asks_for_nothing(relay: Relay, react: Page) -> None:
    before = len(relay.requests)
    for nothing in (None, ""):
        mount(react, nothing)
        shown(react, error=None, isConnected=False)
    assert before == len(relay.requests)


def test_an_options_object_made_anew_on_each_render_does_not_reconnect(
    server: Server, relay: Relay, react: Page
) -> None:
    task_id = server.create(manual=True)
    mount(react, task_id)
    shown(react, stage="Initializing", percent=0, error=None, isConnected=True)
    after_mount = relay.streams_requested(task_id)
    for percent in (10, 20, 30):
        server.update(task_id, status="running", stage="Go", progress=percent)
        shown(react, stage="Go", percent=percent, error=None, isConnected=True)

    assert after_mount == relay.streams_requested(task_id)
