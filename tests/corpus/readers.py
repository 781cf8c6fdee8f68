"""Several readers of one stream: told the same, parts of it, or each something of its own."""

import json
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from ssegauge.conformance.recording.transcript import Transcript
from tests.corpus.build import EPOCH_MS, Run, exchange

EVERY_MS = 200.0


def tick(n: int) -> bytes:
    return b"id: %d\ndata: " % n + json.dumps({"seq": n, "text": "token"}).encode() + b"\n\n"


def bare(n: int) -> bytes:
    return b"data: tick %d\n\n" % n


def reader(
    told: Iterable[tuple[float, bytes]], came: float = 0.0, left: float = 5000.0, name: str = "plain", **facts: Any
) -> Transcript:
    """A reader who came and left at these times, and what it was told when; times count from the first reader's."""
    chunks = [(at - came, data) for at, data in told if came < at <= left]
    how = facts.pop("how", "cut")
    seen = exchange(
        *chunks,
        name=name,
        how=how,
        ended_at=left - came,
        **{"task_id": None, "kind": "plain", "reader": "uncut", **facts},
    )
    return replace(seen, started_ms=EPOCH_MS + came)


def feed(event: Any = tick, first: int = 1, last: int = 90, every: float = EVERY_MS) -> list[tuple[float, bytes]]:
    """What happens: numbered events at regular times."""
    return [(every * n, event(n)) for n in range(first, last)]


def values_come_again() -> Run:
    """Values without ids, which all are told: the second reader comes when they begin again, and the first leaves."""
    told = [(EVERY_MS * n, bare(n % 20)) for n in range(1, 50)]
    return reader(told), twin(told, came=3900.0, left=9000.0)


def history_of_some() -> Run:
    """A chat: whoever comes is told the last three messages again, and not who was typing between them."""
    typing = [(EVERY_MS * n + 50.0, b"event: typing\ndata: %d\n\n" % n) for n in range(1, 60)]
    live = sorted([*feed(last=60), *typing])
    came = 8010.0
    history = [(came + 2.0 + n, tick(38 + n)) for n in range(3)]
    return reader(live, left=12_000.0), twin([*history, *live], came=came, left=11_000.0)


def coded(told: Iterable[tuple[float, bytes]], came: float = 6.0, left: float = 3500.0) -> Transcript:
    """A reader who offered compression; whether it was taken shows in no event."""
    return reader(told, came, left, "compressed", role="compressed")


def twin(told: Iterable[tuple[float, bytes]], came: float = 3.0, left: float = 5000.0, **facts: Any) -> Transcript:
    return reader(told, came, left, "plain-twin", **{"reader": "twin", **facts})


def parted(event: Any = tick) -> Run:
    """Two readers, one of whom stays alone: while both read, each event reaches one of them."""
    one = [(at, data) for n, (at, data) in enumerate(feed(event)) if at > 5000.0 or n % 2]
    other = [(at, data) for n, (at, data) in enumerate(feed(event)) if not n % 2]
    return reader(one, left=12_000.0), twin(other)


VISITS = ((0.0, 17_000.0), (20.0, 17_000.0), (500.0, 6000.0), (700.0, 6000.0), (9000.0, 12_000.0), (9100.0, 12_000.0))


def visits(told: Callable[[int], Iterable[tuple[float, bytes]]]) -> Run:
    """Two readers who stay, and others who come and go in pairs; by number, what each is told."""
    return tuple(
        reader(told(n), came, left, name="plain" if n < 1 else f"other-{n}", reader="uncut" if n < 1 else "beside")
        for n, (came, left) in enumerate(VISITS)
    )


def taken_in_turn() -> Run:
    """One event a second, which goes to the next of those who read."""
    parts: dict[int, list[tuple[float, bytes]]] = defaultdict(list)
    for n in range(1, 17):
        there = [who for who, (came, left) in enumerate(VISITS) if came < 1000.0 * n < left]
        parts[there[n % len(there)]].append((1000.0 * n, tick(n)))
    return visits(lambda who: parts[who])


def told_as_they_come(courses: bool) -> Run:
    """One event a second, to whoever came last; or, from one count too, a course for each who comes."""
    stays = [(0.0, 20_000.0), (1000.0, 9000.0)]
    came = [(4000.0 * n + 2100.0, 4000.0 * n + 6000.0) for n in range(4)]
    told = [(at + 1000.0 * n, tick(4 * who + n)) for who, (at, _) in enumerate(came) for n in range(1, 4)]
    beats = [(1500.0 * n, b":\n\n") for n in range(1, 11)]
    first = {at: [(at + 300.0 * n, tick(int(at) + n)) for n in range(1, 4)] if courses else [] for at, _ in stays}
    stay = [reader(both(beats, first[at]), at, left, f"stays-{at:g}") for at, left in stays]
    return *stay, *(reader(told, at, left, f"comes-{at:g}", reader="beside") for at, left in came)


def slow_queue(event: Any = bare) -> Run:
    """Few events, each of which goes to one of those who read: six who come together, and two who stay."""
    there = [(float(who), 4000.0 if who < 6 else 24_000.0) for who in range(8)]
    parts: dict[int, list[tuple[float, bytes]]] = defaultdict(list)
    for n in range(1, 21):
        at = 1150.0 * n + (n * 7919 % 13) * 50
        reading = [who for who, (_, left) in enumerate(there) if at < left]
        parts[reading[n * 7 % len(reading)]].append((at, event(n)))
    return tuple(
        reader(parts[who], came, left, f"reader-{who}", reader="beside") for who, (came, left) in enumerate(there)
    )


def crowds_of_their_own() -> Run:
    """As many readers, each with a stream of its own, whose ids come from one count of the server's."""
    there = [(float(who), 4000.0 if who < 6 else 24_000.0) for who in range(8)]
    told = sorted((1150.0 * n + 140.0 * who, who) for who in range(8) for n in range(1, 21))
    parts: dict[int, list[tuple[float, bytes]]] = defaultdict(list)
    for n, (at, who) in enumerate(((at, who) for at, who in told if at < there[who][1]), 1):
        parts[who].append((at, tick(n)))
    return tuple(
        reader(parts[who], came, left, f"own-{who}", reader="beside") for who, (came, left) in enumerate(there)
    )


def clocks() -> Run:
    """Streams that each has of its own, one event in 5 s, whose id is the second."""
    return visits(lambda who: [(1000.0 * n, tick(n)) for n in range(1 + who % 5, 17, 5)])


def own(offset: float, base: int = 0, every: float = EVERY_MS) -> list[tuple[float, bytes]]:
    """A stream that one reader has of its own; all ids come from one counter of the server."""
    return [(offset + every * n, tick(base + 2 * n)) for n in range(1, 90)]


def without(feed: list[tuple[float, bytes]], *numbers: int) -> list[tuple[float, bytes]]:
    return [one for n, one in enumerate(feed, 1) if n not in numbers]


def dated(since: float, form: bytes = b'data: {"step": %d, "at": %d}\n\n') -> list[tuple[float, bytes]]:
    return [(since + EVERY_MS * n, form % (n, since + EVERY_MS * n)) for n in range(1, 21)]


def stamped(late: int) -> list[tuple[float, bytes]]:
    """A feed that writes into each event when it is written, a little later to some."""
    return feed(lambda n: b'data: {"n": %d, "at": %d}\n\n' % (n, EPOCH_MS + EVERY_MS * n + (late if n % 7 == 0 else 0)))


def late(told: list[tuple[float, bytes]], by_ms: float) -> list[tuple[float, bytes]]:
    return [(at + by_ms, data) for at, data in told]


def paced(told: list[tuple[float, bytes]], times: float) -> list[tuple[float, bytes]]:
    return [(at * times, data) for at, data in told]


def shard(turn: int) -> Any:
    """Events whose id says how far each of two sources has come; every third is a pair in another order."""

    def event(n: int) -> bytes:
        source = "ab"[n % 2]
        other = n - 1 + (turn if n % 3 == 0 else 0)
        return b'id: %d:%d\ndata: {"%s": %d}\n\n' % (n, other, source.encode(), n)

    return event


def bursts(size: int, kept: int = 0, event: Any = tick) -> list[tuple[float, bytes]]:
    """Many events at once every 1.5 s, of which the last may be dropped."""
    return [(1500.0 * n + 0.1 * k, event(size * n + k)) for n in range(1, 8) for k in range(kept or size)]


def volleys(*told: str, every: float = 1000.0) -> list[tuple[float, bytes]]:
    """Six events 4 ms apart, every second: of each six one is told those that are named."""
    return [(every * n + 4.0 * int(k), tick(6 * n + int(k))) for n, some in enumerate(told, 1) for k in some]


def by_key(at: float, *told: str) -> list[tuple[float, bytes]]:
    """The newest of three things, by their letters and numbers, every second at a moment of one's own."""
    return [
        (1000.0 * n + at + 0.1 * k, b"id: %s\ndata: {}\n\n" % one.encode())
        for n, some in enumerate(told, 1)
        for k, one in enumerate(some.split())
    ]


ALL_SIX = ("012345",) * 8
KEYS = ("a1 b1 c1", "a3 b3 c3", "a4 b4 c5", "a6 b5 c6", "a7 b7 c7")


def greeting(name: str) -> bytes:
    return b"data: " + json.dumps({"type": "hello", "you": name}).encode() + b"\n\n"


def chat(words: str, at: float = 10.0) -> list[tuple[float, bytes]]:
    return [(at + 50 * n, b'data: {"delta": "%s"}\n\n' % word.encode()) for n, word in enumerate(words.split())]


def sampled(offset: float) -> list[tuple[float, bytes]]:
    """A state that changes 8 times a second, of which each reader is told the newest 5 times a second."""
    return [(offset + 200 * n, tick(int((offset + 200 * n) / 125))) for n in range(1, 25)]


def built(who: int) -> list[tuple[float, bytes]]:
    """A course that one reader has of its own: the same steps at nearly the same times, and in each what it took."""
    steps = [(300.0 * n + who, b"data: $ step %d\n\n" % n) for n in range(1, 9)]
    took = [
        (at + 30.0 * k + who, b"data: took %d ms\n\n" % (at * (k + 7919 * who) % 9973))
        for at, _ in steps
        for k in (1, 2)
    ]
    return both(steps, took)


SLOW = feed(last=20, every=1000.0)
STEPS = feed(bare, last=20, every=1000.0)
RANDOM = [[(EVERY_MS * n + k, b'data: {"value": %d}\n\n' % (n * 7919 % 101 + k)) for n in range(1, 25)] for k in (1, 2)]


def returned(told: Iterable[tuple[float, bytes]], after: int = 5, came: float = 5100.0) -> Transcript:
    """A reader who came back with an id, and is sent what it missed at once."""
    back: dict[str, Any] = {"reader": "cut", "resume": "known", "last_event_id": str(after)}
    return reader([(came + 5.0 + 0.1 * n, data) for n, (_, data) in enumerate(told)], came, 6000.0, **back)


def notice(n: int) -> bytes:
    """A sort of event that only those are told who come back."""
    return b"id: %d\nevent: caught-up\ndata: {}\n\n" % n


def sort(name: str, since: float = 0.0, first: int = 1, last: int = 33) -> list[tuple[float, bytes]]:
    """Events of one sort, every half second."""
    return [(since + 500.0 * n, b'event: %s\ndata: {"n": %d}\n\n' % (name.encode(), n)) for n in range(first, last)]


def drawn(who: int, last: int = 33, every: float = 500.0) -> list[tuple[float, bytes]]:
    """Events that all are told by one count, in which the values are each reader's own."""
    form = b'event: price\ndata: {"n": %d, "value": %d}\n\n'
    return [(every * n + who, form % (n, n * 7919 * who % 9973)) for n in range(1, last)]


def both(*told: Iterable[tuple[float, bytes]]) -> list[tuple[float, bytes]]:
    """All that is told, in order."""
    return sorted(one for some in told for one in some)


def venue(n: int) -> bytes:
    """An event of one of two sources, each of which counts its own."""
    return b'data: {"venue": "%c", "no": %d}\n\n' % (b"AB"[n % 2], n // 2)


def personal(who: int, last: int = 99) -> list[tuple[float, bytes]]:
    """Of what happens each 300 ms two fifths, which are each reader's own."""
    return [one for n, one in enumerate(feed(first=1, last=last, every=300.0)) if (n + 1) ** 3 * 7919 * who % 97 < 39]


def turned(told: list[tuple[float, bytes]]) -> list[tuple[float, bytes]]:
    """The same at the same moments, each two the other way round."""
    return [(at, told[n ^ 1][1]) for n, (at, _) in enumerate(told[: len(told) // 2 * 2])]


def traded(*, stops_at: int = 99) -> list[tuple[float, bytes]]:
    """Three sorts of events in turn that have one count, of which one stops."""
    kinds, form = ("trade", "trade", "book", "ticker"), b'event: %s\ndata: {"n": %d, "px": %d}\n\n'
    told = [(400.0 * n, kinds[n % 4], n) for n in range(1, 60)]
    return [(at, form % (kind.encode(), n, n * 7919 % 101)) for at, kind, n in told if kind != "ticker" or n < stops_at]


def visited(stays: Iterable[tuple[float, bytes]], early: Any, late: Any) -> Run:
    """One reader who stays, and others who come and go."""
    return reader(stays, left=16_500.0), twin(early, came=3000.0, left=6000.0), twin(late, came=11_000.0, left=16_000.0)


CLOCK = sort("clock")


def at_once(n: int, first_ms: float | None = 20.0, left: float = 5000.0) -> Transcript:
    """One of those that came at once, each with a stream of its own; None: told nothing."""
    told = [] if first_ms is None else [(first_ms + 500.0 * k, b"data: %d\n\n" % (100 * n + k)) for k in range(3)]
    return reader(told, 0.0, left, f"crowd-{n}", reader=None, situation="crowd", nth=n)


def newly(n: int, first_ms: float = 20.0) -> Transcript:
    """One that comes later, when nobody else is there."""
    came = 10_000.0 * (n + 1)
    return reader([(came + first_ms, b"data: later %d\n\n" % n)], came, came + 2000.0, f"new-{n}", reader=None)


CAME_AT_ONCE = (*(at_once(n) for n in range(1, 7)), at_once(7, None), at_once(8, None))
COME_LATER = tuple(newly(n) for n in range(4))
KEPT = feed()[5:26]
