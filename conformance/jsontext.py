"""Reads JSON that others wrote: any text gives a value or ``ValueError``, in bounded time, stack and memory."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

# "An implementation may set limits on the size of texts that it accepts ... on the maximum depth of nesting."
# (RFC 8259 section 9). The depth is far below that at which Python gives up, which depends on who calls.
MOST_TEXT, MOST_DEPTH = 4 << 20, 200
# Strings as a whole, so that no bracket in one counts; one that does not end takes the rest.
_BRACKETS = re.compile(r'"(?:[^"\\]|\\.)*+(?:"|\\?\Z)|([\[{])|([\]}])', re.DOTALL)


def read_json(
    text: str | bytes,
    object_pairs_hook: Callable[[list[tuple[str, Any]]], Any] | None = None,
    parse_constant: Callable[[str], Any] | None = None,
) -> Any:  # noqa: ANN401 - any JSON value
    """Return the value; the hooks are those of ``json.loads``. Raises ValueError, with why, for any other text."""
    if isinstance(text, bytes):
        text = text.decode(json.detect_encoding(text), "surrogatepass")
    if len(text) > MOST_TEXT:
        raise ValueError(f"longer than {MOST_TEXT >> 20} MiB")
    if text.count("[") + text.count("{") > MOST_DEPTH and _is_too_deep(text):
        raise ValueError(f"nested deeper than {MOST_DEPTH}")
    return json.loads(text, object_pairs_hook=object_pairs_hook, parse_constant=parse_constant)


def read_file(path: Path, most: int = MOST_TEXT) -> str:
    """Return a file's text; raises OSError, and ValueError for what is no UTF-8 or longer than ``most`` characters."""
    with path.open(encoding="utf-8") as file:
        text = file.read(most + 1)
    if len(text) > most:
        raise ValueError(f"longer than {most >> 20} MiB")
    return text


def duplicates(keys: list[str]) -> list[str]:
    """Return the keys that come more than once."""
    return sorted(key for key, times in Counter(keys).items() if times > 1)


def _is_too_deep(text: str) -> bool:
    depth = 0
    for bracket in _BRACKETS.finditer(text):
        depth += 1 if bracket[1] else -1 if bracket[2] else 0
        if depth > MOST_DEPTH:
            return True
    return False
