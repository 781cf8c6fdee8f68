"""Short HTTP exchanges on kept-alive gevent connections: hooks and the endpoint that existed before.

``Client.request`` sends one request and returns its ``Reply`` with the times that matter: just before the
send, and the arrival of the byte that completes the reply. Connections are kept and used again, last in,
first out; one that the server has closed meanwhile is replaced before anything is sent, so that nothing is
ever sent twice. As many requests as there are callers may be under way at once.

Errors are ``ExchangeFailed`` with a short reason.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import gevent
from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

from ssegauge.conformance.target import Call, Target, merge_headers
from ssegauge.loadtests.stream import clock
from ssegauge.loadtests.stream.connection import Connection, Origin, path_of, request_bytes
from ssegauge.loadtests.stream.stream import reason_of

MOST_IDLE: Final = 64
MOST_BYTES: Final = 16 * 1024 * 1024  # of a reply, its head included


class ExchangeFailed(Exception):  # noqa: N818 - an outcome, not a mistake
    """No whole reply came; the message is a short reason."""


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole reply; times in ns of the real-time clock, ``delay_ns`` as in ``Connection``."""

    status: int
    body: bytes
    sent_ns: int
    arrived_ns: int
    delay_ns: int
    headers: tuple[tuple[str, str], ...] = ()

    @property
    def ok(self) -> bool:
        """Whether the status is a 2xx."""
        return 200 <= self.status < 300

    def json(self) -> Any:  # noqa: ANN401 - any JSON value
        """Return the body as JSON; raises ValueError."""
        try:
            return json.loads(self.body)
        except RecursionError:
            raise ValueError("nested too deep") from None


class Client:
    """Kept-alive connections to one origin. ``timeout`` (seconds) bounds each exchange."""

    def __init__(self, origin: Origin, timeout: float) -> None:
        self._origin = origin
        self._timeout = timeout
        self._idle: list[Connection] = []

    def request(self, request: bytes) -> Reply:
        """Send a request's bytes (see ``request_bytes``) and return the whole reply."""
        return self.exchange(lambda: request)

    def exchange(self, make: Callable[[], bytes]) -> Reply:
        """Like ``request``, for a request made at the last moment, when a connection is at hand."""
        try:
            connection = self._connection()
        except OSError as error:
            raise ExchangeFailed(reason_of(error)) from None
        reading = _Reading()
        try:
            request = make()
            sent_ns = clock.now()
            connection.send(request)
            with gevent.Timeout(self._timeout, TimeoutError()):
                while not reading.complete:
                    reading.take(connection.receive())
        except (OSError, HttpParserError, HttpParserUpgrade) as error:
            connection.close()
            raise ExchangeFailed(reason_of(error)) from None
        except BaseException:  # the greenlet is killed: the reply must not be taken for the next one's
            connection.close()
            raise
        self._give_back(connection, keep=reading.keep)
        body = b"".join(reading.body)
        return Reply(reading.status, body, sent_ns, connection.arrived_ns, connection.delay_ns, reading.fields())

    def close(self) -> None:
        """Close the idle connections."""
        while self._idle:
            self._idle.pop().close()

    def _connection(self) -> Connection:
        while self._idle:
            connection = self._idle.pop()
            if not connection.is_stale():
                return connection
            connection.close()
        return Connection(self._origin, self._timeout)

    def _give_back(self, connection: Connection, *, keep: bool) -> None:
        if keep and len(self._idle) < MOST_IDLE:
            self._idle.append(connection)
        else:
            connection.close()


class _Reading:
    """Takes a response apart."""

    def __init__(self) -> None:
        self.status = 0
        self.body: list[bytes] = []
        self._fields: list[tuple[bytes, bytes]] = []
        self.complete = self.keep = False
        self._framed = False
        self._taken = 0
        self._parser = HttpResponseParser(self)

    def take(self, data: bytes) -> None:
        self._taken += len(data)
        if self._taken > MOST_BYTES:
            raise ConnectionResetError("the reply has no end")
        if data:
            self._parser.feed_data(data)
        elif self.status and not self._framed:
            self.complete = True  # RFC 9112 section 6.3: the body ends with the connection
        else:
            raise ConnectionResetError("connection closed before the reply was whole")

    def fields(self) -> tuple[tuple[str, str], ...]:
        return tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in self._fields)

    def on_header(self, name: bytes, value: bytes) -> None:
        self._fields.append((name, value))
        self._framed |= name.lower() in {b"content-length", b"transfer-encoding"}

    def on_headers_complete(self) -> None:
        status = self._parser.get_status_code()
        self.status = status if status >= 200 else 0

    def on_body(self, body: bytes) -> None:
        if self.status:
            self.body.append(body)

    def on_message_complete(self) -> None:
        self.complete = self.status > 0
        self.keep = self.complete and self._framed_or_empty() and self._parser.should_keep_alive()

    def _framed_or_empty(self) -> bool:
        return self._framed or self.status in {204, 304}


def call_bytes(target: Target, origin: Origin, call: Call, body: Any = None, **values: str) -> bytes:  # noqa: ANN401
    """Return the request of one of the target's hooks; ``body`` replaces its JSON."""
    document = call.json if body is None else body
    payload = b"" if document is None else json.dumps(document).encode()
    headers = {"Accept": "application/json", "User-Agent": "ssegauge"}
    if payload:
        headers["Content-Type"] = "application/json"
    fields = merge_headers(headers, target.headers, call.headers)
    return request_bytes(call.method, path_of(target, call.path, **values), origin, fields, payload)
