"""What findings and errors say, where the words depend on what was seen."""

import pytest

from ssegauge.conformance.catalogue import RULES
from ssegauge.conformance.errors import CannotJudge
from ssegauge.conformance.explain import named
from ssegauge.conformance.facts import Facts
from ssegauge.conformance.judge import judge
from ssegauge.conformance.recording.transcript import Request, Transcript
from ssegauge.conformance.seen import View
from ssegauge.conformance.words import lasted, shown
from tests.corpus.build import Run, connected, exchange, progress
from tests.corpus.course import update, waits


def summary(code: str, *run: Transcript) -> str:
    (result,) = judge(run, rules={code: RULES[code]})
    return result.summary


LATE = {"joined": "late", "at": 250.0}
MOVES: Run = (update(100, 20), update(200, 40))


@pytest.mark.parametrize(
    ("run", "expected"),
    [
        ((waits((3005.0, progress(40)), **LATE),), "the current state was told only after 3 s"),
        ((*MOVES, waits((10.0, progress(20)), for_ms=2505.0, **LATE)), "the current state was not told within 2.5 s"),
        ((exchange(connected(), joined="late", kind="manual"),), "the current state was not told"),
    ],
    ids=["late", "never", "never, and the stream ended"],
)
def test_a_state_told_late_is_no_state_never_told(run: Run, expected: str) -> None:
    assert summary("lifecycle/late-subscriber-uninformed", *run) == expected


@pytest.mark.parametrize(
    ("detail", "tail", "expected"),
    [
        ("incomplete body: peer closed", b"", "the connection was closed before the body had ended"),
        ("Connection reset by peer", b"data: ha", "the connection broke, inside an event, before the body had ended"),
        ("Connection reset by peer", b": ha", "the connection broke before the body had ended"),
    ],
)
def test_a_broken_connection_says_whether_an_event_was_under_way(detail: str, tail: bytes, expected: str) -> None:
    seen = exchange(b"data: 1\n\n", tail, how="error", detail=detail)

    assert summary("wire/truncated-chunked-body", seen) == expected


def test_a_look_from_outside_shows_what_it_saw() -> None:
    facts = Facts(moment="fin", cut=10, held=3)

    evidence = View(Transcript("sockets", Request("LOOK", "sockets"), facts=facts)).evidence()

    assert (evidence.excerpt, evidence.byte) == ("moment: fin, cut: 10, held: 3", None)


@pytest.mark.parametrize(
    ("ms", "expected"),
    [(0.2, "0 ms"), (999.4, "999 ms"), (999.6, "1 s"), (2307.0, "2.31 s"), (90_000.0, "90 s"), (3.6e6, "3,600 s")],
)
def test_lengths_of_time(ms: float, expected: str) -> None:
    assert lasted(ms) == expected


def test_what_is_cut_shows_that_it_is() -> None:
    assert shown("a" * 58) == repr("a" * 58)
    assert shown("a" * 59) == "'" + "a" * 58 + "…"


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("nosuch", "`ssegauge rules` lists them"),
        ("wire/field-cases", "did you mean 'wire/field-case'?"),
        ("gap-on-resum", "did you mean 'resume/gap-on-resume'?"),
        ("liveliness", "did you mean 'liveness'?"),
        ("wire,shape", "name them one by one, as in `--only wire --only shape`"),
    ],
)
def test_a_name_that_is_none_gets_a_hint_that_helps(name: str, hint: str) -> None:
    with pytest.raises(CannotJudge) as caught:
        named(name)

    assert str(caught.value) == f"no rule and no group is named {name!r}; {hint}"


def test_mixed_line_endings_are_shown_where_they_begin_to_differ() -> None:
    code = "wire/mixed-line-endings"
    (result,) = judge([exchange(b"data: 1\n\n", b"data: 2\r\n\r\n")], rules={code: RULES[code]})
    assert "data: 2" in result.evidence[0].excerpt


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("resume/preflight-refuses-last-event-id", 'add `origin = "https://app.example"`, above all tables, to'),
        ("delivery/update-late", "add [task.create_manual] and [task.update] to the target file"),
        ("cleanup/memory-grows", "add `pid = 4711` in [observe] to the target file"),
    ],
)
def test_what_is_missing_is_said_as_it_is_to_be_written(code: str, expected: str) -> None:
    (result,) = judge([], hooks=(), rules={code: RULES[code]})
    assert result.needs.startswith(expected)
