"""How the server ended a connection of HTTP/2, or a stream of one, in words."""

from __future__ import annotations

import re

from h2.errors import ErrorCodes

ENDED = "ended by HTTP/2: "  # begins the detail of such an end
FRAMES = {"ConnectionTerminated": "GOAWAY", "StreamReset": "RST_STREAM"}
_EVENT = re.compile(r"<(ConnectionTerminated|StreamReset)\b.*?error_code:(\w*\.)?(\w+)")


def ended(text: str) -> str:
    """Return which frame ended it and with which error code, from h2's words for it; empty where none did."""
    found = _EVENT.search(text)
    return f"{ENDED}{FRAMES[found[1]]} with {_name(found[3])}" if found else ""


def _name(code: str) -> str:
    try:
        return ErrorCodes(int(code)).name
    except ValueError:  # a name already, or a number that nobody has given a name
        return code
