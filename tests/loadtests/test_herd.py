"""Readers that are cut all at once, against servers that know what they did to them when they came back."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Sequence

import numpy as np
import pytest

from ssegauge.loadtests.judging import herd
from ssegauge.loadtests.judging.herd import Cut, Herd, Wave
from ssegauge.loadtests.measuring.returning import Returned, Visit, returned
from tests.loadtests.conftest import Load, verdicts
from tests.loadtests.servers import OPEN_HEAD, reply, scripted
from tests.loadtests.test_scenarios import _how_left


class Forgets:
    """A feed with ids that lets nobody back in at first, and then repeats the last event and skips the next."""

    def __init__(self, refusals: int) -> None:
        self.refused = self.skipped = self.repeated = 0
        self.asked: list[float] = []
        self._refusals, self._lock = refusals, threading.Lock()

    def __call__(self, connection: socket.socket, head: bytes) -> None:
        last = int(head.partition(b"Last-Event-ID: ")[2].partition(b"\r")[0] or 0)
        with self._lock:
            if last and self.refused < self._refusals:
                self.refused += 1
                connection.sendall(reply(b"", "503 Busy", b"Retry-After: 0\r\nConnection: close\r\n"))
                return
        connection.sendall(OPEN_HEAD + b"retry: 100\n\n")
        told = int(time.monotonic() / 0.05)
        if last:
            replayed = range(last + 2, told + 1)
            with self._lock:
                self.repeated += 1
                self.skipped += told > last
            self._tell(connection, [last, *replayed])
        while not _how_left(connection):
            now = int(time.monotonic() / 0.05)
            self._tell(connection, range(told + 1, now + 1))
            told = now

    def _tell(self, connection: socket.socket, numbers: Sequence[int]) -> None:
        for number in numbers:
            connection.sendall(b"id: %d\ndata: number %d\n\n" % (number, number))


def test_a_herd_tells_who_was_refused_what_was_missed_and_what_came_twice(load: Load) -> None:
    server = Forgets(refusals=3)
    with scripted(server) as url:
        described = f'base_url = "{url}"\n[stream]\npath = "/"\n[promises]\nresume = true\n[limits]\nconnect_s = 30.0\n'
        document = load(described, scenario="herd", users=7, duration_s=3, objectives=("recover_max < 3600s",))
    found = document["herd"]
    first, last = found["waves"]
    assert first["streams"] == 5  # two stay
    assert first["refused"] + last["refused"] == server.refused == 3
    assert last["back"] == last["streams"]
    assert last["recover_s"] >= 0.1
    assert (found["retry_s"], found["told"], found["promised"]) == (0.1, True, True)
    # Who is cut again before it has heard anything can say nothing of what it missed.
    assert 0 < found["doubled"] <= found["returns"] <= server.repeated
    assert 0 < found["missed"] <= server.skipped
    assert document["latency_ms"]["recover"]["samples"] >= 5
    assert document["connections"]["told_to_wait"]["refusals"] == 3
    assert document["connections"]["failed"] == 0  # of those who came for the first time
    said = verdicts(document)
    assert (said["back-after-cut"], said["missed-while-away"], said["concurrent-streams"]) == ("pass", "fail", "pass")


def visit(opened_ms: float, closed_ms: float, *events: tuple[int, float], with_ids: bool = True) -> Visit:
    """Return a visit; an event with an id has an even number, and an odd one of its own greets who comes."""
    told = [(2 * number + (not with_ids), at_ms) for number, at_ms in events]
    whole = [(1001, opened_ms), *told]
    numbers = np.array([number for number, _ in whole], dtype=np.int64)
    return Visit(opened_ms, closed_ms, numbers, np.array([at_ms for _, at_ms in whole]))


TOLD = [(number, 100.0 * number) for number in range(1, 10)]


@pytest.mark.parametrize("with_ids", [True, False])
@pytest.mark.parametrize(
    ("back", "found"),
    [
        ([(4, 651), (5, 652), (6, 653), (7, 700)], Returned(1, 3, 0, 0)),  # told all of it again
        ([(7, 700), (8, 800)], Returned(1, 3, 3, 0)),  # told nothing
        ([(3, 650), (4, 651), (6, 653), (7, 700)], Returned(1, 3, 1, 1)),
        ([(4, 651), (5, 652)], Returned()),  # cut again before it was told all
        ([], Returned()),
    ],
)
def test_what_a_reader_missed_is_what_others_were_told_meanwhile(
    back: list[tuple[int, float]], found: Returned, with_ids: bool
) -> None:
    stayed = [visit(0, 1000, *TOLD, with_ids=with_ids)]
    before = visit(0, 350, *TOLD[:3], (99, 310), with_ids=with_ids)
    assert returned([stayed, stayed, [before, visit(640, 1000, *back, with_ids=with_ids)]]) == found


def test_the_same_greeting_of_two_who_come_back_together_is_missed_by_nobody() -> None:
    stayed = [visit(0, 1000, *TOLD)]
    early, late = visit(640, 1000, *TOLD[3:]), visit(645, 1000, *TOLD[3:])
    before = visit(0, 350, *TOLD[:3])
    assert returned([stayed, stayed, [before, early], [before, early], [before, late]]) == Returned(3, 9, 0, 0)


def test_who_had_nothing_before_can_have_missed_nothing() -> None:
    stayed = [visit(0, 1000, *TOLD)]
    assert returned([stayed, stayed, [visit(0, 50), visit(640, 1000, (7, 700))]]) == Returned()
    assert returned([]) == Returned()


def waves(back_s: Sequence[float], cuts: Sequence[Cut]) -> tuple[Herd, list[Wave]]:
    """Return the waves of a herd of ten, of which two stay and eight are cut at 5 s, and come back so much later."""
    at_s = np.array([*[1.0] * 10, *[5.001] * 8, *[5 + later for later in back_s]])
    step = np.array([*[1.0] * 10, *[-1.0] * 8, *[1.0] * len(back_s)])
    connects = np.array([5 + later for later in back_s]), np.full(len(back_s), 7.0)
    known = Herd(cuts, Returned())
    return known, herd.waves(known, (at_s * 1e3, step), (connects[0] * 1e3, connects[1]))


def test_a_wave_is_over_when_all_are_back() -> None:
    known, (wave,) = waves([0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 2.0, 3.0], [Cut(5, 8, 1, 2), Cut(30, 8, 5, 2)])
    assert wave == Wave(5, 8, 8, 0.8, 3.0, 4, 7.0)
    (judged,) = herd.judge(known, [wave])
    assert (judged.verdict, judged.value) == ("pass", 0)
    assert "4 attempts got no stream" in judged.note


def test_a_server_that_falls_over_has_not_everybody_back() -> None:
    known, (wave,) = waves([0.5, 0.6, 0.7], [Cut(5, 8, 0, 2), Cut(30, 3, 900, 2)])
    assert (wave.back, wave.half_s, wave.recover_s, wave.refused) == (3, None, None, 900)
    (judged,) = herd.judge(known, [wave])
    assert (judged.verdict, judged.value, judged.note) == ("fail", 5, "3 of 8 were back")
    known, (wave,) = waves([], [Cut(5, 8, 0, 2), Cut(30, 0, 900, 0)])
    assert (wave.back, wave.worst_connect_ms) == (0, None)


def test_where_no_stream_was_open_nothing_is_judged() -> None:
    assert [one.verdict for one in herd.judge(Herd([Cut(0, 0, 9)], Returned()), [])] == ["could_not_judge"]
    assert [herd.every_s(duration_s) for duration_s in (None, 3.0, 30.0, 600.0)] == [10.0, 1.0, 10.0, 10.0]
