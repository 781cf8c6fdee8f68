"""The official `anthropic` and `openai` packages read our healthy servers of messages and responses without complaint.

What they make of the faulty ones, beside what we say, is the table of docs/language-models.md: a part of it is held
here, the whole by `make witnesses`.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anthropic
import openai
import pytest

from ssegauge.reference_server import start
from tests.cli.command import ROOT
from tests.witness.models import PACKAGES, PARAMETERS, QUESTION, TOKEN, Model, faults, table

PAGE = (ROOT / "docs" / "language-models.md").read_text(encoding="utf-8")
MESSAGE: dict[str, Any] = {
    "model": "ssegauge-1",
    "max_tokens": 200,
    "messages": [{"role": "user", "content": QUESTION}],
}
RESPONSE: dict[str, Any] = {"model": "ssegauge-1", "input": QUESTION}
TOOLS: list[Any] = [{"name": name, "input_schema": PARAMETERS} for name in ("look_up", "book")]
FUNCTIONS: list[Any] = [
    {"type": "function", "name": name, "parameters": PARAMETERS, "strict": False} for name in ("look_up", "book")
]
WEATHER = {"city": "Åland", "days": 3}


@asynccontextmanager
async def messages(key: str = TOKEN, **options: Any) -> AsyncIterator[Any]:
    """The messages of the package's client of a healthy server."""
    told = {"profile": "messages", "token": TOKEN, "first_token": 0, "pace": 0, **options}
    async with (
        start((), **told) as base_url,
        anthropic.DefaultAsyncHttpxClient(verify=False) as http,  # whom the machine trusts takes long to read
        anthropic.AsyncAnthropic(base_url=base_url, api_key=key, max_retries=0, http_client=http) as client,
    ):
        yield client.messages


@asynccontextmanager
async def responses(key: str = TOKEN, **options: Any) -> AsyncIterator[Any]:
    """The responses of the package's client of a healthy server."""
    told = {"profile": "responses", "token": TOKEN, "first_token": 0, "pace": 0, **options}
    async with (
        start((), **told) as base_url,
        openai.DefaultAsyncHttpxClient(verify=False) as http,
        openai.AsyncOpenAI(base_url=f"{base_url}/v1", api_key=key, max_retries=0, http_client=http) as client,
    ):
        yield client.responses


async def message(made: Any, **more: Any) -> Any:
    async with made.stream(**{**MESSAGE, **more}) as stream:
        return await stream.get_final_message()


async def response(made: Any, **more: Any) -> Any:
    async with made.stream(**{**RESPONSE, **more}) as stream:
        return await stream.get_final_response()


async def test_a_message_is_what_it_is_without_streaming() -> None:
    async with messages() as made:
        whole, streamed = await made.create(**MESSAGE), await message(made)
    assert streamed.content[0].text == whole.content[0].text
    assert len(streamed.content[0].text.encode()) > len(streamed.content[0].text)
    assert (streamed.role, streamed.stop_reason, streamed.usage) == ("assistant", "end_turn", whole.usage)


async def test_thoughts_and_calls_are_put_together() -> None:
    async with messages() as made:
        streamed = await message(made, tools=TOOLS, thinking={"type": "enabled", "budget_tokens": 1024})
        given = [{"type": "tool_result", "tool_use_id": "toolu_ssegauge0", "content": "4 °C"}]
        after = await message(made, tools=TOOLS, messages=[{"role": "user", "content": given}])
    thought, *calls = streamed.content
    assert (thought.type, bool(thought.thinking), bool(thought.signature)) == ("thinking", True, True)
    assert [(call.type, call.name, call.input) for call in calls] == [
        ("tool_use", name, WEATHER) for name in ("look_up", "book")
    ]
    assert (streamed.stop_reason, after.stop_reason) == ("tool_use", "end_turn")


async def test_a_message_that_is_cut_says_so() -> None:
    async with messages() as made:
        assert (await message(made, max_tokens=3)).stop_reason == "max_tokens"


async def test_an_error_in_the_midst_of_a_message_is_raised() -> None:
    async with messages() as made:
        with pytest.raises(anthropic.APIStatusError) as caught:
            await message(made, model="ssegauge-fails")
    assert isinstance(caught.value.body, dict)
    assert caught.value.body["error"]["type"] == "overloaded_error"


@pytest.mark.parametrize(
    ("kind", "key", "more"),
    [
        (anthropic.AuthenticationError, "wrong", {}),
        (anthropic.NotFoundError, TOKEN, {"model": "other"}),
        (anthropic.BadRequestError, TOKEN, {"messages": []}),
    ],
)
async def test_refusals_of_messages_are_understood(kind: type[Any], key: str, more: dict[str, Any]) -> None:
    async with messages(key) as made:
        with pytest.raises(kind) as caught:
            await message(made, **more)
    assert set(caught.value.body) == {"type", "error"}
    assert set(caught.value.body["error"]) == {"type", "message"}


async def test_a_response_is_what_it_is_without_streaming() -> None:
    async with responses() as made:
        whole, streamed = await made.create(**RESPONSE), await response(made)
    assert streamed.output_text == whole.output_text
    assert (streamed.status, streamed.usage) == ("completed", whole.usage)


async def test_events_of_a_response_are_known_to_the_package() -> None:
    async with responses() as made:
        stream = await made.create(**RESPONSE, stream=True, reasoning={"summary": "auto"}, tools=FUNCTIONS)
        events = [event async for event in stream]
    assert [event.sequence_number for event in events] == [*range(len(events))]
    assert all(type(event).__name__.startswith("Response") for event in events)
    calls = [item for item in events[-1].response.output if item.type == "function_call"]
    assert [call.name for call in calls] == ["look_up", "book"]


async def test_a_response_that_is_cut_says_so() -> None:
    async with responses() as made:
        stream = await made.create(**RESPONSE, stream=True, max_output_tokens=16)
        last = [event async for event in stream][-1]
    assert last.type == "response.incomplete"
    assert last.response.incomplete_details.reason == "max_output_tokens"


async def test_an_error_in_the_midst_of_a_response_is_told() -> None:
    async with responses() as made:
        stream = await made.create(**{**RESPONSE, "model": "ssegauge-fails"}, stream=True)
        *_, error, failed = [event async for event in stream]
    assert (error.type, failed.type) == ("error", "response.failed")
    assert error.message == failed.response.error.message


async def test_too_many_at_once_are_told_so() -> None:
    async with responses(slots=1, first_token=30) as made:
        busy = await made.create(**RESPONSE, stream=True)
        with pytest.raises(openai.RateLimitError) as caught:
            await made.create(**RESPONSE)
        await busy.close()
    assert caught.value.response.headers["retry-after"] == "1"


@pytest.mark.parametrize("profile", PACKAGES)
def test_the_table_has_every_fault(profile: Model) -> None:
    assert {code for code in faults(profile) if f"| `{code}` |" not in PAGE} == set()


@pytest.mark.parametrize("profile", PACKAGES)
async def test_the_table_says_what_happens(profile: Model) -> None:
    assert {str(row) for row in await table(profile, faults(profile)[::9]) if str(row) not in PAGE} == set()


@pytest.mark.tables
@pytest.mark.timeout(600)
@pytest.mark.parametrize("profile", PACKAGES)
async def test_the_whole_table_says_what_happens(profile: Model) -> None:
    assert {str(row) for row in await table(profile) if str(row) not in PAGE} == set()
