"""A stream that is read by callbacks: the same events, stamps and ends as one that is waited for, however it is cut."""

from __future__ import annotations

import select
import socket
import ssl
import threading
from collections.abc import Callable
from typing import Any

import gevent
import pytest
from gevent.event import Event
from hypothesis import given, settings
from hypothesis import strategies as st

from ssegauge.conformance.sse import Message
from ssegauge.conformance.target import Tls
from ssegauge.loadtests.stream import clock
from ssegauge.loadtests.stream.body import UNFRAMED, Chunked, Sized, framed
from ssegauge.loadtests.stream.reader import Reader
from tests.loadtests.servers import OPEN_HEAD, PATIENCE, chunk, scripted
from tests.loadtests.test_stream import BODIES, CERTIFICATE, CHUNKED_HEAD, CUT, open_stream, sends

Script = Callable[[socket.socket, bytes], None]


class Kept(Reader):
    """Keeps what it is told."""

    __slots__ = ("data", "errors", "fails", "over", "times")

    def __init__(self, *, fails: bool = False) -> None:
        super().__init__()
        self.data: list[str] = []
        self.times: list[tuple[int, int]] = []
        self.errors: list[str] = []
        self.over = Event()
        self.fails = fails

    def take(self, messages: list[Message], arrived_ns: int, delay_ns: int) -> None:
        self.data += [data for _, data, _ in messages]
        self.times.append((arrived_ns, delay_ns))
        if self.fails:
            raise KeyError("ours")

    def ended(self) -> None:
        self.over.set()

    def broke(self, error: Exception) -> None:
        self.errors.append(type(error).__name__)


def read(script: Script, *, tls: ssl.SSLContext | None = None, **keywords: Any) -> Kept:
    reader = Kept(**keywords)
    with scripted(script, tls) as url:
        reader.listen(open_stream(url, tls=Tls(ca_file=str(CERTIFICATE))))
        assert reader.over.wait(PATIENCE)
    return reader


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_a_whole_body_gives_its_events_and_a_complete_end(body: bytes) -> None:
    found = read(sends(body))
    assert (found.data, found.ending) == (["a", "b"], "complete")


@pytest.mark.parametrize("body", CUT.values(), ids=CUT)
def test_a_body_that_is_not_whole_was_cut_off(body: bytes) -> None:
    assert read(sends(body)).ending == "cut off"


def test_what_comes_byte_by_byte_is_the_same() -> None:
    def script(connection: socket.socket, _: bytes) -> None:
        for byte in CHUNKED_HEAD + chunk(b"data: a\n\ndata: b") + chunk(b"\n\n") + chunk(b"data: c\n\n") + b"0\r\n\r\n":
            connection.sendall(bytes([byte]))
            gevent.sleep(0)

    found = read(script)
    assert (found.data, found.ending) == (["a", "b", "c"], "complete")


def test_tls_streams_are_read_and_stamped_by_callbacks() -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)
    seen = threading.Event()
    large = b"x" * 100_000  # several TLS records

    def script(connection: socket.socket, _: bytes) -> None:
        connection.sendall(OPEN_HEAD)
        seen.wait(0.2)
        connection.sendall(b"data: a\n\n")
        connection.sendall(b"data: " + large + b"\n\n")

    found = read(script, tls=context)
    assert found.data == ["a", large.decode()]
    assert found.ending == "complete"
    if clock.start() == "kernel":
        assert all(delay_ns >= 0 for _, delay_ns in found.times)


def test_a_mistake_of_ours_ends_the_stream_once_and_is_told() -> None:
    waits = threading.Event()

    def script(connection: socket.socket, _: bytes) -> None:
        connection.sendall(CHUNKED_HEAD)
        waits.wait(0.1)
        connection.sendall(chunk(b"data: a\n\n"))
        connection.recv(1)

    found = read(script, fails=True)
    assert (found.errors, found.ending, found.data) == (["KeyError"], "closed", ["a"])


def test_hanging_up_closes_at_once_and_ends_once() -> None:
    left = threading.Event()

    def script(connection: socket.socket, _: bytes) -> None:
        connection.sendall(CHUNKED_HEAD)
        if not connection.recv(1):
            left.set()

    reader = Kept()
    with scripted(script) as url:
        reader.listen(open_stream(url))
        reader.hang_up()
        assert reader.over.is_set()
        assert left.wait(PATIENCE)
        reader.hang_up()
    assert reader.ending == "closed"


def test_while_it_is_paused_nothing_is_read_and_then_all_of_it() -> None:
    sent = threading.Event()

    def script(connection: socket.socket, _: bytes) -> None:
        connection.sendall(CHUNKED_HEAD)
        sent.wait(PATIENCE)
        connection.sendall(chunk(b"data: a\n\n") + b"0\r\n\r\n")

    reader = Kept()
    with scripted(script) as url:
        reader.listen(open_stream(url))
        reader.pause(wanted=True)
        sent.set()
        select.select([reader._socket.fileno()], [], [], PATIENCE)
        gevent.sleep(0.01)
        assert not reader.data
        reader.pause(wanted=False)
        assert reader.over.wait(PATIENCE)
    assert (reader.data, reader.ending) == (["a"], "complete")


@given(st.lists(st.binary(min_size=1, max_size=40), max_size=8), st.lists(st.integers(0, 400)))
@settings(max_examples=200, deadline=None)
def test_chunks_are_taken_apart_however_they_are_cut(pieces: list[bytes], cuts: list[int]) -> None:
    wire = b"".join(map(chunk, pieces)) + b"0\r\n\r\n"
    body, at, found = Chunked(), 0, b""
    for end in [*sorted(cut for cut in cuts if 0 < cut < len(wire)), len(wire)]:
        found += body.take(wire[at:end]) if end > at else b""
        at = end
    assert (found, body.ending) == (b"".join(pieces), "complete")


def test_between_whole_chunks_no_parser_is_kept() -> None:
    body = Chunked()
    assert body.take(chunk(b"one")[:4]) == b"o"
    assert body._torn
    assert body.take(chunk(b"one")[4:]) == b"ne"
    assert not body._torn
    assert body.take(chunk(b"two") + chunk(b"three")) == b"twothree"
    assert not body._torn


def test_the_framing_of_a_body_is_what_its_fields_say() -> None:
    assert isinstance(framed([("transfer-encoding", "Chunked"), ("content-length", "5")]), Chunked)
    assert isinstance(framed([("content-length", "5")]), Sized)
    assert framed([]) is UNFRAMED
    with pytest.raises(ConnectionResetError, match="transfer coding gzip, which nobody asked for"):
        framed([("transfer-encoding", "gzip")])
