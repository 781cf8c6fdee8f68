from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from ssegauge.conformance.catalogue import RULES
from ssegauge.conformance.document import document, overall
from ssegauge.conformance.judge import MOST_EVIDENCE, judge
from ssegauge.conformance.recording.transcript import from_capture
from ssegauge.conformance.rules import Rule, Source, Verdict
from ssegauge.conformance.seen import Level, Mark, Seen, View, not_applicable
from ssegauge.conformance.target import Limits, Promises
from tests.corpus import end, resume_any
from tests.corpus.build import Run, exchange, healthy, progress
from tests.corpus.whole import HEALTHY

SOURCE = Source("whatwg", "WHATWG HTML #x", "https://example.org/#x", "a quote")


def a_rule(*marks: Mark, code: str = "made/up", level: Any = "must", **more: Any) -> Rule:
    """A rule that yields these marks, whatever was seen."""
    words = {name: name for name in ("title", "why", "mend", "example")}
    usual: dict[str, Any] = {"needs": (), "patient": False, "only": None, "check": lambda _: iter(marks)}
    return Rule(code, level, SOURCE, **words, **{**usual, **more})


def judged(*rules: Rule, **options: Any) -> list[Any]:
    return judge((), rules={rule.code: rule for rule in rules}, **options)


def verdict(rule: Rule, **options: Any) -> Verdict:
    (result,) = judged(rule, **options)
    return result.verdict


GOOD, BAD, NOT_OURS = Mark(True), Mark(False, "it is wrong"), not_applicable("no business here")


@pytest.mark.parametrize(
    ("marks", "expected"),
    [
        ((), "not_observed"),
        ((GOOD,), "pass"),
        ((BAD,), "fail"),
        ((GOOD, BAD, GOOD), "fail"),
        ((NOT_OURS,), "not_applicable"),
        ((NOT_OURS, GOOD), "pass"),
        ((NOT_OURS, BAD), "fail"),
    ],
    ids=["nothing", "good", "bad", "mixed", "not ours", "not ours but good", "not ours but bad"],
)
def test_a_verdict_follows_from_observations_alone(marks: tuple[Mark, ...], expected: str) -> None:
    assert verdict(a_rule(*marks)) == expected


def test_observations_are_what_supports_or_breaks_a_rule() -> None:
    (result,) = judged(a_rule(GOOD, GOOD, BAD, NOT_OURS))

    assert result.observations == 3


def test_a_rule_broken_often_is_shown_by_its_first_few() -> None:
    view = Seen.of([healthy()]).views[0]
    marks = [view.bad(f"number {n}", view.events[0]) for n in range(9)]

    (result,) = judged(a_rule(*marks))

    assert result.summary == "number 0 (and 8 more)"
    assert len(result.evidence) == MOST_EVIDENCE


def test_a_rule_of_another_profile_is_not_applicable() -> None:
    assert verdict(a_rule(BAD, only="task-progress"), profile="event-stream") == "not_applicable"
    assert verdict(a_rule(BAD, only="task-progress")) == "fail"


def test_a_defect_of_one_rule_takes_no_other_with_it() -> None:
    def breaks(_: Seen) -> Iterator[Mark]:
        yield GOOD
        raise KeyError("no such thing")

    broken, sound = judged(a_rule(code="made/broken", check=breaks), a_rule(GOOD))

    assert (broken.verdict, sound.verdict) == ("harness_error", "pass")
    assert "KeyError: 'no such thing'" in broken.summary


def test_rules_see_the_limits() -> None:
    limits = Limits(connect_s=0.001)
    codes = {"lifecycle/connected-late": RULES["lifecycle/connected-late"]}

    (strict,), (usual,) = judge([healthy()], limits=limits, rules=codes), judge([healthy()], rules=codes)

    assert (strict.verdict, usual.verdict) == ("fail", "pass")


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"hooks": None}, "not recorded; check the running server again"),
        ({"hooks": ()}, "add [task.create_manual] and [task.update] to the target file"),
        ({"hooks": ("task.create_manual",)}, "add [task.update] to the target file"),
        ({"hooks": ("task.create_manual", "task.update"), "quick": True}, "left out by --quick"),
        ({"hooks": (), "quick": True}, "left out by --quick"),
        ({"hooks": ("task.create_manual", "task.update")}, "the situation did not come up"),
    ],
    ids=["recorded", "no hook", "one hook", "quick", "quick without hooks", "all"],
)
def test_what_was_not_observed_says_what_is_missing(options: dict[str, Any], expected: str) -> None:
    (result,) = judged(a_rule(needs=("task.create_manual", "task.update"), patient=True), **options)

    assert result.needs == expected


def test_what_a_capture_does_not_show_is_for_the_running_server() -> None:
    (result,) = judge([from_capture(b"data: 1\n\n")], rules={"made/up": a_rule()})

    assert result.needs == "not in this capture; `ssegauge check` on the running server may show it"


@pytest.mark.parametrize(
    ("marks", "level", "strict", "expected"),
    [
        ((), "must", False, "could_not_judge"),
        ((NOT_OURS,), "must", False, "could_not_judge"),
        ((GOOD,), "must", False, "pass"),
        ((BAD,), "must", False, "fail"),
        ((BAD,), "should", False, "pass"),
        ((BAD,), "should", True, "fail"),
        ((BAD,), "advice", True, "pass"),
    ],
)
def test_the_whole_fails_by_what_must_hold(marks: tuple[Mark, ...], level: str, strict: bool, expected: str) -> None:
    assert overall(judged(a_rule(*marks, level=level)), strict=strict) == expected


def test_our_own_failure_is_no_pass_but_does_not_hide_a_broken_must() -> None:
    ours = a_rule(code="made/broken", check=lambda _: iter([1 / 0]))

    assert overall(judged(ours, a_rule(GOOD))) == "could_not_judge"
    assert overall(judged(ours, a_rule(BAD))) == "fail"


def test_known_findings_break_nothing_and_stale_ones_fail() -> None:
    found, mended = a_rule(BAD, code="made/found"), a_rule(GOOD, code="made/mended")
    results = judged(found, mended)

    known = document(results, profile="task-progress", transcripts=HEALTHY, baseline=("known.txt", {"made/found"}))
    stale = document(
        results, profile="task-progress", transcripts=HEALTHY, baseline=("known.txt", {"made/found", "made/mended"})
    )

    assert known["verdict"] == "pass"
    assert known["results"][0]["known"] is True
    assert stale["verdict"] == "fail"
    assert stale["baseline"]["stale"] == ["made/mended"]


@pytest.mark.parametrize("marks", [(), (NOT_OURS,)], ids=["not observed", "not applicable"])
def test_a_known_finding_that_was_not_looked_at_is_not_stale(marks: tuple[Mark, ...]) -> None:
    results = judged(a_rule(*marks, code="made/unseen"), a_rule(GOOD))

    made = document(
        results, profile="task-progress", transcripts=HEALTHY, baseline=("known.txt", {"made/unseen", "made/unchosen"})
    )

    assert (made["verdict"], made["baseline"]["stale"]) == ("pass", [])


@pytest.mark.parametrize(
    ("mark", "options", "expected"),
    [
        (GOOD, {}, "pass"),
        (GOOD, {"notes": ["paced stopped: [task.create] 500"]}, "could_not_judge"),
        (GOOD, {"interrupted": True}, "could_not_judge"),
        (GOOD, {"interrupted": True, "baseline": ("known.txt", {"made/up"})}, "could_not_judge"),
        (BAD, {"notes": ["paced stopped: [task.create] 500"]}, "fail"),
        (BAD, {"interrupted": True}, "fail"),
    ],
)
def test_what_was_not_looked_at_wholly_does_not_pass(mark: Mark, options: dict[str, Any], expected: str) -> None:
    made = document(judged(a_rule(mark)), profile="task-progress", transcripts=HEALTHY, **options)

    assert made["verdict"] == expected
    assert made.get("notes", []) == options.get("notes", [])


def test_the_document_counts_and_shows() -> None:
    results = judge(HEALTHY)

    made = document(results, profile="task-progress", transcripts=HEALTHY)

    assert made["verdict"] == "pass"
    assert sum(made["counts"].values()) == len(RULES) == len(made["results"])
    assert made["counts"]["fail"] == 0
    assert made["transcripts"] == len(HEALTHY)


def test_evidence_leads_to_the_bytes() -> None:
    run = healthy(progress(40), progress(5), name="paced")
    codes = {"lifecycle/progress-regresses": RULES["lifecycle/progress-regresses"]}

    made = document(judge([run], rules=codes), profile="task-progress")

    ((evidence,),) = (row["evidence"] for row in made["results"])
    assert (evidence["transcript"], evidence["chunk"], evidence["at_ms"]) == ("paced", 3, 40.0)
    assert run.body[evidence["byte"] :].startswith(progress(5)[:20])
    assert evidence["excerpt"].startswith('id: 5\\ndata: {"type": "progress"')


def test_a_capture_of_a_healthy_stream_breaks_nothing() -> None:
    results = judge([from_capture(healthy().body)])

    assert [one.rule.code for one in results if one.verdict in {"fail", "harness_error"}] == []


def test_judging_leaves_what_was_seen_as_it_was() -> None:
    before = [replace(one) for one in HEALTHY]

    judge(HEALTHY)

    assert list(HEALTHY) == before


NOTHING = exchange(how="timeout", ended_at=16_500.0)


@pytest.mark.parametrize(
    ("run", "why"),
    [
        ((), "no event stream was seen"),
        ((NOTHING,), "no event and no comment came on 1 stream in up to 16.5 s"),
        ((NOTHING, exchange(b"id: 1\n\n")), "no event and no comment came on 2 streams"),
    ],
)
def test_where_nothing_was_seen_nothing_passes(run: Run, why: str) -> None:
    made = document(judged(a_rule(GOOD)), profile="event-stream", transcripts=run)

    assert made["verdict"] == "could_not_judge"
    assert why in made["notes"][0]


@pytest.mark.parametrize("run", [(exchange(b": hello\n\n"),), (exchange(b"data\n\n"),)], ids=["a comment", "an event"])
def test_a_comment_is_something_seen(run: Run) -> None:
    assert document(judged(a_rule(GOOD)), profile="event-stream", transcripts=run)["verdict"] == "pass"


UNANSWERED = exchange(name="plain", how="timeout", ended_at=5000.0, answered=False)


@pytest.mark.parametrize(
    ("in_vain", "answered", "verdict"), [(4, 12, "could_not_judge"), (4, 13, "pass"), (3, 1, "pass")]
)
def test_where_many_streams_had_no_answer_nothing_passes(in_vain: int, answered: int, verdict: str) -> None:
    run = in_vain * (UNANSWERED,) + answered * (exchange(b"id: 1\ndata: x\n\n"),)

    made = document(judged(a_rule(GOOD)), profile="event-stream", transcripts=run)

    assert made["verdict"] == verdict
    if verdict != "pass":
        assert "4 of 16 streams that were asked for had no answer in up to 5 s" in made["notes"][0]


def test_how_much_was_looked_at_is_told() -> None:
    made = document(judged(a_rule(GOOD)), profile="event-stream", transcripts=(healthy(), NOTHING))

    assert made["looked"] == {"streams": 2, "events": 5, "comments": 0, "longest_s": 16.5}


def breaking(*names: str, **more: Any) -> Rule:
    """A rule that is broken in the streams of these names."""
    views = [View(healthy(name=name)) for name in names]
    return a_rule(*(view.bad("it is wrong", view.events[0]) for view in views), **more)


def verdicts(*rules: Rule) -> dict[str, tuple[str, tuple[str, ...]]]:
    return {one.rule.code: (one.verdict, one.because) for one in judged(*rules)}


def test_a_consequence_is_told_with_its_cause_and_not_beside_it() -> None:
    cause = breaking("a", code="wire/cause")
    chain = breaking("a", code="security/next", rests_on=("wire",))

    assert verdicts(chain, cause) == {"security/next": ("not_judged", ("wire/cause",)), "wire/cause": ("fail", ())}
    assert verdicts(chain) == {"security/next": ("fail", ())}


def test_the_consequence_of_a_consequence_is_told_with_the_first_cause() -> None:
    cause, other = (
        breaking("a", code="delivery/parted"),
        breaking("a", code="delivery/lost", rests_on=("delivery/parted",)),
    )
    last = breaking("b", code="slow/stalls", rests_on=("delivery/lost",))

    assert verdicts(cause, other, last)["slow/stalls"] == ("not_judged", ("delivery/parted",))
    assert verdicts(cause, a_rule(GOOD, code="delivery/lost"), last)["slow/stalls"] == ("fail", ())


def test_what_spoils_one_stream_explains_nothing_in_another() -> None:
    cause, other = breaking("a", code="wire/cause"), breaking("a", "b", code="made/next", rests_on=("wire/cause",))

    (_, result) = judged(cause, other)

    assert (result.verdict, [one.transcript for one in result.evidence]) == ("fail", ["b"])


def test_what_spoils_the_server_explains_everything() -> None:
    cause, other = breaking("a", code="capacity/few"), breaking("b", code="made/next", rests_on=("capacity/few",))

    assert verdicts(cause, other)["made/next"] == ("not_judged", ("capacity/few",))


def test_a_cause_that_holds_explains_nothing() -> None:
    other = breaking("a", code="made/next", rests_on=("wire/cause",))

    assert verdicts(a_rule(GOOD, code="wire/cause"), other)["made/next"] == ("fail", ())


@pytest.mark.parametrize(("level", "expected"), [("must", "fail"), ("should", "could_not_judge")])
def test_a_must_that_was_not_judged_never_passes(level: Level, expected: str) -> None:
    results = judged(breaking("a", code="wire/cause", level=level), breaking("a", code="made/next", rests_on=("wire",)))

    assert overall(results) == expected


def test_the_gravest_breach_gives_the_level() -> None:
    view = View(healthy())
    marks = (view.bad("a little"), view.bad("badly", level="must"), view.bad("a little"))

    (result,) = judged(a_rule(*marks, level="advice"))

    assert (result.level, result.summary) == ("must", "badly (and 2 more)")


@pytest.mark.parametrize(("promises", "level"), [(Promises(), "should"), (Promises(heartbeat_s=5), "must")])
def test_a_promise_weighs_more(promises: Promises, level: Level) -> None:
    (result,) = judged(a_rule(BAD, level="should", promised={"heartbeat_s": "must"}), promises=promises)

    assert result.level == level


def test_of_any_stream_missed_events_are_a_breach_where_resume_is_promised() -> None:
    code = "resume/gap-on-resume"
    (run, *_) = resume_any.CASES[code].bad[-1:]
    verdicts = [
        judge(run, rules={code: RULES[code]}, profile="event-stream", promises=one)[0].verdict
        for one in (Promises(), Promises(resume=True))
    ]

    assert verdicts == ["not_applicable", "fail"]


def test_a_cut_in_order_is_advice_where_nothing_is_lost_by_it() -> None:
    code = "end/cut-by-timeout"
    *_, (stream, newcomer, *back) = end.CASES[code].bad

    levels = [judge((stream, newcomer, *more), rules={code: RULES[code]})[0].level for more in ((), back)]

    assert levels == ["must", "advice"]


def test_a_profile_cites_a_sentence_of_its_own() -> None:
    (result,) = judge((), rules={"": RULES["delivery/update-late"]}, profile="task-progress")
    (usual,) = judge((), rules={"": RULES["delivery/update-late"]}, profile="event-stream")

    assert (result.rule.source.title, usual.rule.source.title) == ("task-progress S3.9", "event-stream E2.5")
