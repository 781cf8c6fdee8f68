"""What the events of an answer say: its text, piece by piece, an error in mid-stream, and the lengths that usage tells.

A token here is an event with a text at the promised place (``promises.token``), as every load tool for language
models counts: what the model itself calls a token, only ``usage`` tells.

Most events of an answer differ in their text alone. So after the first one that was read as JSON a stream knows what
stands before and after it, and an event that has the same around a text without a quotation mark is not read again.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Final

from ssegauge.conformance.seen import FEW, foreign, form_of
from ssegauge.conformance.target import EVENT_STREAM, pointer

_USAGE_AT: Final = ("/usage", "/message/usage", "/response/usage")  # chat completions, messages, responses
_INPUT: Final = ("prompt_tokens", "input_tokens")
_OUTPUT: Final = ("completion_tokens", "output_tokens")
_OTHERWISE: Final = re.compile(
    r'"(?:tool_calls"\s*:\s*\[\s*\{|function_call"\s*:\s*\{|refusal"\s*:\s*"[^"]|type"\s*:\s*"(?:tool_use|\w+_call)")'
).search
MOST_SHOWN: Final = 80
_NOWHERE: Final = ("\0", "\0")  # around no JSON


class Pieces:
    """Finds the text in the events of one stream. ``at`` is where it stands, a JSON Pointer.

    ``was_blank``: whether the last event that had none has the place for it, empty.
    """

    __slots__ = ("_around", "_at", "was_blank")

    def __init__(self, at: str) -> None:
        self._at = at
        self._around = _NOWHERE
        self.was_blank = False

    def has_one(self, data: str) -> bool:
        """Whether an event has a text, and not an empty one."""
        before, after = self._around
        if data.startswith(before) and data.endswith(after) and len(data) > len(before) + len(after):
            text = data[len(before) : len(data) - len(after)]
            if '"' not in text and "\\" not in text:
                return True
        return self._read(data)

    def _read(self, data: str) -> bool:
        self.was_blank = False
        try:
            text = pointer(json.loads(data), self._at)
        except (ValueError, LookupError, RecursionError):
            return False
        if not isinstance(text, str) or not text:
            self.was_blank = text in ("", None)
            return False
        self._learn(data, text)
        return True

    def _learn(self, data: str, text: str) -> None:
        """Note what stands around a text that cannot be anything else in this event."""
        for written in {f'"{text}"', json.dumps(text)}:
            if data.count(written) == 1:
                before, _, after = data.partition(written)
                self._around = f'{before}"', f'"{after}'


class Strange:
    """Looks at the first events of an answer, whether they are of the profile's wire form."""

    __slots__ = ("_left", "_profile")

    def __init__(self, profile: str) -> None:
        self._profile = profile
        self._left = 0 if profile == EVENT_STREAM else FEW

    def said(self, data: str) -> str:
        """Return which other form an event has; empty where it has none, or enough was seen."""
        if not self._left:
            return ""
        form = form_of(_object(data))
        self._left = 0 if form else self._left - 1
        return foreign(form, self._profile)


def told_error(kind: str, data: str) -> str:
    """Return the error that an event tells, in a few words; an empty string when it tells none.

    An ``error`` member that holds something, or an event of type ``error`` or ``response.failed``.
    """
    named = kind == "error"
    if not named and '"error"' not in data:
        return ""
    document = _object(data)
    if not document:
        return _shown(data) if named else ""
    nested = document.get("response")
    failed = document.get("type") == "response.failed" and isinstance(nested, dict) and nested.get("error")
    error = document.get("error") or failed
    if not error and not named and document.get("type") != "error":
        return ""
    return _shown(_message(error) or _message(document) or "error")


def told_otherwise(data: str) -> bool:
    """Whether an event answers by something else than text: it calls a tool, or refuses."""
    return _OTHERWISE(data) is not None


def told_usage(data: str) -> tuple[int | None, int | None]:
    """Return how many tokens went in and came out, None where an event does not say so."""
    if '"usage"' not in data or '"usage":null' in data:
        return None, None
    document = _object(data)
    for at in _USAGE_AT:
        try:
            usage = pointer(document, at)
        except LookupError:
            continue
        if isinstance(usage, dict):
            return _first(usage, _INPUT), _first(usage, _OUTPUT)
    return None, None


def _first(usage: Mapping[str, Any], names: tuple[str, ...]) -> int | None:
    counts = (usage.get(name) for name in names)
    return next((count for count in counts if isinstance(count, int) and not isinstance(count, bool)), None)


def _message(error: Any) -> str:  # noqa: ANN401 - any JSON value
    if isinstance(error, dict):
        told = error.get("message") or error.get("code") or error.get("type")
        return told if isinstance(told, str) else ""
    return error if isinstance(error, str) else ""


def _object(data: str) -> dict[str, Any]:
    try:
        document = json.loads(data)
    except (ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}


def _shown(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= MOST_SHOWN else f"{line[:MOST_SHOWN]}…"
