"""Events as they come: an entry a read, and what follows of all of them in one go.

What an event says is looked up once, however many streams are told it; what one stream is told by one read is an
``Entry`` of five numbers, in the order in which they came. ``settle`` makes of them samples, counts and diaries: each
half second, and before so many wait that memory matters. So of what an event costs, little is Python's.

``UPDATE`` samples are of events with a time stamp of their own, for streams that nobody drives: an event's age when
it arrived. Which of them count is chosen by ``measure``, an event type (of the ``event`` field or, in JSON, of
``type``). By default all do but greetings (a stream's first event), heartbeats (by their names), and replays: what a
server has made before it was asked is no latency.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import Any, Final, NamedTuple

import numpy as np

from ssegauge.conformance.rules.reading.heartbeat import HEARTBEAT_NAMES
from ssegauge.conformance.sse import Message
from ssegauge.loadtests.measuring.clocks import Clocks
from ssegauge.loadtests.measuring.event_types import NO_EVENT, EventTypes, size_of
from ssegauge.loadtests.measuring.integrity import Token
from ssegauge.loadtests.measuring.meters import glance
from ssegauge.loadtests.measuring.samples import FIRST_EVENT, GAP, GAP_OPEN, UPDATE, Floats, Ints, Rows
from ssegauge.loadtests.measuring.schemas import NOTHING_PROMISED, Schemas
from ssegauge.loadtests.measuring.witnesses import Room, number_of

# A stream's place, what it was told (``Log.reading``), the kernel's stamp as it came, when it was read and when
# that stream had been looked at before (ns).
Entry = tuple[int, int, bytes, int, int]
MOST_WAITING: Final = 8192  # reads, or events that were not known by their bytes
MOST_SETTLED: Final = 65_536  # events at once: each takes some 200 bytes meanwhile
MOST_KNOWN: Final = 32  # events in one read: thousands in one are settled for longer than they are read
MOST_HELD: Final = 1 << 22  # characters of events
NO_STAMP: Final = bytes(16)
_pack: Final = struct.Struct("qq").pack
_SECOND: Final = 1_000_000_000
_PLACE: Final = np.dtype(
    [
        ("number", "<i8"),  # the stream's
        ("asked_ns", "<i8"),  # 0 once its first event has come
        ("before_ns", "<i8"),  # its last event's arrival
        ("started_ms", "<i8"),
        ("diary", "<u4"),  # 0: none
        ("is_stamped", "?"),  # an event with a time stamp has come
        ("is_driven", "?"),  # its latency is measured elsewhere
    ]
)
_FACT: Final = np.dtype(
    [
        ("code", "<i8"),
        ("size", "<i8"),
        ("made_ms", "<f8"),
        ("number", "<i8"),
        ("is_heartbeat", "?"),
        ("is_chosen", "?"),
        ("look", "<i8"),
    ]
)
Facts = np.ndarray[Any, np.dtype[np.void]]


class Fact(NamedTuple):
    """What is known of an event: ``number`` is for witnesses, ``is_chosen`` says that its type is to be measured."""

    code: int
    size: int
    made_ms: float  # since the Unix epoch, NaN where it does not say
    number: int
    is_heartbeat: bool
    is_chosen: bool
    look: int  # what ``Schemas.look`` has found


class Known(NamedTuple):
    """Bytes that were read before and gave whole events, so that they need not be read again.

    Attributes:
        reading: what they told (``Log.reading``).
        before: the last event ID that a stream must have had for it, None where they have one of their own.
        after: the last event ID then; size: bytes of the body; last: the last event's data.
    """

    reading: int
    before: str | None
    after: str
    size: int
    last: str


class Log:
    """What has come to the streams of a process; see the module.

    Attributes:
        entries: what waits to be settled; who has no time for ``note`` appends here.
        known: what bytes have told, for bodies without chunks and with; forgotten as entries are settled.
    """

    def __init__(
        self,
        rows: Rows,
        types: EventTypes,
        clocks: Clocks,
        room: Room,
        measure: str = "",
        find: Callable[[str], Token | None] = lambda _: None,
        schemas: Schemas = NOTHING_PROMISED,
    ) -> None:
        self._schemas = schemas
        self._rows, self._types, self._clocks, self._room = rows, types, clocks, room
        self._measure, self._find = measure, find
        self._places = np.zeros(64, _PLACE)
        self._free: list[int] = []
        self._left: list[int] = []  # places whose last entries are yet to be settled
        self._used = 0
        self.known: tuple[dict[bytes, Known], dict[bytes, Known]] = {}, {}
        self._begin_page()

    def _begin_page(self) -> None:
        self.entries: list[Entry] = []
        self._facts: list[Fact] = []
        self._tokens: list[Token | None] = []
        self._numbers: dict[tuple[str, str, str], int] = {}
        self._told: list[int] = []  # the events of all readings, one after the other
        self._starts: list[int] = []
        self._held = 0
        for known in self.known:
            known.clear()

    # Streams.

    def admit(self, number: int, asked_ns: int, started_ns: int, diary: int = 0, *, is_driven: bool = False) -> int:
        """Give a stream its place; ``asked_ns`` is when its first event was asked for."""
        if not self._free and self._used == len(self._places):
            self._places = np.concatenate([self._places, np.zeros_like(self._places)])
        place = self._free.pop() if self._free else self._used
        self._used = max(self._used, place + 1)
        self._places[place] = number, asked_ns, 0, started_ns // 1_000_000, diary, False, is_driven
        return place

    def age_s(self, place: int, now_ns: int) -> float:
        """Return for how long a stream has been there."""
        return now_ns / 1e9 - float(self._places[place]["started_ms"]) / 1e3

    def leave(self, place: int) -> None:
        """Take a stream's place back, once what it was told is settled."""
        self._left.append(place)

    def witness_no_more(self, place: int) -> None:
        """Keep no diary of a stream from now on, nor count its silence: nobody reads it any more."""
        self.settle()
        self._places[place]["diary"] = self._places[place]["before_ns"] = 0

    # Events.

    def reading(self, messages: Sequence[Message]) -> int:
        """Return the number of what a read has told: it is good until entries are settled, at the next such call."""
        if max(len(self.entries), len(self._told)) >= MOST_WAITING or self._held > MOST_HELD:
            self.settle()
        numbers = self._numbers
        self._starts.append(len(self._told))
        for message in messages:
            number = numbers.get(message)
            self._told.append(self._learn(message) if number is None else number)
        return len(self._starts) - 1

    def tokens(self, reading: int) -> Sequence[tuple[Token | None, int]]:
        """Return of each event of a reading which of our updates it shows, None for none, and the code of its type."""
        starts = self._starts
        end = starts[reading + 1] if reading + 1 < len(starts) else len(self._told)
        return [(self._tokens[event], self._facts[event].code) for event in self._told[starts[reading] : end]]

    def note(self, place: int, reading: int, arrived_ns: int, delay_ns: int, looked_ns: int) -> None:
        """Take a read: when its last byte arrived, how long it waited for us (-1: unknown), when we last looked."""
        stamp = _pack(*divmod(arrived_ns, _SECOND)) if delay_ns >= 0 else NO_STAMP
        self.entries.append((place, reading, stamp, arrived_ns + max(0, delay_ns), looked_ns))

    def remember(self, known: dict[bytes, Known], data: bytes, what: Known) -> None:
        """Have known what bytes have told, as long as there is room for them, and they are of few events."""
        if self._held <= MOST_HELD and len(self._told) - self._starts[what.reading] <= MOST_KNOWN:
            self._held += len(data)
            known[data] = what

    def _learn(self, message: Message) -> int:
        kind, data, event_id = message
        inner, made_ms = glance(data)
        if isinstance(made_ms, str):
            self._clocks.note_unusable(made_ms)
            made_ms = None
        is_heartbeat = kind in HEARTBEAT_NAMES or inner in HEARTBEAT_NAMES
        number = self._numbers[message] = len(self._facts)
        self._facts.append(
            Fact(
                self._types.code(kind, data),
                size_of(data),
                math.nan if made_ms is None else made_ms,
                number_of(event_id, data),
                is_heartbeat,
                self._measure in {kind, inner} if self._measure else not is_heartbeat,
                self._schemas.look(kind, data),
            )
        )
        self._tokens.append(self._find(data))
        self._held += len(data)
        return number

    # All of it.

    def settle(self) -> None:
        """Make of all entries what follows of them."""
        for entries in self._portions():
            self._settle(*self._columns(entries))
        self._begin_page()
        self._free += self._left
        self._left.clear()

    def note_silence(self, now_ns: int) -> None:
        """Add for how long each open stream that nobody drives has been told nothing: a gap that is not over."""
        self.settle()
        places = self._places[: self._used]
        is_open = (places["before_ns"] > 0) & ~places["is_driven"]
        is_open[self._free] = False
        silent = places[is_open]
        since_ms = (now_ns - silent["before_ns"]) / 1e6
        same = np.full(silent.size, now_ns / 1e6), silent["number"], since_ms
        self._rows.add_many(GAP_OPEN, *same, np.full(silent.size, -1), np.full(silent.size, NO_EVENT))

    def _portions(self) -> Iterator[list[Entry]]:
        """Yield the entries, so many at a time as have told ``MOST_SETTLED`` events, or one that has told more."""
        if not self.entries:
            return
        many = np.diff([*self._starts, len(self._told)])[[entry[1] for entry in self.entries]]
        ends = np.flatnonzero(np.diff(np.cumsum(many) // MOST_SETTLED)) + 1
        for start, end in pairwise([0, *ends.tolist(), len(self.entries)]):
            yield self.entries[start:end]

    def _columns(self, entries: Sequence[Entry]) -> tuple[Ints, Ints, Ints, Facts]:
        """Return of each event its stream's place, when it arrived, how much earlier that may have been, and its facts.

        Of those that were read together the last has the stamp; the others came at any time since we had looked.
        """
        columns = tuple(zip(*entries, strict=True))
        at, reading, read, looked = (np.array(columns[number]) for number in (0, 1, 3, 4))
        seconds, rest = np.frombuffer(b"".join(columns[2]), np.int64).reshape(-1, 2).T
        arrived = seconds * _SECOND + rest
        is_known = arrived > 0
        arrived = np.where(is_known, arrived, read)
        delay = np.where(is_known, read - arrived, -1)
        early = np.where(is_known, np.maximum(delay, read - looked), -1)
        starts = np.array([*self._starts, len(self._told)])
        many = np.diff(starts)[reading]
        entry = np.repeat(np.arange(many.size), many)
        nth = np.arange(entry.size) - np.repeat(np.cumsum(many) - many, many)
        told = np.array(self._told)[starts[reading[entry]] + nth]
        is_last = nth == many[entry] - 1
        facts = np.array(self._facts, _FACT)[told]
        return at[entry], arrived[entry], np.where(is_last, delay[entry], early[entry]), facts

    def _settle(self, at: Ints, arrived_ns: Ints, delay_ns: Ints, facts: Facts) -> None:
        before_ns, places = self._before(at, arrived_ns), self._places[at]
        at_ms, is_timed = arrived_ns / 1e6, ~places["is_driven"]
        has_before = before_ns > 0
        age_ms = at_ms - facts["made_ms"]
        is_stamped = is_timed & ~np.isnan(age_ms)
        self._types.count(facts["code"], facts["size"])
        self._schemas.count(facts["look"])
        self._compare(at[is_stamped], facts["made_ms"][is_stamped], age_ms[is_stamped])
        is_measured = is_stamped & facts["is_chosen"] & (facts["made_ms"] >= places["started_ms"])
        if not self._measure:
            is_measured &= has_before
        since_ns = np.where(has_before, before_ns, places["asked_ns"])
        gap_ms = (arrived_ns - since_ns) / 1e6
        code = facts["code"]
        for kind, chosen, value, of in (
            (FIRST_EVENT, ~has_before, gap_ms, np.full_like(code, NO_EVENT)),
            (GAP, has_before & is_timed, gap_ms, code),
            (UPDATE, is_measured, age_ms, code),
        ):
            rows = at_ms[chosen], places["number"][chosen], value[chosen], delay_ns[chosen], of[chosen]
            self._rows.add_many(kind, *rows)
        is_kept = (places["diary"] > 0) & ~facts["is_heartbeat"]
        self._room.note(places["diary"][is_kept], facts["number"][is_kept], at_ms[is_kept])

    def _before(self, at: Ints, arrived_ns: Ints) -> Ints:
        """Return when the event before each came on its stream, 0 for its first."""
        order = np.argsort(at, kind="stable")
        place, arrived = at[order], arrived_ns[order]
        before = self._places["before_ns"][place]
        again = np.flatnonzero(place[1:] == place[:-1]) + 1
        before[again] = arrived[again - 1]
        self._places["before_ns"][place] = arrived  # of the same place, the last
        found = np.empty_like(before)
        found[order] = before
        return found

    def _compare(self, at: Ints, made_ms: Floats, age_ms: Floats) -> None:
        """Tell the clocks of events with time stamps."""
        if not at.size:
            return
        self._clocks.note_age(float(age_ms.min()))
        _, first = np.unique(at, return_index=True)
        for event in first[~self._places["is_stamped"][at[first]]].tolist():
            self._clocks.note_first(float(made_ms[event]), float(self._places["started_ms"][at[event]]))
        self._places["is_stamped"][at] = True
