"""The ticket's "SSE Progress End-to-End" list: the whole page in Chromium, used as its users use it."""

import json
import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.client import Client
from tests.browser.relay import Relay
from tests.browser.server import Server

pytestmark = pytest.mark.browser

HOSTILE = "a\r\nb\rc\nd\0e\u2028f\u2029g\u0085h\ufeffi 🦊 é data: x\n\nid: 9\n\n <img src=x onerror=alert(1)> \\ \" ''"


def card(page: Page, brand: str) -> Locator:
    return page.get_by_role("listitem").filter(has=page.get_by_role("heading", name=brand, exact=True))


def start(page: Page, brand: str, ending: str = "Completes", step_ms: int = 20) -> None:
    """Start an analysis at a pace that need not be one of the page's choices."""
    page.get_by_label("Brand", exact=True).fill(brand)
    page.get_by_label("Pace").evaluate("(pace, ms) => pace.add(new Option(ms, ms, true, true))", str(step_ms))
    page.get_by_label("Ending").select_option(ending)
    page.get_by_role("button", name="Start analysis").click()


def hold_tasks(page: Page) -> None:
    """Let what the page starts move only when told to."""
    held = json.dumps({"manual": True})
    page.route("**/tasks", lambda route: route.continue_(post_data=held))


def note_texts(page: Page) -> None:
    """Keep in `window.noted` every text that a task shows, however short a time."""
    page.evaluate("""() => {
        window.noted = [];
        const note = () => window.noted.push(document.getElementById("tasks").textContent);
        new MutationObserver(note).observe(document, { subtree: true, childList: true, characterData: true });
    }""")


def test_should_work_with_real_brand_monitoring_workflow(server: Server, page: Page) -> None:
    page.goto(server.url)
    expect(page.get_by_text("Nothing is running.")).to_be_visible()
    note_texts(page)
    start(page, "Acme Coffee", step_ms=300)  # it is still in its first stage when the page has opened the stream
    task = card(page, "Acme Coffee")

    expect(task.locator("[data-field=status]")).to_have_text("Completed")
    noted = iter(page.evaluate("window.noted"))
    for stage in ("Collecting mentions", "Analyzing sentiment", "Scoring visibility", "Writing recommendations"):
        assert any("Running" in text and stage in text for text in noted), stage  # in this order

    task_id = task.locator("[data-field=id]").inner_text()
    results = server.snapshot(task_id)["results"]
    expect(task.locator("[data-field=results]")).to_contain_text(f"Visibility score{results['visibilityScore']}")
    expect(task.locator("[data-field=results]")).to_contain_text(results["recommendations"][0])
    expect(task.get_by_role("progressbar")).to_have_js_property("value", 100)


def test_should_handle_concurrent_connections(server: Server, page: Page) -> None:
    """More tasks than a browser has connections to one host: all end, and the page keeps answering meanwhile."""
    page.goto(server.url)
    hold_tasks(page)
    brands = [f"Brand {number}" for number in range(8)]
    for brand in brands:
        start(page, brand)
    expect(page.get_by_text("8 in progress")).to_be_visible()
    assert page.evaluate("fetch('/health').then((answer) => answer.status)") == 200

    for task_id in page.locator("[data-field=id]").all_inner_texts():
        server.update(task_id, status="running", progress=50)
        server.update(task_id, status="completed", results={"score": 1})
    for brand in brands:
        expect(card(page, brand).locator("[data-field=status]")).to_have_text("Completed")


def test_should_maintain_data_integrity(server: Server, relay: Relay, page: Page) -> None:
    """Text and results arrive as they were sent, in order and once, also across cuts."""
    task_id = server.create(manual=True)
    page.goto(relay.url)
    client = Client(page, task_id, graceMs=600_000)
    client.wait_for(progress_progress=0)
    results = {"text": HOSTILE, "deep": [[{"": None}], 0.1, -1e-7, 2**53], "__proto__": {"admin": True}}

    for percent in range(10, 100, 10):
        server.update(task_id, status="running", stage=f"{percent} {HOSTILE}", message=HOSTILE, progress=percent)
        client.wait_for(progress_progress=percent)
        if percent in (30, 60):
            relay.cut()
            relay.mend()
    server.update(task_id, status="completed", results=results)
    client.wait_for(ended="completed")

    progresses = [state["progress"] for state in client.told if state["progress"]]
    distinct = list({json.dumps(progress): progress for progress in progresses}.values())
    assert [progress["progress"] for progress in distinct] == [0, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100]
    assert {HOSTILE} == {progress["message"] for progress in distinct[1:-1]}
    assert server.snapshot(task_id) == distinct[-1]


def test_should_provide_accurate_progress_tracking(server: Server, page: Page) -> None:
    """What the page shows after each update is what the polling endpoint says."""
    task_id = server.create(manual=True)
    page.goto(f"{server.url}/#{task_id}=Acme")
    task = card(page, "Acme")
    expect(task.locator("[data-field=connection]")).to_have_text("Live")

    for percent, left in ((12.5, 90), (50, 4.2), (99, 0)):
        server.update(
            task_id, status="running", stage=f"At {percent}", progress=percent, message="…", estimatedTimeRemaining=left
        )
        expect(task.locator("[data-field=stage]")).to_have_text(f"At {percent}")
        shown = server.snapshot(task_id)
        expect(task.get_by_role("progressbar", name="Progress of Acme")).to_have_js_property("value", shown["progress"])
        expect(task.locator("[data-field=percent]")).to_have_text(re.compile(rf"^{int(percent + 0.5)} %$"))
    expect(task.locator("[data-field=left]")).to_have_text("almost done")


def test_a_failure_is_shown_with_guidance_and_can_be_started_again(server: Server, page: Page) -> None:
    page.goto(server.url)
    start(page, "Acme", ending="Fails half-way")
    task = card(page, "Acme")

    expect(task.locator("[data-field=status]")).to_have_text("Failed")
    task_id = task.locator("[data-field=id]").inner_text()
    expect(task.locator("[data-field=notice]")).to_contain_text(server.snapshot(task_id)["error"])
    task.get_by_role("button", name="Start again").click()
    expect(page.get_by_role("listitem").first.locator("[data-field=status]")).to_have_text("Completed")


def test_a_reload_and_another_tab_show_the_same_tasks(server: Server, page: Page) -> None:
    page.goto(server.url)
    hold_tasks(page)
    start(page, "Acme & Söhne")
    task_id = card(page, "Acme & Söhne").locator("[data-field=id]").inner_text()
    server.update(task_id, status="running", progress=10)
    expect(card(page, "Acme & Söhne").locator("[data-field=status]")).to_have_text("Running")

    page.reload()
    other = page.context.new_page()
    other.goto(page.url)
    for tab in (page, other):
        expect(card(tab, "Acme & Söhne").locator("[data-field=status]")).to_have_text("Running")

    server.update(task_id, status="completed", results={"score": 1})
    for tab in (page, other):
        expect(card(tab, "Acme & Söhne").locator("[data-field=status]")).to_have_text("Completed")


def test_a_refused_start_says_why(server: Server, relay: Relay, page: Page) -> None:
    page.goto(relay.url)
    page.get_by_label("Brand", exact=True).fill("Acme")
    relay.cut()
    page.get_by_role("button", name="Start analysis").click()
    expect(page.get_by_role("alert")).to_contain_text("The server does not answer")

    relay.mend()
    page.get_by_role("button", name="Start analysis").click()
    expect(page.get_by_role("alert")).to_be_hidden()
    expect(card(page, "Acme")).to_be_visible()
