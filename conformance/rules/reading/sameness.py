"""When two events are the same one: what they say is the same, however often and to whomever it is said."""

import json
from collections.abc import Iterable, Iterator

from ssegauge.conformance.rules.reading.heartbeat import names_heartbeat
from ssegauge.conformance.seen import Message, View

State = tuple[object, ...]
# What two readers of one task are to be told alike; an estimate of the time left depends on the moment.
COMMON = ("status", "stage", "progress", "message", "results", "error")


def state(message: Message) -> State:
    """Return a report's state, for comparison with that of others."""
    return tuple(_comparable(message.progress.get(name)) for name in COMMON)


def said(message: Message) -> State:
    """Return what an event says: a task's state, or else its type and its data."""
    return state(message) if message.progress else message.words


def repeated(messages: Iterable[Message]) -> Iterator[tuple[Message, bool]]:
    """Yield the events whose id an earlier one had, and whether it is that very event once more."""
    first: dict[str | None, State] = {}
    for message in messages:
        if message.event.id in first:
            yield message, first[message.event.id] == said(message)
        else:
            first[message.event.id] = said(message)


def identified(view: View) -> list[Message]:
    """Return the events with an id of their own that one can come back with.

    Of a task's events neither `connected` nor a heartbeat is one.
    """
    if view.facts.situation == "canary":
        return []
    found = [message for message in view.messages if message.event.id]
    if view.facts.task_id is None:
        return found
    return [message for message in found if message.type != "connected" and not names_heartbeat(message)]


def _comparable(value: object) -> object:
    return json.dumps(value, sort_keys=True) if isinstance(value, dict | list) else value
