"""Header fields of a request: what they may be, and which of several layers of them wins."""

from __future__ import annotations

import re
from collections.abc import Mapping

_NAME = re.compile(r"[\w!#$%&'*+.^`|~-]+", re.ASCII)


def header_complaint(name: str, value: str) -> str:
    """Return why this is no header field (RFC 9110 section 5), without its value; empty when it is one."""
    if not _NAME.fullmatch(name):
        return f"{name!r} is not the name of a header field"
    if any(character < " " and character != "\t" for character in value) or "\x7f" in value:
        return f"the value of {name} holds a line break or the like"
    return ""


def merge_headers(*layers: Mapping[str, str | None]) -> tuple[tuple[str, str], ...]:
    """Return header fields of which later layers replace earlier ones, whatever their case; None takes one away.

    Of a request to a server under test the layers are: what we usually send, what the target file gives for all
    requests, what it gives for this one, and what a probe must set for its situation.
    """
    merged: dict[str, tuple[str, str | None]] = {}
    for layer in layers:
        merged.update({name.lower(): (name, value) for name, value in layer.items()})
    return tuple((name, value) for name, value in merged.values() if value is not None)
