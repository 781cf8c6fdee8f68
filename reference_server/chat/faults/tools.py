"""Calls of tools in fragments that do not fit together."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import ClassVar

from ssegauge.reference_server.chat.completions import Asked, Completions
from ssegauge.reference_server.chat.faults.registry import breaks
from ssegauge.reference_server.common.encoding import Json
from ssegauge.reference_server.generation import text

LOOK = text.Tool("look_up", {"properties": {"city": {"type": "string"}, "days": {"type": "integer"}}})
Fragments = Iterator[Json]


class Calling(Completions):
    """Chat completions that call a tool, whether one was offered or not, in fragments with a fault."""

    change: ClassVar[Callable[[Fragments], Fragments]]

    def asked(self, body: Json) -> Asked:
        """Call a tool in place of an answer."""
        asked = super().asked(body)
        return replace(asked, answer=replace(asked.answer, pieces=(), calls=(LOOK,)))

    def fragments(self, number: int, tool: text.Tool) -> Fragments:
        """Change the fragments."""
        return type(self).change(super().fragments(number, tool))


def without_name(fragments: Fragments) -> Fragments:
    """Leave out the function's name."""
    return ({**one, "function": {"arguments": one["function"]["arguments"]}} for one in fragments)


def without_id(fragments: Fragments) -> Fragments:
    """Leave out the call's id."""
    return ({name: value for name, value in one.items() if name != "id"} for one in fragments)


def without_index(fragments: Fragments) -> Fragments:
    """Leave out the call's number."""
    return ({name: value for name, value in one.items() if name != "index"} for one in fragments)


def named_twice(fragments: Fragments) -> Fragments:
    """Say the function's name in every fragment."""
    return ({**one, "function": {"name": LOOK.name, **one["function"]}} for one in fragments)


def with_a_gap(fragments: Fragments) -> Fragments:
    """Lose the third fragment."""
    return (one for number, one in enumerate(fragments) if number != 2)


CHANGES: dict[str, tuple[str, Callable[[Fragments], Fragments]]] = {
    "chat/tool-without-name": ("Calls a tool and does not say which.", without_name),
    "chat/tool-without-name:id": ("Calls a tool without an id.", without_id),
    "chat/tool-without-index": ("Does not say to which call a fragment belongs.", without_index),
    "chat/tool-said-twice": ("Names the tool in every fragment.", named_twice),
    "chat/tool-arguments-broken": ("Loses a fragment of a call's arguments.", with_a_gap),
}

for code, (about, change) in CHANGES.items():
    breaks(code)(type("Faulty", (Calling,), {"__doc__": about, "change": staticmethod(change)}))
