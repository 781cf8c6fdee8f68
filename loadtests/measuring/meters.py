"""What an arrived event tells of latency, by what the target offers.

``Driven``, one per stream: the event shows one of our updates, and is as old as the time since that update was due.
Where nothing can be driven (``Undriven``), it is the event's own time stamp that tells, and the time between events:
see ``log``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Set as AbstractSet
from functools import lru_cache
from typing import Any, Final, Protocol

from ssegauge.loadtests.measuring.integrity import Account, Ledger, Token
from ssegauge.loadtests.measuring.samples import UPDATE, Rows
from ssegauge.loadtests.measuring.stamps import made

# Members of an object before the one that is wanted, none of them an array, an object or a text with escapes: then
# what is found is the object's own, and the rest need not be read.
_BEFORE: Final = r'\{\s*+(?:"[^"\\]*+"\s*+:\s*+(?:"[^"\\]*+"|[-+.\w]++)\s*+,\s*+)*?'
_STAMP: Final = re.compile(_BEFORE + r'"timestamp"\s*+:\s*+([1-9][0-9]{11,13})\s*+[,}]').match
_TYPE: Final = re.compile(_BEFORE + r'"type"\s*+:\s*+"([^"\\]*+)"\s*+[,}]').match
MOST_GLANCES: Final = 16  # an event may be large
NEWS: Final = frozenset({"new", "late"})


class Sent(Protocol):
    """What was sent of one task's updates, by their numbers: see ``driving.updates.Task``."""

    @property
    def number(self) -> int:
        """The task's number in the run."""

    @property
    def sent(self) -> int:
        """The last update sent."""

    @property
    def accepted(self) -> int:
        """The last update that the server accepted."""

    @property
    def refused(self) -> AbstractSet[int]:
        """Those that it did not accept."""


class Meter(Protocol):
    """What is expected of one stream."""

    def freeze(self) -> None:
        """Expect nothing that is sent from now on."""

    def abandon(self) -> None:
        """Expect nothing that has not arrived yet: we are the ones who leave."""

    def is_settled(self) -> bool:
        """Whether nothing that should arrive is outstanding."""

    def settle(self) -> Account:
        """Return the stream's account at its end."""


class Driven:
    """Latency from the planned time of the update that the event shows; and the stream's integrity."""

    __slots__ = ("_ledger", "_number", "_rows", "_task", "up_to")

    def __init__(self, rows: Rows, number: int, task: Sent) -> None:
        self._rows, self._number, self._task = rows, number, task
        self._ledger: Ledger | None = None
        self.up_to: int | None = None  # the last update that this stream must still show

    def take(self, token: Token | None, event_type: int, arrived_ns: int, delay_ns: int) -> None:
        """Measure an event by what it shows, nothing or one of our updates; the first one opens the account.

        ``delay_ns`` bounds how much earlier it may have arrived, -1 if unknown.
        """
        if self._ledger is None:
            self._ledger = Ledger(self._task.sent)
        if token is None or token.task != self._task.number:
            return
        if token.sequence == self._ledger.last + 1:  # as nearly always
            self._ledger.last, new = token.sequence, True
        else:
            new = self._ledger.note(token.sequence) in NEWS
        if new and 0 < token.due_ns < self._rows.timed_until_ns:
            own = token.late_us * 1000 + delay_ns if delay_ns >= 0 else -1
            self._rows.add(UPDATE, arrived_ns, self._number, (arrived_ns - token.due_ns) / 1e6, own, event_type)

    def freeze(self) -> None:
        """Expect nothing that is sent from now on."""
        self.up_to = self._task.accepted

    def abandon(self) -> None:
        """Expect nothing that has not arrived yet."""
        self.up_to = min(self._last(), self._ledger.last) if self._ledger else 0

    def is_settled(self) -> bool:
        """Whether every update that the server accepted has arrived."""
        return self._ledger is None or self._ledger.has_all(self._last(), self._task.refused)

    def settle(self) -> Account:
        """Return the stream's account."""
        return self._ledger.close(self._last(), self._task.refused) if self._ledger else Account()

    def _last(self) -> int:
        return self._task.accepted if self.up_to is None else self.up_to


class Undriven:
    """Of a stream that nobody drives nothing is expected; it has no state, so one is enough."""

    __slots__ = ()

    def freeze(self) -> None:
        """Nothing is expected."""

    def abandon(self) -> None:
        """Nothing is expected."""

    def is_settled(self) -> bool:
        """Nothing is expected, so nothing is outstanding."""
        return True

    def settle(self) -> Account:
        """Nothing was sent, so nothing is counted."""
        return Account()


UNDRIVEN: Final = Undriven()


@lru_cache(maxsize=MOST_GLANCES)  # in a fan-out the same event comes on every stream
def glance(data: str) -> tuple[str, float | str | None]:
    """Return an event's ``type``, an empty string when it has none, and when it was made: see ``stamps.made``."""
    kind, stamp = _TYPE(data), _STAMP(data)
    if kind and stamp:
        return kind[1], int(stamp[1])
    document = parsed(data)
    fields = document if isinstance(document, dict) else {}
    return kind[1] if kind else _text(fields.get("type")), int(stamp[1]) if stamp else made(fields)


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def is_terminal(data: str) -> bool:
    """Whether an event of the task-progress profile ends its stream."""
    document = parsed(data)
    if not isinstance(document, dict):
        return False
    progress = document.get("progress")
    status = progress.get("status") if isinstance(progress, dict) else None
    return document.get("type") == "error" or status in ("completed", "failed")


def parsed(data: str) -> Any:  # noqa: ANN401 - any JSON value
    """Return an event's data as JSON, None when it is none."""
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return None
