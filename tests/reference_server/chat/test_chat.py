"""The healthy chat server: what a client of the API relies on."""

import asyncio
from typing import Any

import pytest

from ssegauge.reference_server import CannotServe, serve
from tests.reference_server.chat.asking import PATH, QUESTION, ask, body, deltas, stream

FAST: dict[str, Any] = {"profile": "chat-completions", "first_token": 0, "pace": 0}


async def answered(serving: Any, **members: Any) -> Any:
    async with serving(**FAST) as site:
        return await (await stream(site, **members)).whole()


async def test_the_stream_has_the_form_of_the_api(serving: Any) -> None:
    answer = await answered(serving)
    chunks = answer.events
    assert answer.fields["content-type"] == "text/event-stream"
    assert answer.blocks[-1] == b"data: [DONE]"
    assert len({(chunk["id"], chunk["created"], chunk["model"]) for chunk in chunks}) == 1
    assert {chunk["object"] for chunk in chunks} == {"chat.completion.chunk"}
    assert chunks[0]["choices"][0]["delta"] == {"role": "assistant", "content": ""}
    assert [chunk["choices"][0]["finish_reason"] for chunk in chunks] == [None] * (len(chunks) - 1) + ["stop"]
    assert not any("usage" in chunk for chunk in chunks)


async def test_the_text_has_characters_of_more_than_a_byte_and_each_is_whole(serving: Any) -> None:
    text = deltas(await answered(serving))
    assert len(text.encode()) > len(text)
    assert "\ufffd" not in text


async def test_usage_comes_when_it_is_asked_for_in_a_chunk_without_choices(serving: Any) -> None:
    answer = await answered(serving, stream_options={"include_usage": True})
    *before, last = answer.events
    assert [chunk["usage"] for chunk in before] == [None] * len(before)
    assert last["choices"] == []
    assert last["usage"]["completion_tokens"] == len(before) - 2
    assert last["usage"]["total_tokens"] == last["usage"]["prompt_tokens"] + last["usage"]["completion_tokens"]
    assert answer.body.endswith(b"data: [DONE]\n\n")


async def test_an_answer_that_is_too_long_is_cut_and_says_so(serving: Any) -> None:
    for member in ("max_tokens", "max_completion_tokens"):
        chunks = (await answered(serving, **{member: 3})).events
        assert len(chunks) == 5
        assert chunks[-1]["choices"][0]["finish_reason"] == "length"


async def test_the_same_question_and_seed_have_the_same_answer(serving: Any) -> None:
    texts = [deltas(await answered(serving, seed=seed)) for seed in (1, 1, 2, 3)]
    assert texts[0] == texts[1]
    assert len({*texts}) > 1


async def test_each_answer_has_an_id_of_its_own(serving: Any) -> None:
    ids = [(await answered(serving)).events[0]["id"] for _ in range(2)]
    assert ids[0] != ids[1]


async def test_without_stream_the_answer_comes_whole(serving: Any) -> None:
    async with serving(**FAST) as site:
        answer = (await ask(site, body(seed=7))).json
        streamed = await (await stream(site, seed=7)).whole()
    assert answer["object"] == "chat.completion"
    assert answer["choices"][0]["message"] == {"role": "assistant", "content": deltas(streamed), "refusal": None}
    assert answer["usage"]["completion_tokens"] == len(streamed.events) - 2


async def test_events_are_written_one_by_one(serving: Any) -> None:
    async with serving(**{**FAST, "pace": 0.001}) as site:
        answer = await (await stream(site)).whole()
    assert all(chunk.count(b"data: ") == 1 for chunk in answer.chunks[:-1])


async def test_the_head_comes_before_the_first_token_and_the_wait_is_no_silence(serving: Any) -> None:
    async with serving(**{**FAST, "first_token": 60, "heartbeat": 0.05}) as site:
        answer = await (await stream(site)).until(lambda answer: answer.body.count(b": keep-alive\n") == 3)
        assert (answer.status, answer.events) == (200, [])


@pytest.mark.parametrize(
    ("members", "told"),
    [
        ({}, "'model' is a required property"),
        ({"model": "ssegauge-1"}, "'messages' is a required property"),
        (body(messages=[]), "messages must be a list of at least one message"),
        (body(messages="hi"), "messages must be a list"),
        (body(messages=[{"content": "hi"}]), "messages must be a list"),
        (body(stream="yes"), "stream must be true or false"),
        (body(max_tokens=0), "max_tokens must be a number of tokens from 1"),
        (body(n=9), "n must be a number from 1 to 8"),
        (body(stream_options=True), "stream_options must be {include_usage"),
        ([], "is not of type 'object'"),
    ],
)
async def test_a_wrong_body_is_400_in_the_shape_of_the_api(members: Any, told: str, serving: Any) -> None:
    async with serving(**FAST) as site:
        answer = await ask(site, members)
    error = answer.json["error"]
    assert (answer.status, error["type"], error["param"], error["code"]) == (400, "invalid_request_error", None, None)
    assert told in error["message"]


async def test_what_is_not_json_is_400(serving: Any) -> None:
    async with serving(**FAST) as site:
        answer = await site.ask("POST", PATH, b"{", Content_Type="application/json")
    assert (answer.status, answer.json["error"]["type"]) == (400, "invalid_request_error")


async def test_an_unknown_model_is_404(serving: Any) -> None:
    async with serving(**FAST) as site:
        answer = await ask(site, {"model": "other", "messages": [QUESTION]})
        models = (await site.ask("GET", "/v1/models")).json
    assert (answer.status, answer.json["error"]["code"]) == (404, "model_not_found")
    assert "`other`" in answer.json["error"]["message"]
    assert [model["id"] for model in models["data"]] == ["ssegauge-1", "ssegauge-fails"]


async def test_without_the_key_it_is_401(serving: Any) -> None:
    async with serving(**FAST, token="secret") as site:
        refused, admitted = await ask(site, body()), await ask(site, body(), Authorization="Bearer secret")
    assert (refused.status, refused.json["error"]["code"], admitted.status) == (401, "invalid_api_key", 200)
    assert refused.fields["www-authenticate"].startswith("Bearer")


async def test_another_address_and_another_method_are_refused_in_the_same_shape(serving: Any) -> None:
    async with serving(**FAST) as site:
        nothing, wrong = await site.ask("GET", "/v1/nothing"), await site.ask("GET", PATH)
    assert (nothing.status, wrong.status, wrong.fields["allow"]) == (404, 405, "OPTIONS, POST")
    assert {*nothing.json["error"]} == {*wrong.json["error"]} == {"message", "type", "param", "code"}


async def test_one_more_than_there_are_slots_is_429_and_told_when_to_come_back(serving: Any) -> None:
    async with serving(**{**FAST, "first_token": 60, "slots": 2}) as site:
        busy = [await (await stream(site)).saw(b"200 OK") for _ in range(2)]
        refused = await (await stream(site)).whole()
        assert (refused.status, refused.fields["retry-after"]) == (429, "1")
        assert refused.json["error"]["code"] == "rate_limit_exceeded"
        busy[0].cut()
        await site.becomes(lambda metrics: metrics["open_streams"] == 1)
        assert (await (await stream(site)).saw(b"200 OK")).status == 200


async def test_a_reader_who_leaves_ends_the_generation(serving: Any) -> None:
    async with serving(**{**FAST, "pace": 60}) as site:
        for reset in (False, True):
            (await (await stream(site)).saw(b"assistant")).cut(reset=reset)
            await site.becomes(lambda metrics: metrics["open_streams"] == 0)


async def test_many_are_answered_at_once(serving: Any) -> None:
    async with serving(**FAST) as site:
        answers = await asyncio.gather(*[(await stream(site)).whole() for _ in range(20)])
    assert all(answer.body.endswith(b"[DONE]\n\n") for answer in answers)


@pytest.mark.parametrize("wrong", [{"slots": -1}, {"pace": -1}, {"first_token": float("nan")}])
def test_settings_that_cannot_be_are_one_line(wrong: dict[str, Any]) -> None:
    with pytest.raises(CannotServe, match="must be a number"):
        serve(port=0, profile="chat-completions", **wrong)
