"""The wire form of the Messages API: `message_start`, blocks, `message_delta`, `message_stop`.

As its documentation says (platform.claude.com, "Streaming messages"): each event is named by the type in its data; each
block has an index; thinking ends with a signature; the input of a tool comes in fragments of JSON; a `ping` may come
anywhere; an error in mid-stream is an event too, and the last one.
"""

import json
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, ClassVar

from jsonschema import Draft202012Validator

from ssegauge.reference_server.common.encoding import Json
from ssegauge.reference_server.generation import form, text
from ssegauge.reference_server.generation.form import COUNT, MODEL, known_model
from ssegauge.reference_server.generation.named import Events, Named

NAME = {"type": "string", "pattern": "^[a-zA-Z0-9_-]{1,128}$"}
TOOL = {"type": "object", "required": ["name"], "properties": {"name": NAME}}
THOUGHTS = ("The sea", ", then", ": harbours", ", ferries", " and tides.")
SIGNATURE = "RXFRQnNzZWdhdWdl"
OVERLOADED = {"type": "overloaded_error", "message": "The model is overloaded. Ask again in a minute."}
BODY = Draft202012Validator(
    {
        "type": "object",
        "required": ["model", "max_tokens", "messages"],
        "properties": {
            "model": MODEL,
            "max_tokens": {**COUNT, "type": "integer"},
            "messages": {
                "type": "array",
                "minItems": 1,
                "items": {"type": "object", "required": ["role"], "properties": {"role": {"type": "string"}}},
                "description": "a list of at least one message, each with its role and content",
            },
            "stream": {"type": ["boolean", "null"], "description": "true or false"},
            "tools": {"type": ["array", "null"], "items": TOOL, "description": "a list of {name, input_schema}"},
            "tool_choice": {
                "type": ["object", "null"],
                "required": ["type"],
                "properties": {"type": {"enum": ["auto", "any", "tool", "none"]}, "name": NAME},
                "description": "{type: auto, any, none, or tool with its name}",
            },
            "thinking": {
                "type": ["object", "null"],
                "required": ["type"],
                "properties": {"type": {"enum": ["enabled", "disabled", "adaptive"]}},
                "description": "{type: enabled, disabled or adaptive}",
            },
        },
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked(form.Asked):
    """What a request asks for, and what it gets."""

    thinks: bool
    id: str = field(default_factory=lambda: f"msg_{secrets.token_hex(12)}")

    @property
    def stop_reason(self) -> str:
        """Why the answer ends."""
        return "tool_use" if self.answer.calls else "max_tokens" if self.answer.is_cut else "end_turn"

    @property
    def output_tokens(self) -> int:
        """How many tokens the whole answer has."""
        return self.answer.count + self.thinks * len(THOUGHTS)


class Messages(Named):
    """Reads requests for messages, and encodes what they get."""

    path: ClassVar[str] = "/v1/messages"
    body: ClassVar[Draft202012Validator] = BODY

    def asked(self, body: Json) -> Asked:
        """Return what the body asks for; raises RefusedError (404) for a model that there is not."""
        question = json.dumps([message.get("content") for message in body["messages"]])
        return Asked(
            model=known_model(body["model"]),
            answer=text.answer(question, None, body["max_tokens"], called(body)),
            stream=bool(body.get("stream")),
            body=body,
            thinks=(body.get("thinking") or {}).get("type", "disabled") != "disabled",
        )

    def events(self, asked: Asked) -> Events:
        """Yield the events of a stream."""
        yield {"type": "message_start", "message": self.message(asked, [], None, 1)}
        yield {"type": "ping"}
        for index, block in enumerate(self.contents(asked)):
            yield from self.told(index, block)
        if asked.fails:
            yield {"type": "error", "error": OVERLOADED}
            return
        delta = {"stop_reason": asked.stop_reason, "stop_sequence": None}
        yield {"type": "message_delta", "delta": delta, "usage": {"output_tokens": asked.output_tokens}}
        yield {"type": "message_stop"}

    def contents(self, asked: Asked) -> Iterator[tuple[Json, list[Json]]]:
        """Yield the blocks of the answer, each as it starts, and with the deltas that it gets."""
        if asked.thinks:
            said = [{"type": "thinking_delta", "thinking": thought} for thought in THOUGHTS]
            signed = {"type": "signature_delta", "signature": SIGNATURE}
            yield {"type": "thinking", "thinking": "", "signature": ""}, [*said, signed]
        if not asked.answer.calls:
            yield {"type": "text", "text": ""}, [{"type": "text_delta", "text": one} for one in self.pieces(asked)]
        for number, tool in enumerate(asked.answer.calls):
            parts = [{"type": "input_json_delta", "partial_json": one} for one in ("", *tool.argument_pieces)]
            yield {"type": "tool_use", "id": call_id(number), "name": tool.name, "input": {}}, parts

    def told(self, index: int, block: tuple[Json, list[Json]]) -> Events:
        """Yield the events of one block."""
        start, deltas = block
        yield {"type": "content_block_start", "index": index, "content_block": start}
        for delta in deltas:
            yield {"type": "content_block_delta", "index": index, "delta": delta}
        yield {"type": "content_block_stop", "index": index}

    def message(self, asked: Asked, content: list[Json], reason: str | None, made: int) -> Json:
        """Return the message with this content, and so many tokens made."""
        return {
            "id": asked.id,
            "type": "message",
            "role": "assistant",
            "model": asked.model,
            "content": content,
            "stop_reason": reason,
            "stop_sequence": None,
            "usage": {"input_tokens": asked.answer.prompt_pieces, "output_tokens": made},
        }

    def whole(self, asked: Asked) -> Json:
        """Return the answer to a request that asks for no stream."""
        content: list[Json] = []
        if asked.thinks:
            content.append({"type": "thinking", "thinking": "".join(THOUGHTS), "signature": SIGNATURE})
        if not asked.answer.calls:
            content.append({"type": "text", "text": asked.answer.text})
        content += [
            {"type": "tool_use", "id": call_id(number), "name": tool.name, "input": json.loads(tool.arguments)}
            for number, tool in enumerate(asked.answer.calls)
        ]
        return self.message(asked, content, asked.stop_reason, asked.output_tokens)


def called(body: Json) -> tuple[text.Tool, ...]:
    """Return the tools that are called: the one wanted, or the first two; where results of them are given, none."""
    offered: list[Json] = body.get("tools") or []
    choice: Json = body.get("tool_choice") or {}
    if choice.get("type") == "none" or _gives_results(body["messages"][-1]):
        return ()
    if choice.get("type") == "tool":
        offered = [one for one in offered if one["name"] == choice.get("name")]
    return tuple(text.Tool(one["name"], one.get("input_schema") or {}) for one in offered[:2])


def _gives_results(message: Json) -> bool:
    content: Any = message.get("content")
    parts = content if isinstance(content, list) else []
    return any(isinstance(part, dict) and part.get("type") == "tool_result" for part in parts)


def call_id(number: int) -> str:
    """Return the id of an answer's call of this number."""
    return f"toolu_ssegauge{number}"
