"""How many JSON texts stand in the data of an event."""

import json
import re

from ssegauge.conformance.rules.reading.told import MARKER

_DECODER = json.JSONDecoder()
_SPACE = re.compile(r"[ \t\r\n]*")


def json_texts(data: str) -> int:
    """Return how many JSON objects and lists the data is made of, one after the other; 0 where it is anything else.

    The word with which streams of language models end counts as one, behind others.
    """
    marked = ends_with_marker(data)
    text = data.rpartition("\n")[0] if marked else data
    found, at = 0, _behind_space(text, 0)
    while at < len(text):
        try:
            value, at = _DECODER.raw_decode(text, at)
        except (ValueError, RecursionError):
            return 0
        if not is_structure(value):
            return 0
        found, at = found + 1, _behind_space(text, at)
    return found + (marked and found > 0)


def ends_with_marker(data: str) -> bool:
    """Whether the last of several lines is the word with which streams of language models end."""
    return data.rpartition("\n")[1:] == ("\n", MARKER)


def _behind_space(data: str, at: int) -> int:
    match = _SPACE.match(data, at)
    return match.end() if match else at


def is_structure(value: object) -> bool:
    """Whether a JSON value is an object or a list; a number or a word may as well be meant as text."""
    return isinstance(value, dict | list)
