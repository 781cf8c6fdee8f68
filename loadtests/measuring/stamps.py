"""When an event says that it was made: a number of s, ms, us or ns since 1970, or a date and time as of ISO 8601.

How large a number is tells its unit; one of seconds counts where it has a fraction that tells milliseconds. A text
counts only where it names its zone and tells milliseconds: without the one it may be hours off, without the other
nearly a second; so may whole seconds. What looks like a stamp and does not count is told by its reason, which holds no
server's words.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

# What names the moment of the event itself; `created_at` and its like are often those of what it tells of.
NAMES: Final = (
    *("timestamp", "@timestamp", "time", "date", "datetime", "ts", "at", "eventTime", "event_time"),
    *("sentAt", "sent_at", "emittedAt", "emitted_at", "publishedAt", "published_at"),
)
ENVELOPES: Final = ("meta", "_meta", "metadata", "header", "headers", "envelope")  # what else may tell of the event
FIRST_MS: Final = 100_000_000_000  # in 1973: a smaller number counts seconds, or from another moment than 1970
LAST_MS: Final = 253_402_300_799_999  # the end of the year 9999: a larger number is no time
FEWEST_DIGITS: Final = 3
_LEAST_S: Final = 1_000_000_000
_DIGITS: Final = (10, 13, 16, 19)  # of s, ms, us and ns
_NAMES: Final = frozenset(NAMES)
_FORM: Final = re.compile(
    r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,](?P<rest>\d+))?(?P<zone>Z|[+-]\d\d:?\d\d)?", re.IGNORECASE
)


def made(fields: Mapping[str, Any]) -> float | str | None:
    """Return when an event was made in ms since the Unix epoch, the newest of several, or why it cannot be known.

    What envelopes it has is asked where it does not say itself. None where neither does.
    """
    inner = (fields.get(name) for name in ENVELOPES)
    said = (_said(one) for one in (fields, *inner) if isinstance(one, Mapping))
    return next((one for one in said if one is not None), None)


def _said(fields: Mapping[str, Any]) -> float | str | None:
    if _NAMES.isdisjoint(fields):
        return None
    told = [_moment(name, fields[name]) for name in NAMES if name in fields]
    moments = [one for one in told if isinstance(one, float)]
    reasons = [one for one in told if isinstance(one, str)]
    return max(moments) if moments else reasons[0] if reasons else None


def _counted(name: str, value: float) -> float | str | None:
    """Return what a number says, by its size; one that counts from another moment than 1970 says nothing."""
    if _LEAST_S <= value < FIRST_MS:
        return _seconds(name, value)
    units = (1, 1_000, 1_000_000)  # in a ms; compared by multiplying, for no float holds a number of 400 digits
    return next((value / unit for unit in units if FIRST_MS * unit <= value <= LAST_MS * unit), None)


def _seconds(name: str, value: float) -> float | str | None:
    """Return what seconds with a fraction of three digits or more say; one of fewer may have ended in zeros."""
    digits = len(str(value).partition(".")[2])
    if digits >= FEWEST_DIGITS:
        return value * 1e3
    return None if digits else f"{name} is in seconds, and tells no milliseconds"


def _moment(name: str, value: object) -> float | str | None:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return _counted(name, value)
    found = _FORM.fullmatch(value) if isinstance(value, str) else None
    if not found:
        is_number = isinstance(value, str) and len(value) in _DIGITS and value.isdecimal()
        return f"{name} is a number in quotes" if is_number else None
    if not found["zone"]:
        return f"{name} names no time zone"
    if len(found["rest"] or "") < FEWEST_DIGITS:
        return f"{name} tells no milliseconds"
    try:
        return datetime.fromisoformat(found[0].upper().replace(",", ".")).timestamp() * 1e3
    except (ValueError, OverflowError):
        return f"{name} is no time that there is"
