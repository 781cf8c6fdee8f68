"""Many tabs of one browser, which has about six connections to a host for all of them together (HTTP/1.1)."""

from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.client import Client
from tests.browser.relay import Relay
from tests.browser.server import Server
from tests.browser.waiting import wait_until

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

TABS = 20
STREAMS = 4  # of a browser's six connections, so many at most are streams


def open_tabs(context: BrowserContext, addresses: list[str]) -> list[Page]:
    tabs = [context.new_page() for _ in addresses]
    for tab, address in zip(tabs, addresses, strict=True):
        tab.goto(address)
    return tabs


def percent(tab: Page) -> Any:
    return tab.locator("[data-field=percent]")


def test_20_tabs_of_one_task_share_one_stream(server: Server, relay: Relay, context: BrowserContext) -> None:
    task_id = server.create(manual=True)
    tabs = open_tabs(context, [f"{relay.url}/#{task_id}=Acme"] * TABS)

    server.update(task_id, status="running", progress=42)
    for tab in tabs:
        expect(percent(tab)).to_have_text("42 %")
        expect(tab.locator("[data-field=connection]")).to_have_text("Live")
    assert 1 == server.open_streams == relay.streams_requested(task_id)

    server.update(task_id, status="completed", results={"score": 1})
    for tab in tabs:
        expect(tab.locator("[data-field=status]")).to_have_text("Completed")
    wait_until(lambda: server.open_streams == 0, "no stream is left")


def test_when_the_leading_tab_closes_another_one_leads(server: Server, relay: Relay, context: BrowserContext) -> None:
    task_id = server.create(manual=True)
    first, second, third = open_tabs(context, [f"{relay.url}/#{task_id}=Acme"] * 3)
    server.update(task_id, status="running", progress=10)
    for tab in (first, second, third):
        expect(percent(tab)).to_have_text("10 %")

    first.close()
    server.update(task_id, progress=20)
    for tab in (second, third):
        expect(percent(tab)).to_have_text("20 %")
    second.close()
    server.update(task_id, progress=30)
    expect(percent(third)).to_have_text("30 %")

    assert relay.streams_requested(task_id) == 3
    assert server.open_streams == 1


def test_when_the_leading_client_closes_and_its_tab_stays_another_one_leads(
    server: Server, context: BrowserContext
) -> None:
    task_id = server.create(manual=True)
    first, second = (Client(tab, task_id) for tab in open_tabs(context, [server.url] * 2))
    for client in (first, second):
        client.wait_for(isConnected=True, progress_progress=0)

    first.close()
    server.update(task_id, status="running", progress=20)

    second.wait_for(isConnected=True, progress_progress=20)
    assert first.state["progress"]["progress"] == 0


def test_20_tabs_of_20_tasks_starve_nobody(server: Server, context: BrowserContext) -> None:
    """Four tasks stream and the others poll; pages still load, and everyone sees every end."""
    tasks = [server.create(manual=True) for _ in range(TABS)]
    tabs = open_tabs(context, [f"{server.url}/#{task_id}=Acme" for task_id in tasks])

    for number, task_id in enumerate(tasks):
        server.update(task_id, status="running", progress=number + 1)
    for number, tab in enumerate(tabs):
        expect(percent(tab)).to_have_text(f"{number + 1} %")
    assert server.open_streams == STREAMS
    assert tabs[0].evaluate("fetch('/health').then((answer) => answer.status)") == 200

    for number, task_id in enumerate(tasks):
        server.update(task_id, status="completed", results={"number": number})
    for number, tab in enumerate(tabs):
        expect(tab.locator("[data-field=results]")).to_have_text(f"ResultsNumber{number}")


def test_a_poller_takes_the_stream_that_becomes_free(server: Server, relay: Relay, page: Page) -> None:
    streaming = [server.create(manual=True) for _ in range(STREAMS)]
    waiting = server.create(manual=True)
    page.goto(f"{relay.url}/#{'&'.join(f'{task_id}=x' for task_id in streaming)}")
    wait_until(lambda: server.open_streams == STREAMS, "all streams are taken")
    client = Client(page, waiting, pollMs=20)
    client.wait_for(isConnected=True, progress_progress=0)
    assert relay.streams_requested(waiting) == 0

    server.update(streaming[0], status="failed", error="Enough. Start again.")

    wait_until(lambda: relay.streams_requested(waiting) == 1, "the poller streams")
    server.update(waiting, status="running", progress=9)
    client.wait_for(isConnected=True, progress_progress=9)


def test_without_web_locks_every_client_has_its_own_stream(server: Server, page: Page) -> None:
    page.add_init_script("Object.defineProperty(Navigator.prototype, 'locks', { value: undefined })")
    task_id = server.create(manual=True)
    page.goto(f"{server.url}/#{task_id}=Acme")
    expect(page.locator("[data-field=connection]")).to_have_text("Live")

    Client(page, task_id).wait_for(isConnected=True)

    assert server.open_streams == 2
