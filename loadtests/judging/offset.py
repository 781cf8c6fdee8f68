"""Is a latency by time stamps a latency, or how far two clocks are apart?"""

from __future__ import annotations

from typing import Final

from ssegauge.loadtests.measuring.clocks import Clocks

DATE_MS: Final = 50.0  # what Date fields must be off by, beyond their own coarseness
AHEAD_MS: Final = 5.0  # stamps are whole milliseconds, and clocks that NTP keeps are this close
BEHIND_MS: Final = 20.0
REMEDY: Final = "set both clocks by the same time server, or add [task.update], which needs one clock alone"


def complaint(clocks: Clocks) -> str:
    """Return why no latency by time stamps is to be judged, or an empty string."""
    earliest_ms, latest_ms, youngest_ms = clocks.earliest_ms, clocks.latest_ms, clocks.youngest_ms
    if earliest_ms is not None and earliest_ms > DATE_MS:
        return _told(f"is ahead of ours by {_seconds(earliest_ms)} or more, as its Date fields say")
    if latest_ms is not None and latest_ms < -DATE_MS:
        return _told(f"is behind ours by {_seconds(-latest_ms)} or more, as its Date fields say")
    if youngest_ms is None:
        return ""
    if youngest_ms < -AHEAD_MS:
        return _told(f"is ahead of ours: an event was stamped {_seconds(-youngest_ms)} after it had arrived")
    if clocks.firsts and clocks.early == clocks.firsts and youngest_ms > BEHIND_MS:
        seen = "the first event of every stream was stamped before it was asked for"
        return _told(f"seems to be behind ours: {seen}, and none of the run was younger than {_seconds(youngest_ms)}")
    return ""


def _told(what: str) -> str:
    return f"the server's clock {what}; {REMEDY}"


def _seconds(ms: float) -> str:
    return f"{ms / 1e3:.1f} s" if ms >= 1e3 else f"{ms:.0f} ms"
