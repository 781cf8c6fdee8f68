"""Short exchanges: connections are used again, and nothing is ever sent twice."""

from __future__ import annotations

import socket

import pytest

from ssegauge.conformance.target import Tls
from ssegauge.loadtests.driving.client import Client, ExchangeFailed
from ssegauge.loadtests.stream.connection import resolve
from tests.loadtests.servers import PATIENCE, reply, scripted

GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


class Counted:
    """Answers every request of a connection, and closes it after some of them."""

    def __init__(self, answer: bytes, requests_per_connection: int = 100) -> None:
        self.answer, self.most = answer, requests_per_connection
        self.connections = self.requests = 0

    def __call__(self, connection: socket.socket, head: bytes) -> None:
        self.connections += 1
        for _ in range(self.most):
            self.requests += head.count(b"\r\n\r\n")
            connection.sendall(self.answer)
            if not (head := connection.recv(65536)):
                return


def test_a_connection_is_used_again() -> None:
    server = Counted(reply(b'{"a": 1}'))
    with scripted(server) as url:
        client = Client(resolve(url, Tls()), PATIENCE)
        replies = [client.request(GET) for _ in range(5)]
        client.close()
    assert [item.json() for item in replies] == [{"a": 1}] * 5
    assert server.connections == 1
    assert all(item.ok and item.sent_ns <= item.arrived_ns for item in replies)


def test_a_connection_that_the_server_closed_is_replaced_before_anything_is_sent() -> None:
    server = Counted(reply(b"{}", fields=b"Connection: close\r\n"), requests_per_connection=1)
    with scripted(server) as url:
        client = Client(resolve(url, Tls()), PATIENCE)
        for _ in range(3):
            assert client.request(GET).ok
        client.close()
    assert server.requests == 3


def test_a_body_without_length_ends_with_the_connection() -> None:
    with scripted(lambda connection, _: connection.sendall(b"HTTP/1.1 200 OK\r\n\r\nall of it")) as url:
        client = Client(resolve(url, Tls()), PATIENCE)
        assert client.request(GET).body == b"all of it"
        client.close()


BROKEN = {
    "connection closed before the reply was whole": reply(b"{}")[:-1],
    "not HTTP/1.1": b"SSH-2.0-OpenSSH_9.2\r\n",
}


@pytest.mark.parametrize(("reason", "answer"), BROKEN.items(), ids=BROKEN)
def test_what_is_no_reply_fails_with_a_short_reason(reason: str, answer: bytes) -> None:
    with scripted(lambda connection, _: connection.sendall(answer)) as url:
        client = Client(resolve(url, Tls()), PATIENCE)
        with pytest.raises(ExchangeFailed, match=f"^{reason}$"):
            client.request(GET)
