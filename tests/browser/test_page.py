"""The page for everybody: accessible, by keyboard, self-contained, and safe with text from outside."""

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browser.relay import Relay
from tests.browser.server import Server
from tests.browser.test_screenshots import PICTURES
from tests.browser.waiting import wait_until

pytestmark = pytest.mark.browser

STANDARDS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@pytest.fixture(scope="session")
def axe(modules: Path) -> str:
    return (modules / "axe-core" / "axe.min.js").read_text()


@pytest.mark.parametrize("name", PICTURES)
def test_axe_finds_nothing(name: str, axe: str, server: Server, relay: Relay, browser: Browser) -> None:
    show, viewport, scheme = PICTURES[name]
    context = browser.new_context(viewport=viewport, color_scheme=scheme, reduced_motion="reduce")
    page = context.new_page()
    show(server, relay, page)

    page.evaluate(axe)
    report = page.evaluate("(tags) => axe.run(document, { runOnly: tags })", STANDARDS)
    context.close()

    assert [(violation["id"], violation["nodes"][0]["html"]) for violation in report["violations"]] == []
    assert len(report["passes"]) > 20


def test_an_analysis_can_be_started_and_removed_by_keyboard(server: Server, page: Page) -> None:
    page.goto(server.url)
    page.get_by_label("Brand", exact=True).focus()
    page.keyboard.type("Acme")
    page.keyboard.press("Tab")
    page.keyboard.type("Slow")
    for key in ("Tab", "Tab", "Enter"):
        page.keyboard.press(key)
    expect(page.get_by_role("progressbar", name="Progress of Acme")).to_be_visible()
    expect(page.get_by_label("Brand", exact=True)).to_be_focused()

    page.get_by_role("button", name="Remove Acme").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("listitem")).to_have_count(0)
    expect(page.get_by_role("heading", name="Analyses")).to_be_focused()
    wait_until(lambda: server.open_streams == 0, "a removed analysis is not followed any more")


def test_the_skip_link_leads_to_the_analyses_and_keeps_them(server: Server, page: Page) -> None:
    task_id = server.create(manual=True)
    page.goto(f"{server.url}/#{task_id}=Acme")
    expect(page.get_by_role("listitem")).to_have_count(1)

    for key in ("Tab", "Enter", "Tab", "Tab"):  # past the raw events
        page.keyboard.press(key)

    expect(page.get_by_role("button", name="Remove Acme")).to_be_focused()
    expect(page).to_have_url(f"{server.url}/#{task_id}=Acme")


def test_screen_readers_hear_stages_and_ends_but_not_every_percent(server: Server, page: Page) -> None:
    task_id = server.create(manual=True)
    page.goto(f"{server.url}/#{task_id}=Acme")
    expect(page.get_by_role("status")).to_have_text("Acme: Initializing")
    page.evaluate("""() => {
        window.heard = [];
        const status = document.querySelector("[role=status]");
        new MutationObserver(() => window.heard.push(status.textContent)).observe(status, { childList: true });
    }""")

    for changes in (
        {"status": "running", "stage": "Collecting mentions", "progress": 10},
        {"progress": 20},
        {"progress": 30},
        {"stage": "Scoring visibility", "progress": 60},
        {"status": "failed", "error": "No data. Start again."},
    ):
        server.update(task_id, **changes)
    expect(page.locator("[data-field=status]")).to_have_text("Failed")

    heard = ["Collecting mentions", "Scoring visibility", "Failed. No data. Start again."]
    assert page.evaluate("window.heard") == [f"Acme: {text}" for text in heard]


def test_the_page_asks_nobody_else_and_allows_nothing_inline(server: Server, context: BrowserContext) -> None:
    page = context.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    task_id = server.create(steps=2, interval_ms=10)
    reply = page.goto(f"{server.url}/#{task_id}=Acme")
    expect(page.locator("[data-field=status]")).to_have_text("Completed")

    directives = dict(part.split(maxsplit=1) for part in reply.headers["content-security-policy"].split(";"))
    assert {directives[name] for name in ("script-src", "style-src", "connect-src")} == {"'self'"}
    assert directives["default-src"] == directives["base-uri"] == "'none'"
    assert len(asked) > 5
    assert all(url.startswith(server.url) for url in asked)
    page.evaluate("""() => document.body.append(Object.assign(document.createElement("script"),
        { textContent: "window.inline = true" }))""")
    assert page.evaluate("window.inline") is None


def test_text_from_outside_stays_text(server: Server, page: Page) -> None:
    markup = "<img src=x onerror='window.broken = true'><script>window.broken = true</script>"
    task_id = server.create(manual=True)
    server.update(task_id, status="running", stage=markup, message=markup)
    server.update(task_id, status="completed", stage=markup, results={markup: [markup, {markup: markup}]})
    page.goto(server.url)
    page.evaluate("(hash) => { location.hash = hash }", f"{task_id}={markup}")

    task = page.get_by_role("listitem").filter(has=page.get_by_role("heading", name="Results"))
    for field in ("brand", "stage"):
        expect(task.locator(f"[data-field={field}]")).to_have_text(markup)
    expect(task.locator("[data-field=results]")).to_contain_text(markup)
    assert page.locator("main img, main script").count() == 0
    assert page.evaluate("window.broken") is None


def test_raw_events_show_as_they_come_while_they_are_looked_at(server: Server, page: Page) -> None:
    task_id = server.create(manual=True)
    page.goto(f"{server.url}/#{task_id}=Acme")
    raw = page.get_by_label("The stream as it comes")
    page.get_by_text("Raw events").click()
    expect(raw).to_contain_text('HTTP 200, text/event-stream\n\nretry: 2000\ndata: {"type":"connected"')
    server.update(task_id, status="running", stage="<b>Collecting</b>")
    expect(raw).to_contain_text('"stage":"<b>Collecting</b>"')
    wait_until(lambda: server.open_streams == 2, "the page reads it twice")
    page.get_by_text("Raw events").click()
    wait_until(lambda: server.open_streams == 1, "what nobody looks at is not read")


def test_a_fault_can_be_chosen_and_its_copy_says_so(server: Server, page: Page) -> None:
    page.goto(server.url)
    page.get_by_text("Break it on purpose").click()
    page.get_by_label("Fault").select_option("wire/truncated-event")
    expect(page.get_by_text("Ends inside an event.")).to_be_visible()
    page.get_by_role("button", name="Start a broken copy").click()
    with page.context.expect_page() as opened:
        page.locator("#copy-link").click()
    expect(opened.value.get_by_text("broken on purpose: wire/truncated-event")).to_be_visible()
    expect(opened.value.get_by_text("Break it on purpose")).to_be_hidden()


RESULTS: dict[str, Any] = {
    "null": None,
    "text": "plain",
    "list": [1, "two", None],
    "nothing": [],
    "mixed": [[1], {"a": {"b": [True]}}],
    "rows": [{"a": 1}, {"b": {"c": 2}}],
}


@pytest.mark.parametrize("results", [*RESULTS.values(), RESULTS], ids=[*RESULTS, "all"])
def test_results_of_any_shape_are_shown(results: Any, server: Server, page: Page) -> None:
    page.goto(server.url)
    text = page.evaluate(
        """async (results) => {
            const { renderResults } = await import("/page/results.js");
            const parent = document.createElement("section");
            renderResults(parent, results);
            return parent.textContent;
        }""",
        results,
    )
    assert text.startswith("Results")
    assert len(text) > len("Results") or results == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("''", "ProgressClient needs the id of a task"),
        ("'t', { graceMS: 5 }", 'ProgressClient has no option "graceMS"'),
        ("'t', { base: 'http://[' }", "Invalid URL"),
        ("'\\ud800'", "URI malformed"),
    ],
)
def test_a_misused_client_throws_at_once(arguments: str, message: str, server: Server, page: Page) -> None:
    page.goto(server.url)
    thrown = page.evaluate(f"""async () => {{
        const {{ ProgressClient }} = await import("/page/progress-client.js");
        try {{ new ProgressClient({arguments}).close(); }} catch (error) {{ return error.message; }}
    }}""")
    assert message in thrown
