"""A stream on a socket: what arrives, when it arrived, and how it ends."""

from __future__ import annotations

import select
import socket
import ssl
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from ssegauge.conformance.errors import HELD, CannotJudge
from ssegauge.conformance.target import Tls
from ssegauge.loadtests.judging.remedies import remedy
from ssegauge.loadtests.stream import clock
from ssegauge.loadtests.stream.connection import Connection, resolve
from ssegauge.loadtests.stream.stream import MOST_REDIRECTS, EventStream, StreamFailed
from tests.loadtests.servers import HEAD, OPEN_HEAD, PATIENCE, chunk, scripted

CHUNKED_HEAD = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
CERTIFICATE = Path(__file__).with_name("localhost.pem")


def open_stream(url: str, path: str = "/events", tls: Tls | None = None) -> EventStream:
    stream = EventStream(resolve(url, tls or Tls()), path)
    stream.open(PATIENCE)
    return stream


def all_data(stream: EventStream) -> list[str]:
    found = []
    while (messages := stream.read()) is not None:
        found += [data for _, data, _ in messages]
    stream.close()
    return found


def sends(*parts: bytes) -> Callable[[socket.socket, bytes], None]:
    return lambda connection, _: connection.sendall(b"".join(parts))


BODIES = {
    "chunked": HEAD
    + b"Transfer-Encoding: chunked\r\n\r\n"
    + chunk(b"data: a\n\n")
    + chunk(b"data: b\n\n")
    + chunk(b""),
    "of known length": HEAD + b"Content-Length: 18\r\n\r\ndata: a\n\ndata: b\n\n",
    "ended by the connection": OPEN_HEAD + b"data: a\n\ndata: b\n\n",
    "after an interim response": b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + OPEN_HEAD + b"data: a\n\ndata: b\n\n",
    "of HTTP/1.0": b"HTTP/1.0 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: a\n\ndata: b\n\n",
    "typed with a parameter": b"HTTP/1.1 200 OK\r\nContent-Type: Text/Event-Stream; charset=utf-8\r\n"
    b"Connection: close\r\n\r\ndata: a\n\ndata: b\n\n",
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_a_whole_body_gives_its_events_and_a_complete_end(body: bytes) -> None:
    with scripted(sends(body)) as url:
        stream = open_stream(url)
        assert all_data(stream) == ["a", "b"]
        assert stream.ending == "complete"


CUT = {
    "inside a chunk": CHUNKED_HEAD + chunk(b"data: a\n\n")[:-4],
    "before the last chunk": CHUNKED_HEAD + chunk(b"data: a\n\n"),
    "short of its length": HEAD + b"Content-Length: 99\r\n\r\ndata: a\n\n",
}


@pytest.mark.parametrize("body", CUT.values(), ids=CUT)
def test_a_body_that_is_not_whole_was_cut_off(body: bytes) -> None:
    with scripted(sends(body)) as url:
        stream = open_stream(url)
        all_data(stream)
        assert stream.ending == "cut off"


REFUSED_CODING = HEAD + b"Content-Encoding: gzip\r\n\r\n"
REFUSALS = {
    "status 404": b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
    "status 204": b"HTTP/1.1 204 No Content\r\n\r\n",
    "content type text/html, not text/event-stream": b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<p>",
    "content type missing, not text/event-stream": b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n",
    "content coding gzip, which nobody asked for": REFUSED_CODING,
    "the server speaks TLS, and was asked without": b"\x15\x03\x01\x00\x02\x02\x0a",
    "not HTTP/1.1": b"220 mail.example.org ESMTP\r\n",
    "the server closed the connection without a response": b"",
}


@pytest.mark.parametrize(("reason", "response"), REFUSALS.items(), ids=REFUSALS)
def test_what_is_no_event_stream_fails_with_a_short_reason(reason: str, response: bytes) -> None:
    with scripted(sends(response)) as url, pytest.raises(StreamFailed, match=f"^{reason}$"):
        open_stream(url)


@pytest.mark.parametrize(("asked", "who"), [("br, gzip", "Accept-Encoding asks for"), ("identity", "nobody asked for")])
def test_a_coding_is_told_by_who_asked_for_it(asked: str, who: str) -> None:
    with scripted(sends(REFUSED_CODING)) as url:
        stream = EventStream(resolve(url, Tls()), "/", [("accept-encoding", asked)])
        with pytest.raises(StreamFailed, match=f"^content coding gzip, which {who}$"):
            stream.open(PATIENCE)


@pytest.mark.parametrize("value", ["none", "identity", "Identity", "utf-8, none"])
def test_a_coding_that_no_reader_knows_is_none(value: str) -> None:
    with scripted(sends(HEAD + f"Content-Encoding: {value}\r\n\r\ndata: a\n\n".encode())) as url:
        assert all_data(open_stream(url)) == ["a"]


def test_a_silent_server_fails_when_patience_ends() -> None:
    over = threading.Event()
    with scripted(lambda *_: over.wait(PATIENCE) and None) as url:
        stream = EventStream(resolve(url, Tls()), "/")
        with pytest.raises(StreamFailed, match=r"^timed out$"):
            stream.open(0.05)
        over.set()


def test_a_handshake_that_gets_no_answer_is_told_apart_from_a_head_that_does_not_come() -> None:
    over = threading.Event()
    with scripted(lambda *_: over.wait(PATIENCE) and None) as url:
        stream = EventStream(resolve(url.replace("http:", "https:"), Tls(verify=False)), "/")
        with pytest.raises(StreamFailed, match=r"^the TLS handshake timed out$") as failed:
            stream.open(0.05)
        over.set()
    assert remedy(str(failed.value), "") == "does it speak TLS? try http://"
    assert remedy("timed out x 20", "") == HELD


def nobody() -> str:
    """Return where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as closed:
        return f"http://127.0.0.1:{closed.getsockname()[1]}"


def test_a_redirect_is_named_in_what_failed_behind_it() -> None:
    url = nobody()
    moved = f"HTTP/1.1 302 Found\r\nLocation: {url}/there?token=x\r\nContent-Length: 0\r\n\r\n".encode()
    with scripted(sends(moved)) as first, pytest.raises(StreamFailed) as failed:
        open_stream(first)
    assert str(failed.value) == f"redirected to {url}/there: connection refused"


def test_nobody_listening_fails() -> None:
    url = nobody()
    with pytest.raises(StreamFailed, match=r"^connection refused$"):
        open_stream(url)


def test_an_unknown_host_cannot_be_judged() -> None:
    with pytest.raises(CannotJudge, match=r"no address for host 'nowhere.invalid'"):
        resolve("http://nowhere.invalid/", Tls())


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_followed(status: int) -> None:
    def script(connection: socket.socket, head: bytes) -> None:
        if head.startswith(b"GET /moved?x=1 "):
            connection.sendall(OPEN_HEAD + b"data: here\n\n")
        else:
            connection.sendall(b"HTTP/1.1 %d Moved\r\nLocation: moved?x=1\r\nContent-Length: 0\r\n\r\n" % status)

    with scripted(script) as url:
        assert all_data(open_stream(url)) == ["here"]


def test_a_circle_of_redirects_ends() -> None:
    turns = []

    def script(connection: socket.socket, _: bytes) -> None:
        turns.append(1)
        connection.sendall(b"HTTP/1.1 302 Found\r\nLocation: /events\r\nContent-Length: 0\r\n\r\n")

    with scripted(script) as url, pytest.raises(StreamFailed, match=r"more than 20 redirects"):
        open_stream(url)
    assert len(turns) == MOST_REDIRECTS + 1


def test_tls_streams_are_read_and_stamped() -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)
    large = b"x" * 100_000  # several TLS records

    with scripted(sends(OPEN_HEAD, b"data: a\n\ndata: ", large, b"\n\n"), context) as url:
        stream = open_stream(url, tls=Tls(ca_file=str(CERTIFICATE)))
        assert all_data(stream) == ["a", large.decode()]
        assert stream.arrived_ns > stream.started_ns


def test_an_unknown_authority_fails_with_the_reason() -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)
    with scripted(sends(OPEN_HEAD), context) as url:
        with pytest.raises(StreamFailed, match=r"^TLS: self-signed certificate"):
            open_stream(url)
        open_stream(url, tls=Tls(verify=False)).close()


def test_an_event_is_given_before_the_next_one_is_sent() -> None:
    """The sender waits for each event to be seen: a reader of blocks would never let it go on."""
    seen = threading.Semaphore(0)
    refused: list[int] = []

    def script(connection: socket.socket, _: bytes) -> None:
        connection.sendall(OPEN_HEAD)
        for number in range(10):
            connection.sendall(b"data: %d\n\n" % number)
            if not seen.acquire(timeout=PATIENCE):
                refused.append(number)
                return

    with scripted(script) as url:
        stream = open_stream(url)
        found = []
        while (messages := stream.read()) is not None:
            for _, data, _ in messages:
                found.append(data)
                seen.release()
        stream.close()
    assert not refused
    assert found == [str(number) for number in range(10)]


ITER_LINES = """
    import sys
    from locust.contrib.fasthttp import FastHttpSession
    from locust.env import Environment
    session = FastHttpSession(sys.argv[1], Environment().events.request, user=None)
    for line in session.iter_lines("/events"):
        print(line, flush=True)
"""


def test_locusts_own_reader_waits_for_a_block() -> None:
    """What ours is there for: with iter_lines, event n is not seen before more than a kilobyte has come after it."""
    sent, go_on = threading.Event(), threading.Event()

    def script(connection: socket.socket, _: bytes) -> None:
        connection.sendall(OPEN_HEAD + b"data: first\n\n")
        sent.set()
        go_on.wait(PATIENCE)
        connection.sendall(b": padding\n" * 200)

    with scripted(script) as url:
        line = [sys.executable, "-c", textwrap.dedent(ITER_LINES), url]
        with subprocess.Popen(line, stdout=subprocess.PIPE) as reader:
            assert reader.stdout
            assert sent.wait(PATIENCE)
            early, _, _ = select.select([reader.stdout], [], [], 0.5)
            go_on.set()
            assert reader.stdout.readline() == b"data: first\n"
        assert not early


@pytest.mark.skipif(clock.start() != "kernel", reason="the kernel gives no stamps here")
def test_arrival_is_when_the_kernel_had_the_bytes_however_late_they_are_read() -> None:
    def script(connection: socket.socket, _: bytes) -> None:
        connection.sendall(b"late to be read")
        connection.recv(1)

    with scripted(script) as url:
        connection = Connection(resolve(url, Tls()), PATIENCE)
        connection.send(b"GET / HTTP/1.1\r\n\r\n")
        before = connection.arrived_ns
        select.select([connection._socket.fileno()], [], [], PATIENCE)
        arrived_by = clock.now()
        time.sleep(0.03)
        assert connection.receive() == b"late to be read"
        assert before < connection.arrived_ns <= arrived_by
        assert connection.delay_ns >= 30_000_000
        connection.close()


def test_without_a_stamp_the_delay_is_unknown() -> None:
    assert clock.stamp([]) == 0
    assert clock.stamp([(socket.SOL_SOCKET, socket.SCM_RIGHTS, b"")]) == 0
