"""Streams of one feed judge each other: what most saw and one did not is lost there."""

from __future__ import annotations

import io
import random
import socket
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from ssegauge.conformance.target import from_url
from ssegauge.loadtests.measuring.spool import PAGE_BYTES, Spool
from ssegauge.loadtests.measuring.witnesses import Diary, Room, Witnessed, compare, number_of
from ssegauge.loadtests.running.node import Node
from ssegauge.loadtests.stream import clock
from ssegauge.reports import loaded
from tests.loadtests.conftest import PATIENT, Load, verdicts
from tests.loadtests.servers import OPEN_HEAD, scripted
from tests.loadtests.test_log import Reader

EVERY_MS = 100.0
LAST_MS = 60_000.0
Event = tuple[str, str]
FEED: Sequence[Event] = [(str(number), f"event {number}") for number in range(600)]
WITHOUT_IDS: Sequence[Event] = [("", data) for _, data in FEED]


def note(kept: Diary, event_id: str, data: str, at_ms: float) -> None:
    kept.room.note(np.array([kept.number]), np.array([number_of(event_id, data)]), np.array([at_ms]))


def diary(events: Sequence[Event | None], opened_ms: float = 0.0, late_ms: float = 0.0) -> Diary:
    """Return the diary of a stream that saw events (None: it did not), one each 100 ms."""
    kept = Diary(opened_ms, Room())
    for number, event in enumerate(events):
        at_ms = number * EVERY_MS + late_ms
        if event and at_ms >= opened_ms:
            note(kept, *event, at_ms)
    kept.closed_ms = LAST_MS
    return kept


def without(events: Sequence[Event], *numbers: int) -> list[Event | None]:
    return [None if number in numbers else event for number, event in enumerate(events)]


def swapped(events: Sequence[Event], number: int) -> list[Event]:
    return [*events[:number], events[number + 1], events[number], *events[number + 2 :]]


def others(events: Sequence[Event], count: int = 4) -> list[Diary]:
    return [diary(events, late_ms=7.0 * number) for number in range(count)]


@pytest.mark.parametrize("feed", [FEED, WITHOUT_IDS], ids=["ids", "content"])
def test_streams_that_saw_the_same_find_nothing(feed: Sequence[Event]) -> None:
    late = diary(feed, opened_ms=30_000.0)  # it missed what came before it, and is not blamed
    found = compare([*others(feed), late])
    assert (found.lost, found.duplicated, found.reordered, found.silent, found.shared) == (0, 0, 0, 0, True)
    assert found.expected > 4 * 500 + 200


def test_what_one_stream_is_told_late_is_told_by_how_much() -> None:
    newcomer = diary(FEED, opened_ms=30_000.0)
    assert compare([*others(FEED), newcomer]).late_ms < 50
    assert 1990 < compare([*others(FEED), diary(FEED, late_ms=2000.0)]).late_ms < 2010


def test_what_is_told_again_to_who_comes_back_makes_no_stream_late() -> None:
    back = diary([None] * 300 + [*FEED[300:]], opened_ms=30_000.0)
    for number in range(200, 300):  # ten seconds of history at once
        note(back, *FEED[number], 30_001.0)
    found = compare(
        [*others(without(FEED, 500)), diary(FEED), diary(FEED), diary(FEED), diary(FEED), diary(FEED), back]
    )
    assert found.apart_ms < 50
    assert found.lost == 4


def test_a_stream_is_no_witness_of_what_was_told_before_its_head() -> None:
    held_s = 0.3

    def script(connection: socket.socket, _: bytes) -> None:
        time.sleep(held_s)
        connection.sendall(OPEN_HEAD)
        connection.recv(1)

    with scripted(script) as url:
        asked_ms = clock.now() / 1e6
        session = Node(from_url(url)).streams.open(Reader(), None)
        assert session.diary
        assert session.diary.opened_ms >= asked_ms + 1e3 * held_s
        session.hang_up()


@pytest.mark.parametrize("feed", [FEED, WITHOUT_IDS], ids=["ids", "content"])
def test_what_one_stream_lacks_is_lost_there(feed: Sequence[Event]) -> None:
    found = compare([*others(feed), diary(without(feed, 100, 101, 300))])
    assert (found.lost, found.duplicated, found.reordered) == (3, 0, 0)


@pytest.mark.parametrize("ids", [True, False])
def test_streams_of_their_own_that_tell_the_same_time_lose_nothing(*, ids: bool) -> None:
    """Each begins at once and tells the millisecond, which most of them share."""
    random.seed(7)
    clocks = [
        diary([(str(n) if ids else "", f"item {n} at {n * 100 + (random.random() < 0.2)} ms") for n in range(600)])
        for _ in range(20)
    ]
    found = compare(clocks)
    assert (found.lost, found.duplicated, found.reordered, found.silent) == (0, 0, 0, 0)


@pytest.mark.parametrize("feed", [FEED, WITHOUT_IDS], ids=["ids", "content"])
@pytest.mark.parametrize("ahead_ms", [0.0, 50.0])
def test_order_is_that_of_most(feed: Sequence[Event], ahead_ms: float) -> None:
    """Also when the stream that has them the wrong way round has them first."""
    found = compare([*(diary(feed, late_ms=ahead_ms + n) for n in range(4)), diary(swapped(feed, 200))])
    assert (found.lost, found.duplicated, found.reordered) == (0, 0, 1)


def test_events_that_not_all_saw_have_the_order_of_those_who_saw_both() -> None:
    told = {  # the first reader's own first event is another; it is sooner told the second than others the first
        "first": ("1a", "2"),
        "second": (None, None, "1", "2"),
        "third": (None, None, "1", "2"),
    }
    found = compare([diary([("", one) if one else None for one in some]) for some in told.values()])
    assert found.reordered == 0


def test_an_event_that_comes_again_with_its_id_is_counted_even_on_one_stream_alone() -> None:
    again = [*FEED[:50], FEED[49], *FEED[50:]]
    assert compare([diary(again)]).duplicated == 1
    assert compare([*others(FEED), diary(again)]).duplicated == 1
    assert compare([*others(again), diary(again)]).duplicated == 5


def test_events_that_are_alike_by_nature_are_no_doubles() -> None:
    ticks = [("", "tick")] * 600
    found = compare([*others(ticks), diary(ticks, opened_ms=30_000.0)])
    assert (found.lost, found.duplicated, found.reordered, found.silent) == (0, 0, 0, 0)


def test_a_stream_that_falls_silent_is_named() -> None:
    found = compare([*others(FEED), diary(FEED[:100])])
    assert found.silent == 1
    assert found.lost > 400
    assert compare([*others(FEED), diary([])]).silent == 1
    assert compare(others(FEED[:100])).silent == 0  # the feed itself had ended


def test_streams_with_feeds_of_their_own_say_nothing_of_each_other() -> None:
    own = [diary([(str(n), f"{reader} {n}") for n in range(600)]) for reader in range(5)]
    found = compare(own)
    assert (found.expected, found.lost, found.duplicated, found.shared) == (0, 0, 0, False)


def test_events_of_one_read_have_an_order() -> None:
    together = [Diary(0.0, Room()) for _ in range(3)]
    for one in together:
        for number in range(100):
            note(one, str(number), "", 5000.0)
        one.closed_ms = LAST_MS
    assert compare(together).reordered == 0


def test_whatever_is_dropped_is_counted_exactly() -> None:
    dice = random.Random(205)
    dropped = [sorted(dice.sample(range(50, 550), 5)) for _ in range(20)]
    assert compare([diary(without(FEED, *numbers)) for numbers in dropped]).lost == 100


def test_no_more_is_kept_than_there_is_room_for() -> None:
    kept = Diary(0.0, Room(10))
    for number in range(20):
        note(kept, str(number), "", float(number))
    events, times = kept.room.entries()[kept.number]
    assert len(events) == 10
    assert times.tolist() == [*range(10)]


def test_diaries_that_share_a_room_have_their_own_events_in_their_own_order() -> None:
    room = Room()
    diaries = [Diary(0.0, room) for _ in range(3)]
    for number in range(9_000):  # more than a page
        note(diaries[number % 2], str(number), "x" * 100, float(number + 1))
    entries = room.entries()
    assert {*entries} == {diaries[0].number, diaries[1].number}
    for place in (0, 1):
        assert entries[diaries[place].number][1].tolist() == [float(number + 1) for number in range(place, 9_000, 2)]
    assert compare(diaries).counts == (4500, 4500, 0)
    room.spool.close()


def test_what_a_room_has_kept_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 10,000 streams it was once read as often, for minutes at the end of a run."""
    room, calls = Room(), []
    entries = Room.entries
    monkeypatch.setattr(Room, "entries", lambda self: calls.append(self) or entries(self))
    compare([Diary(0.0, room) for _ in range(10)])
    assert calls == [room]


def test_a_full_disk_ends_what_is_kept_at_a_whole_page(monkeypatch: pytest.MonkeyPatch) -> None:
    spool = Spool()
    record = b"0123456789abcdef"
    many = PAGE_BYTES // len(record)
    for _ in range(many + 1):
        spool.add(record)
    assert spool.whole() == record * (many + 1)
    whole = spool.whole()[:PAGE_BYTES]
    spool._file.close()
    full = Full(whole)
    full.seek(0, io.SEEK_END)
    monkeypatch.setattr(spool, "_file", full)
    for _ in range(3 * many):
        spool.add(record)
    assert spool.is_full
    assert spool.whole() == record * many
    spool.close()


class Full(io.BytesIO):
    """A file on a disk that takes a piece of a page, and no more."""

    def write(self, data: Any) -> int:
        return super().write(bytes(data)[:100])


def test_parts_add_up() -> None:
    whole = compare(others(FEED)) + compare([*others(FEED), diary(without(FEED, 100))]) + Witnessed()
    assert (whole.streams, whole.lost, whole.shared) == (9, 1, True)


def feed_server(tamper: Callable[[int, int], Sequence[int]]) -> Callable[[socket.socket, bytes], None]:
    """One feed with ids for all; ``tamper(reader, number)`` says which events a reader gets for one."""
    started, lock, readers = time.monotonic(), threading.Lock(), []

    def script(connection: socket.socket, _: bytes) -> None:
        with lock:
            reader = len(readers)
            readers.append(reader)
        connection.sendall(OPEN_HEAD)
        number = int((time.monotonic() - started) / 0.02) + 1
        while True:
            time.sleep(max(0.0, started + number * 0.02 - time.monotonic()))
            for one in tamper(reader, number):
                connection.sendall(b'id: %d\ndata: {"n": %d}\n\n' % (one, one))
            number += 1

    return script


def told(load: Load, tamper: Callable[[int, int], Sequence[int]]) -> dict[str, str]:
    with scripted(feed_server(tamper)) as url:
        document = load(f'base_url = "{url}"\n[stream]\npath = "/"\n{PATIENT}', users=5, duration_s=6)
    assert document["integrity"] is None
    assert "events a stream" in dict(loaded.facts(document))
    return verdicts(document)


def test_a_watched_feed_without_a_fault_has_none(load: Load) -> None:
    found = told(load, lambda _, number: [number])
    names = ("event-lost", "event-duplicated", "event-reordered", "stream-silent")
    assert {name: found[name] for name in names} == dict.fromkeys(names, "pass")


def test_a_watched_feed_that_loses_events_of_one_reader_fails(load: Load) -> None:
    found = told(load, lambda reader, number: [] if reader == 2 and number % 10 == 0 else [number])
    assert (found["event-lost"], found["event-duplicated"]) == ("fail", "pass")


def test_a_watched_feed_that_tells_twice_fails(load: Load) -> None:
    found = told(load, lambda _, number: [number, number] if number % 50 == 0 else [number])
    assert (found["event-lost"], found["event-duplicated"]) == ("pass", "fail")
