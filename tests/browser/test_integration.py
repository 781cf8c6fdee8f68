"""The ticket's "SSE Infrastructure Integration" list, in Chromium."""

import pytest
from playwright.sync_api import Page

from tests.browser.client import Client
from tests.browser.relay import Relay
from tests.browser.server import Server
from tests.browser.waiting import wait_until

pytestmark = pytest.mark.browser


def test_should_establish_sse_connection_successfully(server: Server, page: Page) -> None:
    task_id = server.create(manual=True)
    page.goto(server.url)

    state = Client(page, task_id).wait_for(isConnected=True)

    assert (state["error"], state["ended"]) == (None, None)
    assert server.open_streams == 1


def test_should_send_progress_updates_in_real_time(server: Server, relay: Relay, page: Page) -> None:
    """Pushed, not polled: each update arrives before the next is made, and one request brings them all."""
    task_id = server.create(manual=True)
    page.goto(relay.url)
    client = Client(page, task_id)

    for percent in (10, 35, 60, 85):
        server.update(task_id, status="running", stage=f"Stage {percent}", progress=percent)
        client.wait_for(progress_progress=percent, progress_stage=f"Stage {percent}")

    assert relay.streams_requested(task_id) == 1
    assert relay.snapshots_requested(task_id) == 0


def test_should_handle_connection_failures_gracefully(server: Server, relay: Relay, page: Page) -> None:
    task_id = server.create(manual=True)
    server.update(task_id, status="running", progress=40)
    page.goto(relay.url)
    client = Client(page, task_id, graceMs=600_000)
    client.wait_for(isConnected=True, progress_progress=40)

    relay.cut()
    lost = client.wait_for(isConnected=False, progress_progress=40)
    server.update(task_id, progress=70)
    relay.mend()
    client.wait_for(isConnected=True, progress_progress=70)

    assert lost["error"] is None
    assert {None} == {state["error"] for state in client.told}


def test_should_maintain_performance_standards(server: Server, relay: Relay, page: Page) -> None:
    """What the browser must not be made to do, counted: one request a task, one change a state, none after the end."""
    task_id = server.create(manual=True)
    page.goto(relay.url)
    client = Client(page, task_id)
    client.wait_for(isConnected=True, progress_progress=0)

    for percent in range(1, 100):
        server.update(task_id, status="running", progress=percent)
    server.update(task_id, status="completed", results={"score": 1})
    client.wait_for(ended="completed")

    percents = [state["progress"]["progress"] for state in client.told if state["progress"]]
    assert list(range(101)) == sorted(set(percents))
    assert len(client.told) <= 2 + 101
    assert (relay.streams_requested(task_id), relay.snapshots_requested(task_id)) == (1, 0)


def test_should_handle_errors_gracefully(server: Server, page: Page) -> None:
    task_id = server.create(steps=4, interval_ms=20, fail_at=2)
    page.goto(server.url)

    state = Client(page, task_id).wait_for(ended="failed")

    assert server.snapshot(task_id)["error"] == state["error"]
    assert state["progress"]["status"] == "failed"
    assert not state["isConnected"]


def test_should_clean_up_connections_properly(server: Server, page: Page) -> None:
    task_id = server.create(manual=True)
    page.goto(server.url)

    client = Client(page, task_id)
    client.wait_for(isConnected=True)
    client.close()
    wait_until(lambda: server.open_streams == 0, "the closed client's stream is gone")

    Client(page, task_id).wait_for(isConnected=True)
    page.goto("about:blank")
    wait_until(lambda: server.open_streams == 0, "the left page's stream is gone")
