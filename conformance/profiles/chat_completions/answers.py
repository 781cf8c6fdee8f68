"""What a stream of chat completions says: its chunks, what they add to each choice, and how each choice ends."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ssegauge.conformance.jsontext import read_json
from ssegauge.conformance.rules.reading.spoiled import SPOILED
from ssegauge.conformance.seen import Message, View

DONE = "[DONE]"
# What explains that chunks are missing or cannot be read, that they are of wrong types, that an answer is not whole.
TORN = (
    *("wire/truncated-event", "wire/truncated-chunked-body", "wire/two-values-in-one", "wire/unprefixed-data"),
    *SPOILED,
    *("wire/invalid-utf8", "wire/reset-in-http2"),
)
SCHEMA = ("shape/breaks-schema",)
UNFINISHED = (*TORN, "end/marker-missing", "chat/message-for-delta", "chat/error-told")
# Members of a delta in which something is said; the last three are those of vendors.
SAYING = ("content", "refusal", "tool_calls", "function_call", "audio", "reasoning_content", "reasoning", "images")


@dataclass(frozen=True, slots=True)
class Piece:
    """What one chunk adds to one choice; ``choice`` is that part of the chunk."""

    message: Message
    choice: Mapping[str, Any]

    @property
    def index(self) -> int:
        """The choice's number; 0 where it has none, for nearly every answer has one choice."""
        index = self.choice.get("index")
        return index if isinstance(index, int) else 0

    @property
    def delta(self) -> Mapping[str, Any]:
        """What is added, empty where there is nothing."""
        delta = self.choice.get("delta")
        return delta if isinstance(delta, dict) else {}

    @property
    def finish(self) -> str:
        """Why the choice ends, empty where it does not."""
        reason = self.choice.get("finish_reason")
        return reason if isinstance(reason, str) else ""

    @property
    def text(self) -> str:
        """The text that is added."""
        content = self.delta.get("content")
        return content if isinstance(content, str) else ""

    @property
    def says(self) -> bool:
        """Whether it adds anything that a reader would miss."""
        return any(self.delta.get(name) for name in SAYING)

    @property
    def fragments(self) -> list[Mapping[str, Any]]:
        """The fragments of calls of tools in it."""
        found = self.delta.get("tool_calls")
        return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def chunks(view: View) -> list[Message]:
    """Return the events that are chunks, and no errors."""
    told = [message for message in view.messages if message.fields and not error(message)]
    return [one for one in told if isinstance(one.fields.get("choices"), list) or one.fields.get("usage")]


def pieces(view: View) -> list[Piece]:
    """Return what the chunks add to choices, in order."""
    return [
        Piece(chunk, choice)
        for chunk in chunks(view)
        for choice in chunk.fields.get("choices") or ()
        if isinstance(choice, dict)
    ]


def by_choice(view: View) -> Mapping[int, list[Piece]]:
    """Return the pieces of each choice."""
    found: dict[int, list[Piece]] = defaultdict(list)
    for piece in pieces(view):
        found[piece.index].append(piece)
    return found


def finish_of(answer: list[Piece]) -> Piece | None:
    """Return the piece that ends a choice, the first of several."""
    return next((piece for piece in answer if piece.finish), None)


def error(message: Message) -> Any:  # noqa: ANN401 - whatever the server sent
    """Return the error that an event tells, None where it is none."""
    return message.fields.get("error") or None


def errors(view: View) -> list[Message]:
    """Return the events that tell an error."""
    return [message for message in view.messages if error(message)]


def is_over(view: View) -> bool:
    """Whether the answer came to its end, be it a good one."""
    return view.ended_by_server or any(message.event.data.strip() == DONE for message in view.messages)


def asked(view: View) -> Mapping[str, Any]:
    """Return the body of the request, empty where it is not known."""
    try:
        body = read_json(view.transcript.request.body or "")
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def wants_usage(view: View) -> bool:
    """Whether the request asked for the usage."""
    options = asked(view).get("stream_options")
    return isinstance(options, dict) and options.get("include_usage") is True


def usages(view: View) -> Iterator[tuple[Message, Mapping[str, Any]]]:
    """Yield the chunks with a usage, and that."""
    for chunk in chunks(view):
        usage = chunk.fields.get("usage")
        if isinstance(usage, dict):
            yield chunk, usage
