"""What a hostile or broken server sends ends in a reason, never in an exception, and holds little memory."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from ssegauge.conformance.target import Tls
from ssegauge.loadtests.driving.client import Client, ExchangeFailed
from ssegauge.loadtests.measuring.meters import glance, is_terminal
from ssegauge.loadtests.stream.connection import resolve
from ssegauge.loadtests.stream.head import MOST_HEAD_BYTES, NO_HTTP_1
from ssegauge.loadtests.stream.stream import EventStream, StreamFailed
from tests.loadtests.conftest import PATIENT, Load
from tests.loadtests.servers import HEAD, OPEN_HEAD, PATIENCE, chunk, reply, scripted
from tests.loadtests.test_stream import CERTIFICATE, CHUNKED_HEAD, all_data, open_stream, sends

SECRET = "geheim-4711"
Script = Callable[[socket.socket, bytes], None]


def moved_to(location: bytes) -> bytes:
    return b"HTTP/1.1 302 Found\r\nLocation: " + location + b"\r\nContent-Length: 0\r\n\r\n"


def endlessly(start: bytes, piece: bytes) -> Script:
    def script(connection: socket.socket, _: bytes) -> None:
        connection.sendall(start)
        while True:  # until the client leaves
            connection.sendall(piece)

    return script


REDIRECTS = {
    b"http://[::1": r"redirect to http://\[::1, which is no HTTP address",
    b"http://127.0.0.1:99999/x": "redirect to .*, which is no HTTP address",
    b"http://127.0.0.1:0/x": "redirect to .*, which is no HTTP address",
    b"ftp://x/y": "redirect to .*, which is no HTTP address",
    b"http://nowhere.invalid/": "redirect to .*, whose host has no address",
    b"http://" + b"x" * 300 + b"/": "redirect to .{80}…, whose host has no address",
}


@pytest.mark.parametrize(("location", "reason"), REDIRECTS.items(), ids=map(str, range(len(REDIRECTS))))
def test_a_redirect_to_no_place_is_a_reason(location: bytes, reason: str) -> None:
    script = sends(moved_to(location))
    with scripted(script) as url, pytest.raises(StreamFailed, match=f"^{reason}$"):
        open_stream(url)


WITHOUT_END = {
    "of fields": endlessly(b"HTTP/1.1 200 OK\r\n", b"X-Padding: " + b"x" * 4000 + b"\r\n"),
    "of one field": endlessly(b"HTTP/1.1 200 OK\r\nX-Padding: ", b"x" * 4000),
    "of interim responses": endlessly(b"", b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" * 50),
}


@pytest.mark.parametrize("script", WITHOUT_END.values(), ids=WITHOUT_END)
def test_a_head_has_a_size(script: Script) -> None:
    with scripted(script) as url, pytest.raises(StreamFailed, match="the response head has no end within 256 KiB"):
        open_stream(url)


def test_a_head_has_a_deadline_however_steadily_it_drips() -> None:
    over = threading.Event()

    def script(connection: socket.socket, _: bytes) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\n")
        while not over.wait(0.01):
            connection.sendall(b"X: y\r\n")

    with scripted(script) as url:
        with pytest.raises(StreamFailed, match=r"^timed out$"):
            EventStream(resolve(url, Tls()), "/").open(0.2)
        over.set()


FRAMING = {
    "trailers": endlessly(CHUNKED_HEAD + chunk(b"data: a\n\n") + b"0\r\n", b"X-Padding: " + b"x" * 4000 + b"\r\n"),
    "a chunk extension": endlessly(CHUNKED_HEAD + chunk(b"data: a\n\n") + b"5;x=", b"x" * 4000),
}


@pytest.mark.parametrize("script", FRAMING.values(), ids=FRAMING)
def test_framing_without_a_body_has_a_size(script: Script) -> None:
    with scripted(script) as url:
        stream = open_stream(url)
        assert all_data(stream) == ["a"]
        assert stream.ending == "more than 256 KiB of trailers or framing without a byte of the body"


def test_a_stream_may_be_longer_than_a_head() -> None:
    event = b"data: " + b"x" * 1000 + b"\n\n"
    count = 2 * MOST_HEAD_BYTES // len(event)
    with scripted(lambda connection, _: connection.sendall(OPEN_HEAD + event * count)) as url:
        stream = open_stream(url)
        assert len(all_data(stream)) == count
        assert stream.ending == "complete"


@pytest.mark.parametrize("kind", [b"\x04", b"\x07"], ids=["SETTINGS", "GOAWAY"])
def test_a_server_of_http_2_alone_is_named(kind: bytes) -> None:
    frame = b"\0\0\0" + kind + b"\0\0\0\0\0"
    with scripted(lambda connection, _: connection.sendall(frame)) as url, pytest.raises(StreamFailed) as raised:
        open_stream(url)
    assert str(raised.value) == NO_HTTP_1


def test_a_tls_server_is_told_that_http_1_is_spoken() -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)
    context.set_alpn_protocols(["h2", "http/1.1"])
    chosen: list[str | None] = []

    def script(connection: socket.socket, _: bytes) -> None:
        assert isinstance(connection, ssl.SSLSocket)
        chosen.append(connection.selected_alpn_protocol())
        connection.sendall(OPEN_HEAD + b"data: a\n\n")

    with scripted(script, context) as url:
        assert all_data(open_stream(url, tls=Tls(ca_file=str(CERTIFICATE)))) == ["a"]
    assert chosen == ["http/1.1"]


def test_a_reply_to_a_hook_has_a_deadline_and_a_size() -> None:
    script = endlessly(HEAD, b"X-Padding: " + b"x" * 60_000 + b"\r\n")
    with scripted(script) as url, pytest.raises(ExchangeFailed, match="the reply has no end"):
        Client(resolve(url, Tls()), PATIENCE).request(b"GET / HTTP/1.1\r\n\r\n")
    over = threading.Event()

    def drips(connection: socket.socket, _: bytes) -> None:
        while not over.wait(0.01):
            connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")

    with scripted(drips) as url:
        with pytest.raises(ExchangeFailed, match="timed out"):
            Client(resolve(url, Tls()), 0.2).request(b"GET / HTTP/1.1\r\n\r\n")
        over.set()


EVENTS = {
    "nested too deep": "[" * 5000,
    "a time stamp of 400 digits": '{"timestamp": ' + "9" * 400 + "}",
    "a time stamp of 5,000 digits": '{"timestamp": ' + "9" * 5000 + "}",
    "a negative time stamp": '{"timestamp": -1}',
    "objects for words": '{"type": {}, "progress": {"status": {}}}',
}


@pytest.mark.parametrize("data", EVENTS.values(), ids=EVENTS)
def test_data_that_is_no_json_or_no_time_has_none(data: str) -> None:
    assert not isinstance(glance(data)[1], int | float)  # why a time is none is no time
    assert not is_terminal(data)


def test_a_task_id_that_is_nested_too_deep_is_said_in_one_line(load: Load) -> None:
    def script(connection: socket.socket, _: bytes) -> None:
        connection.sendall(reply(b"[" * 100_000))

    target = '[stream]\npath = "/{task_id}"\n[task.create_manual]\npath = "/t"\n[task.update]\npath = "/u"\n'
    with scripted(script) as url:
        document = load(f'base_url = "{url}"\n{target}{PATIENT}', users=2, duration_s=1)
    assert "the reply has no task ID at /taskId" in document["generator"]["note"]


@pytest.mark.parametrize("data", EVENTS.values(), ids=EVENTS)
def test_no_event_breaks_a_run(data: str, load: Load) -> None:
    """Each user connects once: what raised in its greenlet would make Locust start it anew at once."""
    connections = []

    def script(connection: socket.socket, _: bytes) -> None:
        connections.append(1)
        connection.sendall(OPEN_HEAD + b"data: " + data.encode() + b"\n\n")
        connection.recv(1)

    with scripted(script) as url:
        document = load(f'base_url = "{url}"\n[stream]\npath = "/"\n{PATIENT}', users=3, duration_s=1)
    assert len(connections) == 3
    assert document["connections"] | {"drop_reasons": {}} == document["connections"]
    assert document["latency_ms"]["first_event"]["samples"] == 3


SECRETIVE = {
    "a coding": OPEN_HEAD.replace(b"\r\n\r\n", f"\r\nContent-Encoding: gzip, {SECRET}\r\n\r\n".encode()),
    "a redirect": moved_to(f"ftp://x/{SECRET}".encode()),
    "a type": f"HTTP/1.1 200 OK\r\nContent-Type: {SECRET}\r\n\r\n".encode(),
}


@pytest.mark.parametrize("response", SECRETIVE.values(), ids=SECRETIVE)
def test_a_secret_that_a_server_sends_back_is_in_no_output(
    response: bytes, load: Load, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KEY", SECRET)
    said: list[object] = []
    with scripted(lambda connection, _: connection.sendall(response)) as url:
        target = f'base_url = "{url}"\n[stream]\npath = "/"\nheaders = {{ X-Key = "${{KEY}}" }}\n{PATIENT}'
        document = load(target, users=2, duration_s=1, on_progress=said.append)
    written = "".join(path.read_text() for path in folder.glob("*.json"))
    assert SECRET not in written + str(document) + str(said)
    assert document["connections"]["failed"] >= 2
