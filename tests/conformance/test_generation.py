"""A check of a language model's streams says before what it costs, and in one line what it cannot judge."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from ssegauge.conformance.catalogue import RULES
from ssegauge.conformance.check import suggestion, unmatched
from ssegauge.conformance.errors import CannotJudge
from ssegauge.conformance.judge import judge
from ssegauge.conformance.play import Plan, play
from ssegauge.conformance.recording.live import Recording
from ssegauge.conformance.target import Given, Target, from_url
from ssegauge.reference_server import start

BODY = {"model": "ssegauge-1", "stream": True, "messages": [{"role": "user", "content": "Hi"}]}
KEY = "Authorization: Bearer key"
PATH = "/v1/chat/completions"
STREAM = {"Content-Type": "text/event-stream"}
Handler = Callable[[web.Request], Any]


def target_at(base_url: str, *headers: str, profile: str = "chat-completions", **members: Any) -> Target:
    return from_url(base_url + PATH, Given(headers=headers, body=json.dumps({**BODY, **members}), profile=profile))


def healthy(**options: Any) -> Any:
    return start((), profile="chat-completions", first_token=0, pace=0, **options)


async def played(target: Target, *rules: str) -> tuple[Plan, list[str], Recording]:
    """Play the plan; return it, the names of all requests that were made, and the recording."""
    recording = Recording()
    chosen = [rule for rule in RULES.values() if not rules or {rule.code, rule.group} & {*rules}]
    plan = Plan.of(target, quick=True, rules=chosen)
    failures = await play(target, recording, plan, quick=True)
    assert not failures.of
    return plan, [one.name for one in recording.transcripts if one.request.method != "LOOK"], recording


@pytest.mark.parametrize("headers", [(), (KEY,)])
@pytest.mark.parametrize("origin", [None, "https://app.example"])
async def test_as_many_requests_are_made_as_were_announced(headers: tuple[str, ...], origin: str | None) -> None:
    async with healthy(token="key" if headers else None) as base_url:
        plan, made, recording = await played(replace(target_at(base_url, *headers), origin=origin))
    streams = [one for one in recording.transcripts if one.head and one.head.status == 200 and one.role == "stream"]

    assert len(made) == plan.asks, made
    assert len(streams) == plan.generations == 3
    assert plan.described().startswith(f"{plan.asks} requests, 3 of them generations")


@pytest.mark.parametrize("rules", [("wire",), ("chat/finish-missing", "end"), ("chat/id-changes",)])
async def test_what_one_stream_shows_is_asked_for_once(rules: tuple[str, ...]) -> None:
    async with healthy() as base_url:
        plan, made, recording = await played(target_at(base_url), *rules)
    results = judge(recording.transcripts, profile="chat-completions", rules={code: RULES[code] for code in RULES})

    assert (plan.asks, made) == (1, ["plain"])
    assert plan.described().startswith("1 request, a generation;")
    assert {"wire/invalid-utf8", "chat/finish-missing", "end/marker-missing"} <= {
        one.rule.code for one in results if one.verdict == "pass"
    }


@pytest.mark.parametrize("profile", ["chat-completions", "event-stream"])
async def test_a_server_that_answers_whatever_it_is_asked_is_asked_for_four_generations_at_most(profile: str) -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers=STREAM)
        await response.prepare(request)
        await response.write(b'data: {"choices":[{"index":0,"delta":{"role":"assistant"},"finish_reason":"stop"}]}\n\n')
        await response.write(b"data: [DONE]\n\n")
        return response

    async with served(answer) as base_url:
        _, _, recording = await played(target_at(base_url, KEY, profile=profile))
    begun = [one.name for one in recording.transcripts if one.head and one.head.status == 200]
    other = "plain-third" if profile == "chat-completions" else "hello"
    assert sorted(begun) == sorted(["bad-request-not-json", "plain", other, "plain-twin"])


async def test_a_pointer_of_the_targets_own_that_matches_nothing_is_told() -> None:
    async with healthy() as base_url:
        target = target_at(base_url)
        _, _, recording = await played(target, "wire")
    for at, told in (("/text", True), ("/choices/0/delta/content", False), ("/choices/0/finish_reason", False)):
        told_of = unmatched(recording.transcripts, target.generating(at))
        assert bool(told_of) == told
        assert not told or re.fullmatch(r"promises.token = '/text' matches nothing in \d+ events; see .*", told_of)


class served:  # noqa: N801 - a context
    """A server with one handler, and its base URL."""

    def __init__(self, handler: Handler) -> None:
        app = web.Application()
        app.router.add_post(PATH, handler)
        self.server = TestServer(app)

    async def __aenter__(self) -> str:
        await self.server.start_server()
        return str(self.server.make_url("")).rstrip("/")

    async def __aexit__(self, *_: object) -> None:
        await self.server.close()


def saying(body: str, status: int = 200, **headers: str) -> Handler:
    async def answer(_request: web.Request) -> web.Response:
        kind = "application/json" if body.startswith("{") else "text/event-stream"
        told = {name.replace("_", "-"): value for name, value in headers.items()}
        return web.Response(text=body, status=status, content_type=kind, headers=told)

    return answer


MESSAGES = 'event: message_start\ndata: {"type": "message_start", "message": {}}\n\n'
RESPONSES = 'event: response.created\ndata: {"type": "response.created", "response": {}}\n\n'
NO_KEY = '{"error": {"message": "No key.", "type": "invalid_request_error"}}'


@pytest.mark.parametrize(
    ("handler", "told"),
    [
        (saying(NO_KEY, 401), "401 Unauthorized: 'No key.'; give the API's key"),
        (saying('{"detail": "Not Found"}', 404), "404 Not Found: 'Not Found'; check the address, and the name of the"),
        (saying('{"error": "no such model"}', 400), "400 Bad Request: 'no such model'; mend the body"),
        (saying(NO_KEY, 429, Retry_After="7"), "come back in 7 s (Retry-After)"),
        (saying(NO_KEY, 429), "come back later; it does not say when"),
        (saying("", 503), "503 Service Unavailable; look into the server's log"),
        (saying('{"object": "chat.completion"}'), 'answered with JSON, not with a stream; put "stream": true into the'),
        (saying(MESSAGES), "this is a Messages stream: --profile messages"),
        (saying(RESPONSES), "this is a Responses stream: --profile responses"),
    ],
)
async def test_what_is_no_stream_of_the_profile_is_told_in_one_line(handler: Handler, told: str) -> None:
    async with served(handler) as base_url:
        with pytest.raises(CannotJudge) as caught:
            await played(target_at(base_url))
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)


async def test_a_stream_that_is_judged_as_any_is_told_its_profile_and_asked_for_as_one_that_costs() -> None:
    async with healthy() as base_url:
        plan, made, recording = await played(target_at(base_url, profile="event-stream"))
    streams = [one for one in recording.transcripts if one.head and one.head.status == 200 and one.chunks]
    assert [one.role for one in streams] == ["hello", "stream", "stream"]
    assert plan.if_generated
    assert (len(made), plan.if_generated.generations) == (plan.if_generated.asks, 3)

    told = suggestion(recording.transcripts, "event-stream")
    assert told == "this is a Chat Completions stream: --profile chat-completions judges it by its own rules"
    assert suggestion(recording.transcripts, "chat-completions") == ""
