"""A wire form of language-model streams: where it is asked for, which bodies it takes, and the events of an answer."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, ClassVar

from jsonschema import Draft202012Validator

from ssegauge.reference_server.common.encoding import Encoder, Json
from ssegauge.reference_server.common.refusals import RefusedError
from ssegauge.reference_server.generation.text import Answer

FAILS = "ssegauge-fails"
MODELS = ("ssegauge-1", FAILS)
MODEL: Json = {"type": "string", "description": f"the name of a model: {', '.join(MODELS)}"}
COUNT: Json = {"type": ["integer", "null"], "minimum": 1, "description": "a number of tokens from 1"}
FAILURE = "The model broke off. Ask again."


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a request asks for, and what it gets. `body` is the request's, checked."""

    model: str
    answer: Answer
    stream: bool
    body: Json = field(default_factory=dict)

    @property
    def fails(self) -> bool:
        """Whether the answer breaks off with an error, in its midst."""
        return self.model == FAILS


class Form(Encoder):
    """Reads requests in one wire form, and encodes what they get. `body` is what a request's body must be."""

    path: ClassVar[str]
    body: ClassVar[Draft202012Validator]

    def asked(self, body: Json) -> Any:  # noqa: ANN401 - the form's own `Asked`
        """Return what the body asks for; raises RefusedError for what there is not."""
        raise NotImplementedError

    def blocks(self, asked: Any) -> Iterator[bytes]:  # noqa: ANN401 - the form's own `Asked`
        """Yield the events of a stream, one at a time."""
        raise NotImplementedError

    def whole(self, asked: Any) -> Json:  # noqa: ANN401 - the form's own `Asked`
        """Return the answer to a request that asks for no stream."""
        raise NotImplementedError

    def pieces(self, asked: Asked) -> Iterator[str]:
        """Yield the text piece by piece; of a model that fails, the first half."""
        pieces = asked.answer.pieces
        yield from pieces[: len(pieces) // 2] if asked.fails else pieces

    def dump(self, envelope: Json) -> str:
        """Return JSON text with its characters as they are: as APIs write it; no text of a user's is in it."""
        return json.dumps(envelope, allow_nan=False, separators=(",", ":"), ensure_ascii=False)


def known_model(name: str) -> str:
    """Return the name of a model; raises RefusedError (404) for one that there is not."""
    if name not in MODELS:
        message = f"The model `{name:.100}` does not exist. There is {', '.join(MODELS)}."
        raise RefusedError(404, "model_not_found", message)
    return name
