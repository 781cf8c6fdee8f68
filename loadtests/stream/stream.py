"""One event stream on a gevent socket: connect, redirects, response head, events.

    stream = EventStream(origin, "/events", headers)
    stream.open()                       # StreamFailed: no event stream came, and why
    while (messages := stream.read()) is not None:
        for kind, data, last_event_id in messages: ...   # arrived at stream.arrived_ns
    stream.ending                       # "closed" by us, "complete", or how it broke off

Nothing is held back: ``read`` returns as soon as bytes complete an event, unlike a reader of fixed blocks.
An event's arrival is that of the bytes that complete it. Redirects are followed as EventSource does (301,
302, 303, 307, 308, and no more than Fetch's twenty); every response but a 200 of type ``text/event-stream``
fails the connection (WHATWG HTML, "Server-sent events", the EventSource constructor's step 15).

Whatever a server sends, nothing but StreamFailed comes out of here, and no more is held of it than a head of
``MOST_HEAD_BYTES`` and what the decoder bounds: heads, trailers and chunk extensions without end are given up.
"""

from __future__ import annotations

import ssl
from typing import Final, Protocol
from urllib.parse import SplitResult, urljoin, urlsplit

import gevent
from gevent import socket
from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

from ssegauge.conformance.errors import CannotJudge
from ssegauge.conformance.sse import FastDecoder, Message
from ssegauge.conformance.target import Tls
from ssegauge.loadtests.stream import clock
from ssegauge.loadtests.stream.connection import Connection, Headers, Origin, origin_form, request_bytes, resolve

REDIRECTS: Final = {301, 302, 303, 307, 308}
MOST_REDIRECTS: Final = 20
MOST_HEAD_BYTES: Final = 262_144
MOST_SHOWN: Final = 80  # characters of what a server sent, in a reason
HEAD_TOO_LARGE: Final = f"the response head has no end within {MOST_HEAD_BYTES // 1024} KiB"
FRAMING_TOO_LARGE: Final = f"more than {MOST_HEAD_BYTES // 1024} KiB of trailers or framing without a byte of the body"
NO_HTTP_1: Final = "the server speaks HTTP/2 alone, and streams are opened by HTTP/1.1; let it speak both"
_ASKED: Final = (("Accept", "text/event-stream"), ("Cache-Control", "no-store"), ("Accept-Encoding", "identity"))


class StreamFailed(Exception):  # noqa: N818 - the outcome of an attempt, not a mistake
    """No event stream came of a connection attempt; the message is a short reason."""


class Recorder(Protocol):
    """Takes what arrives, with the ns of its arrival."""

    def take_head(self, arrived_ns: int, status: int, headers: list[tuple[str, str]]) -> None:
        """Take a response head."""

    def take_chunk(self, arrived_ns: int, data: bytes) -> None:
        """Take a piece of the body of an event stream."""


class EventStream:
    """An event stream that is measured; see the module for its use.

    Attributes:
        started_ns: just before the TCP connect; sent_ns: just before the request.
        head_ns: when the response head had arrived; date: its Date field.
        arrived_ns: when the last read's bytes arrived.
        delay_ns: how long they then waited for us; -1 when unknown.
        ending: why ``read`` returned None; empty before.
        record: who takes the heads and the body, when set before ``open``.
    """

    __slots__ = (
        "_body_ends_with_connection",
        "_complete",
        "_connection",
        "_decoder",
        "_fruitless",
        "_headers",
        "_location",
        "_messages",
        "_method",
        "_origin",
        "_parser",
        "_path",
        "_payload",
        "_response_headers",
        "date",
        "ending",
        "head_ns",
        "record",
        "sent_ns",
        "started_ns",
        "status",
    )

    def __init__(
        self, origin: Origin, path: str, headers: Headers = (), method: str = "GET", payload: bytes = b""
    ) -> None:
        self._origin, self._path, self._method, self._payload = origin, path, method, payload
        self._headers = headers
        self._response_headers: list[tuple[str, str]] = []
        self._connection: Connection | None = None
        self._parser: HttpResponseParser | None = None
        self._decoder = FastDecoder()
        self._messages: list[Message] = []
        self._fruitless = 0  # bytes since the last one of a body
        self.started_ns = self.sent_ns = self.head_ns = 0
        self.date = ""
        self.ending = ""
        self.record: Recorder | None = None

    @property
    def arrived_ns(self) -> int:
        """When the last read's bytes arrived, ns of the real-time clock."""
        return self._connection.arrived_ns if self._connection else 0

    @property
    def delay_ns(self) -> int:
        """How long the last read's bytes waited for us; -1 when unknown."""
        return self._connection.delay_ns if self._connection else -1

    @property
    def last_event_id(self) -> str:
        """What a reconnect would send as ``Last-Event-ID``."""
        return self._decoder.last_event_id

    def open(self, timeout: float | None = None) -> None:
        """Connect and read the response head, in ``timeout`` seconds at most.

        Raises StreamFailed with a short reason.
        """
        self.started_ns = clock.now()
        try:
            with gevent.Timeout(timeout, TimeoutError()):
                self._open(timeout)
        except (OSError, HttpParserError, HttpParserUpgrade) as error:
            self.close()
            raise StreamFailed(reason_of(error)) from None
        except BaseException:
            self.close()
            raise
        self.head_ns = self.arrived_ns
        self.date = next((value for name, value in self._response_headers if name == "date"), "")
        self._response_headers = []  # thousands of streams need them no more

    def _open(self, timeout: float | None) -> None:
        for _ in range(MOST_REDIRECTS + 1):
            self._request(timeout)
            if not self._is_redirect():
                break
            self._follow()
        else:
            raise StreamFailed(f"more than {MOST_REDIRECTS} redirects")
        if complaint := self._complaint():
            raise StreamFailed(complaint)

    def wait_at_most(self, timeout: float | None) -> None:
        """Bound every later wait of ``read``, in seconds."""
        if self._connection:
            self._connection.wait_at_most(timeout)

    def read(self) -> list[Message] | None:
        """Return the events that the next bytes complete (perhaps none), or None after the stream's end."""
        if self._messages:  # they came with the head
            return self._take()
        if self._complete or self.ending:
            self._end("complete")
            return None
        try:
            self._feed()
        except (OSError, HttpParserError, HttpParserUpgrade) as error:
            self._end(reason_of(error))
        return self._outcome()

    def close(self) -> None:
        """Close from the reader's own greenlet."""
        self._end("closed")
        if self._connection:
            self._connection.close()
        self._parser = None  # which holds our methods, and so us

    def hang_up(self) -> None:
        """Close from another greenlet: the reader gets None, and ``ending`` is "closed"."""
        self._end("closed")
        if self._connection:
            self._connection.hang_up()

    def _outcome(self) -> list[Message] | None:
        return self._take() if self._messages or not self.ending else None

    def _end(self, why: str) -> None:
        self.ending = self.ending or why

    def _take(self) -> list[Message]:
        messages, self._messages = self._messages, []
        return messages

    def _request(self, timeout: float | None) -> None:
        self.status, self._location = 0, ""
        self._response_headers.clear()
        self._complete, self._body_ends_with_connection = False, True
        self._fruitless = 0
        self._parser = HttpResponseParser(self)
        self._connection = Connection(self._origin, timeout)
        request = request_bytes(self._method, self._path, self._origin, asked_for(self._headers), self._payload)
        self.sent_ns = clock.now()
        self._connection.send(request)
        while not self.status:
            self._feed()
            if self.ending:
                raise ConnectionResetError("the server closed the connection without a response")

    def _feed(self) -> None:
        assert self._connection
        assert self._parser
        if data := self._connection.receive():
            self._fruitless += len(data)
            if not self.status and _is_http_2(data):
                raise ConnectionResetError(NO_HTTP_1)
            self._parser.feed_data(data)
            if self._fruitless > MOST_HEAD_BYTES:
                raise ConnectionResetError(HEAD_TOO_LARGE if not self.status else FRAMING_TOO_LARGE)
        else:
            self._end("complete" if self._body_ends_with_connection else "cut off")

    def _is_redirect(self) -> bool:
        return self.status in REDIRECTS and bool(self._location)

    def _follow(self) -> None:
        assert self._connection
        self._connection.close()
        scheme = "https" if self._origin.tls else "http"
        here = f"{scheme}://{self._origin.authority}{self._path}"
        before = self._origin
        there = self._redirected(here)
        if self._origin is not before:  # Fetch, HTTP-redirect fetch, step 13
            self._headers = [pair for pair in self._headers if pair[0].lower() not in {"authorization", "cookie"}]
        self._path = origin_form(there)
        if self.status in {301, 302, 303} and self._method == "POST":
            self._method, self._payload = "GET", b""  # Fetch, HTTP-redirect fetch, step 12
        self._messages = []

    def _redirected(self, here: str) -> SplitResult:
        """Return where a redirect leads, and have its address; raises StreamFailed when there is no such place."""
        there = _http_address(here, self._location)
        if not there:
            raise StreamFailed(f"redirect to {shown(self._location)}, which is no HTTP address")
        if there.netloc != self._origin.authority or (there.scheme == "https") != bool(self._origin.tls):
            try:
                self._origin = resolve(there.geturl(), Tls(verify=_verifies(self._origin.tls)))
            except CannotJudge:
                raise StreamFailed(f"redirect to {shown(self._location)}, whose host has no address") from None
        return there

    def _complaint(self) -> str:
        if self.status != 200:
            return f"status {self.status}"
        kinds = [value for name, value in self._response_headers if name == "content-type"]
        essence = kinds[-1].partition(";")[0].strip() if kinds else ""
        if essence.lower() != "text/event-stream":
            return f"content type {shown(essence) or 'missing'}, not text/event-stream"
        coding = [value for name, value in self._response_headers if name == "content-encoding"]
        return (
            f"content coding {shown(coding[0])}, which nobody asked for" if coding and coding[0] != "identity" else ""
        )

    # What httptools calls.

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a field of the head; those after the body are nobody's."""
        if self.status:
            return
        key, text = name.decode("latin-1").lower(), value.decode("latin-1")
        self._response_headers.append((key, text))
        if key == "location":
            self._location = text
        elif key in {"transfer-encoding", "content-length"}:
            self._body_ends_with_connection = False

    def on_headers_complete(self) -> None:
        """Take the status; interim responses (1xx) are passed over."""
        assert self._parser
        status = self._parser.get_status_code()
        if status >= 200:
            self.status = status
            if self.record and self._connection:
                self.record.take_head(self._connection.arrived_ns, status, self._response_headers)
        else:
            self._response_headers.clear()

    def on_body(self, body: bytes) -> None:
        """Decode a piece of the body."""
        self._fruitless = 0
        if self.status == 200:
            if self.record and self._connection:
                self.record.take_chunk(self._connection.arrived_ns, body)
            self._messages += self._decoder.feed(body)

    def on_message_complete(self) -> None:
        """Note that the body has ended as HTTP says it should."""
        self._complete = self.status >= 200


def asked_for(headers: Headers) -> list[tuple[str, str]]:
    """Return the request's fields: the given ones, and those of EventSource that they do not replace."""
    given = {name.lower() for name, _ in headers}
    return [*(pair for pair in _ASKED if pair[0].lower() not in given), *headers]


def _http_address(base: str, location: str) -> SplitResult | None:
    try:
        there = urlsplit(urljoin(base, location))
        return there if there.scheme in {"http", "https"} and there.hostname and there.port != 0 else None
    except ValueError:  # no address at all, or a port out of range
        return None


def reason_of(error: BaseException) -> str:
    """Return a short reason, the same for all errors of a kind so that they can be counted."""
    if isinstance(error, ssl.SSLError):
        return _tls_reason(error)
    if isinstance(error, (HttpParserError, HttpParserUpgrade)):
        return "not HTTP/1.1"
    if isinstance(error, (socket.timeout, TimeoutError)):
        return "timed out"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    return str(error) or type(error).__name__


def _tls_reason(error: ssl.SSLError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"TLS: {error.verify_message}"
    if error.reason and "NO_APPLICATION_PROTOCOL" in error.reason:
        return NO_HTTP_1
    return f"TLS: {error.reason or error}"


def shown(text: str) -> str:
    """Return what a server sent, short enough for a reason."""
    return text if len(text) <= MOST_SHOWN else f"{text[:MOST_SHOWN]}…"


def _is_http_2(data: bytes) -> bool:
    """Whether a response begins with a SETTINGS or GOAWAY frame (RFC 9113 section 4.1), as HTTP/1.1 never does."""
    return data[:1] == b"\0" and data[3:4] in {b"\4", b"\7"}


def _verifies(context: ssl.SSLContext | None) -> bool:
    return context is None or context.verify_mode is not ssl.CERT_NONE
