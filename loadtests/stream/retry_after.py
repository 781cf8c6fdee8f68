"""For how long a server wants to be left alone: the Retry-After field of RFC 9110, section 10.2.3.

It is a number of seconds, or an HTTP date in any of the three forms of section 5.6.7. A date counts from the
response's own ``Date``, so that a server whose clock is off is not misread; without one, from our clock.
"""

from __future__ import annotations

import re
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Final, NamedTuple

LONGEST_WAIT_S: Final = 60.0  # what is longer, by intent or not, is kept to no longer than this
_LONGEST_FIELD: Final = 64
_SECONDS: Final = re.compile(r"[0-9]{1,12}", re.ASCII).fullmatch


class Wait(NamedTuple):
    """Seconds that a server wants: ``wanted_s`` as it says, and ``kept_s`` of them, as anybody waits."""

    wanted_s: float = 0.0
    kept_s: float = 0.0

    @property
    def is_shortened(self) -> bool:
        """Whether it wants more than anybody waits."""
        return self.wanted_s > self.kept_s


def wait_of(field: str, date: str, now_s: float) -> Wait | None:
    """Return what a Retry-After field wants, None where it is missing or says nothing; ``now_s`` since the epoch."""
    field = field.strip()
    if _SECONDS(field):
        return _wait(float(field))
    until_s = _time(field)
    if until_s is None:
        return None
    from_s = _time(date)
    return _wait(max(0.0, until_s - (now_s if from_s is None else from_s)))


def _wait(wanted_s: float) -> Wait:
    return Wait(wanted_s, min(wanted_s, LONGEST_WAIT_S))


def _time(text: str) -> float | None:
    if len(text) > _LONGEST_FIELD:
        return None
    try:
        when = parsedate_to_datetime(text)
        return (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp()  # asctime's form names no zone
    except (ValueError, TypeError, OverflowError):
        return None
