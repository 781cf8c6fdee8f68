"""A bare sender of events that knows when it sent them: the truth that ``calibrate`` holds the generator against.

    python -m ssegauge.loadtests.scale.sender STREAMS RATE QUIET_S EVENTS

It says its URL in a line, waits until so many streams are open and then for ``QUIET_S`` more, and sends each the same
event RATE times a second, EVENTS times, so that all that was sent can be received. Then it says its ``Truth`` as JSON,
and keeps the streams open until it is ended. One thread and the standard library
alone, so that it takes little of what is measured beside it.
"""

from __future__ import annotations

import contextlib
import json
import resource
import selectors
import socket
import statistics
import sys
import time
from array import array
from dataclasses import asdict, dataclass
from typing import Final

HEAD: Final = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-store\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n"
)
HELLO: Final = b'data: {"type":"connected"}\n\n'
TEXT: Final = "x" * 100
BACKLOG: Final = 4096
LOOK_S: Final = 0.05
PATIENCE_S: Final = 120.0


@dataclass(frozen=True, slots=True)
class Truth:
    """What was sent: how many events, and percentiles (ms) of the time from their stamps to just before each send."""

    sent: int
    p50_ms: float
    p99_ms: float


class Sender:
    """See the module."""

    def __init__(self, streams: int) -> None:
        self._wanted = streams
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=BACKLOG)
        self._listener.setblocking(False)
        self._waiting = selectors.DefaultSelector()
        self._waiting.register(self._listener, selectors.EVENT_READ)
        self._open: list[socket.socket] = []
        self._delays_ms = array("d")

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}/events"

    def admit(self) -> None:
        """Return when all streams are open; raises TimeoutError when that takes too long."""
        give_up = time.monotonic() + PATIENCE_S
        while len(self._open) < self._wanted:
            if time.monotonic() > give_up:
                raise TimeoutError
            for key, _ in self._waiting.select(LOOK_S):
                if key.fileobj is self._listener:
                    self._accept()
                else:
                    self._answer(key.fileobj)

    def send(self, rate: float, events: int) -> None:
        """Send so many events at a rate, to those who have not left."""
        due = time.monotonic()
        for number in range(1, events + 1):
            made_ms = int(time.time() * 1000)
            self._send_all(event(number, made_ms), made_ms)
            due += 1 / rate
            time.sleep(max(0.0, due - time.monotonic()))

    def truth(self) -> Truth:
        """Return what was sent."""
        if len(self._delays_ms) < 2:
            return Truth(len(self._delays_ms), 0.0, 0.0)
        parts = statistics.quantiles(self._delays_ms, n=100, method="inclusive")
        return Truth(len(self._delays_ms), parts[49], parts[98])

    def close(self) -> None:
        """Listen no more."""
        self._waiting.close()
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while True:
                connection, _ = self._listener.accept()
                connection.setblocking(False)
                self._waiting.register(connection, selectors.EVENT_READ)

    def _answer(self, connection: object) -> None:
        assert isinstance(connection, socket.socket)
        self._waiting.unregister(connection)
        with contextlib.suppress(OSError):
            if connection.recv(65536):  # a request comes in one piece here
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                connection.send(HEAD + chunk(HELLO))
                self._open.append(connection)
                return
        connection.close()

    def _send_all(self, data: bytes, made_ms: int) -> None:
        gone = []
        for connection in self._open:
            before_ms = time.time_ns() / 1e6 - made_ms
            try:
                connection.send(data)
                self._delays_ms.append(before_ms)
            except OSError:
                gone.append(connection)
        for connection in gone:
            connection.close()
            self._open.remove(connection)


def event(number: int, made_ms: int) -> bytes:
    """Return an event as servers send them: an id, a type, a time stamp, and some text, in a chunk of its own."""
    data = f'{{"type":"progress","timestamp":{made_ms},"number":{number},"text":"{TEXT}"}}'
    return chunk(f"id: {number}\ndata: {data}\n\n".encode())


def chunk(data: bytes) -> bytes:
    """Return data as a chunk (RFC 9112 section 7.1)."""
    return b"%x\r\n%s\r\n" % (len(data), data)


def main() -> None:
    """Do what the module says."""
    streams, rate, quiet_s, events = int(sys.argv[1]), float(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4])
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    sender = Sender(streams)
    print(sender.url, flush=True)
    sender.admit()
    time.sleep(quiet_s)
    sender.send(rate, events)
    print(json.dumps(asdict(sender.truth())), flush=True)
    time.sleep(PATIENCE_S)
    sender.close()


if __name__ == "__main__":
    main()
