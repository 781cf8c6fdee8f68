"""The wire form of chat completions: `data:` JSON chunks of one id, then `[DONE]`, then the end.

As the API's reference says (platform.openai.com, "Chat completions", "Streaming"): the first delta has the role, each
further one a piece of the content; the last chunk of a choice has its `finish_reason`; where the request asks for it
(`stream_options.include_usage`), one more chunk has no choices and the usage, and all before it have `usage: null`.
"""

import json
import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from jsonschema import Draft202012Validator

from ssegauge.reference_server.chat import generation
from ssegauge.reference_server.common.encoding import Encoder, Json
from ssegauge.reference_server.common.refusals import RefusedError

MODELS = ("ssegauge-1",)
COUNT = {"type": ["integer", "null"], "minimum": 1, "description": "a number of tokens from 1"}
OPTIONS = {"type": "object", "properties": {"include_usage": {"type": "boolean"}}}
BODY = Draft202012Validator(
    {
        "type": "object",
        "required": ["model", "messages"],
        "properties": {
            "model": {"type": "string", "description": f"the name of a model: {', '.join(MODELS)}"},
            "messages": {
                "type": "array",
                "minItems": 1,
                "items": {"type": "object", "required": ["role"], "properties": {"role": {"type": "string"}}},
                "description": "a list of at least one message, each with its role and content",
            },
            "stream": {"type": ["boolean", "null"], "description": "true or false"},
            "stream_options": {**OPTIONS, "type": ["object", "null"], "description": "{include_usage: true or false}"},
            "max_tokens": COUNT,
            "max_completion_tokens": COUNT,
            "n": {"enum": [1, None], "description": "1: there is one choice here"},
            "seed": {"type": ["integer", "null"], "description": "a whole number"},
        },
    }
)


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request asks for, and what it gets."""

    model: str
    answer: generation.Answer
    stream: bool
    usage: bool
    id: str = field(default_factory=lambda: f"chatcmpl-{secrets.token_hex(12)}")
    created: int = field(default_factory=lambda: int(time.time()))


class Completions(Encoder):
    """Reads requests for chat completions, and encodes what they get."""

    path = "/v1/chat/completions"
    body = BODY

    def asked(self, body: Json) -> Asked:
        """Return what the body asks for; raises RefusedError (404) for a model that there is not."""
        if (model := body["model"]) not in MODELS:
            message = f"The model `{model:.100}` does not exist. There is {', '.join(MODELS)}."
            raise RefusedError(404, "model_not_found", message)
        question = json.dumps([message.get("content") for message in body["messages"]])
        most = body.get("max_completion_tokens") or body.get("max_tokens")
        usage = bool((body.get("stream_options") or {}).get("include_usage"))
        return Asked(model, generation.answer(question, body.get("seed"), most), bool(body.get("stream")), usage)

    def blocks(self, asked: Asked) -> Iterator[bytes]:
        """Yield the events of a stream, one at a time."""
        yield self.delta(asked, {"role": "assistant", "content": ""})
        for piece in self.pieces(asked):
            yield self.delta(asked, {"content": piece})
        yield self.delta(asked, {}, finish_reason(asked))
        if asked.usage:
            yield self.chunk(asked, [], usage(asked))
        yield b"data: [DONE]\n\n"

    def pieces(self, asked: Asked) -> Iterator[str]:
        """Yield the content piece by piece."""
        yield from asked.answer.pieces

    def delta(self, asked: Asked, delta: Json, finish: str | None = None) -> bytes:
        """Return the event that adds to the choice, or ends it."""
        return self.chunk(asked, [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}])

    def chunk(self, asked: Asked, choices: list[Json], used: Json | None = None) -> bytes:
        """Return the event with these choices."""
        counted = {"usage": used} if asked.usage else {}
        return self.block({**envelope(asked, "chat.completion.chunk"), "choices": choices, **counted})

    def whole(self, asked: Asked) -> Json:
        """Return the answer to a request that asks for no stream."""
        message = {"role": "assistant", "content": asked.answer.text, "refusal": None}
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": finish_reason(asked)}
        return {**envelope(asked, "chat.completion"), "choices": [choice], "usage": usage(asked)}

    def dump(self, envelope: Json) -> str:
        """Return JSON text with its characters as they are: as APIs write it; no text of a user's is in it."""
        return json.dumps(envelope, allow_nan=False, separators=(",", ":"), ensure_ascii=False)


def envelope(asked: Asked, kind: str) -> Json:
    """Return what all chunks of an answer have in common."""
    return {"id": asked.id, "object": kind, "created": asked.created, "model": asked.model}


def finish_reason(asked: Asked) -> str:
    """Return why the answer ends."""
    return "length" if asked.answer.is_cut else "stop"


def usage(asked: Asked) -> Json:
    """Return the counts of tokens."""
    prompt, completion = asked.answer.prompt_pieces, len(asked.answer.pieces)
    return {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}
