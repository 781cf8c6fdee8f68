"""Healthy answers of language models, however unusual, set off nothing; each breach is told once, by its cause."""

from typing import Any

import pytest

from ssegauge.conformance.judge import judge
from ssegauge.conformance.recording.transcript import Transcript
from ssegauge.conformance.target import Promises, from_toml
from tests.corpus import messages, responses

HEALTHY = {
    **{("messages", name): messages.stream(*events) for name, events in messages.HEALTHY.items()},
    **{("responses", name): responses.stream(*events) for name, events in responses.HEALTHY.items()},
}


def promises(profile: str) -> Promises:
    """What the profile promises by itself."""
    text = f'base_url = "http://127.0.0.1"\nprofile = "{profile}"\n[stream]\npath = "/v1"\nmethod = "POST"\n'
    return from_toml(text, "ssegauge.toml", {}).promises


def broken(profile: str, *run: Transcript) -> dict[str, str]:
    """The codes of the broken rules, each with its level."""
    results = judge(run, profile=profile, promises=promises(profile))
    return {one.rule.code: one.level for one in results if one.verdict in {"fail", "harness_error"}}


@pytest.mark.parametrize(("profile", "name"), HEALTHY, ids=lambda value: value)
def test_a_healthy_answer_sets_off_nothing(profile: str, name: str) -> None:
    assert broken(profile, HEALTHY[profile, name]) == {}


@pytest.mark.parametrize(("profile", "name"), HEALTHY, ids=lambda value: value)
def test_a_healthy_answer_is_a_healthy_event_stream(profile: str, name: str) -> None:
    assert broken("event-stream", HEALTHY[profile, name]) == {}


# What vendors and gateways are known to do otherwise: advice at most.
NAMELESS = tuple({**one, "name": ""} for one in responses.TEXT)
UNNUMBERED = tuple({**one, "sequence_number": "missing"} for one in NAMELESS)
ROTATING = tuple({**one, "item_id": f"x{n}"} if "item_id" in one else one for n, one in enumerate(responses.CALLS))
PHANTOM = responses.end(*responses.call(1, "{}"), *responses.message(0)[3:])
TRANSLATED = tuple(
    {
        **one,
        "name": "",
        "sequence_number": 11 - n if one["type"] == "response.output_item.done" else "missing",
        **({"response": {**one["response"], "id": f"resp_{n}"}} if "response" in one else {}),
    }
    for n, one in enumerate(PHANTOM)
)
OTHERS: dict[str, tuple[str, Transcript]] = {
    "data alone, [DONE]": ("responses", responses.stream(*NAMELESS, responses.DONE)),
    "no numbers": ("responses", responses.stream(*UNNUMBERED, responses.DONE)),
    "numbers from 1": ("responses", responses.stream(*responses.TEXT, first=1)),
    "ids that rotate": ("responses", responses.stream(*ROTATING)),
    # LiteLLM, where it answers a Responses request by another API: as it was seen to do, a call first.
    "translated": ("responses", responses.stream(*TRANSLATED, responses.DONE)),
    "no final output": (
        "responses",
        responses.stream(*responses.TEXT[:-1], responses.life("completed", "completed", usage=responses.USAGE)),
    ),
    "[DONE] after message_stop": ("messages", messages.stream(*messages.TEXT, messages.DONE)),
    "a named [DONE]": ("messages", messages.stream(*messages.TEXT, b"event: data\ndata: [DONE]\n\n")),
    "no signature": (
        "messages",
        messages.stream(*(one for one in messages.THINKING if "signature_delta" not in str(one))),
    ),
    "no role and no type": (
        "messages",
        messages.stream(
            messages.of("message_start", message={"id": "m", "content": [], "model": "m"}), *messages.TEXT[1:]
        ),
    ),
    "comments": ("messages", messages.stream(*messages.TEXT[:2], b": OPENROUTER PROCESSING\n\n", *messages.TEXT[2:])),
}


@pytest.mark.parametrize("name", OTHERS)
def test_what_vendors_differ_in_is_advice_at_most(name: str) -> None:
    profile, run = OTHERS[name]

    assert set(broken(profile, run).values()) <= {"advice"}


@pytest.mark.parametrize("profile", ["messages", "responses"])
@pytest.mark.parametrize("other", ["messages", "responses", "chat"])
def test_an_answer_of_another_api_is_not_judged_by_this_one(profile: str, other: str) -> None:
    chat = messages.stream(b'data: {"object": "chat.completion.chunk", "choices": []}\n\n', messages.DONE)
    runs = {"messages": HEALTHY["messages", "text"], "responses": HEALTHY["responses", "text"], "chat": chat}

    if other != profile:
        assert {code for code, level in broken(profile, runs[other]).items() if level != "advice"} <= {
            "end/marker-missing"
        }


HOSTILE: tuple[Any, ...] = (None, True, -1, 1e400, 10**400, "", "x\x00\u2028", [], {}, [[{}]], {"type": []})


@pytest.mark.parametrize("value", HOSTILE, ids=lambda value: repr(value)[:20])
def test_no_rule_breaks_on_values_of_any_type(value: Any) -> None:
    for kind, whole in (("messages", messages.SEARCH), ("responses", responses.SEARCH)):
        corpus = messages if kind == "messages" else responses
        different = {str(event)[:40]: event for event in whole}.values()
        spoiled = [one for event in different for one in replacements(event, value)]
        results = judge([corpus.stream(*spoiled)], profile=kind, promises=promises(kind))
        assert [(one.rule.code, one.summary) for one in results if one.verdict == "harness_error"] == []


def replacements(event: Any, value: Any) -> list[Any]:
    """The event, each member of it replaced by the value."""
    data = event[1] if isinstance(event, tuple) else event
    changed = [{**data, key: value} for key in data if key != "type" or isinstance(event, tuple)]
    changed += [
        {**data, key: {**inner, name: value}}
        for key, inner in data.items()
        if isinstance(inner, dict)
        for name in inner
    ]
    return [(event[0], one) for one in changed] if isinstance(event, tuple) else changed
