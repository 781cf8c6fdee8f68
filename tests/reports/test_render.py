"""Every form of a report shows what a hostile server sent, and does nothing it says."""

import io
import json
import re
import unicodedata
import xml.etree.ElementTree as ET
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console, RenderableType

from ssegauge import reports
from ssegauge.reports import words
from ssegauge.reports.folder import RunFolder, open_run
from ssegauge.reports.headline import headline
from ssegauge.reports.render.html import bytes_shown, script_json
from ssegauge.reports.render.junit import junit
from ssegauge.reports.render.markdown import escape, fence, markdown
from ssegauge.reports.render.sarif import sarif
from ssegauge.reports.render.text import load_table, verdict_table
from ssegauge.reports.render.visible import prose, visible
from tests.reports import factory, hostile

TEXTS = {name: text for name, text in vars(hostile).items() if name.isupper()}


def hostile_folder(text: str = hostile.EVERYTHING) -> RunFolder:
    """A run in which every text that a server or a user can influence is hostile."""
    seen = factory.evidence(text, transcript=text)
    broken = factory.result("wire/x", "fail", summary=text, why=text, mend=text, title=text, evidence=[seen])
    unseen = factory.result("wire/y", "not_observed", summary=text, needs=text)
    finding = {"rule": "wire/x", "level": "must", "summary": text, "evidence": [seen]}
    objective = factory.objective("connect-time", 1000, 1, note=text, statistic=text)
    return RunFolder(
        Path("run"),
        factory.run_document(command=["ssegauge", text], target={"base_url": text}, commit=text),
        factory.conformance_document([broken, unseen, factory.result("wire/z")], profile=text),
        factory.load_document(
            scenario=text,
            objectives=[objective],
            conformance={"streams_judged": 1, "findings": [finding]},
        ),
    )


def printed(renderable: RenderableType, *, colour: bool = False, width: int = 80) -> str:
    out = io.StringIO()
    Console(file=out, width=width, force_terminal=colour, color_system="standard" if colour else None).print(renderable)
    return out.getvalue()


def is_harmless(text: str) -> bool:
    """No control but the line feed, nothing invisible: what a terminal and XML 1.0 take as plain text."""
    return all(
        character == "\n" or unicodedata.category(character) not in {"Cc", "Cf", "Cs", "Cn", "Zl", "Zp"}
        for character in text
    )


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_visible_text_is_harmless(text: str) -> None:
    assert is_harmless(visible(text))
    assert is_harmless(prose(text))
    assert "\n" not in prose(text)
    visible(text).encode("utf-8")


SHOWN = {
    "line ends": ("a\r\nb\rc\nd", "a␍␊\nb␍\nc␊\nd"),
    "a final line end": ("data: 1\n\n", "data: 1␊\n␊"),
    "controls": ("\x00\t\x1b\x7f", "␀␉␛␡"),
    "a picture that was sent": ("␊", "⟨U+240A⟩"),
    "separators and marks": ("\u2028\ufeff\u202e", "⟨U+2028⟩⟨U+FEFF⟩⟨U+202E⟩"),
    "a lone surrogate": ("\ud800", "⟨U+D800⟩"),
    "plain text in any script": ("Ünïcode 日本 🙂", "Ünïcode 日本 🙂"),
}


@pytest.mark.parametrize(("text", "shown"), SHOWN.values(), ids=SHOWN)
def test_bytes_are_pictured(text: str, shown: str) -> None:
    assert visible(text) == shown


def test_long_evidence_is_cut_and_says_so() -> None:
    assert visible("x" * 3000) == "x" * 2000 + "…"


def test_controls_are_named_in_html_and_markup_is_escaped() -> None:
    assert str(bytes_shown("<b>\r\n")) == '&lt;b&gt;<span class="ctl">CR</span><span class="ctl">LF</span>'


def test_json_cannot_end_its_script_element() -> None:
    text = json.dumps({"name": "</script><!--&"})
    assert not set("<>&") & set(script_json(text))
    assert json.loads(script_json(text)) == json.loads(text)


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_junit_stays_well_formed(text: str) -> None:
    root = ET.fromstring(junit(hostile_folder(text)))
    assert root.find(".//testcase[@name='wire/x']/failure") is not None


def test_junit_counts_are_those_of_its_elements() -> None:
    folder = RunFolder(Path("run"), factory.run_document(), factory.conformance_document(), factory.load_document())
    root = ET.fromstring(junit(folder))
    for suite in (root, *root.iter("testsuite")):
        cases = list(suite.iter("testcase"))
        assert int(suite.attrib["tests"]) == len(cases) > 0
        for attribute, element in {"failures": "failure", "errors": "error", "skipped": "skipped"}.items():
            assert int(suite.attrib[attribute]) == len(list(suite.iter(element)))
    assert root.attrib["failures"] == "2"
    assert root.attrib["errors"] == "1"


def outcomes(folder: RunFolder) -> dict[str, str]:
    cases = ET.fromstring(junit(folder)).iter("testcase")
    return {case.attrib["name"]: next((child.tag for child in case), "passed") for case in cases}


OUTCOMES: dict[str, tuple[dict[str, Any], str]] = {
    "a must that is broken": ({"verdict": "fail"}, "failure"),
    "a should in a usual run": ({"verdict": "fail", "level": "should"}, "system-out"),
    "a known failure": ({"verdict": "fail", "known": True}, "system-out"),
    "advice": ({"verdict": "fail", "level": "advice"}, "system-out"),
    "not observed": ({"verdict": "not_observed", "needs": "x"}, "skipped"),
    "our own fault": ({"verdict": "harness_error"}, "error"),
    "passed": ({}, "passed"),
}


@pytest.mark.parametrize(("change", "outcome"), OUTCOMES.values(), ids=OUTCOMES)
def test_a_rule_fails_in_junit_exactly_where_it_counts(change: dict[str, Any], outcome: str) -> None:
    document = factory.conformance_document([factory.result("wire/x", **change), factory.result("wire/z")])
    assert outcomes(RunFolder(Path("run"), None, document, None))["wire/x"] == outcome


def test_strict_makes_a_should_a_failure() -> None:
    should = factory.result("wire/x", "fail", level="should")
    document = factory.conformance_document([should], strict=True)
    assert outcomes(RunFolder(Path("run"), None, document, None))["wire/x"] == "failure"


def test_a_verdict_that_no_case_shows_gets_one() -> None:
    document = factory.conformance_document([factory.result("wire/x")], verdict="fail")
    shown = outcomes(RunFolder(Path("run"), None, document, None))
    assert shown == {"wire/x": "passed", "run verdict": "failure"}


def test_a_killed_run_is_an_error_in_junit() -> None:
    killed = factory.run_document(finished=None)
    document = factory.conformance_document([factory.result("wire/x")])
    assert outcomes(RunFolder(Path("run"), killed, document, None))["run verdict"] == "error"


def test_markdown_of_hostile_text_holds_no_markup() -> None:
    text = markdown(hostile_folder(), {})
    assert is_harmless(text)
    unfenced = re.sub(r"^(`{3,})text\n.*?^\1$", "", text, flags=re.DOTALL | re.MULTILINE)
    source = factory.result("wire/x")["source"]
    prosaic = unfenced.replace(f"[{source['title']}]({source['url']})", "")
    assert not re.search(
        r"<(?!/?(details|summary)>)|(?<!\\)\[|(?<!\\)\*\*owned|^# owned|@everyone", prosaic, re.MULTILINE
    )


def test_a_fence_is_longer_than_any_run_of_backticks_in_it() -> None:
    assert fence("a ```` b").startswith("`````text\n")


def test_escaped_markdown_keeps_plain_sentences_readable() -> None:
    assert escape("The stream was open for 2.0 s.") == "The stream was open for 2.0 s."


@pytest.mark.parametrize("render", [verdict_table, load_table])
def test_the_terminal_gets_no_sequence_from_a_server(render: Any) -> None:
    folder = hostile_folder()
    document = folder.conformance if render is verdict_table else folder.load
    assert is_harmless(printed(render(document)))
    coloured = re.sub(r"\x1b\[[0-9;]*m", "", printed(render(document), colour=True))
    assert is_harmless(coloured)
    assert "[bold red]owned[/]" in re.sub(r"\s+", " ", coloured)


def test_the_verdict_fits_80_columns_and_tells_what_to_do() -> None:
    text = printed(verdict_table(factory.conformance_document()))
    assert max(map(len, text.splitlines())) <= 80
    for told in (
        "✗ FAILED  wire/invalid-utf8",
        "happy-path, chunk 3, byte 120",
        "mend",
        "source",
        "observe.pid = 4711",
    ):
        assert told in text
    assert "response/cacheable" not in text
    assert text.rstrip().splitlines()[-1].startswith("Conformance: ✗ FAILED")


def test_verbose_lists_the_rules_that_passed() -> None:
    assert "✓ passed  response/cacheable" in printed(verdict_table(factory.conformance_document(), verbose=True))


def test_load_fits_80_columns_with_limits_and_samples() -> None:
    big = {"p50": 1234.5, "p95": 12345.6, "p99": 123456.7, "max": 1234567.8, "samples": 12_345_678}
    text = printed(load_table(factory.load_document(latency_ms={"first_event": big, "update": big})))
    assert max(map(len, text.splitlines())) <= 80
    assert "…" not in text
    assert "✓ Connection time" in text
    assert "10.9 to 15.2 ms" in text


def test_sarif_points_at_the_line_of_the_transcript() -> None:
    folder = RunFolder(Path("run"), factory.run_document(), factory.conformance_document(), None)
    log = sarif(folder)
    [run] = log["runs"]
    assert [found["level"] for found in run["results"]] == ["error", "error", "warning", "note"]
    [place] = run["results"][0]["locations"]
    assert place["logicalLocations"] == [{"fullyQualifiedName": "http://127.0.0.1:8205", "kind": "resource"}]
    location = place["physicalLocation"]
    assert location == {"artifactLocation": {"uri": "ssegauge.toml"}, "region": {"startLine": 1}}
    related = run["results"][0]["relatedLocations"][0]["physicalLocation"]
    assert related == {
        "artifactLocation": {"uri": "transcripts/happy-path.jsonl"},
        "region": {"startLine": 6},  # the request, the head, chunks 0 to 3
    }
    described = {rule["id"] for rule in run["tool"]["driver"]["rules"]}
    assert {found["ruleId"] for found in run["results"]} <= described


def test_sarif_names_public_addresses_alone_and_each_clause_in_words() -> None:
    [run] = sarif(RunFolder(Path("run"), factory.run_document(), factory.conformance_document(), None))["runs"]
    rules = {rule["id"]: rule for rule in run["tool"]["driver"]["rules"]}
    assert "informationUri" not in run["tool"]["driver"]  # nothing of ours is at a public address
    assert rules["wire/invalid-utf8"]["helpUri"].startswith(factory.WHATWG)
    of_profile = rules["lifecycle/stream-open-after-terminal"]
    assert "helpUri" not in of_profile
    assert "task-progress, sentence 6: Then the server ends the stream properly." in of_profile["help"]["text"]


def test_sarif_holds_what_was_found_under_load() -> None:
    finding = {"rule": "wire/only-here", "level": "must", "summary": "Seen.", "streams": 3, "evidence": []}
    load = factory.load_document(conformance={"streams_judged": 3, "findings": [finding]})
    [run] = sarif(RunFolder(Path("run"), factory.run_document(), None, load))["runs"]
    assert [(one["ruleId"], one["level"]) for one in run["results"]] == [("wire/only-here", "error")]
    assert run["results"][0]["message"]["text"].startswith("under load: Seen.")
    assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == ["wire/only-here"]


def test_sarif_holds_what_the_load_missed() -> None:
    load = factory.load_document(verdict="fail")
    load["objectives"][1] |= {"verdict": "fail", "note": "20 wanted; 5 failed"}
    [run] = sarif(RunFolder(Path("run"), factory.run_document(), None, load))["runs"]
    [result] = run["results"]
    assert (result["ruleId"], result["level"]) == (load["objectives"][1]["rule"], "error")
    assert "20 wanted; 5 failed" in result["message"]["text"]


def test_a_finding_keeps_its_fingerprint_whatever_its_evidence() -> None:
    def fingerprint(text: str, path: str) -> str:
        found = factory.result("wire/x", "fail", summary=text, evidence=[factory.evidence(text)])
        target = {"base_url": "http://127.0.0.1:1", "stream": {"path": path}}
        run = factory.run_document(target=target, command=["ssegauge", "check", "--target=./ci/sse.toml"])
        [result] = sarif(RunFolder(Path("run"), run, factory.conformance_document([found]), None))["runs"][0]["results"]
        assert result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "ci/sse.toml"
        (value,) = result["partialFingerprints"].values()
        return str(value)

    assert fingerprint("once", "/a") == fingerprint("again", "/a") != fingerprint("once", "/b")


def test_a_known_finding_is_suppressed_in_sarif() -> None:
    document = factory.conformance_document([factory.result("wire/x", "fail", known=True)])
    [found] = sarif(RunFolder(Path("run"), None, document, None))["runs"][0]["results"]
    assert found["suppressions"][0]["kind"] == "external"


def test_sarif_of_hostile_text_is_json_of_harmless_text() -> None:
    text = json.dumps(sarif(hostile_folder()), ensure_ascii=False)
    assert is_harmless(text)


QUANTITIES = {
    "milliseconds": (12.34, "ms", "12.3 ms"),
    "parts of them": (0.0704, "ms", "0.07 ms"),
    "seconds": (1000, "ms", "1 s"),
    "minutes": (123456.7, "ms", "123 s"),
    "counts": (12_345, "streams", "12,345 streams"),
    "a ratio, as a change": (1.0314, "ratio", "+3.14 %"),
    "hardly a change": (0.99999, "ratio", "+0 %"),
    "no change": (1.0, "ratio", "+0 %"),
    "a gain": (0.95, "ratio", "-5 %"),
    "nothing measured": (None, "ms", "–"),
    "not a number": (float("nan"), "ms", "–"),
}


@pytest.mark.parametrize(("value", "unit", "shown"), QUANTITIES.values(), ids=QUANTITIES)
def test_quantities_are_told_for_people(value: float | None, unit: str, shown: str) -> None:
    assert words.quantity(value, unit) == shown


INTERVALS: dict[str, tuple[dict[str, Any], str]] = {
    "the same unit once": ({"unit": "ms", "interval": [5.1, 6.9]}, "5.1 to 6.9 ms"),
    "two units": ({"unit": "ms", "interval": [900, 1100]}, "900 ms to 1.1 s"),
    "a change": ({"unit": "ratio", "interval": [0.959, 1.045]}, "-4.1 to +4.5 %"),
    "none": ({"unit": "ms"}, ""),
}


@pytest.mark.parametrize(("measured", "shown"), INTERVALS.values(), ids=INTERVALS)
def test_intervals_are_told_for_people(measured: dict[str, Any], shown: str) -> None:
    assert words.interval({"limit": 1.05, "value": None} | measured) == shown


# Rounded to three digits, each figure would look like the limit that it breaks, or keeps.
BY_A_HAIR = {
    "seconds": ((1000, 1000.04, "ms"), "1.00004 s", "< 1 s"),
    "just below, in the next unit": ((1000, 999.7, "ms"), "999.7 ms", "< 1 s"),
    "milliseconds": ((205, 205.2, "ms"), "205.2 ms", "< 205 ms"),
    "parts of them": ((0.07, 0.0704, "ms"), "0.0704 ms", "< 0.07 ms"),
    "the limit itself": ((1000, 1000, "ms"), "1 s", "< 1 s"),
    "far away": ((1000, 1234.5, "ms"), "1.23 s", "< 1 s"),
}


@pytest.mark.parametrize(("given", "measured", "limit"), BY_A_HAIR.values(), ids=BY_A_HAIR)
def test_a_figure_looks_like_its_limit_only_where_it_is_that(
    given: Any, measured: str, limit: str, tmp_path: Path
) -> None:
    judged = "pass" if given[1] < given[0] else "fail"
    one = factory.objective("connect-time", *given, verdict=judged)
    load = factory.load_document(verdict=judged, objectives=[one])
    built = reports.build(factory.write_run(tmp_path, conformance=None, load=load))
    files = [path.read_text("utf-8") for path in (built.html, built.markdown, built.junit)]
    tell_all = files if judged == "fail" else files[:2]  # JUnit only counts what passed
    for form in (*tell_all, printed(load_table(load))):
        told = unescape(form).replace("\\<", "<")
        assert measured in told
        assert limit in told


def test_an_interval_shows_on_which_side_of_the_limit_it_is() -> None:
    figures: dict[str, Any] = {"limit": 1.05, "value": 1.06, "unit": "ratio", "interval": [1.050004, 1.07]}
    assert words.interval(figures) == "+5.0004 to +7 %"
    assert words.limit({"rule": "performance/degradation", **figures}) == "< +5 %"


def test_an_objective_beyond_the_specification_is_named_by_its_rule() -> None:
    lost = factory.objective("event-lost", 0, 0, "events", statistic="lost")
    assert words.objective(lost, factory.load_document()) == "Event lost: 0 events (limit ≤ 0 events, 50 samples)"
    assert list(words.specified(factory.load_document(objectives=[lost])).values()) == [None] * 4


def test_a_rule_with_nothing_to_tell_is_told_by_its_title() -> None:
    assert words.says(factory.result("wire/x", summary="", title="Events are UTF-8.")) == "Events are UTF-8."


def test_what_all_objectives_share_is_said_once() -> None:
    objectives = [one | {"note": "the generator was the limit"} for one in factory.load_document()["objectives"]]
    generator = factory.load_document()["generator"] | {"saturated": True, "note": "the generator was the limit"}
    load = factory.load_document(objectives=objectives, generator=generator)
    text = printed(load_table(load))
    assert text.count("the generator was the limit") == 1
    assert "All objectives: the generator was the limit" in text
    assert "SATURATED" in text


def test_a_saturated_generator_is_in_the_headline() -> None:
    generator = factory.load_document()["generator"] | {"saturated": True}
    folder = RunFolder(Path("run"), None, None, factory.load_document(generator=generator))
    assert headline(folder).startswith("The load generator was the limit")


def test_junit_tells_how_long_the_run_and_its_load_took(tmp_path: Path) -> None:
    root = ET.fromstring(junit(open_run(factory.write_run(tmp_path))))
    times = {suite.attrib["name"]: float(suite.attrib["time"]) for suite in root}
    assert (float(root.attrib["time"]), times["run"], times["load"]) == (41.25, 41.25, 30.0)
    cases = {case.attrib["name"]: float(case.attrib["time"]) for case in root.iter("testcase")}
    assert cases["wire/invalid-utf8"] == cases["lifecycle/stream-open-after-terminal"] == 0.812
    assert cases["wire/repeated-bom"] == 0
    assert times["wire"] == pytest.approx(1.625)


@pytest.mark.parametrize("needs", ["add [publish] to the target file", "left out by --quick"])
def test_junit_says_why_a_rule_was_not_observed(needs: str) -> None:
    document = factory.conformance_document([factory.result("wire/x", "not_observed", needs=needs)])
    case = ET.fromstring(junit(RunFolder(Path("run"), None, document, None))).find(".//skipped")
    assert case is not None
    assert case.attrib["message"] == f"not observed: {needs}"
