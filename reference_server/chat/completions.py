"""The wire form of chat completions: `data:` JSON chunks of one id, then `[DONE]`, then the end.

As the API's reference says (platform.openai.com, "Chat completions", "Streaming"): the first delta of a choice has the
role, each further one a piece of the content or of a tool call's arguments; the last chunk of a choice has its
`finish_reason`; where the request asks for it (`stream_options.include_usage`), one more chunk has no choices and the
usage, and all before it have `usage: null`.
"""

import json
import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import ClassVar

from jsonschema import Draft202012Validator

from ssegauge.reference_server.common.encoding import Json
from ssegauge.reference_server.generation import form, text
from ssegauge.reference_server.generation.form import COUNT, FAILURE, MODEL, known_model

OPTIONS = {"type": "object", "properties": {"include_usage": {"type": "boolean"}}}
NAME = {"type": "string", "pattern": "^[a-zA-Z0-9_-]{1,64}$"}
FUNCTION = {"type": "object", "required": ["name"], "properties": {"name": NAME}}
TOOL = {"type": "object", "required": ["function"], "properties": {"function": FUNCTION}}
BODY = Draft202012Validator(
    {
        "type": "object",
        "required": ["model", "messages"],
        "properties": {
            "model": MODEL,
            "messages": {
                "type": "array",
                "minItems": 1,
                "items": {"type": "object", "required": ["role"], "properties": {"role": {"type": "string"}}},
                "description": "a list of at least one message, each with its role and content",
            },
            "stream": {"type": ["boolean", "null"], "description": "true or false"},
            "stream_options": {**OPTIONS, "type": ["object", "null"], "description": "{include_usage: true or false}"},
            "tools": {"type": ["array", "null"], "items": TOOL, "description": "a list of {type, function: {name}}"},
            "tool_choice": {
                "anyOf": [{"enum": ["none", "auto", "required", None]}, TOOL],
                "description": "none, auto, required, or {type, function: {name}}",
            },
            "max_tokens": COUNT,
            "max_completion_tokens": COUNT,
            "n": {"type": ["integer", "null"], "minimum": 1, "maximum": 8, "description": "a number from 1 to 8"},
            "seed": {"type": ["integer", "null"], "description": "a whole number"},
        },
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked(form.Asked):
    """What a request asks for, and what it gets."""

    usage: bool
    many: int  # choices
    id: str = field(default_factory=lambda: f"chatcmpl-{secrets.token_hex(12)}")
    created: int = field(default_factory=lambda: int(time.time()))

    @property
    def counted(self) -> Json:
        """The counts of tokens."""
        prompt, completion = self.answer.prompt_pieces, self.many * self.answer.count
        return {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}

    @property
    def finish_reason(self) -> str:
        """Why the answer ends."""
        return "tool_calls" if self.answer.calls else "length" if self.answer.is_cut else "stop"


class Completions(form.Form):
    """Reads requests for chat completions, and encodes what they get."""

    path: ClassVar[str] = "/v1/chat/completions"
    body: ClassVar[Draft202012Validator] = BODY

    def asked(self, body: Json) -> Asked:
        """Return what the body asks for; raises RefusedError (404) for a model that there is not."""
        question = json.dumps([message.get("content") for message in body["messages"]])
        most = body.get("max_completion_tokens") or body.get("max_tokens")
        return Asked(
            model=known_model(body["model"]),
            answer=text.answer(question, body.get("seed"), most, called(body)),
            stream=bool(body.get("stream")),
            body=body,
            usage=bool((body.get("stream_options") or {}).get("include_usage")),
            many=body.get("n") or 1,
        )

    def blocks(self, asked: Asked) -> Iterator[bytes]:
        """Yield the events of a stream, one at a time."""
        yield from self.begun(asked)
        for piece in self.pieces(asked):
            yield from (self.delta(asked, {"content": piece}, index=index) for index in range(asked.many))
        yield from self.calls(asked)
        if asked.fails:
            yield self.block({"error": self.failure()})
            return
        yield from self.finished(asked)
        if asked.usage:
            yield self.chunk(asked, [], asked.counted)
        yield b"data: [DONE]\n\n"

    def begun(self, asked: Asked) -> Iterator[bytes]:
        """Yield the events that begin each choice."""
        content = None if asked.answer.calls else ""
        first = {"role": "assistant", "content": content}
        yield from (self.delta(asked, first, index=index) for index in range(asked.many))

    def calls(self, asked: Asked) -> Iterator[bytes]:
        """Yield the calls of tools: of each its id and name, then its arguments piece by piece."""
        for number, tool in enumerate(asked.answer.calls):
            for fragment in self.fragments(number, tool):
                yield from (self.delta(asked, {"tool_calls": [fragment]}, index=index) for index in range(asked.many))

    def fragments(self, number: int, tool: text.Tool) -> Iterator[Json]:
        """Yield one call in fragments."""
        named = {"name": tool.name, "arguments": ""}
        yield {"index": number, "id": call_id(number), "type": "function", "function": named}
        for piece in tool.argument_pieces:
            yield {"index": number, "function": {"arguments": piece}}

    def finished(self, asked: Asked) -> Iterator[bytes]:
        """Yield the events that end each choice."""
        yield from (self.delta(asked, {}, asked.finish_reason, index) for index in range(asked.many))

    def failure(self) -> Json:
        """Return what is said of an error in mid-stream."""
        return {"message": FAILURE, "type": "server_error", "param": None, "code": "server_error"}

    def delta(self, asked: Asked, delta: Json, finish: str | None = None, index: int = 0) -> bytes:
        """Return the event that adds to a choice, or ends it."""
        return self.chunk(asked, [{"index": index, "delta": delta, "logprobs": None, "finish_reason": finish}])

    def chunk(self, asked: Asked, choices: list[Json], used: Json | None = None) -> bytes:
        """Return the event with these choices."""
        counted = {"usage": used} if asked.usage else {}
        return self.block({**self.envelope(asked, "chat.completion.chunk"), "choices": choices, **counted})

    def envelope(self, asked: Asked, kind: str) -> Json:
        """Return what all chunks of an answer have in common."""
        return {"id": asked.id, "object": kind, "created": asked.created, "model": asked.model}

    def whole(self, asked: Asked) -> Json:
        """Return the answer to a request that asks for no stream."""
        calls = [
            {"id": call_id(number), "type": "function", "function": {"name": tool.name, "arguments": tool.arguments}}
            for number, tool in enumerate(asked.answer.calls)
        ]
        said = {"content": None, "tool_calls": calls} if calls else {"content": asked.answer.text}
        message = {"role": "assistant", **said, "refusal": None}
        choices = [
            {"index": index, "message": message, "logprobs": None, "finish_reason": asked.finish_reason}
            for index in range(asked.many)
        ]
        return {**self.envelope(asked, "chat.completion"), "choices": choices, "usage": asked.counted}


def called(body: Json) -> tuple[text.Tool, ...]:
    """Return the tools that are called: after a word of the user, the one that is wanted, or the first two."""
    offered = [tool["function"] for tool in body.get("tools") or ()]
    choice = body.get("tool_choice")
    if choice == "none" or body["messages"][-1]["role"] != "user":
        return ()
    if isinstance(choice, dict):
        offered = [one for one in offered if one["name"] == choice["function"]["name"]]
    return tuple(text.Tool(one["name"], one.get("parameters") or {}) for one in offered[:2])


def call_id(number: int) -> str:
    """Return the id of an answer's call of this number."""
    return f"call_ssegauge{number}"
