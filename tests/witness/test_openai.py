"""OpenAI's own Python package reads the healthy chat server without complaint, and understands how it refuses.

What it makes of the faulty ones, beside what we say, is the table of docs/language-models.md (`test_models.py`).
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from openai import (
    APIError,
    AsyncOpenAI,
    AuthenticationError,
    BadRequestError,
    DefaultAsyncHttpxClient,
    NotFoundError,
    RateLimitError,
)

from ssegauge.reference_server import start

TOKEN = "witness-token"
QUESTION = {"role": "user", "content": "Tell me of the sea."}
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}, "days": {"type": "integer"}}}
TOOLS = [{"type": "function", "function": {"name": name, "parameters": SCHEMA}} for name in ("look_up", "book")]
ASKED: dict[str, Any] = {"model": "ssegauge-1", "messages": [QUESTION], "stream_options": {"include_usage": True}}


@asynccontextmanager
async def client(*faults: str, key: str = TOKEN, **options: Any) -> AsyncIterator[AsyncOpenAI]:
    """The package's client of a chat server with these faults."""
    told = {"profile": "chat-completions", "token": TOKEN, "first_token": 0, "pace": 0, **options}
    async with (
        start(faults, **told) as base_url,
        DefaultAsyncHttpxClient(verify=False) as http,  # whom the machine trusts takes long to read
        AsyncOpenAI(base_url=f"{base_url}/v1", api_key=key, max_retries=0, http_client=http) as made,
    ):
        yield made


async def accumulated(made: AsyncOpenAI, **more: Any) -> Any:
    """What the package puts together from the stream."""
    async with made.chat.completions.stream(**{**ASKED, **more}) as stream:
        return await stream.get_final_completion()


async def test_the_healthy_stream_is_what_it_is_without_streaming() -> None:
    async with client() as made:
        whole = await made.chat.completions.create(model="ssegauge-1", messages=[QUESTION], seed=7)
        streamed = await accumulated(made, seed=7)
    assert streamed.choices[0].message.content == whole.choices[0].message.content
    assert (streamed.choices[0].message.role, streamed.choices[0].finish_reason) == ("assistant", "stop")
    assert streamed.usage == whole.usage


async def test_the_calls_of_tools_are_put_together() -> None:
    async with client() as made:
        streamed = await accumulated(made, tools=TOOLS)
        whole = await made.chat.completions.create(model="ssegauge-1", messages=[QUESTION], tools=TOOLS)
    calls = streamed.choices[0].message.tool_calls
    assert [(call.id, call.function.name, call.function.arguments) for call in calls] == [
        (call.id, call.function.name, call.function.arguments) for call in whole.choices[0].message.tool_calls
    ]
    assert [call.function.name for call in calls] == ["look_up", "book"]
    assert streamed.choices[0].finish_reason == "tool_calls"


async def test_every_choice_is_put_together() -> None:
    async with client() as made:
        streamed = await accumulated(made, n=3)
    assert [choice.index for choice in streamed.choices] == [0, 1, 2]
    assert len({choice.message.content for choice in streamed.choices}) == 1


async def test_an_error_in_mid_stream_is_raised_with_what_it_says() -> None:
    async with client() as made:
        with pytest.raises(APIError, match=r"The model broke off\. Ask again\."):
            await accumulated(made, model="ssegauge-fails")


@pytest.mark.parametrize(
    ("kind", "key", "more"),
    [
        (AuthenticationError, "wrong", {}),
        (NotFoundError, TOKEN, {"model": "other"}),
        (BadRequestError, TOKEN, {"messages": []}),
    ],
)
async def test_refusals_are_understood(kind: type[APIError], key: str, more: dict[str, Any]) -> None:
    async with client(key=key) as made:
        with pytest.raises(kind) as caught:
            await accumulated(made, **more)
    assert isinstance(caught.value.body, dict)
    assert caught.value.body["message"] in caught.value.message


async def test_too_many_requests_are_told_so() -> None:
    async with client(slots=1, first_token=30) as made:
        busy = await made.chat.completions.create(stream=True, model="ssegauge-1", messages=[QUESTION])
        with pytest.raises(RateLimitError) as caught:
            await accumulated(made)
        await busy.close()
    assert caught.value.response.headers["retry-after"] == "1"
