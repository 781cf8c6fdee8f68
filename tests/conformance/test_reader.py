"""A plain socket of our own comes back with what there is, whatever the server does."""

import asyncio
import socket
from collections.abc import Callable

import pytest

from ssegauge.conformance.recording.reader import ask_in_http10
from ssegauge.conformance.target import from_url
from tests.cli.command import http, tcp_server

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"


def asked(url: str, wait_s: float = 20.0) -> bytes:
    return asyncio.run(ask_in_http10(from_url(url), "", wait_s))


def closing(connection: socket.socket) -> None:
    connection.sendall(HEAD[:20])
    connection.shutdown(socket.SHUT_RDWR)


def endless(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 200_000)


def test_the_head_of_the_answer_comes_back_without_the_body() -> None:
    with tcp_server(http(b"data: 1\n\n")) as url:
        assert asked(f"{url}/events") == HEAD


def test_the_request_is_one_of_http10() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        host, port = listener.getsockname()
        assert asked(f"http://{host}:{port}/events?a=1", wait_s=0.1) == b""
        connection, _ = listener.accept()
        with connection:
            assert connection.recv(65536).startswith(b"GET /events?a=1 HTTP/1.0\r\n")


@pytest.mark.parametrize("answer", [closing, endless], ids=lambda answer: answer.__name__)
def test_without_a_whole_head_there_is_nothing(answer: Callable[[socket.socket], None]) -> None:
    with tcp_server(answer) as url:
        assert asked(url) == b""


def test_nobody_there_is_nothing() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

    assert asked(f"http://127.0.0.1:{port}") == b""
