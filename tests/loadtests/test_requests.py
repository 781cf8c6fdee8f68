"""What requests are made: bodies of a file, made-up prompts, and when they arrive."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice, pairwise
from pathlib import Path
from random import Random
from statistics import fmean, stdev

import pytest
import typer

from ssegauge.cli.work import seconds
from ssegauge.conformance.errors import CannotJudge
from ssegauge.conformance.target import Before, Call, Target
from ssegauge.loadtests.driving import bodies
from ssegauge.loadtests.driving.pacing import Arrivals, arrivals
from ssegauge.loadtests.running.cli import Options, check_requests, with_scenario
from ssegauge.loadtests.running.orders import orders

CHAT = Target("http://127.0.0.1:1", Call("/chat", "POST", {"messages": [{"content": "{prompt}"}]}), "event-stream")


def test_a_file_of_requests_is_one_body_a_line_with_secrets_from_the_environment(tmp_path: Path) -> None:
    file = tmp_path / "r.jsonl"
    file.write_text('{"q": "one"}\n\n{"q": "two", "key": "${KEY}"}\n', encoding="utf-8")
    found = bodies.read(file, {"KEY": 'a"b'})
    assert found.bodies == ({"q": "one"}, {"q": "two", "key": 'a"b'})
    assert found.secrets == {'a"b'}


BROKEN = {
    '{"q": 1}\n{"q": \n': ":2: not JSON",
    '{"q": NaN}\n': ":1: not JSON",
    '{"q": 1}\n\n"text"\n': ":3: str is no body",
    '{"q": "${NONE}"}\n': ":1: environment variable NONE is not set",
    "[" * 100_000 + "\n": ":1: not JSON",
    "\n \n": "holds no request",
}


@pytest.mark.parametrize(("text", "why"), BROKEN.items(), ids=BROKEN.values())
def test_a_broken_line_is_one_clear_line(text: str, why: str, tmp_path: Path) -> None:
    file = tmp_path / "r.jsonl"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(CannotJudge) as raised:
        bodies.read(file, {})
    assert why in str(raised.value)
    assert "r.jsonl" in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(CannotJudge, match="cannot be read"):
        bodies.read(tmp_path / "none.jsonl")


def test_made_up_prompts_have_their_length_and_no_two_are_alike_after_what_all_share() -> None:
    made = bodies.prompts("20-30", 10, CHAT)
    texts = [*islice(made.made(0), 200), *islice(made.made(1), 200)]
    words = [text.split(" ") for text in texts]
    assert {len(found) for found in words} == set(range(20, 31))
    assert len({tuple(found[:10]) for found in words}) == 1
    assert len({found[10] for found in words}) == 400
    assert texts[:200] == list(islice(made.made(0), 200))  # the same again in the next run


def test_a_target_that_wants_prompts_gets_made_up_ones_unless_they_come_from_elsewhere(tmp_path: Path) -> None:
    made = orders(CHAT).prompts
    assert made == bodies.prompts("50-500", 0, CHAT)
    assert orders(CHAT, prompts="7").prompts == bodies.prompts("7", 0, CHAT)
    (tmp_path / "r.jsonl").write_text("{}")
    kept = replace(CHAT, before=(Before("/topic", keep={"prompt": "/text"}),))
    plain = replace(CHAT, stream=Call("/chat", "POST", {"messages": []}))
    assert {orders(target).prompts for target in (kept, plain)} == {None}
    assert orders(CHAT, requests=str(tmp_path / "r.jsonl")).prompts is None


WRONG = {
    "lengths": ({"prompts": "many"}, "write how many words"),
    "none": ({"prompts": "0"}, "write how many words"),
    "prefix": ({"prompts": "10", "shared_prefix": 10}, "less than the prompt's 10 words"),
    "both": ({"prompts": "10", "requests": "x"}, "give one of them"),
    "alone": ({"shared_prefix": 5}, "say with --prompts"),
    "thinking": ({"arrivals": "5/s", "think_s": 1.0}, "nobody thinks"),
    "rate": ({"arrivals": "often"}, "write 20/s"),
    "no rate": ({"arrivals": "0/s"}, "write 20/s"),
}


@pytest.mark.parametrize(("options", "why"), WRONG.values(), ids=WRONG)
def test_options_that_are_none_are_one_clear_line(options: dict[str, object], why: str) -> None:
    with pytest.raises(CannotJudge, match=why):
        orders(CHAT, **options)  # type: ignore[arg-type] # a table of all kinds


def test_prompts_need_a_place_and_requests_their_scenario() -> None:
    bare = replace(CHAT, stream=Call("/chat", "POST", {"messages": []}))
    with pytest.raises(CannotJudge, match=r"write \{prompt\} into the stream's json"):
        orders(bare, prompts="10")
    with pytest.raises(CannotJudge, match="--think is for --scenario requests, not watch"):
        check_requests(Options(scenario="watch", think_s=1.0), CHAT)
    assert with_scenario(Options(arrivals="5/s"), CHAT).scenario == "requests"
    assert with_scenario(Options(), CHAT).scenario == "watch"


@pytest.mark.parametrize("rate", ["0", "1000001", "9" * 400])
def test_no_or_endless_arrivals_are_refused(rate: str) -> None:
    with pytest.raises(CannotJudge, match="write 20/s"):
        arrivals(f"{rate}/s")
    with pytest.raises(typer.BadParameter, match="is no duration"):
        seconds(rate.replace("1000001", "1000000001"))


def test_arrivals_are_even_or_those_of_a_poisson_process() -> None:
    assert arrivals("20/s") == Arrivals(20.0)
    assert str(arrivals(" 2.5 / s constant ")) == "2.5/s constant"
    for even in (True, False):
        planned = [0, *islice(Arrivals(20.0, even).planned(0, Random(1)), 20_000)]
        gaps_s = [(later - earlier) / 1e9 for earlier, later in pairwise(planned)]
        assert fmean(gaps_s) == pytest.approx(0.05, rel=0.02)
        assert stdev(gaps_s) == pytest.approx(0.0 if even else 0.05, rel=0.05, abs=1e-6)
