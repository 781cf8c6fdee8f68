"""Bytes to and from one server over one TCP connection on gevent's loop, plain or TLS, with arrival stamps.

``Origin`` is where to connect, looked up once so that no name lookup is timed. ``Connection.receive``
returns what has arrived and sets ``arrived_ns`` (the kernel's stamp, see ``clock``), and ``delay_ns``: how
long the bytes then waited for us, -1 when the kernel gave no stamp.

Errors are ``OSError`` (``ssl.SSLError`` is one, gevent's ``socket.timeout`` too).
"""

from __future__ import annotations

import _socket
import errno
import itertools
import os
import ssl
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final
from urllib.parse import SplitResult, urlsplit

import gevent
from gevent import socket

from ssegauge.conformance.errors import CannotJudge
from ssegauge.conformance.target import Call, Target, Tls, merge_headers
from ssegauge.loadtests.stream import clock
from ssegauge.loadtests.stream.poll import READ, WRITE, poll
from ssegauge.loadtests.stream.tls import TlsLayer

RECEIVE_BYTES: Final = 16_384
BIND_ADDRESS_NO_PORT: Final = 24  # linux/in.h: the port is chosen as it connects, and may serve several servers
NO_CONNECTION: Final = "the connection timed out"
NO_HANDSHAKE: Final = "the TLS handshake timed out"
Headers = Collection[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Origin:
    """A server's address: what to connect to and how to name it."""

    host: str
    port: int
    authority: str  # as the Host field names it
    family: int
    address: tuple[Any, ...]
    tls: ssl.SSLContext | None = None
    sources: Iterator[str] | None = None  # addresses to come from, in turn; without any the kernel chooses


def resolve(url: str, tls: Tls, sources: Sequence[str] = ()) -> Origin:
    """Look the URL's host up; raises CannotJudge when there is no such host.

    Connections come from the addresses ``sources`` of this machine, in turn.
    """
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except (OSError, UnicodeError) as error:  # a label that is too long is no UTF-8 mistake, but Python says so
        raise CannotJudge(f"{url}: no address for host {host!r} ({error}); check the name") from None
    context = tls_context(tls) if parts.scheme == "https" else None
    turns = itertools.cycle(sources) if sources else None
    return Origin(host, port, parts.netloc.rpartition("@")[2], family, address, context, turns)


def tls_context(tls: Tls) -> ssl.SSLContext:
    """Return the client's trust; raises CannotJudge when the authority's file cannot be used."""
    try:
        context = ssl.create_default_context(cafile=tls.ca_file)
    except (OSError, ssl.SSLError) as error:
        raise CannotJudge(f"tls.ca_file {tls.ca_file}: not usable ({error})") from None
    context.set_alpn_protocols(["http/1.1"])  # else a server that can choose may choose HTTP/2
    if not tls.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def request_bytes(method: str, target: str, origin: Origin, headers: Headers, body: bytes = b"") -> bytes:
    """Return an HTTP/1.1 request (RFC 9112); ``target`` is the path with its query."""
    return _request_head(method, target, origin.authority, tuple(headers), len(body)) + body


@lru_cache(maxsize=64)  # most streams of a run ask for the same
def _request_head(method: str, target: str, authority: str, headers: tuple[tuple[str, str], ...], length: int) -> bytes:
    lines = [f"{method} {target} HTTP/1.1", f"Host: {authority}"]
    lines += [f"{name}: {value}" for name, value in headers]
    if length or method not in {"GET", "HEAD", "DELETE", "OPTIONS"}:
        lines.append(f"Content-Length: {length}")
    return "\r\n".join([*lines, "", ""]).encode("utf-8")


def stream_headers(target: Target, stream: Call) -> Headers:
    """Return the header fields that the target wants on its stream; ``stream`` is its request, filled in."""
    typed = {"Content-Type": "application/json"} if stream.json is not None else {}
    return merge_headers({"User-Agent": "ssegauge", **typed}, target.headers, stream.headers)


def path_of(target: Target, path: str, **values: str) -> str:
    """Return the request target of one of the target's paths."""
    return origin_form(urlsplit(target.url(path, **values)))


def origin_form(parts: SplitResult) -> str:
    """Return the path and query of a URL, as RFC 9112 section 3.2.1 wants them in a request."""
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


class Connection:
    """One TCP connection. ``timeout`` (seconds or None) bounds each wait.

    The socket is a plain one that never blocks; this class waits for it on the loop, in the caller's greenlet.
    ``handed_over`` gives it away, to be read by callbacks.
    """

    __slots__ = ("_poll", "_socket", "_timeout", "_tls", "arrived_ns", "delay_ns")

    def __init__(self, origin: Origin, timeout: float | None = None) -> None:
        self.arrived_ns = 0
        self.delay_ns = -1
        self._timeout = timeout
        self._tls: TlsLayer | None = None
        self._socket: Any = _socket.socket(origin.family, _socket.SOCK_STREAM | _socket.SOCK_NONBLOCK)
        self._poll = poll()
        try:
            self._socket.setsockopt(_socket.IPPROTO_TCP, _socket.TCP_NODELAY, 1)
            clock.ask(self._socket)
            if origin.sources:
                self._socket.setsockopt(_socket.IPPROTO_IP, BIND_ADDRESS_NO_PORT, 1)
                self._socket.bind((next(origin.sources), 0))
            with _timed_out_as(NO_CONNECTION):
                self._connect(origin.address)
            if origin.tls:
                self._tls = TlsLayer(origin.tls, origin.host)
                with _timed_out_as(NO_HANDSHAKE):
                    self._handshake(self._tls)
        except BaseException:
            self.close()
            raise

    def send(self, data: bytes) -> None:
        """Send everything."""
        self._send(self._tls.encrypt(data) if self._tls else data)

    def receive(self) -> bytes:
        """Return the next bytes, b"" at the end of the connection."""
        data = self._received()
        return self._decrypted(data) if self._tls and data else data

    def is_stale(self) -> bool:
        """Whether an idle connection can no longer be used: the peer closed it, or sent what nobody asked for."""
        try:
            self._socket.recv(1, _socket.MSG_PEEK)
        except BlockingIOError:
            return False
        except OSError:
            return True
        return True

    def handed_over(self) -> tuple[Any, TlsLayer | None]:
        """Give away the socket, and its TLS; this object is then closed."""
        whole = self._socket, self._tls
        self._socket = None
        return whole

    def close(self) -> None:
        """Close the socket."""
        if self._socket is not None:
            self._poll.forget(self._socket.fileno())
            self._socket.close()
            self._socket = None

    def _connect(self, address: tuple[Any, ...]) -> None:
        failed = self._socket.connect_ex(address)
        if failed == errno.EINPROGRESS and not self._is_connected():  # it is at once where the server is this machine
            self._wait(WRITE)
            failed = self._socket.getsockopt(_socket.SOL_SOCKET, _socket.SO_ERROR)
        if failed not in {0, errno.EINPROGRESS}:
            raise OSError(failed, os.strerror(failed))

    def _is_connected(self) -> bool:
        try:
            self._socket.getpeername()
        except OSError:
            return False
        return True

    def _send(self, data: bytes) -> None:
        while data:
            try:
                data = data[self._socket.send(data) :]
            except BlockingIOError:
                self._wait(WRITE)

    def _wait(self, event: int) -> None:
        if self._timeout is None:  # and a timer for nothing costs as much as the waiting
            self._poll.wait(self._socket.fileno(), event)
            return
        with gevent.Timeout(self._timeout, TimeoutError()):
            self._poll.wait(self._socket.fileno(), event)

    def _received(self) -> bytes:
        # Wait first: what was there has most often been read, and asking in vain costs more than asking epoll.
        self._wait(READ)
        data, self.arrived_ns, self.delay_ns = receive(self._socket)
        return data

    def _decrypted(self, data: bytes) -> bytes:
        assert self._tls
        while True:  # a record may need several reads; b"" would mean the end
            if plain := self._tls.decrypt(data):
                return plain
            if self._tls.closed or not (data := self._received()):
                return b""

    def _handshake(self, tls: TlsLayer) -> None:
        while not tls.handshake():
            if reply := tls.pending():
                self._send(reply)
            data = self._received()
            if not data:
                raise ssl.SSLError("the server closed the connection during the TLS handshake")
            tls.accept(data)
        self._send(tls.pending())


@contextmanager
def _timed_out_as(what: str) -> Iterator[None]:
    """Have a time-out say what had not come by then."""
    try:
        yield
    except TimeoutError:
        raise TimeoutError(what) from None


def receive(sock: Any) -> tuple[bytes, int, int]:  # noqa: ANN401 - a plain socket, of the module that gevent leaves alone
    """Read what is there: the bytes, when they arrived, and how long they waited for us (ns; -1 if unknown)."""
    data, ancillary, _, _ = sock.recvmsg(RECEIVE_BYTES, clock.ANCILLARY_BYTES)
    read_ns = clock.now()
    if arrived_ns := clock.stamp(ancillary):
        return data, arrived_ns, read_ns - arrived_ns
    return data, read_ns, -1
