"""What the server says of a connection of HTTP/2 in frames of its own: how many streams it may have, how it ends."""

from __future__ import annotations

import re

from h2.errors import ErrorCodes
from h2.events import RemoteSettingsChanged
from h2.settings import SettingCodes

ENDED = "ended by HTTP/2: "  # begins the detail of such an end
FRAMES = {"ConnectionTerminated": "GOAWAY", "StreamReset": "RST_STREAM"}
_EVENT = re.compile(r"<(ConnectionTerminated|StreamReset)\b.*?error_code:(\w*\.)?(\w+)")


def ended(text: str) -> str:
    """Return which frame ended it and with which error code, from h2's words for it; empty where none did."""
    found = _EVENT.search(text)
    return f"{ENDED}{FRAMES[found[1]]} with {_name(found[3])}" if found else ""


def most_streams(settings: object) -> int | None:
    """Return how many streams at once the server's settings let a connection have; None where they do not say."""
    if not isinstance(settings, RemoteSettingsChanged):
        return None
    found = settings.changed_settings.get(SettingCodes.MAX_CONCURRENT_STREAMS)
    return found.new_value if found else None


def _name(code: str) -> str:
    try:
        return ErrorCodes(int(code)).name
    except ValueError:  # a name already, or a number that nobody has given a name
        return code
