"""A stream on a plain socket of its own, for what no HTTP library lets us do: leave by RST, or stop reading.

A library's clean-up must not stand between us and the way a connection ends, nor its buffers between a server and a
reader that does not read.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import json
import re
import socket
import struct
from typing import Self
from urllib.parse import urlsplit

from ssegauge.conformance.recording.machine import address
from ssegauge.conformance.recording.server import ssl_context
from ssegauge.conformance.recording.transcript import How, Request
from ssegauge.conformance.target import Target, merge_headers

RESET = struct.pack("ii", 1, 0)  # SO_LINGER: on, 0 s; closing sends RST
MOST_SAID = 64 << 10
SO_ATTACH_FILTER = 26  # asm-generic/socket.h; the socket module does not name it
DROP = struct.pack("HBBI", 0x06, 0, 0, 0)  # struct sock_filter: BPF_RET of 0 bytes
# Set before connecting: they bound the window we offer, and with small segments also what the kernel holds for a
# server that goes on sending (on loopback about 100 kB, where the usual sizes take 3 MB).
SMALL_WINDOW, SMALL_SEGMENT = 4096, 536


class Reader:
    """One request for a stream. ``opened`` tells whether it was answered 200."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, sock: socket.socket) -> None:
        self._reader, self._writer = reader, writer
        self._socket = sock  # TLS forgets it when the server has closed the connection
        self.port: int = writer.get_extra_info("sockname")[1]
        self.opened = False

    @classmethod
    async def open(
        cls, target: Target, task_id: str, *, wait_s: float | None = None, small_window: bool = False
    ) -> Self:
        """Ask for the stream and, with ``wait_s``, wait so long for its status line; raises OSError."""
        host, port = address(target)
        connected = await _connect(host, port, small_window=small_window)
        secure = ssl_context(target) if target.base_url.startswith("https") else None
        # A limit of one byte: asyncio stops reading from the socket as soon as nobody takes what was read.
        made = await asyncio.open_connection(
            sock=connected, ssl=secure, server_hostname=host if secure else None, limit=1 if small_window else 2**16
        )
        one = cls(*made, connected)
        one._writer.write(_request(target, task_id))
        if wait_s is not None:
            with contextlib.suppress(TimeoutError, ValueError, asyncio.IncompleteReadError):
                async with asyncio.timeout(wait_s):
                    line = await one._reader.read(16)
                one.opened = re.match(rb"HTTP/\d\.\d 200", line) is not None
        return one

    def vanish(self) -> None:
        """Hear nothing any more, and answer nothing: not even that a segment came."""
        instruction = ctypes.create_string_buffer(DROP)
        program = struct.pack("HP", 1, ctypes.addressof(instruction))  # struct sock_fprog of linux/filter.h
        self._socket.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, program)

    async def leave(self, how: str) -> None:
        """Go away: ``fin`` or ``rst``."""
        if how == "rst":
            with contextlib.suppress(OSError):  # closed by now
                self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            self._writer.transport.abort()
        self._writer.close()
        with contextlib.suppress(OSError):
            await self._writer.wait_closed()


async def _connect(host: str, port: int, *, small_window: bool) -> socket.socket:
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    failed: OSError | None = None
    for family, kind, protocol, _, place in found:
        sock = socket.socket(family, kind, protocol)
        sock.setblocking(False)
        try:
            if small_window:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL_WINDOW)
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, SMALL_SEGMENT)
            await loop.sock_connect(sock, place)
        except OSError as error:
            failed = error
            sock.close()
        else:
            return sock
    raise failed or OSError(f"{host}: no address")


async def ask_in_http10(target: Target, task_id: str, wait_s: float) -> bytes:
    """Ask for the stream as a client of HTTP/1.0 does; return the answer's head, or nothing without one in time."""
    try:
        async with asyncio.timeout(wait_s):
            reader, writer = await _connected(target)
    except OSError:  # a timeout is one
        return b""
    try:
        writer.write(_request(target, task_id, "HTTP/1.0"))
        async with asyncio.timeout(wait_s):
            return await reader.readuntil(b"\r\n\r\n")
    except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
        return b""
    finally:
        writer.transport.abort()


async def converse(target: Target, request: Request, fields: bytes, body: bytes, wait_s: float) -> tuple[bytes, How]:
    """Send a request with header fields and a body as they are; return what came, and how it ended.

    Waits for the head, and of a refusal for its body, so far as it comes in the same time and is not long.
    """
    said = b""
    try:
        async with asyncio.timeout(wait_s):
            reader, writer = await _connected(target)
            try:
                writer.write(_head(request, fields, body) + body)
                while not _is_enough(said) and (piece := await reader.read(1 << 16)):
                    said += piece
            finally:
                writer.transport.abort()
    except TimeoutError:
        return said, "timeout"
    except OSError:
        return said, "error"
    return said, "eof"


def _is_enough(said: bytes) -> bool:
    """Whether an answer needs no more to be judged: a refusal's body tells what is shown of the server's inside."""
    head, whole, body = said.partition(b"\r\n\r\n")
    refused = re.match(rb"HTTP/\d\.\d [45]", head) is not None
    return len(said) > MOST_SAID or (bool(whole) and (not refused or _is_whole(head, body)))


def _is_whole(head: bytes, body: bytes) -> bool:
    length = re.search(rb"(?i)\r\ncontent-length: *(\d{1,9})", head)
    return len(body) >= int(length[1]) if length else body.endswith(b"0\r\n\r\n")


async def _connected(target: Target) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    host, port = address(target)
    secure = ssl_context(target) if target.base_url.startswith("https") else None
    return await asyncio.open_connection(host, port, ssl=secure)


def _head(request: Request, fields: bytes, body: bytes) -> bytes:
    url = urlsplit(request.url)
    path = (url.path or "/") + (f"?{url.query}" if url.query else "")
    framed = re.search(rb"(?i)transfer-encoding|content-length", fields)
    if body and not framed:
        fields += b"Content-Length: %d\r\n" % len(body)
    usual = {"Host": url.netloc.rpartition("@")[2], "Accept": "text/event-stream", "Connection": "close"}
    lines = [f"{name}: {value}\r\n" for name, value in merge_headers(usual, dict(request.headers))]
    return f"{request.method} {path} HTTP/1.1\r\n{''.join(lines)}".encode() + fields + b"\r\n"


def _request(target: Target, task_id: str, version: str = "HTTP/1.1") -> bytes:
    stream = target.stream
    url = urlsplit(target.url(stream.path, task_id=task_id))
    path = (url.path or "/") + (f"?{url.query}" if url.query else "")
    body = b"" if stream.json is None else json.dumps(stream.json).replace("{task_id}", task_id).encode()
    framing = {"Content-Type": "application/json", "Content-Length": str(len(body))} if body else {}
    host = url.netloc.rpartition("@")[2]
    fields = merge_headers({"Host": host, "Accept": "text/event-stream", **framing}, target.headers, stream.headers)
    lines = [f"{stream.method} {path} {version}", *(f"{name}: {value}" for name, value in fields)]
    return "\r\n".join([*lines, "", ""]).encode() + body
