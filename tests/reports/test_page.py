"""The report in real Chromium: nothing is fetched, nothing hostile runs, the filter and the charts work."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from ssegauge import reports
from tests.reports import factory, hostile
from tests.reports.test_render import hostile_folder

pytestmark = pytest.mark.browser


OPEN = "document.querySelectorAll('#rules > details[open]').length"


class Watched:
    """A page together with every request it made and every complaint of its console."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.requests: list[str] = []
        self.complaints: list[str] = []
        page.on("request", lambda request: self.requests.append(request.url))
        page.on("console", lambda message: self.complaints.append(message.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def open(self, file: Path) -> Page:
        self.page.goto(file.as_uri())
        return self.page


@pytest.fixture
def watched(browser: Browser) -> Iterator[Watched]:
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    yield Watched(page)
    page.close()


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return reports.build(factory.write_run(tmp_path_factory.mktemp("run"), samples=factory.samples_frame())).html


def colours(plot: Locator) -> set[int]:
    """Return the colours of a chart, one number each; told apart where they are, for it has a million pixels."""
    data = "canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data.buffer"
    return set(plot.locator("canvas").evaluate(f"canvas => [...new Set(new Uint32Array({data}))]"))


def series_colours(plot: Locator) -> set[int]:
    """Return the colours in which a chart's series are to be drawn, as numbers like those of ``colours``."""
    named = "JSON.parse(document.getElementById(plot.dataset.figure).textContent).series.map(one => one.colour)"
    colour = "getComputedStyle(plot).getPropertyValue(`--${name}`).trim()"
    shades: list[str] = plot.evaluate(f"plot => {named}.map(name => {colour})")
    return {int.from_bytes(bytes.fromhex(f"{shade[1:]}ff"), "little") for shade in shades}


def test_the_report_makes_no_request_but_its_own(watched: Watched, whole: Path) -> None:
    page = watched.open(whole)
    expect(page.locator(".plot canvas").first).to_be_visible()
    page.emulate_media(color_scheme="dark")
    page.mouse.wheel(0, 5000)
    page.wait_for_load_state("networkidle")
    assert watched.requests == [whole.as_uri()]
    assert watched.complaints == []


def test_every_chart_is_drawn(watched: Watched, whole: Path) -> None:
    page = watched.open(whole)
    plots = page.locator(".plot")
    assert plots.count() == 6
    for plot in plots.all():
        assert series_colours(plot) <= colours(plot)


def test_points_are_drawn_where_they_alternate(watched: Watched, tmp_path: Path) -> None:
    phases = [{"name": f"{n}", "start_s": 3.0 * n, "end_s": 3.0 * n + 2, "streams": n % 2 == 1} for n in range(8)]
    load = factory.load_document(phases=phases)
    frame = factory.samples_frame()
    samples = frame.assign(phase=(frame["at_ms"] // 3000).astype(int).astype(str))
    file = reports.build(factory.write_run(tmp_path, samples=samples, load=load)).html
    plot = watched.open(file).locator(".chart.phases .plot")
    assert series_colours(plot) <= colours(plot)


def test_the_charts_follow_light_and_dark(watched: Watched, whole: Path) -> None:
    page = watched.open(whole)
    plot = page.locator(".plot").first
    light = colours(plot)
    page.emulate_media(color_scheme="dark")
    page.wait_for_function("matchMedia('(prefers-color-scheme: dark)').matches")
    page.evaluate("() => new Promise(requestAnimationFrame)")  # by then uPlot has drawn again
    assert colours(plot) != light


def test_the_cursor_reads_the_values(watched: Watched, whole: Path) -> None:
    page = watched.open(whole)
    plot = page.locator(".chart.latency .plot")
    plot.scroll_into_view_if_needed()
    values = plot.locator(".u-series .u-value")
    assert values.all_text_contents() == ["--"] * 4
    plot.locator(".u-over").hover()
    assert all(re.fullmatch(r"[\d.,]+", text) for text in values.all_inner_texts())


def test_the_filter_shows_what_it_says(watched: Watched, whole: Path) -> None:
    page = watched.open(whole)
    rules = page.locator("#rules .finding:visible")
    page.get_by_role("button", name=re.compile("failed")).click()
    expect(rules).to_have_count(2)
    page.get_by_role("button", name=re.compile("passed")).click()
    expect(rules).to_have_count(len(factory.PASSING))
    page.get_by_label("Group").select_option("resume")
    expect(rules).to_have_count(5)
    page.get_by_label("Search").fill("gap")
    expect(rules).to_have_count(1)
    page.get_by_label("Search").fill("no such rule")
    expect(page.locator("#none")).to_be_visible()


def test_a_finding_opens_by_keyboard_and_shows_the_bytes(watched: Watched, whole: Path) -> None:
    page = watched.open(whole)
    finding = page.locator("#rules .finding[data-state=note]")
    finding.locator("summary").first.focus()
    page.keyboard.press("Enter")
    expect(finding.locator(".evidence > pre")).to_have_text("progress: 40LF")
    expect(finding.locator("dd").first).to_be_visible()


def test_what_was_found_is_printed_open_and_closed_again(watched: Watched, whole: Path) -> None:
    page = watched.open(whole)
    found = page.locator("#rules > details.finding:is(.fail, .warning, .note)")
    still = found.evaluate_all("all => all.map(one => one.open)")
    assert not all(still)
    page.evaluate(f"addEventListener('beforeprint', () => {{ window.printed = {OPEN} }})")
    page.pdf()
    assert page.evaluate("window.printed") == len(factory.FAILING)
    assert found.evaluate_all("all => all.map(one => one.open)") == still


def test_a_narrow_window_needs_no_sideways_scrolling(watched: Watched, whole: Path) -> None:
    watched.page.set_viewport_size({"width": 390, "height": 800})
    page = watched.open(whole)
    expect(page.locator(".plot canvas").first).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    for table in page.locator(".scroll:visible").all():
        assert table.evaluate("box => box.scrollWidth - box.clientWidth") == 0


def test_hostile_text_is_shown_and_runs_nothing(watched: Watched, tmp_path: Path) -> None:
    folder = hostile_folder()
    samples = factory.samples_frame()
    documents: dict[str, Any] = {"run": folder.run, "conformance": folder.conformance, "load": folder.load}
    file = reports.build(factory.write_run(tmp_path, samples=samples, **documents)).html
    page = watched.open(file)
    expect(page.locator(".plot canvas").first).to_be_visible()
    assert page.title() == "ssegauge: failed"
    assert page.locator("img, iframe, object, embed, link").count() == 0
    assert watched.requests == [file.as_uri()]
    assert watched.complaints == []
    assert hostile.MARKUP in page.locator("#rules .evidence > pre").first.inner_text()


def test_markup_that_slipped_through_could_not_run_either(watched: Watched, whole: Path, tmp_path: Path) -> None:
    """The policy names our scripts by hash: another one is refused even where escaping would fail."""
    slipped = tmp_path / "slipped.html"
    page_text = whole.read_text("utf-8").replace("<main", f"{hostile.MARKUP}<main", 1)
    slipped.write_text(page_text, "utf-8")
    page = watched.open(slipped)
    expect(page.locator(".plot canvas").first).to_be_visible()
    assert page.title() == "ssegauge: failed"
    assert any("Content Security Policy" in complaint for complaint in watched.complaints)


def test_without_javascript_the_findings_are_there(browser: Browser, whole: Path) -> None:
    page = browser.new_page(java_script_enabled=False)
    page.goto(whole.as_uri())
    expect(page.locator(".filters")).to_be_hidden()
    expect(page.get_by_text("wire/invalid-utf8", exact=True)).to_be_visible()
    expect(page.get_by_text("The charts need JavaScript")).to_be_visible()
    page.close()
