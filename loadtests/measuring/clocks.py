"""What events and heads tell of the server's clock, beside ours.

Latency by time stamps compares two clocks. That theirs goes wrong shows in three ways: an event that is stamped
after it arrived; a ``Date`` field that cannot belong to the moment between request and response; and streams whose
first event was, all of them, stamped before anybody asked, while no event of the run was young when it came.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from email.utils import parsedate_to_datetime
from typing import Any, Final

MOST_DATES: Final = 200  # looked at, per process: reading one takes 10 us
_STALE_S: Final = 1.0  # servers write the same Date for a second, and then some


@dataclass(slots=True)
class Clocks:
    """What was seen; all of it can be merged.

    Attributes:
        youngest_ms: the least age of an event when it arrived, None before the first one.
        latest_ms, earliest_ms: the server's clock less ours is between them, as its Date fields say.
        firsts: streams with a stamped event; early: those whose first one was stamped before it was asked for.
        unusable: why events that look stamped were not timed.
    """

    youngest_ms: float | None = None
    earliest_ms: float | None = None
    latest_ms: float | None = None
    dates: int = 0
    firsts: int = 0
    early: int = 0
    unusable: list[str] = field(default_factory=list)

    def note_age(self, age_ms: float) -> None:
        """Take the age of an event at its arrival."""
        if self.youngest_ms is None or age_ms < self.youngest_ms:
            self.youngest_ms = age_ms

    def note_unusable(self, why: str) -> None:
        """Take why an event is not timed, each reason once."""
        if why not in self.unusable:
            self.unusable.append(why)

    def note_first(self, made_ms: float, asked_ms: float) -> None:
        """Take when a stream's first stamped event was made, and when it was asked for."""
        self.firsts += 1
        self.early += made_ms < asked_ms - 1  # stamps are whole milliseconds

    def note_date(self, field: str, asked_ns: int, arrived_ns: int) -> None:
        """Take the Date field of a response (RFC 9110 section 6.6.1); what is none tells nothing."""
        if self.dates >= MOST_DATES or not field:
            return
        try:
            date_ms = parsedate_to_datetime(field).timestamp() * 1e3
        except (ValueError, TypeError, OverflowError):
            return
        self.dates += 1
        self.earliest_ms = _most(self.earliest_ms, date_ms - arrived_ns / 1e6)
        self.latest_ms = _least(self.latest_ms, date_ms + 1e3 * (1 + _STALE_S) - asked_ns / 1e6)

    def plain(self) -> dict[str, Any]:
        """Return it as plain values, fit for a message."""
        return asdict(self)

    def __add__(self, other: Clocks) -> Clocks:
        return Clocks(
            _least(self.youngest_ms, other.youngest_ms),
            _most(self.earliest_ms, other.earliest_ms),
            _least(self.latest_ms, other.latest_ms),
            self.dates + other.dates,
            self.firsts + other.firsts,
            self.early + other.early,
            list(dict.fromkeys(self.unusable + other.unusable)),
        )


def _least(one: float | None, other: float | None) -> float | None:
    return min((value for value in (one, other) if value is not None), default=None)


def _most(one: float | None, other: float | None) -> float | None:
    return max((value for value in (one, other) if value is not None), default=None)
