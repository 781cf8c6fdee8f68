"""Is a latency by time stamps a latency, or how far two clocks are apart?"""

from __future__ import annotations

import math
from typing import Final

from ssegauge.loadtests.measuring.clocks import Clocks

DATE_MS: Final = 50.0  # what Date fields must be off by, beyond their own coarseness
AHEAD_MS: Final = 5.0  # stamps are whole milliseconds, and clocks that NTP keeps are this close
BEHIND_MS: Final = 20.0
REMEDY: Final = "set both clocks by the same time server, or add [task.update], which needs one clock alone"


def ahead(clocks: Clocks) -> str:
    """Return why no latency by time stamps is to be judged: it may be longer than it looks. Else an empty string."""
    earliest_ms, youngest_ms = clocks.earliest_ms, clocks.youngest_ms
    if earliest_ms is not None and earliest_ms > DATE_MS:
        return _told(f"is ahead of ours by {_seconds(earliest_ms)} or more, as its Date fields say")
    if youngest_ms is not None and youngest_ms < -AHEAD_MS:
        return _told(f"is ahead of ours: an event was stamped {_seconds(-youngest_ms)} after it had arrived")
    return ""


def behind(clocks: Clocks) -> str:
    """Return why latency by time stamps may be shorter than it looks, or an empty string."""
    latest_ms, youngest_ms = clocks.latest_ms, clocks.youngest_ms
    if latest_ms is not None and latest_ms < -DATE_MS:
        return _told(f"is behind ours by {_seconds(-latest_ms)} or more, as its Date fields say")
    if youngest_ms is None or youngest_ms <= BEHIND_MS or not clocks.firsts or clocks.early < clocks.firsts:
        return ""
    seen = f"every stream's first was made before it was asked for, and none was younger than {_seconds(youngest_ms)}"
    return _told(f"seems to be behind ours, or all events come late: {seen}")


def most_behind_ms(clocks: Clocks) -> float:
    """Return by how much the server's clock can be behind ours at most, as its Date fields say; inf without any."""
    return math.inf if clocks.earliest_ms is None else max(0.0, -clocks.earliest_ms)


def _told(what: str) -> str:
    return f"the server's clock {what}; {REMEDY}"


def _seconds(ms: float) -> str:
    return f"{ms / 1e3:.1f} s" if ms >= 1e3 else f"{ms:.0f} ms"
