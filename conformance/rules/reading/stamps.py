"""The time stamps that events carry: when the server says that each was made.

A stamp is a Unix time in s, ms, us or ns, or a date and time in the form of ISO 8601, in an event's JSON or text, near
the time of its arrival. Of several in one event the newest counts. Times are in Unix epoch milliseconds.
"""

import ipaddress
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from urllib.parse import urlsplit

from ssegauge.conformance.seen import Message, View, is_number

UNITS_MS = (1000.0, 1.0, 1e-3, 1e-6)
NEAR_MS = 3_600_000.0  # what is further away is a time of something else
AHEAD_MS = 50.0
COARSE_MS = 1000.0
MOST_NESTED = 4
# What names the time at which something else began, or is to come.
OF_SOMETHING_ELSE = re.compile(
    r"start|begin|began|since|from|open|prev|last|window|interval|period|queue|schedul|until|expir|deadline|due|next|birth",
    re.IGNORECASE,
)
DATE = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?")
IN_TEXT = re.compile(rf"{DATE.pattern}|(?<![\w.-])\d{{10,19}}(?:\.\d+)?(?![\w.])")


@dataclass(frozen=True, slots=True)
class Stamped:
    """An event that says when it was made."""

    message: Message
    made_ms: float
    came_ms: float

    @property
    def late_ms(self) -> float:
        """How long it took, by both clocks."""
        return self.came_ms - self.made_ms


@dataclass(frozen=True, slots=True)
class Series:
    """The stamped events of a stream, in order. ``step_ms`` is what the stamps can tell apart."""

    events: tuple[Stamped, ...]
    step_ms: float
    one_clock: bool

    @property
    def made_in_ms(self) -> float:
        """From the first stamp to the last."""
        return self.events[-1].made_ms - self.events[0].made_ms

    @property
    def came_in_ms(self) -> float:
        """From the first arrival to the last."""
        return self.events[-1].came_ms - self.events[0].came_ms

    @property
    def pairs(self) -> Iterator[tuple[Stamped, Stamped]]:
        """Each event with the next."""
        return pairwise(self.events)


def series(view: View, least: int) -> Series | None:
    """Return the stamped events of a stream, None where they are too few or their stamps do not grow."""
    found = [one for message in view.messages if (one := _stamped(view, message))]
    if len(found) < least or any(after.made_ms < before.made_ms for before, after in pairwise(found)):
        return None
    coarse = all(one.made_ms % COARSE_MS == 0 for one in found)
    return Series(tuple(found), COARSE_MS if coarse else 1.0, _is_one_clock(view))


def timeless(message: Message) -> tuple[str, str | None, str]:
    """Return what an event says but for its times: servers stamp what they write, to each reader anew."""
    return message.event.type, message.event.id, IN_TEXT.sub("", message.event.data)


def _stamped(view: View, message: Message) -> Stamped | None:
    came_ms = view.epoch_ms(message.item.at_ms)
    found = _in_json(message.value, came_ms, 0) if not message.error else _in_text(message.event.data, came_ms)
    made = [made_ms for made_ms in found if -NEAR_MS < made_ms - came_ms <= AHEAD_MS]
    return Stamped(message, max(made), came_ms) if made else None


def _in_json(value: object, near_ms: float, depth: int) -> Iterator[float]:
    if is_number(value):
        yield from _as_times(float(value) if abs(value) < 1e25 else 0.0, near_ms)
    elif isinstance(value, str):
        yield from _in_text(value, near_ms) if len(value) < 64 else ()
    elif isinstance(value, dict) and depth < MOST_NESTED:
        for name, inner in value.items():
            if not OF_SOMETHING_ELSE.search(name):
                yield from _in_json(inner, near_ms, depth + 1)
    elif isinstance(value, list) and depth < MOST_NESTED:
        for inner in value[:8]:
            yield from _in_json(inner, near_ms, depth + 1)


def _in_text(text: str, near_ms: float) -> Iterator[float]:
    for found in IN_TEXT.findall(text[:2000]):
        if DATE.fullmatch(found):
            yield from _date(found)
        else:
            yield from _as_times(float(found), near_ms)


def _as_times(number: float, near_ms: float) -> Iterator[float]:
    return (number * unit for unit in UNITS_MS if abs(number * unit - near_ms) < NEAR_MS)


def _date(text: str) -> Iterator[float]:
    try:
        moment = datetime.fromisoformat(text.replace(",", "."))
    except ValueError:
        return
    yield (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000


def _is_one_clock(view: View) -> bool:
    """Whether the server's clock is ours: it runs on this machine."""
    host = urlsplit(view.transcript.request.url).hostname or ""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
