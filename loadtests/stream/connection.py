"""Bytes to and from one server over one gevent TCP connection, plain or TLS, with arrival stamps.

``Origin`` is where to connect, looked up once so that no name lookup is timed. ``Connection.receive``
returns what has arrived and sets ``arrived_ns`` (the kernel's stamp, see ``clock``), and ``delay_ns``: how
long the bytes then waited for us, -1 when the kernel gave no stamp. TLS runs over memory buffers because
``SSLSocket`` has no ``recvmsg``; the stamp is that of the ciphertext.

Errors are ``OSError`` (``ssl.SSLError`` is one, gevent's ``socket.timeout`` too).
"""

from __future__ import annotations

import contextlib
import ssl
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import SplitResult, urlsplit

import gevent
from gevent import socket

from ssegauge.conformance.errors import CannotJudge
from ssegauge.conformance.target import Call, Target, Tls, merge_headers
from ssegauge.loadtests.stream import clock

RECEIVE_BYTES: Final = 16_384
READ: Final = 1  # libev's EV_READ
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


def resolve(url: str, tls: Tls) -> Origin:
    """Look the URL's host up; raises CannotJudge when there is no such host."""
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except (OSError, UnicodeError) as error:  # a label that is too long is no UTF-8 mistake, but Python says so
        raise CannotJudge(f"{url}: no address for host {host!r} ({error}); check the name") from None
    context = tls_context(tls) if parts.scheme == "https" else None
    return Origin(host, port, parts.netloc.rpartition("@")[2], family, address, context)


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
    lines = [f"{method} {target} HTTP/1.1", f"Host: {origin.authority}"]
    lines += [f"{name}: {value}" for name, value in headers]
    if body or method not in {"GET", "HEAD", "DELETE", "OPTIONS"}:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode("utf-8") + body


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
    """One TCP connection. ``timeout`` (seconds or None) bounds each wait; change it by ``wait_at_most``."""

    __slots__ = ("_readable", "_socket", "_timeout", "_tls", "arrived_ns", "delay_ns")

    def __init__(self, origin: Origin, timeout: float | None = None) -> None:
        self.arrived_ns = 0
        self.delay_ns = -1
        self._timeout = timeout
        self._tls: _TlsLayer | None = None
        self._socket = socket.socket(origin.family, socket.SOCK_STREAM)
        self._readable = gevent.get_hub().loop.io(self._socket.fileno(), READ)
        try:
            self._socket.settimeout(timeout)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            clock.ask(self._socket)
            self._socket.connect(origin.address)
            if origin.tls:
                self._tls = _TlsLayer(origin.tls, origin.host)
                self._handshake(self._tls)
        except BaseException:
            self.close()
            raise

    def wait_at_most(self, timeout: float | None) -> None:
        """Bound every later wait, in seconds."""
        self._timeout = timeout
        self._socket.settimeout(timeout)

    def send(self, data: bytes) -> None:
        """Send everything."""
        self._socket.sendall(self._tls.encrypt(data) if self._tls else data)

    def receive(self) -> bytes:
        """Return the next bytes, b"" at the end of the connection."""
        # Wait first: what was there has most often been read, and asking in vain costs more than asking epoll.
        socket.wait(self._readable, self._timeout)
        data, ancillary, _, _ = self._socket.recvmsg(RECEIVE_BYTES, clock.ANCILLARY_BYTES)
        read_ns = clock.now()
        arrived_ns = clock.stamp(ancillary)
        self.arrived_ns = arrived_ns or read_ns
        self.delay_ns = read_ns - arrived_ns if arrived_ns else -1
        return self._decrypted(data) if self._tls and data else data

    def is_stale(self) -> bool:
        """Whether an idle connection can no longer be used: the peer closed it, or sent what nobody asked for."""
        try:
            self._socket._sock.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
        except BlockingIOError:
            return False
        except OSError:
            return True
        return True

    def hang_up(self) -> None:
        """End both directions, which wakes up whoever waits in ``receive``."""
        with contextlib.suppress(OSError):  # the peer was first
            self._socket.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Close the socket."""
        self._readable.stop()
        self._readable.close()
        self._socket.close()

    def _decrypted(self, data: bytes) -> bytes:
        assert self._tls
        while True:  # a record may need several reads; b"" would mean the end
            if plain := self._tls.decrypt(data):
                return plain
            if self._tls.closed or not (data := self._socket.recv(RECEIVE_BYTES)):
                return b""

    def _handshake(self, tls: _TlsLayer) -> None:
        while not tls.handshake():
            if reply := tls.pending():
                self._socket.sendall(reply)
            data = self._socket.recv(RECEIVE_BYTES)
            if not data:
                raise ssl.SSLError("the server closed the connection during the TLS handshake")
            tls.accept(data)
        self._socket.sendall(tls.pending())


class _TlsLayer:
    """TLS without a socket."""

    __slots__ = ("_incoming", "_object", "_outgoing", "closed")

    def __init__(self, context: ssl.SSLContext, host: str) -> None:
        self.closed = False
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._object = context.wrap_bio(self._incoming, self._outgoing, server_hostname=host)

    def handshake(self) -> bool:
        """Go as far as the bytes so far allow; return whether it is done."""
        try:
            self._object.do_handshake()
        except ssl.SSLWantReadError:
            return False
        return True

    def accept(self, data: bytes) -> None:
        self._incoming.write(data)

    def pending(self) -> bytes:
        return self._outgoing.read()

    def encrypt(self, data: bytes) -> bytes:
        self._object.write(data)
        return self._outgoing.read()

    def decrypt(self, data: bytes) -> bytes:
        self._incoming.write(data)
        plain = b""
        try:
            while part := self._object.read(RECEIVE_BYTES):
                plain += part
        except ssl.SSLWantReadError:
            return plain
        except ssl.SSLZeroReturnError:
            pass
        self.closed = True
        return plain
