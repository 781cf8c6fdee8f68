"""What the official Python packages make of our servers of language-model streams, healthy and faulty.

python -m tests.witness.models [PROFILE]                prints the table of docs/language-models.md
"""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import anthropic
import openai
from anthropic import AsyncAnthropic
from openai import AsyncOpenAI

from ssegauge.conformance.catalogue import RULES
from ssegauge.conformance.facts import Facts
from ssegauge.conformance.judge import judge
from ssegauge.conformance.recording.transcript import Chunk, End, Head, Request, Transcript
from ssegauge.conformance.target import Promises, promised
from ssegauge.reference_server import faults_of, start

TOKEN = "witness-token"
PARAMETERS = {"type": "object", "properties": {"city": {"type": "string"}, "days": {"type": "integer"}}}
QUESTION = "Tell me of the sea."
# What makes no difference to what the package puts together, or takes longer than a table is worth.
LEFT_OUT = (
    "capacity/",
    "liveness/",
    "end/open-after-marker",
    "end/without-any-event",
    *("text/", "wire/"),
    "end/marker-missing:open",
    *("chat/no-json-accepted", "chat/refusal-", "chat/retry-after-missing"),  # of requests that the package never makes
)
PASSING = ("id", "created", "created_at", "item_id")
Model = Literal["chat-completions", "messages", "responses"]


class Package(Protocol):
    """One of the packages, and how it is asked for an answer."""

    path: str

    def body(self, *, tools: bool) -> dict[str, Any]:
        """What is asked for."""

    async def accumulated(self, base_url: str, asked: Mapping[str, Any]) -> Any:
        """What the package puts together from the stream."""

    async def close(self) -> None:
        """Close its connections."""


class Anthropic:
    """`anthropic`, and the Messages API."""

    path = "/v1/messages"

    def __init__(self) -> None:
        self.client = AsyncAnthropic(
            api_key=TOKEN, max_retries=0, http_client=anthropic.DefaultAsyncHttpxClient(verify=False)
        )

    def body(self, *, tools: bool) -> dict[str, Any]:
        offered = [{"name": "get_weather", "input_schema": PARAMETERS}]
        asked = {"model": "ssegauge-1", "max_tokens": 200, "messages": [{"role": "user", "content": QUESTION}]}
        return {**asked, "tools": offered} if tools else asked

    async def accumulated(self, base_url: str, asked: Mapping[str, Any]) -> Any:
        async with self.client.with_options(base_url=base_url).messages.stream(**asked) as stream:
            return await stream.get_final_message()

    async def close(self) -> None:
        await self.client.close()


class OpenAI:
    """`openai`, and the Responses API."""

    path = "/v1/responses"

    def __init__(self) -> None:
        self.client = AsyncOpenAI(
            api_key=TOKEN, max_retries=0, http_client=openai.DefaultAsyncHttpxClient(verify=False)
        )

    def body(self, *, tools: bool) -> dict[str, Any]:
        offered = [{"type": "function", "name": "get_weather", "parameters": PARAMETERS, "strict": False}]
        asked = {"model": "ssegauge-1", "input": QUESTION}
        return {**asked, "tools": offered} if tools else asked

    async def accumulated(self, base_url: str, asked: Mapping[str, Any]) -> Any:
        async with self.client.with_options(base_url=f"{base_url}/v1").responses.stream(**asked) as stream:
            return await stream.get_final_response()

    async def close(self) -> None:
        await self.client.close()


@dataclass(frozen=True)
class Completion:
    """A chat completion by what a user of the package looks at."""

    made: Any

    def to_dict(self) -> dict[str, Any]:
        (choice,) = self.made.choices
        message = choice.message.to_dict()
        calls = [{**call, "call_id": call.get("id")} for call in message.get("tool_calls") or ()]
        told = {"role": message.get("role"), "content": message.get("content"), "tool_calls": calls}
        usage = self.made.usage.to_dict() if self.made.usage else None
        return {**told, "finish_reason": choice.finish_reason, "model": self.made.model, "usage": usage}


class Chat(OpenAI):
    """`openai`, and the Chat Completions API."""

    path = "/v1/chat/completions"

    def body(self, *, tools: bool) -> dict[str, Any]:
        offered = [{"type": "function", "function": {"name": "look_up", "parameters": PARAMETERS}}]
        question = [{"role": "user", "content": QUESTION}]
        asked = {"model": "ssegauge-1", "messages": question, "stream_options": {"include_usage": True}}
        return {**asked, "tools": offered} if tools else asked

    async def accumulated(self, base_url: str, asked: Mapping[str, Any]) -> Any:
        async with self.client.with_options(base_url=f"{base_url}/v1").chat.completions.stream(**asked) as stream:
            return Completion(await stream.get_final_completion())


PACKAGES: Mapping[Model, type[Package]] = {"messages": Anthropic, "responses": OpenAI, "chat-completions": Chat}
GROUPS: Mapping[Model, str] = {"messages": "messages", "responses": "responses", "chat-completions": "chat"}


@dataclass(frozen=True)
class Row:
    """A fault, what the package does, and what we say."""

    fault: str
    does: str
    says: tuple[str, ...]

    def __str__(self) -> str:
        said = ", ".join(self.says) or "nothing"
        return f"| `{self.fault}` | {self.does} | {said} |"


@asynccontextmanager
async def serving(profile: Model, fault: str = "") -> AsyncIterator[str]:
    """The address of a server that answers at once."""
    options: dict[str, Any] = {"profile": profile, "token": TOKEN, "first_token": 0, "pace": 0}
    async with start((fault,) if fault else (), **options) as base_url:
        yield base_url


async def outcome(package: Package, base_url: str, asked: Mapping[str, Any], healthy: Any) -> str:
    """Say in a few words what the package does with a stream."""
    try:
        made = await package.accumulated(base_url, asked)
    except Exception as error:  # noqa: BLE001 - what it raises is what is asked
        return f"raises `{type(error).__name__}`"
    differs = [name for name, value in healthy.items() if bare(made.to_dict()).get(name) != value]
    return f"gives another {' and '.join(f'`{name}`' for name in differs)}" if differs else "sees nothing"


def bare(value: Any) -> Any:
    """A message or a response without what is another each time."""
    if isinstance(value, dict):
        return {key: bare(inner) for key, inner in value.items() if key not in PASSING}
    return [bare(one) for one in value] if isinstance(value, list) else value


async def said(profile: Model, package: Package, base_url: str, asked: Mapping[str, Any]) -> tuple[str, ...]:
    """What our rules say of the stream: codes with their levels."""
    import httpx

    async with httpx.AsyncClient(verify=False, headers={"Authorization": f"Bearer {TOKEN}"}) as client:
        answer = await client.post(base_url + package.path, json={**asked, "stream": True})
    head = Head(1.0, answer.status_code, tuple(answer.headers.items()))
    chunks = (Chunk(2.0, answer.content),)
    request = Request("POST", base_url + package.path, (), json.dumps(asked))
    facts = Facts(kind="plain", joined="start")
    transcript = Transcript("plain", request, "witness", "stream", 0.0, head, chunks, End(3.0, "eof"), facts)
    results = judge([transcript], profile=profile, promises=promised(profile, Promises()), rules=RULES_OF[profile])
    return tuple(f"`{one.rule.code}` ({one.level})" for one in results if one.verdict == "fail")


GENERAL = ("end/", "shape/")
RULES_OF = {
    profile: {code: rule for code, rule in RULES.items() if code.startswith((f"{GROUPS[profile]}/", *GENERAL))}
    for profile in PACKAGES
}


def faults(profile: Model) -> list[str]:
    """The faults of the table."""
    return [code for code in faults_of(profile) if code.partition(":")[0] in RULES and not code.startswith(LEFT_OUT)]


def calls_a_tool(fault: str) -> bool:
    """Whether the faulty answer is the call of a tool."""
    return "/tool-i" in fault or fault.startswith("chat/tool-") or "arguments" in fault or fault.endswith(":hidden")


async def table(profile: Model, chosen: Sequence[str] = ()) -> list[Row]:
    """What the package does with the faults, or with all of them, and what we say."""
    package = PACKAGES[profile]()
    healthy: dict[bool, Any] = {}
    async with serving(profile) as base_url:
        for tools in (False, True):
            healthy[tools] = bare((await package.accumulated(base_url, package.body(tools=tools))).to_dict())
    rows = []
    for fault in chosen or faults(profile):
        tools = calls_a_tool(fault)
        asked = package.body(tools=tools)
        async with serving(profile, fault) as base_url:
            does = await outcome(package, base_url, asked, healthy[tools])
            rows.append(Row(fault, does, await said(profile, package, base_url, asked)))
    await package.close()
    return rows


if __name__ == "__main__":
    for name in sys.argv[1:] or PACKAGES:
        print(*asyncio.run(table(name)), sep="\n")  # type: ignore[arg-type]
