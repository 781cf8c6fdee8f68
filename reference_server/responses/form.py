"""The wire form of the Responses API: named events with a sequence number, from `response.created` to its end.

As its reference says (developers.openai.com, "Streaming events"): each item is added and done, and in it each part;
the text of a part comes in deltas, and whole in its `done`; the last event is `response.completed`,
`response.incomplete` or `response.failed` with the whole response.
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
from ssegauge.reference_server.generation.named import Events, Named

NAME = {"type": "string", "pattern": "^[a-zA-Z0-9_-]{1,64}$"}
TOOL = {"type": "object", "required": ["type"], "properties": {"type": {"type": "string"}, "name": NAME}}
THOUGHTS = ("**Thinking of", " the sea**", "\n\nHarbours,", " ferries", " and tides.")
BODY = Draft202012Validator(
    {
        "type": "object",
        "required": ["model", "input"],
        "properties": {
            "model": MODEL,
            "input": {
                "type": ["string", "array"],
                "minItems": 1,
                "items": {"type": "object"},
                "description": "a text, or a list of at least one item",
            },
            "stream": {"type": ["boolean", "null"], "description": "true or false"},
            "instructions": {"type": ["string", "null"], "description": "a text"},
            "tools": {"type": ["array", "null"], "items": TOOL, "description": "a list of {type, name, parameters}"},
            "tool_choice": {
                "anyOf": [{"enum": ["none", "auto", "required", None]}, TOOL],
                "description": "none, auto, required, or {type, name}",
            },
            "reasoning": {"type": ["object", "null"], "description": "{summary: auto}"},
            "max_output_tokens": COUNT,
        },
    }
)
ECHOED = ("instructions", "max_output_tokens", "metadata", "previous_response_id", "temperature", "top_p", "user")
USUAL: Json = {
    "parallel_tool_calls": True,
    "store": False,
    "text": {"format": {"type": "text"}},
    "truncation": "disabled",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked(form.Asked):
    """What a request asks for, and what it gets."""

    thinks: bool
    id: str = field(default_factory=lambda: f"resp_{secrets.token_hex(12)}")
    created: int = field(default_factory=lambda: int(time.time()))

    @property
    def status(self) -> str:
        """How the answer ends."""
        return "incomplete" if self.answer.is_cut else "completed"

    @property
    def counted(self) -> Json:
        """The counts of tokens."""
        thought = self.thinks * len(THOUGHTS)
        given, made = self.answer.prompt_pieces, self.answer.count + thought
        return {
            "input_tokens": given,
            "input_tokens_details": {"cached_tokens": 0},
            "output_tokens": made,
            "output_tokens_details": {"reasoning_tokens": thought},
            "total_tokens": given + made,
        }


class Responses(Named):
    """Reads requests for responses, and encodes what they get."""

    path: ClassVar[str] = "/v1/responses"
    body: ClassVar[Draft202012Validator] = BODY

    def asked(self, body: Json) -> Asked:
        """Return what the body asks for; raises RefusedError (404) for a model that there is not."""
        question = json.dumps([body.get("instructions"), body["input"]])
        return Asked(
            model=known_model(body["model"]),
            answer=text.answer(question, None, body.get("max_output_tokens"), called(body)),
            stream=bool(body.get("stream")),
            body=body,
            thinks=bool((body.get("reasoning") or {}).get("summary")),
        )

    def blocks(self, asked: Asked) -> Iterator[bytes]:
        """Yield the events of a stream, one at a time, numbered as they are sent."""
        return map(self.named, self.numbered(self.events(asked)))

    def numbered(self, events: Events) -> Events:
        """Number the events from 0."""
        for number, event in enumerate(events):
            yield {"type": event["type"], "sequence_number": number, **event}

    def events(self, asked: Asked) -> Events:
        """Yield the events of a stream."""
        begun = self.response(asked, "in_progress", [])
        yield {"type": "response.created", "response": begun}
        yield {"type": "response.in_progress", "response": begun}
        for index, item in enumerate(self.items(asked)):
            yield from self.told(asked, index, item)
        if asked.fails:
            yield {"type": "error", "code": "server_error", "message": FAILURE, "param": None}
            error = {"code": "server_error", "message": FAILURE}
            yield {"type": "response.failed", "response": {**self.response(asked, "failed", []), "error": error}}
            return
        yield {"type": f"response.{asked.status}", "response": self.whole(asked)}

    def items(self, asked: Asked) -> Iterator[Json]:
        """Yield the items of the answer, each as it is when it is done."""
        if asked.thinks:
            summary = [{"type": "summary_text", "text": "".join(THOUGHTS)}]
            yield {"id": item_id("rs", asked), "type": "reasoning", "summary": summary}
        for number, tool in enumerate(asked.answer.calls):
            named = {"call_id": f"call_ssegauge{number}", "name": tool.name, "arguments": tool.arguments}
            yield {"id": item_id(f"fc{number}", asked), "type": "function_call", "status": "completed", **named}
        if not asked.answer.calls:
            content = [part("".join(self.pieces(asked)))]
            said = {"role": "assistant", "status": asked.status, "content": content}
            yield {"id": item_id("msg", asked), "type": "message", **said}

    def told(self, asked: Asked, index: int, item: Json) -> Events:
        """Yield the events of one item; of a model that fails, up to where it does."""
        inner = {"reasoning": self.thought, "function_call": self.argued, "message": self.said}[item["type"]]
        empty: dict[str, Json] = {
            "reasoning": {"summary": []},
            "function_call": {"arguments": ""},
            "message": {"content": []},
        }
        begun = {**item, "status": "in_progress", **empty[item["type"]]}
        yield {"type": "response.output_item.added", "output_index": index, "item": begun}
        yield from inner(asked, {"item_id": item["id"], "output_index": index}, item)
        if not (asked.fails and item["type"] == "message"):
            yield {"type": "response.output_item.done", "output_index": index, "item": item}

    def said(self, asked: Asked, where: Json, item: Json) -> Events:
        """Yield the events of a message's text."""
        where = {**where, "content_index": 0}
        whole = item["content"][0]
        yield {"type": "response.content_part.added", **where, "part": part("")}
        for piece in self.pieces(asked):
            yield {"type": "response.output_text.delta", **where, "delta": piece, "logprobs": []}
        if not asked.fails:
            yield {"type": "response.output_text.done", **where, "text": whole["text"], "logprobs": []}
            yield {"type": "response.content_part.done", **where, "part": whole}

    def argued(self, asked: Asked, where: Json, item: Json) -> Events:  # noqa: ARG002 - as for the other kinds
        """Yield the events of a call's arguments."""
        arguments = item["arguments"]
        for at in range(0, len(arguments), text.ARGUMENT_PIECE):
            delta = arguments[at : at + text.ARGUMENT_PIECE]
            yield {"type": "response.function_call_arguments.delta", **where, "delta": delta}
        yield {"type": "response.function_call_arguments.done", **where, "name": item["name"], "arguments": arguments}

    def thought(self, asked: Asked, where: Json, item: Json) -> Events:  # noqa: ARG002 - as for the other kinds
        """Yield the events of a summary of what was thought."""
        where = {**where, "summary_index": 0}
        whole = item["summary"][0]
        yield {"type": "response.reasoning_summary_part.added", **where, "part": {**whole, "text": ""}}
        for piece in THOUGHTS:
            yield {"type": "response.reasoning_summary_text.delta", **where, "delta": piece}
        yield {"type": "response.reasoning_summary_text.done", **where, "text": whole["text"]}
        yield {"type": "response.reasoning_summary_part.done", **where, "part": whole}

    def response(self, asked: Asked, status: str, output: list[Json]) -> Json:
        """Return the response in this state."""
        return {
            "id": asked.id,
            "object": "response",
            "created_at": asked.created,
            "status": status,
            "error": None,
            "incomplete_details": None,
            "model": asked.model,
            "output": output,
            "reasoning": {"effort": None, "summary": (asked.body.get("reasoning") or {}).get("summary")},
            "tool_choice": asked.body.get("tool_choice") or "auto",
            "tools": asked.body.get("tools") or [],
            "usage": None,
            **USUAL,
            **{name: asked.body.get(name) for name in ECHOED},
        }

    def whole(self, asked: Asked) -> Json:
        """Return the response at its end."""
        why = {"incomplete_details": {"reason": "max_output_tokens"}} if asked.answer.is_cut else {}
        done = self.response(asked, asked.status, list(self.items(asked)))
        return {**done, "usage": asked.counted, **why}


def part(said: str) -> Json:
    """Return a part of a message with this text."""
    return {"type": "output_text", "annotations": [], "logprobs": [], "text": said}


def item_id(kind: str, asked: Asked) -> str:
    """Return the id of an item of this response."""
    return f"{kind}_{asked.id.removeprefix('resp_')}"


def called(body: Json) -> tuple[text.Tool, ...]:
    """Return the functions that are called: the one wanted, or the first two; where an output is given, none."""
    offered = [tool for tool in body.get("tools") or [] if tool["type"] == "function" and "name" in tool]
    choice, given = body.get("tool_choice"), body["input"]
    if choice == "none" or (isinstance(given, list) and given[-1].get("type") == "function_call_output"):
        return ()
    if isinstance(choice, dict):
        offered = [one for one in offered if one["name"] == choice.get("name")]
    return tuple(text.Tool(one["name"], one.get("parameters") or {}) for one in offered[:2])
