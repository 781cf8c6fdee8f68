"""What an exchange, and a whole run, may take of memory: so much, and then we leave.

A server decides how many bytes it sends, and by their kind also how much becomes of each: an event of one byte takes
half a kilobyte once it is decoded, a text with one emoji four bytes a character, a list in JSON seventy for each ``[``.
So a ``Meter`` weighs what comes by what keeping and judging it will take, and says ``full`` when that is enough. The
weights are measured (docs/robustness.md) and rather too high than too low.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, field

from ssegauge.conformance.recording.transcript import BOUNDED, MOST_HEAD, Head
from ssegauge.conformance.seen.coding import CannotDecode, Uncoder
from ssegauge.conformance.sse import Comment, Decoder, Event, IgnoredField, Observation

MIB = 1 << 20
HEAD_BYTES, HEAD_FIELDS = MOST_HEAD, 1000  # of a head, of trailers, of a chunk's head
EXCHANGE_BYTES = 64 * MIB
EXCHANGE_COST, RUN_COST = 192 * MIB, 224 * MIB
FLOOR = MIB // 2  # so much an exchange may cost when the run's memory is spent: enough for any that ends by itself
TRANSCRIPT, CHUNK, BYTE, ITEM, NODE = 4096, 300, 3, 800, 100


@dataclass
class Pool:
    """What all exchanges of a run have cost so far, and notes on those of which a reader left a part out."""

    spent: int = 0
    notes: list[str] = field(default_factory=list)


class Meter:
    """Weighs one exchange. ``full`` says why it is to be left, and is empty until then."""

    def __init__(self, pool: Pool, head: Head | None = None) -> None:
        self.pool = pool
        self._bytes = self._cost = 0
        self._decoder = Decoder()
        self.full = ""
        self.on_head(head)
        self._charge(TRANSCRIPT)

    def on_head(self, head: Head | None) -> None:
        """Take the head, which says how the body is coded."""
        self._uncoder = Uncoder((head.header("content-encoding") if head else None) or "")
        self._uncode: Callable[[bytes], bytes] = self._uncoder.feed

    def take(self, data: bytes) -> list[Event]:
        """Take a chunk of the body; return the events that it completes. One that makes ``full`` is not to be kept."""
        self._bytes += len(data)
        before = self._cost
        items = self._decoder.feed(self._text(data))
        self._charge(CHUNK + BYTE * len(data) + sum(map(_cost, items)))
        self.full = self.full or self._why_full()
        if self.full:
            self._charge(before - self._cost)
            return []
        return [item for item in items if isinstance(item, Event)]

    def _text(self, data: bytes) -> bytes:
        try:
            text = self._uncode(data)
        except CannotDecode:
            self._uncode = bytes  # as ``View`` does
            return data
        self._charge(BYTE * len(text) if text is not data else 0)
        return text

    def _charge(self, cost: int) -> None:
        self._cost += cost
        self.pool.spent += cost

    def _why_full(self) -> str:
        if self._uncoder.exceeded:
            return f"{BOUNDED}the content coding gives more than a reader can take"
        if self._bytes > EXCHANGE_BYTES:
            return f"{BOUNDED}{EXCHANGE_BYTES // MIB} MiB of one exchange are kept"
        if self._cost > EXCHANGE_COST:
            return f"{BOUNDED}so many events are more than is kept of one exchange"
        if self.pool.spent > RUN_COST and self._cost > FLOOR:
            return f"{BOUNDED}the memory for this run is spent"
        return ""


def _cost(item: Event | Observation) -> int:
    """Return about how many bytes an item takes while it is judged; its text, wide or not, is there three times."""
    nodes = _nodes(item.data) if isinstance(item, Event) else 0
    return ITEM + BYTE * sum(map(sys.getsizeof, _texts(item))) + NODE * nodes


def _nodes(data: str) -> int:
    """Return how many values JSON text holds at most."""
    return sum(data.count(mark) for mark in ",:[{") if data.lstrip()[:1] in {"[", "{"} else 0


def _texts(item: Event | Observation) -> tuple[str | None, ...]:
    match item:
        case Event():
            return item.data, item.type, item.id
        case Comment():
            return (item.text,)
        case IgnoredField():
            return item.value, item.name
    return ()
