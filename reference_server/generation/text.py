"""Made-up answers, the same for the same question and seed: text in pieces, or the call of a tool that was offered.

Many characters of the text take more than a byte.
"""

import json
import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

SENTENCES = (
    "The harbour wakes before the town.",
    "Grüße aus Köln, wo es heute regnet.",
    "東京は今日も晴れです。",
    "A sailor’s day begins at 4:30 with coffee ☕.",
    "Ships carry 90 % of what we trade.",
    "Привет from the lighthouse 🗼!",
    "The ferry to Åland takes five hours.",
    "Tides follow the moon, œuvre d’art or not.",
)
PIECE = re.compile(r"\s*\S{1,6}")
ARGUMENT_PIECE = 5  # characters
VALUES: Mapping[str, Any] = {"string": "Åland", "integer": 3, "number": 0.5, "boolean": True, "array": [], "object": {}}


@dataclass(frozen=True, slots=True)
class Tool:
    """A function that the model may call, and the JSON Schema of its arguments."""

    name: str
    parameters: Mapping[str, Any]

    @property
    def arguments(self) -> str:
        """Arguments that fit: a value of the right type for each property, as JSON text."""
        known = self.parameters.get("properties")
        properties = known if isinstance(known, dict) else {}
        return json.dumps({name: _value(schema) for name, schema in properties.items()})

    @property
    def argument_pieces(self) -> tuple[str, ...]:
        """The arguments in pieces, none of them JSON by itself."""
        text = self.arguments
        return tuple(text[at : at + ARGUMENT_PIECE] for at in range(0, len(text), ARGUMENT_PIECE))


@dataclass(frozen=True, slots=True)
class Answer:
    """What is said: its pieces, why it ends, how many pieces the question has, and the tools that are called."""

    pieces: tuple[str, ...]
    is_cut: bool
    prompt_pieces: int
    calls: tuple[Tool, ...] = ()

    @property
    def text(self) -> str:
        """The whole text."""
        return "".join(self.pieces)

    @property
    def count(self) -> int:
        """How many tokens it is counted as."""
        return len(self.pieces) + sum(len(call.argument_pieces) for call in self.calls)


def answer(question: str, seed: int | None, most: int | None, calls: Sequence[Tool] = ()) -> Answer:
    """Return the answer to the question, of at most so many pieces; or none, but the calls of tools."""
    asked = len(PIECE.findall(question))
    if calls:
        return Answer((), is_cut=False, prompt_pieces=asked, calls=tuple(calls))
    dice = random.Random(f"{seed}/{question}")  # noqa: S311 - demo text, not a secret
    sentences = dice.sample(SENTENCES, dice.randint(3, 5))
    pieces = tuple(PIECE.findall(" ".join(sentences)))
    return Answer(pieces[:most], most is not None and most < len(pieces), asked)


def _value(schema: object) -> Any:  # noqa: ANN401 - any JSON value
    """Return a value that fits a property's schema, as far as its enum or type says."""
    if not isinstance(schema, dict):
        return VALUES["string"]
    if isinstance(schema.get("enum"), list) and schema["enum"]:
        return schema["enum"][0]
    kind = schema.get("type")
    return VALUES.get(kind, VALUES["string"]) if isinstance(kind, str) else VALUES["string"]
