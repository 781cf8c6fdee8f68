"""Data that its own line breaks tear: lines that clients ignore, because they do not start with `data:`."""

import json
import re
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterator
from itertools import accumulate, pairwise

from ssegauge.conformance.rules.reading.heartbeat import HEARTBEAT_NAMES
from ssegauge.conformance.rules.reading.json_texts import is_structure, json_texts
from ssegauge.conformance.seen import Item, Message, View
from ssegauge.conformance.sse import BlockWithoutData, Comment, IgnoredField

NOT_DATA = frozenset({b"", b"event", b"id", b"retry"})  # a comment has no name
LEAST_LOST, LEAST_WHOLE = 2, 5  # texts with a line end too many behind them, and without
_OWN_FIELD = re.compile(r"[A-Za-z][\w.-]*:", re.ASCII)  # what may be a field of the server's own
# What a text that tries to break the framing has, in the stream that is made to tell it and in those beside it.
CANARY = re.compile(rb"ssegauge[0-9a-f]{12}(?: before|-(?:injected|end))")
_ELEMENT, MOST_LOOKED_AT = re.compile(r"<(/?)([A-Za-z][\w-]*)"), 1 << 16
_NEVER_CLOSED = frozenset({"area", "base", "br", "col", "hr", "img", "input", "link", "meta", "source", "wbr"})
_ALIVE = re.compile(r"[\W_]*(?:keep[\W_]*alive|heart[\W_]*beat|ping|pong)[\W_]*", re.IGNORECASE)


def torn(view: View) -> Iterator[tuple[Message, list[Item]]]:
    """Yield the events of which lines are ignored that are data, with these lines: the rest of JSON, or of a text."""
    ignored = _ignored(view)
    starts = [item.what.start for item in ignored]
    for message in view.messages if ignored else ():
        inside = ignored[bisect_left(starts, message.event.start) : bisect_left(starts, message.event.end)]
        if inside and message.error and _is_json(_whole(view, message)):
            yield message, inside
        elif lost := [item for item in inside if _is_data(view, message, item)]:
            yield message, lost


def halves(view: View) -> list[tuple[Message, Message]]:
    """Return the neighbours that are JSON together alone: a blank line in the midst has made two events of one."""
    pairs = [(one, after) for one, after in pairwise(view.messages) if was_json(one) and after.error]
    return [(one, after) for one, after in pairs if _is_json(f"{one.event.data}{after.event.data}".encode())]


def cut_by_comments(view: View) -> list[tuple[Message, Message]]:
    """Return the neighbours of one write of which the first ends with a comment, and the second has lost its name.

    So it is where heartbeats are written beside events, and one falls between the lines of an event: its blank line
    ends that event. A comment that each event ends with is meant; so are names that were not there to be lost.
    """
    inside = _ended_by_comments(view)
    usual = {one.event.type for one in view.messages if id(one) not in inside and _is_named(view, one)}
    return [
        (one, after)
        for one, after in pairwise(view.messages if inside else ())
        if id(one) in inside and one.item.chunk == after.item.chunk
        if one.event.type in usual and _is_named(view, one) and not _is_named(view, after)
    ]


def cut_in_html(view: View) -> list[tuple[Message, Message]]:
    """Return the neighbours of one write of which the first opens elements that the second closes: HTML in two parts.

    The second has no name, where the first has; or else others are whole, so that it is not told piece by piece.
    """
    found = [
        (one, after)
        for one, after in pairwise(view.messages)
        if one.error and after.error and one.item.chunk == after.item.chunk
        if +_open_elements(one.event.data) & +_open_elements(after.event.data, opening=-1)
        if one.event.type == after.event.type or not _is_named(view, after)
    ]
    named = [(one, after) for one, after in found if _is_named(view, one) and not _is_named(view, after)]
    whole = sum(_is_whole_html(one.event.data) for one in view.messages if one.error) if found else 0
    return found if len(found) >= LEAST_LOST and whole >= LEAST_WHOLE - 1 else named


def _is_whole_html(text: str) -> bool:
    return "</" in text and not any(_open_elements(text).values())


def _open_elements(text: str, opening: int = 1) -> Counter[str]:
    """Return how many elements of each name a text opens and leaves open; less than none where it closes others."""
    found: Counter[str] = Counter()
    for closing, name in _ELEMENT.findall(text[:MOST_LOOKED_AT]):
        if name.lower() not in _NEVER_CLOSED:
            found[name] += -opening if closing else opening
    return found


def _ended_by_comments(view: View) -> set[int]:
    """Return the events whose last line is a comment, with data before it."""
    starts = [one.event.start for one in view.messages]
    last = {bisect_right(starts, what.start) - 1: what for _, what in view.of(Comment)}
    return {
        id(message)
        for at, message in enumerate(view.messages)
        if (what := last.get(at)) and what.start < message.event.end
        if not view.body[what.end : message.event.end].strip(b"\r\n")
        and b"data:" in view.body[message.event.start : what.start]
    }


def _is_named(view: View, message: Message) -> bool:
    return bool(re.search(rb"(?:^|[\r\n])(?:event|id):", view.body[message.event.start : message.event.end]))


def orphans(view: View) -> Iterator[tuple[Message, Item]]:
    """Yield the lines that are ignored behind the blank line of a text that they came with, which had a blank line."""
    blocks = [(what.start, what.end) for _, what in view.of(BlockWithoutData)]
    blocks += [(message.event.start, message.event.end) for message in view.messages]
    for item in _ignored(view):
        start = item.what.start
        before = next((one for one in reversed(view.messages) if one.event.end <= start), None)
        inside = any(begin <= start < end for begin, end in blocks)
        if before and not inside and before.item.chunk == item.chunk and not is_structure(before.value):
            line = _line(view, item)
            if " " in line.strip() and _is_text(line):
                yield before, item


def line_ends_lost(view: View) -> list[Message]:
    """Return the texts that are followed by a line end too many in the same write, where most of their type are not.

    So a line end of the text itself looks that was written as it is. One that is written alone keeps a connection
    alive, and one behind all events, or behind all of a type, is how their writer ends them.
    """
    ends = list(accumulate(len(data) for _, data in view.chunks))
    by_type: dict[str, list[Message]] = {}
    for message in view.messages:
        if message.error:
            by_type.setdefault(message.event.type, []).append(message)
    found = []
    for texts in by_type.values():
        lost = [one for one in texts[:-1] if _one_more(view, one.event.end, ends[one.item.chunk])]
        if len(lost) >= LEAST_LOST and len(texts) - len(lost) >= max(LEAST_WHOLE, len(lost)):
            found += lost
    return found


def _one_more(view: View, end: int, written: int) -> bool:
    """Whether another line end stands behind the blank line that ends there, in what was written with it."""
    behind = end + (view.body[end - 1 : end + 1] == b"\r\n")
    return behind < written and view.body[behind : behind + 1] in {b"\r", b"\n"}


def was_json(message: Message) -> bool:
    """Whether an event's data begins as JSON does, and is none."""
    return bool(message.error) and message.event.data.lstrip()[:1] in {"{", "["}


def _ignored(view: View) -> list[Item]:
    """Return the lines that no client knows; those of a text that tries to break the framing are of other rules."""
    unknown = [item for item, what in view.of(IgnoredField) if what.reason == "unknown-field" and not what.meant]
    return [item for item in unknown if not CANARY.search(view.body, item.what.start, item.what.end)]


def _is_data(view: View, message: Message, item: Item) -> bool:
    """Whether an ignored line belongs to the data before it."""
    if not re.search(rb"(?:^|[\r\n])data:", view.body[message.event.start : item.what.start]):
        return False
    line = _line(view, item)
    if is_structure(message.value):
        return json_texts(line) == 1
    return _is_text(line) or (bool(line.strip()) and _is_behind_lone_cr(view, message, item))


def _is_behind_lone_cr(view: View, message: Message, item: Item) -> bool:
    """Whether a CR stands before a line where the stream's own lines end with LF: it and the line are of the text."""
    own_end, since = view.body[message.event.end - 1 : message.event.end], item.what.start
    return own_end == b"\n" and view.body[since - 1 : since] == b"\r"


def _is_text(line: str) -> bool:
    return not _OWN_FIELD.match(line) and not _ALIVE.fullmatch(line) and line.strip().lower() not in HEARTBEAT_NAMES


def _line(view: View, item: Item) -> str:
    return view.body[item.what.start : item.what.end].decode("utf-8", "replace")


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
        return is_structure(json.loads(text, strict=False))
    except (ValueError, RecursionError):
        return False
