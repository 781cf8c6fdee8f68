"""What events tell is the same, however many are settled at once, and whether their bytes were known or read anew."""

from __future__ import annotations

import json
import socket
import time
from collections import Counter
from typing import Any

import gevent
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ssegauge.conformance.sse import Message
from ssegauge.conformance.target import from_url
from ssegauge.loadtests.measuring.clocks import Clocks
from ssegauge.loadtests.measuring.event_types import EventTypes
from ssegauge.loadtests.measuring.log import Log
from ssegauge.loadtests.measuring.samples import FIRST_EVENT, GAP, GAP_OPEN, UPDATE, Rows, matrix
from ssegauge.loadtests.measuring.witnesses import Diary, Room
from ssegauge.loadtests.running.node import Node
from ssegauge.loadtests.stream.session import Session
from tests.loadtests.servers import OPEN_HEAD, PATIENCE, chunk, scripted
from tests.loadtests.test_stream import CHUNKED_HEAD

ASKED_NS = 1_700_000_000_000_000_000
MS = 1_000_000


def event(number: int, kind: str = "message", **members: object) -> Message:
    stamp = ASKED_NS // MS + 10 * number
    return kind, json.dumps({"timestamp": stamp, "type": "news", **members}), str(number)


def told(reads: list[tuple[int, list[Message], int]], every: int) -> dict[str, Any]:
    """Return what reads (stream, events, ms since it was asked for) tell, settled after each so many."""
    rows, types, clocks, room = Rows(), EventTypes(), Clocks(), Room()
    log = Log(rows, types, clocks, room)
    diaries = [Diary(0.0, room) for _ in range(3)]
    places = [log.admit(number, ASKED_NS, ASKED_NS, diary.number) for number, diary in enumerate(diaries)]
    for count, (stream, messages, at_ms) in enumerate(reads, 1):
        at_ns = ASKED_NS + at_ms * MS
        log.note(places[stream], log.reading(messages), at_ns, 2 * MS, at_ns - 7 * MS)
        if count % every == 0:
            log.settle()
    log.settle()
    found = matrix(rows.take())
    entries = {number: (own.tolist(), at.tolist()) for number, (own, at) in room.entries().items()}
    return {
        "rows": Counter(map(str, found.tolist())),
        "types": types.plain(),
        "clocks": clocks.plain(),
        "diaries": entries,
    }


def test_a_pause_that_is_not_over_is_a_gap_of_each_stream_that_is_open_and_not_driven() -> None:
    rows = Rows()
    log = Log(rows, EventTypes(), Clocks(), Room())
    spoken, _, driven, gone, _ = (log.admit(number, ASKED_NS, ASKED_NS, is_driven=number == 2) for number in range(5))
    for place in (spoken, driven, gone):
        log.note(place, log.reading([event(1)]), ASKED_NS + 100 * MS, 0, ASKED_NS)
    log.leave(gone)
    log.note_silence(ASKED_NS + 4100 * MS)
    found = matrix(rows.take())
    assert [(row[2], row[3]) for row in found[found[:, 1] == GAP_OPEN].tolist()] == [(spoken, 4000.0)]


@pytest.mark.parametrize("read", [True, False])
def test_what_is_silent_when_the_run_is_over_is_told_before_anything_is_waited_for(*, read: bool) -> None:
    """What we have stopped to read is not: that silence is ours, and so is what a recording would show of it."""

    def script(connection: socket.socket, _: bytes) -> None:
        connection.sendall(OPEN_HEAD + b"data: 1\n\n")
        connection.recv(1)

    with scripted(script) as url:
        node = Node(from_url(url))
        session = node.streams.open(Reader(), None)
        while not node.books.types.total:
            gevent.sleep(0.01)
            node.books.log.settle()
        if not read:
            session.stop_reading(4096)
        assert session.record
        assert session.record.is_full is not read
        node.obey({"do": "drain"})
        found = matrix(node.books.rows.take())
        assert np.count_nonzero(found[:, 1] == GAP_OPEN) == read


class Reader:
    """Who follows a stream, whatever comes of it."""

    def stream_ended(self, _: str) -> None:
        """Let it be over."""


KINDS = st.sampled_from(["message", "ping", "b"])
READS = st.lists(
    st.tuples(
        st.integers(0, 2),
        st.lists(st.builds(event, st.integers(0, 5), KINDS), min_size=1, max_size=3),
    ),
    max_size=30,
)


@settings(deadline=None, max_examples=40)
@given(reads=READS, every=st.integers(1, 40))
def test_it_does_not_matter_how_many_are_settled_at_once(reads: list[tuple[int, list[Message]]], every: int) -> None:
    timed = [(stream, messages, 10 * at) for at, (stream, messages) in enumerate(reads, 1)]
    assert told(timed, every) == told(timed, 1)


def test_of_events_that_were_read_together_the_last_has_the_stamp() -> None:
    rows = Rows()
    log = Log(rows, EventTypes(), Clocks(), Room())
    place, other = (log.admit(number, ASKED_NS, ASKED_NS) for number in (7, 8))
    log.note(place, log.reading([event(0)]), ASKED_NS + 5 * MS, MS, ASKED_NS)
    log.note(other, log.reading([event(0)]), ASKED_NS + 6 * MS, -1, ASKED_NS)  # nobody knows when
    log.note(place, log.reading([event(1), event(2)]), ASKED_NS + 30 * MS, 2 * MS, ASKED_NS + 12 * MS)
    log.settle()
    found = matrix(rows.take())
    values = {kind: found[found[:, 1] == kind][:, 2:5].round(3).tolist() for kind in (FIRST_EVENT, GAP, UPDATE)}
    assert values[FIRST_EVENT][0] == [7.0, 5.0, 1.0]
    assert values[FIRST_EVENT][1][:2] == [8.0, 6.0]
    assert np.isnan(values[FIRST_EVENT][1][2])
    assert values[GAP] == [[7.0, 25.0, 20.0], [7.0, 0.0, 2.0]]  # the first of two came in the 20 ms since we had looked
    assert values[UPDATE] == [[7.0, 20.0, 20.0], [7.0, 10.0, 2.0]]


def test_places_are_used_again_once_what_was_told_is_settled() -> None:
    rows = Rows()
    log = Log(rows, EventTypes(), Clocks(), Room())
    places = [log.admit(number, ASKED_NS, ASKED_NS) for number in range(100)]
    log.note(places[99], log.reading([event(0)]), ASKED_NS + MS, 0, ASKED_NS)
    log.leave(places[99])
    assert log.admit(100, ASKED_NS, ASKED_NS) == 100
    log.settle()
    assert log.admit(101, ASKED_NS, ASKED_NS) == places[99]
    log.note(places[99], log.reading([event(1)]), ASKED_NS + 2 * MS, 0, ASKED_NS)
    log.settle()
    found = matrix(rows.take())
    assert found[:, 1:4].tolist() == [[FIRST_EVENT, 99.0, 1.0], [FIRST_EVENT, 101.0, 2.0]]


SENT = (
    b'id: 1\ndata: {"type":"a"}\n\n',
    b"data: plain\n\n",
    b"data: one\ndata: two\n\n",
    b": beat\n\n",
    b"retry: 7000\n\n",
    b'id: 2\ndata: {"type":"b"}\n\ndata: {"type":"b"}\n\n',
    b"data: to",
    b"rn\n\n",
    b"data: plain\n\n",
    b'id: 3\ndata: {"type":"a"}\n\n',
)


class Nobody:
    """Follows streams."""

    def __init__(self) -> None:
        self.endings: list[str] = []

    def stream_ended(self, ending: str) -> None:
        self.endings.append(ending)


def followed(monkeypatch: pytest.MonkeyPatch, *, forgetful: bool) -> tuple[list[object], int]:
    """Return what three streams, one after the other, were told by the same reads; and how many of these were known."""
    if forgetful:
        monkeypatch.setattr(Log, "remember", lambda *_: None)
    monkeypatch.setattr("ssegauge.loadtests.running.node.recordings.MOST_STREAMS", 0)  # nothing recorded
    known: list[bool] = []
    is_known = Session._is_known
    monkeypatch.setattr(Session, "_is_known", lambda *words: known.append(is_known(*words)) or known[-1])
    nodes: list[Node] = []

    def script(connection: socket.socket, _: bytes) -> None:
        connection.sendall(CHUNKED_HEAD)
        begun = nodes[0].books.traffic.bytes
        for number, data in enumerate(SENT):
            connection.sendall(chunk(data))
            awaited = begun + sum(map(len, SENT[: number + 1]))
            while nodes[0].books.traffic.bytes < awaited:  # each piece is a read of its own
                time.sleep(0.001)
        connection.sendall(b"0\r\n\r\n")

    with scripted(script) as url:
        node, user = Node(from_url(url)), Nobody()
        nodes.append(node)
        sessions = []
        for count in range(1, 4):
            sessions.append(node.streams.open(user, None))
            with gevent.Timeout(PATIENCE):
                while len(user.endings) < count:
                    gevent.sleep(0.001)
    node.books.log.settle()
    node.books.watch.stop()
    told = [own.tolist() for own, _ in node.streams.diaries.room.entries().values()]
    ends = [(session.ending, session.last_event_id, session.retry_s) for session in sessions]
    kinds = Counter(matrix(node.books.rows.take())[:, 1].tolist())
    return [node.books.types.plain(), told, ends, kinds], sum(known)


def test_reads_that_are_known_tell_what_they_told() -> None:
    """With an id and without, several events in a read, two lines of data, a comment, a `retry`, an event in two."""
    with pytest.MonkeyPatch.context() as patch:
        anew, none = followed(patch, forgetful=True)
    with pytest.MonkeyPatch.context() as patch:
        found, known = followed(patch, forgetful=False)
    assert found == anew
    assert none == 0
    assert known >= 4
    assert found[2] == [("complete", "3", 7.0)] * 3
