"""The headline says what happened, the worst first; what was told once is not told again."""

import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest

from ssegauge import reports
from ssegauge.reports import loaded, verdict, words
from ssegauge.reports.folder import RunFolder
from ssegauge.reports.headline import headline
from ssegauge.reports.render.junit import junit
from ssegauge.reports.render.text import load_table, verdict_table
from tests.reports import factory
from tests.reports.test_render import printed

GOOD = factory.objective("connect-time", 1000, 5)


def finding(rule: str, level: str = "must") -> dict[str, Any]:
    return {"rule": rule, "level": level, "summary": f"{rule} was seen", "streams": 3, "evidence": []}


def load(*objectives: dict[str, Any], findings: Any = (), verdict: str = "fail", **counts: Any) -> dict[str, Any]:
    document = factory.load_document(objectives=[GOOD, *objectives], verdict=verdict)
    document["connections"] |= counts
    document["conformance"]["findings"] = list(findings)
    return document


def said(load: dict[str, Any] | None = None, conformance: dict[str, Any] | None = None) -> str:
    return headline(RunFolder(Path("run"), factory.run_document(), conformance, load))


def unsure(rule: str, note: str) -> dict[str, Any]:
    return factory.objective(rule, 1, None, verdict="could_not_judge", note=note)


STREAMS = factory.objective("concurrent-streams", 30, 30, "streams", verdict="fail", statistic="peak")
BROKEN = factory.objective("breaks-under-load", 0, 2, "rules", verdict="fail")
HEADLINES = {
    "a broken MUST": (
        load(BROKEN, findings=[finding("wire/a", "advice"), finding("wire/b"), finding("wire/c")]),
        "It speaks the protocol wrong under load: wire/b and 1 more rule.",
    ),
    "streams that end": (
        load(STREAMS, requested=30, peak_open=20, failed=10, dropped=20),
        "Of the streams 0 of 30 lasted; 30 at once were wanted.",
    ),
    "streams that are refused, some of them twice": (
        load(STREAMS | {"value": 40, "limit": 60}, requested=60, peak_open=40, failed=23, dropped=0),
        "Of the streams 40 of 60 lasted; 60 at once were wanted.",
    ),
    "events that are lost": (
        load(factory.objective("event-lost", 0, 7, "events", verdict="fail")),
        "7 events were lost.",
    ),
    "a stream that fell silent": (
        load(factory.objective("stream-silent", 0, 1, "streams", verdict="fail")),
        "1 stream was silent while others were told.",
    ),
    "few at a time": (
        load(factory.objective("answers-at-once", 16, 4, "answers", verdict="fail", at_least=True)),
        "It answers 4 at a time; 16 at once were wanted.",
    ),
    "few at once, and the rest refused": (
        load(factory.objective("answers-at-once", 16, 4, "answers", verdict="fail", at_least=True))
        | {"requests": {"at_a_time": {"streams": 4, "refused": 429}}},
        "It answered 4 at once and refused the rest (429); 16 at once were wanted.",
    ),
    "a generator that was the limit of nothing that was judged": (
        load(verdict="pass") | {"generator": factory.load_document()["generator"] | {"saturated": True}},
        "It held up under load.",
    ),
    "a slow update": (
        load(factory.objective("update-latency", 2000, 3100, verdict="fail")),
        "Update latency was 3.1 s, and the limit is < 2 s.",
    ),
    "no stream at all": (
        load(BROKEN | {"verdict": "could_not_judge"}, findings=[finding("wire/b")], verdict="could_not_judge"),
        "Whether it holds up under load could not be judged.",
    ),
    "requests that are refused": (
        load(factory.objective("answers-finished", 1, 0.25, "share", verdict="fail", at_least=True))
        | {"requests": {"finished": 16, "failed": 48, "cut": 0, "reasons": {"status 429": 48}}},
        "48 of 64 requests were refused: 429.",
    ),
    "answers that break off": (
        load(factory.objective("answers-finished", 1, 0.5, "share", verdict="fail", at_least=True))
        | {"requests": {"finished": 2, "failed": 0, "cut": 2, "reasons": {"ended without its end marker": 2}}},
        "2 of 4 requests got no whole answer: ended without its end marker.",
    ),
    "one objective that could not be judged": (
        load(unsure("update-latency", "7 samples, too few; run longer"), verdict="could_not_judge"),
        "Whether it holds up under load could not be judged. Update latency: 7 samples, too few; run longer.",
    ),
    "nothing that could be judged": (
        load(verdict="could_not_judge")
        | {"objectives": [unsure(name, "no stream: status 404 x 5") for name in ("connect-time", "update-latency")]},
        "Whether it holds up under load could not be judged. No stream: status 404 x 5.",
    ),
    "no credentials": (
        load(verdict="could_not_judge", failed=9, drop_reasons={"401 Unauthorized": 9}),
        "Streams were refused under load for want of credentials.",
    ),
    "nothing": (load(verdict="pass"), "It held up under load."),
}


@pytest.mark.parametrize(("document", "told"), HEADLINES.values(), ids=HEADLINES)
def test_the_headline_says_what_happened_under_load(document: dict[str, Any], told: str) -> None:
    assert said(document) == told


def test_the_headline_names_the_worst_rule_of_a_check() -> None:
    rules = [factory.result("wire/a", "fail", level="advice"), *(factory.result(f"wire/{n}", "fail") for n in "bcd")]
    told = said(conformance=factory.conformance_document(rules))
    assert told == "The server speaks the protocol wrong: wire/b and 2 more rules."


UNSURE = {
    "a note": ([factory.result("wire/a")], {"notes": ["no event came"]}, "No event came."),
    "a defect of ours": ([factory.result("wire/a", "harness_error", summary="it broke")], {}, "Rule wire/a: it broke."),
    "a consequence": (
        [factory.result("wire/a", "not_judged", because=["wire/b"])],
        {},
        "Rule wire/a: not judged, because of wire/b.",
    ),
}


@pytest.mark.parametrize(("rules", "more", "why"), UNSURE.values(), ids=UNSURE)
def test_a_check_that_could_not_judge_says_why(rules: Any, more: dict[str, Any], why: str) -> None:
    made = factory.conformance_document(rules, verdict="could_not_judge", **more)
    assert said(conformance=made) == f"Conformance could not be judged. {why}"


def test_known_findings_are_told_wherever_the_verdict_is(tmp_path: Path) -> None:
    rules = [factory.result(f"wire/{name}", "fail", known=True) for name in "ab"]
    lesser = factory.result("wire/c", "fail", known=True, level="should")
    made = factory.conformance_document([*rules, lesser, factory.result("wire/d")])
    told = "The server speaks the protocol right, but for 2 known findings."
    assert said(conformance=made) == told
    assert "but for 2 known findings" in printed(verdict_table(made), width=200).splitlines()[-1]
    built = reports.build(factory.write_run(tmp_path, conformance=made, load=None))
    for file in (built.html, built.markdown, built.junit):
        assert told.rstrip(".") in file.read_text("utf-8")
    one = factory.conformance_document([lesser, factory.result("wire/d")])
    assert said(conformance=one) == "The server speaks the protocol right."
    assert said(conformance=one | {"strict": True}).endswith("but for 1 known finding.")


def test_a_stale_baseline_is_the_headline() -> None:
    stale = {"path": "known.txt", "known": ["wire/a"], "stale": ["wire/a"]}
    made = factory.conformance_document([factory.result("wire/a")], verdict="fail", baseline=stale)
    assert said(conformance=made) == "The baseline is stale: wire/a is found no more; take it out."


def test_a_peak_does_not_stand_for_streams_that_did_not_last() -> None:
    shown = printed(load_table(load(STREAMS, requested=30, peak_open=20, failed=10, dropped=20)))
    assert " 0 of 30 lasted" in shown
    assert shown.index("Concurrent streams") < shown.index("Connection time")  # the worst first


def test_users_who_are_refused_again_and_again_are_counted_once() -> None:
    few = factory.objective("concurrent-streams", 20, 4, "streams", verdict="fail", statistic="peak")
    assert "4 of 20 lasted" in printed(load_table(load(few, requested=20, peak_open=4, failed=640, dropped=0)))


def test_where_enough_were_open_it_is_the_attempts_that_failed() -> None:
    document = load(STREAMS, requested=30, peak_open=30, failed=21, dropped=0)
    assert said(document).startswith("30 streams were open at once, and 21 attempts to open one failed.")


def test_advice_that_the_check_has_told_is_not_told_again() -> None:
    checked = factory.conformance_document(
        [factory.result("wire/a", "fail", level="advice"), factory.result("wire/b", "fail")]
    )
    document = load(findings=[finding("wire/a", "advice"), finding("wire/new", "advice"), finding("wire/b")])
    assert [one["rule"] for one in verdict.findings(document, checked)] == ["wire/b", "wire/new"]
    assert [one["rule"] for one in verdict.findings(document)] == ["wire/b", "wire/a", "wire/new"]


def test_a_refusal_says_where_credentials_go() -> None:
    told = loaded.facts(load(drop_reasons={"403 Forbidden": 2}))
    assert any("headers = { Authorization" in text for _, text in told)


def test_a_stall_that_no_objective_bounds_is_told_in_a_line() -> None:
    document = load(verdict="pass")
    document["latency_ms"]["token_gap"] = {"p50": 50.0, "p95": 60.0, "p99": 70.0, "max": 4070.0, "samples": 600}
    told = dict(loaded.facts(document))["longest gap"]
    assert told == "4.07 s between tokens, 50 ms usually; to bound it: --objective 'token_gap_max < 1s'"
    document["objectives"].append(factory.objective("token-gap-p99", 100, 70) | {"rule": "asked/token-gap-p99"})
    assert "longest gap" not in dict(loaded.facts(document))


def test_readers_who_are_told_late_are_told_of_where_nothing_is_promised() -> None:
    document = load(verdict="pass")
    spread = {"least": 3, "median": 3.0, "most": 3}
    document["witnesses"] = {"shared": True, "late_ms": 2600.0, "events_per_stream": spread}
    assert any("2.6 s or more after the first" in text for _, text in loaded.facts(document))
    document["objectives"].append(
        factory.objective("readers-apart", 2000, 2600) | {"rule": "performance/readers-apart"}
    )
    assert not any("after the first" in text for _, text in loaded.facts(document))
    document["witnesses"]["late_ms"] = 1900.0
    document["objectives"].pop()
    assert not any("after the first" in text for _, text in loaded.facts(document))


def test_cards_and_cases_come_the_worst_first() -> None:
    late, odd = (factory.objective(name, 1, 2, verdict="fail") for name in ("degradation", "odd"))
    document = load(unsure("update-latency", "too few"), late, odd)
    worst = ["performance/odd", "performance/degradation", "performance/update-latency", "performance/connect-time"]
    assert list(words.cards(document))[:4] == worst
    checked = factory.conformance_document([factory.result("wire/a"), factory.result("wire/b", "fail")])
    suites = ET.fromstring(junit(RunFolder(Path("run"), None, checked, document)))
    cases = {suite.attrib["name"]: [case.attrib["name"] for case in suite.iter("testcase")] for suite in suites}
    assert cases["wire"] == ["wire/b", "wire/a"]
    assert cases["load"][-2:] == ["performance/update-latency", "performance/connect-time"]
