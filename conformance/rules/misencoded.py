"""Rules on data that is not what was to be sent, but what some function made of it."""

import ast
import re
from collections.abc import Callable, Collection, Iterator, Mapping

from ssegauge.conformance.jsontext import MOST_DEPTH, read_json
from ssegauge.conformance.rules.reading.json_texts import is_structure
from ssegauge.conformance.rules.rule import profile, rule
from ssegauge.conformance.seen import Level, Mark, Message, Seen
from ssegauge.conformance.words import shown

MOST_READ = 1 << 16  # characters
MOST_TEXTS = 0.2  # of the events
_OBJECTS = re.compile(r"\[object Object\](?:,\[object Object\])*")
_BYTES = re.compile(r"""b(['"])(.*)\1""", re.DOTALL)
_PYTHON = re.compile(r"[\[{]\s*['{\[(]|[\[{].*\b(?:None|True|False)\b", re.DOTALL)


@rule("shape/misencoded", "should", profile("E1.8"))
def misencoded(seen: Seen) -> Iterator[Mark]:
    """Data is what was to be sent, not what a language shows of it.

    Why: No client can read it: the object was put into a text instead of being encoded, or what was encoded and framed
    already was framed again.

    Mend: Give a JSON library the object (`JSON.stringify`, `json.dumps`), and the framing to one place alone: libraries
    that write `data: ` want the data without it.

    Example: data: [object Object]
    """
    views = [view for view in seen.streams if view.facts.situation != "canary"]
    told = [(view, message) for view in views for message in view.messages]
    plain = {message.event.type for _, message in told if is_structure(message.value)}
    judged = [(view, message, _made_of(message) or _encoded_twice(message, plain)) for view, message in told]
    texts = sum(bool(message.error) and not wrong for _, message, wrong in judged)
    if texts > MOST_TEXTS * len(judged):  # lines of a log, perhaps: they may hold anything
        return
    level: Level | None = None if texts else "must"  # among JSON alone it is an event that no client can read
    for view, message, wrong in judged:
        if wrong:
            yield view.bad(f"{shown(message.event.data)}: {wrong}", message, level=level)
        elif is_structure(message.value):
            yield view.good()


def _made_of(message: Message) -> str:
    """Say what an event's data was made of by mistake; nothing where it is what it may be."""
    if message.constants and is_structure(message.value):
        return f"{message.constants[0]} is no JSON, though Python reads and writes it: JSON.parse throws"
    text = message.event.data.strip() if message.error else ""
    if not 0 < len(text) <= MOST_READ:
        return ""
    return next((what for what, is_it in _MISTAKES.items() if is_it(text)), "")


def _encoded_twice(message: Message, plain: Collection[str]) -> str:
    """Say that an event is a text that holds JSON, where others of its type are that JSON itself."""
    twice = message.event.type in plain and isinstance(message.value, str) and _is_json(message.value)
    return "JSON that was encoded twice: a text with JSON in it" if twice else ""


def _has_a_frame(text: str) -> bool:
    return text.startswith("data:") and _is_json(text.removeprefix("data:"))


def _ends_in_escapes(text: str) -> bool:
    rest = re.sub(r"(?:\\r|\\n)+\Z", "", text)
    return rest != text and _is_json(rest)


def _is_bytes(text: str) -> bool:
    found = _BYTES.fullmatch(text)
    return found is not None and _is_json(found[2])


def _is_python(text: str) -> bool:
    """Whether it is a dictionary or list as Python shows it; what is nested deep is not looked at."""
    if not _PYTHON.match(text) or sum(map(text.count, "[{(")) > MOST_DEPTH:
        return False
    try:
        return isinstance(ast.literal_eval(text), dict | list)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return False


def _is_json(text: str) -> bool:
    try:
        return is_structure(read_json(text))
    except ValueError:
        return False


_MISTAKES: Mapping[str, Callable[[str], bool]] = {
    "an object put into a text, not encoded": lambda text: bool(_OBJECTS.fullmatch(text)),
    "`data:` written twice": _has_a_frame,
    "the line end escaped, a backslash and a letter behind the JSON": _ends_in_escapes,
    "Python's way to show bytes": _is_bytes,
    "Python's way to show it, not JSON": _is_python,
}
