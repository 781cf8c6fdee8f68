"""Events with the JSON in their data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeGuard

from ssegauge.conformance.jsontext import duplicates, read_json
from ssegauge.conformance.sse import Event, Observation

ENDED = frozenset({"completed", "failed"})


class Item(NamedTuple):
    """An event or observation, the number of the chunk that completed it, and when that arrived."""

    what: Event | Observation
    chunk: int
    at_ms: float


@dataclass(frozen=True, slots=True)
class Message:
    """An event and the JSON text in it. ``value`` is None and ``error`` says why where it is not JSON."""

    item: Item
    event: Event
    value: Any
    error: str = ""
    duplicate_keys: tuple[str, ...] = ()
    constants: tuple[str, ...] = ()  # NaN, Infinity, -Infinity: Python reads them, JSON has no such numbers

    @property
    def fields(self) -> Mapping[str, Any]:
        """The JSON object, empty where the data is something else."""
        return self.value if isinstance(self.value, dict) else {}

    @property
    def type(self) -> Any:  # noqa: ANN401 - whatever the server sent
        """The message's ``type``, None without one."""
        return self.fields.get("type")

    @property
    def words(self) -> tuple[str, str]:
        """What it says, whatever its id: its event type and its data."""
        return self.event.type, self.event.data

    @property
    def progress(self) -> Mapping[str, Any]:
        """The task's state in a ``progress`` message, empty elsewhere."""
        inner = self.fields.get("progress") if self.type == "progress" else None
        return inner if isinstance(inner, dict) else {}

    @property
    def ends_task(self) -> bool:
        """Whether this is the terminal event."""
        status = self.progress.get("status")
        return isinstance(status, str) and status in ENDED


def is_number(value: Any) -> TypeGuard[int | float]:  # noqa: ANN401 - whatever the server sent
    """Whether it is a number of JSON; Python counts True and False among the integers."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def read_message(item: Item, event: Event) -> Message:
    """Return the event with its data read as JSON."""
    repeated: list[str] = []
    constants: list[str] = []

    def pairs(found: list[tuple[str, Any]]) -> dict[str, Any]:
        repeated.extend(duplicates([key for key, _ in found]))
        return dict(found)

    try:
        value = read_json(event.data, object_pairs_hook=pairs, parse_constant=constants.append)
    except ValueError as error:
        return Message(item, event, None, str(error))
    return Message(item, event, value, "", tuple(repeated), tuple(constants))
