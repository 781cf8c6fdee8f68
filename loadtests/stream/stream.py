"""One event stream on gevent's loop: connect, redirects, response head, events.

    stream = EventStream(origin, "/events", headers)
    stream.open()                       # StreamFailed: no event stream came, and why
    while (messages := stream.read()) is not None:
        for kind, data, last_event_id in messages: ...   # arrived at stream.arrived_ns
    stream.ending                       # "closed" by us, "complete", or how it broke off

Nothing is held back: ``read`` returns as soon as bytes complete an event, unlike a reader of fixed blocks.
An event's arrival is that of the bytes that complete it. Redirects are followed as EventSource does (301,
302, 303, 307, 308, and no more than Fetch's twenty); every response but a 200 of type ``text/event-stream``
fails the connection (WHATWG HTML, "Server-sent events", the EventSource constructor's step 15).

Whatever a server sends, nothing but StreamFailed comes out of here, and no more is held of it than ``head``, ``body``
and the decoder bound: heads, trailers and chunk extensions without end are given up.

Once it is open, ``reader`` reads a stream by callbacks; ``read`` here is for what has to wait for its first event.
"""

from __future__ import annotations

import json
import ssl
from functools import lru_cache
from typing import Final, Protocol
from urllib.parse import SplitResult, urljoin, urlsplit

import gevent
from gevent import socket
from httptools import HttpParserError

from ssegauge.conformance.errors import CannotJudge
from ssegauge.conformance.sse import FastDecoder, Message
from ssegauge.conformance.target import Tls
from ssegauge.loadtests.stream import clock
from ssegauge.loadtests.stream.body import COMPLETE, UNFRAMED, Body, framed
from ssegauge.loadtests.stream.connection import Connection, Headers, Origin, origin_form, request_bytes, resolve
from ssegauge.loadtests.stream.head import NO_HTTP_1, NOT_HTTP, Head, whole
from ssegauge.loadtests.stream.retry_after import Wait, wait_of

REDIRECTS: Final = {301, 302, 303, 307, 308}
MOST_REDIRECTS: Final = 20
CODINGS: Final = frozenset({"gzip", "x-gzip", "deflate", "br", "zstd", "compress", "x-compress", "dcb", "dcz"})
MOST_SHOWN: Final = 80  # characters of what a server sent, in a reason
NO_HEAD: Final = Head()
_ASKED: Final = (("Accept", "text/event-stream"), ("Cache-Control", "no-store"), ("Accept-Encoding", "identity"))


class StreamFailed(Exception):  # noqa: N818 - the outcome of an attempt, not a mistake
    """No event stream came of a connection attempt; the message is a short reason.

    ``status`` is that of the response, 0 where there was none; ``wait`` is for how long the server wants to be left
    alone, None where it did not say.
    """

    def __init__(self, reason: str, status: int = 0, wait: Wait | None = None) -> None:
        super().__init__(reason)
        self.status, self.wait = status, wait

    @property
    def retry_after_s(self) -> float:
        """Return how long to leave the server alone, at least."""
        return self.wait.kept_s if self.wait else 0.0


class Recorder(Protocol):
    """Takes what arrives, with the ns of its arrival."""

    @property
    def is_full(self) -> bool:
        """Whether it keeps nothing more of the body."""

    def take_head(self, arrived_ns: int, status: int, headers: list[tuple[str, str]]) -> None:
        """Take a response head."""

    def take_chunk(self, arrived_ns: int, data: bytes) -> None:
        """Take a piece of the body of an event stream."""

    def stop(self, at_ns: int) -> None:
        """Keep nothing of what comes from now on."""


class EventStream:
    """An event stream that is being opened; see the module for its use.

    Attributes:
        started_ns: just before the TCP connect; sent_ns: just before the request.
        head_ns: when the response head had arrived; date: its Date field.
        arrived_ns: when the last read's bytes arrived.
        body_bytes: how many have come of the body.
        delay_ns: how long they then waited for us; -1 when unknown.
        ending: why ``read`` returned None; empty before.
        record: who takes the heads and the body, when set before ``open``.
    """

    __slots__ = (
        "_body",
        "_connection",
        "_decoder",
        "_head",
        "_headers",
        "_led",
        "_messages",
        "_method",
        "_origin",
        "_path",
        "_payload",
        "arrived_ns",
        "body_bytes",
        "date",
        "delay_ns",
        "ending",
        "head_ns",
        "record",
        "sent_ns",
        "started_ns",
    )

    def __init__(
        self, origin: Origin, path: str, headers: Headers = (), method: str = "GET", payload: bytes = b""
    ) -> None:
        self._origin, self._path, self._method, self._payload = origin, path, method, payload
        self._headers = headers
        self._connection: Connection | None = None
        self._head = NO_HEAD
        self._body: Body = UNFRAMED
        self._decoder = FastDecoder()
        self._messages: list[Message] = []
        self.started_ns = self.sent_ns = self.head_ns = self.arrived_ns = 0
        self.delay_ns = -1
        self.body_bytes = 0
        self.date = self.ending = ""
        self._led = ""  # where a redirect has
        self.record: Recorder | None = None

    def open(self, timeout: float | None = None) -> None:
        """Connect and read the response head, in ``timeout`` seconds at most.

        Raises StreamFailed with a short reason.
        """
        self.started_ns = clock.now()
        try:
            with gevent.Timeout(timeout, TimeoutError()):
                self._open()
        except (OSError, HttpParserError) as error:
            self.close()
            raise StreamFailed(self._led + reason_of(error)) from None
        except BaseException:
            self.close()
            raise
        self.head_ns = self.arrived_ns
        self.date = self._head.field("date")

    def read(self) -> list[Message] | None:
        """Return the events that the next bytes complete (perhaps none), or None after the stream's end."""
        if self._messages:  # they came with the head
            return self._taken()
        if why := self.ending or self._body.ending:
            self._end(why)
            return None
        assert self._connection
        try:
            if data := self._receive(self._connection):
                self._take(data)
            else:
                self._end(ended_by_connection(self._body))
        except (OSError, HttpParserError) as error:
            self._end(reason_of(error))
        return self._outcome()

    def close(self) -> None:
        """Close."""
        self._end("closed")
        if self._connection:
            self._connection.close()

    def handed_over(self) -> tuple[Connection, Body, FastDecoder, list[Message]]:
        """Give away the connection, what takes the body apart, and the events that have come."""
        assert self._connection
        return self._connection, self._body, self._decoder, self._taken()

    def _open(self) -> None:
        for _ in range(MOST_REDIRECTS + 1):
            rest = self._request()
            if not (self._head.status in REDIRECTS and self._head.field("location")):
                break
            self._follow(self._head.field("location"))
        else:
            raise StreamFailed(f"more than {MOST_REDIRECTS} redirects")
        if complaint := self._complaint():
            head = self._head
            wait = wait_of(head.field("retry-after"), head.field("date"), self.arrived_ns / 1e9)
            raise StreamFailed(self._led + complaint + _said(rest), head.status, wait)
        self._body = framed(self._head.fields)
        self._take(rest)

    def _outcome(self) -> list[Message] | None:
        return self._taken() if self._messages or not self.ending else None

    def _end(self, why: str) -> None:
        self.ending = self.ending or why

    def _taken(self) -> list[Message]:
        messages, self._messages = self._messages, []
        return messages

    def _request(self) -> bytes:
        """Send the request and read the head of the response; return what came with it."""
        self._connection = Connection(self._origin)
        request = request_bytes(self._method, self._path, self._origin, asked_for(self._headers), self._payload)
        self.sent_ns = clock.now()
        self._connection.send(request)
        rest = self._receive_head(self._connection)
        if self.record:
            self.record.take_head(self.arrived_ns, self._head.status, self._head.fields)
        return rest

    def _receive_head(self, connection: Connection) -> bytes:
        """Read a response head; return what came with it."""
        data = self._receive(connection)
        if known := whole(data):
            self._head, rest = known
            return rest
        self._head = Head()
        while data:
            if (rest_of_it := self._head.take(data)) is not None:
                return rest_of_it
            data = self._receive(connection)
        raise ConnectionResetError("the server closed the connection without a response")

    def _receive(self, connection: Connection) -> bytes:
        data = connection.receive()
        self.arrived_ns, self.delay_ns = connection.arrived_ns, connection.delay_ns
        return data

    def _take(self, data: bytes) -> None:
        if body := self._body.take(data):
            self.body_bytes += len(body)
            if self.record:
                self.record.take_chunk(self.arrived_ns, body)
            self._messages += self._decoder.feed(body)

    def _follow(self, location: str) -> None:
        assert self._connection
        self._connection.close()
        scheme = "https" if self._origin.tls else "http"
        before = self._origin
        there = self._redirected(f"{scheme}://{self._origin.authority}{self._path}", location)
        self._led = f"redirected to {shown(there._replace(query='', fragment='').geturl())}: "
        if self._origin is not before:  # Fetch, HTTP-redirect fetch, step 13
            self._headers = [pair for pair in self._headers if pair[0].lower() not in {"authorization", "cookie"}]
        self._path = origin_form(there)
        if self._head.status in {301, 302, 303} and self._method == "POST":
            self._method, self._payload = "GET", b""  # Fetch, HTTP-redirect fetch, step 12

    def _redirected(self, here: str, location: str) -> SplitResult:
        """Return where a redirect leads, and have its address; raises StreamFailed when there is no such place."""
        there = _http_address(here, location)
        if not there:
            raise StreamFailed(f"redirect to {shown(location)}, which is no HTTP address")
        if there.netloc != self._origin.authority or (there.scheme == "https") != bool(self._origin.tls):
            try:
                self._origin = resolve(there.geturl(), Tls(verify=_verifies(self._origin.tls)))
            except CannotJudge:
                raise StreamFailed(f"redirect to {shown(location)}, whose host has no address") from None
        return there

    def _complaint(self) -> str:
        if self._head.status != 200:
            return f"status {self._head.status}"
        essence = self._head.field("content-type").partition(";")[0].strip()
        if essence.lower() != "text/event-stream":
            return f"content type {shown(essence) or 'missing'}, not text/event-stream"
        values = (value for name, value in self._head.fields if name == "content-encoding")
        coding = next((value for value in values if any(map(_is_coding, value.split(",")))), "")
        wanted = " ".join(value for name, value in self._headers if name.lower() == "accept-encoding").lower()
        asked = any(name.strip().lower() in wanted for name in coding.split(","))
        who = "Accept-Encoding asks for" if asked else "nobody asked for"
        return f"content coding {shown(coding)}, which {who}" if coding else ""


def _is_coding(name: str) -> bool:
    """Whether a body is coded by this; browsers leave one as it is whose coding they do not know (`none`, `utf-8`)."""
    return name.strip().lower() in CODINGS


def ended_by_connection(body: Body) -> str:
    """Return how a stream ended whose connection did."""
    return body.ending or (COMPLETE if body.ends_with_connection else "cut off")


def asked_for(headers: Headers) -> tuple[tuple[str, str], ...]:
    """Return the request's fields: the given ones, and those of EventSource that they do not replace."""
    return _asked_for(tuple(headers))


@lru_cache(maxsize=64)  # most streams of a run ask for the same
def _asked_for(headers: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
    given = {name.lower() for name, _ in headers}
    return *(pair for pair in _ASKED if pair[0].lower() not in given), *headers


def _http_address(base: str, location: str) -> SplitResult | None:
    try:
        there = urlsplit(urljoin(base, location))
        return there if there.scheme in {"http", "https"} and there.hostname and there.port != 0 else None
    except ValueError:  # no address at all, or a port out of range
        return None


def _said(body: bytes) -> str:
    """Return what a refusal says, where it came with the head as JSON with an error's message; else nothing."""
    try:
        error = json.loads(body)["error"]
        message = error["message"] if isinstance(error, dict) else error
    except (ValueError, TypeError, LookupError, RecursionError):
        return ""
    return f": {shown(' '.join(message.split()))}" if isinstance(message, str) and message.strip() else ""


def reason_of(error: BaseException) -> str:
    """Return a short reason, the same for all errors of a kind so that they can be counted."""
    if isinstance(error, ssl.SSLError):
        return _tls_reason(error)
    if isinstance(error, HttpParserError):
        return NOT_HTTP
    if isinstance(error, TimeoutError) and not error.errno:
        return str(error) or "timed out"
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


def _verifies(context: ssl.SSLContext | None) -> bool:
    return context is None or context.verify_mode is not ssl.CERT_NONE
