"""What a finding drags along is told with it, in every form of a report; and how much was looked at."""

import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest

from ssegauge.reports import figures, schema, verdict, words
from ssegauge.reports.folder import RunFolder
from ssegauge.reports.frames import read_samples
from ssegauge.reports.render.html import html
from ssegauge.reports.render.junit import junit
from ssegauge.reports.render.markdown import markdown
from ssegauge.reports.render.sarif import sarif
from ssegauge.reports.render.text import verdict_table
from tests.reports import factory
from tests.reports.test_render import printed

CAUSE = "response/content-type"
MOOT = ("wire/truncated-event", "resume/gap-on-resume")
ELSEWHERE = "shape/not-json"
LOOKED = {"streams": 12, "longest_s": 16.5, "events": 1480}


def document(**changes: Any) -> dict[str, Any]:
    results = [
        factory.result(CAUSE, "fail"),
        *(factory.result(rule, "not_judged", because=[CAUSE], summary="") for rule in MOOT),
        factory.result(ELSEWHERE, "not_judged", because=["response/status-not-200"], summary=""),
        factory.result("wire/invalid-utf8"),
    ]
    return factory.conformance_document(results, **{"looked": LOOKED, **changes})


def folder() -> RunFolder:
    return RunFolder(Path("run"), factory.run_document(), document(), None)


def test_the_document_follows_its_schema() -> None:
    schema.validate("conformance", document())


@pytest.mark.parametrize("because", [None, [], ["no code"]])
def test_a_rule_that_is_not_judged_must_name_its_cause(because: list[str] | None) -> None:
    row = factory.result(MOOT[0], "not_judged", **({} if because is None else {"because": because}))
    with pytest.raises(schema.SchemaError, match=r"because|no code|non-empty|short"):
        schema.validate("conformance", factory.conformance_document([row]))


def test_a_document_without_the_new_count_is_still_read() -> None:
    older = document()
    del older["counts"]["not_judged"]
    schema.validate("conformance", older)


def test_causes_are_listed_in_document_order() -> None:
    assert verdict.dragged(document()) == {CAUSE: list(MOOT), "response/status-not-200": [ELSEWHERE]}


def test_the_terminal_tells_it_under_the_finding_in_one_line() -> None:
    shown = printed(verdict_table(document()), width=120)
    assert f"  because of it not judged: {', '.join(MOOT)}" in map(str.rstrip, shown.splitlines())
    assert "Not judged, because of response/status-not-200:" in shown
    assert "looked at 12 streams, the longest for 16.5 s" in " ".join(shown.split())


def test_markdown_tells_it_with_the_finding() -> None:
    text = markdown(folder(), {})
    assert f"Because of it not judged: {', '.join(f'`{rule}`' for rule in MOOT)}" in text
    assert "Looked at 12 streams, the longest for 16.5 s, 1,480 events." in text
    assert "3 not judged" in text


def test_junit_skips_it_and_names_the_cause() -> None:
    cases = {case.attrib["name"]: case for case in ET.fromstring(junit(folder())).iter("testcase")}
    skipped = cases[MOOT[0]].find("skipped")
    assert skipped is not None
    assert skipped.attrib["message"] == f"not judged, because of {CAUSE}"


def test_sarif_reports_the_cause_alone() -> None:
    assert [one["ruleId"] for one in sarif(folder())["runs"][0]["results"]] == [CAUSE]


def test_the_page_links_causes_and_what_hangs_on_them(tmp_path: Path) -> None:
    page = html(folder(), figures.compute(read_samples(tmp_path), None))
    assert f'<dt>Because of it not judged</dt><dd><a href="#{MOOT[0]}">' in page
    assert f'<dt>Not judged because of</dt><dd><a href="#{CAUSE}">' in page
    assert page.count(f'id="{MOOT[0]}"') == 1
    assert "looked at 12 streams, the longest for 16.5 s" in page


@pytest.mark.parametrize(
    ("looked", "told"),
    [
        ({"streams": 1, "longest_s": 2.0, "events": 1}, "looked at 1 stream, for 2 s, 1 event"),
        ({"streams": 0, "longest_s": 0, "events": 0}, "looked at 0 streams, 0 events"),
        (None, ""),
    ],
)
def test_what_was_looked_at_in_words(looked: dict[str, Any] | None, told: str) -> None:
    made = document()
    made["looked"] = looked
    assert words.looked(made) == told
