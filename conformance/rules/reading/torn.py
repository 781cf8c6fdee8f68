"""Data that its own line breaks tear: JSON of which clients ignore the lines that do not start with `data:`."""

import json
from bisect import bisect_left
from collections.abc import Iterator

from ssegauge.conformance.seen import Item, Message, View
from ssegauge.conformance.sse import IgnoredField

NOT_DATA = frozenset({b"", b"event", b"id", b"retry"})  # a comment has no name


def torn(view: View) -> Iterator[tuple[Message, list[Item]]]:
    """Yield the events whose JSON is broken by nothing but lines of it that are ignored, with these lines."""
    ignored = [item for item, what in view.of(IgnoredField) if what.reason == "unknown-field"]
    starts = [item.what.start for item in ignored]
    for message in view.messages if ignored else ():
        lost = ignored[bisect_left(starts, message.event.start) : bisect_left(starts, message.event.end)]
        if lost and message.error and _is_json(_whole(view, message)):
            yield message, lost


def _whole(view: View, message: Message) -> bytes:
    """Return the data as it was meant: the ignored lines belong to it."""
    lines = []
    for line in view.body[message.event.start : message.event.end].splitlines():
        name, _, value = line.partition(b":")
        if name not in NOT_DATA:
            lines.append(value.removeprefix(b" ") if name == b"data" else line)
    return b"\n".join(lines)


def _is_json(text: bytes) -> bool:
    """Whether the text is a JSON object or list. A raw line break in a string counts: it tore the data as well."""
    try:
        return isinstance(json.loads(text, strict=False), dict | list)
    except (ValueError, RecursionError):
        return False
