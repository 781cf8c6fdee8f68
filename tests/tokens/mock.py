"""A server of chat completions that knows when it sent: ``python -m tests.tokens.mock NOTES [NAME=VALUE ...]``.

It prints its address, answers every POST with ``tokens`` tokens, the first ``first`` seconds after the request and then
one each ``pace`` seconds, with a stall of ``stall`` seconds before the middle one; every GET likewise, without an end.
When it is told to end (SIGTERM) it writes to NOTES, for each answer, when the request was read, and for each token when
it was due, just before its ``send`` and just after: nanoseconds of the real-time clock, as a kernel's stamps are. The
kernel stamps what arrives over loopback within ``send``, so a stamp outside of these two is wrong; what lies between
due and ``send`` is this server's own delay.

One process, one loop, no thread: what it notes waits for no other thread of its own.
"""

import heapq
import json
import select
import signal
import socket
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

HEAD = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-store, no-transform\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n"
)
NOT_FOUND = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"
SAME = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1_764_000_000, "model": "mock"}


@dataclass
class Settings:
    """Seconds, except for the number of tokens."""

    tokens: float = 500
    first: float = 0.5
    pace: float = 0.02
    stall: float = 0.0


@dataclass
class Answer:
    """What is noted of one; ``sent`` has (due, before, after) of each token."""

    read_ns: int
    endless: bool
    sent: list[tuple[int, int, int]] = field(default_factory=list)


class Mock:
    """All connections, and what is due on them."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._due: list[tuple[int, int]] = []
        self._sockets: dict[int, socket.socket] = {}
        self._asked: dict[int, bytes] = {}
        self._now: dict[int, Answer] = {}
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
        self._listener.setblocking(False)
        self._poll = select.epoll()
        self._poll.register(self._listener, select.EPOLLIN)
        self.answers: list[Answer] = []
        self.address = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._events = [chunk(event({"content": f"w{n} "})) for n in range(1000)]

    def run(self) -> None:
        """Serve until SIGTERM interrupts it."""
        while True:
            wait_s = max(0.0, (self._due[0][0] - time.time_ns()) / 1e9) if self._due else None
            # `epoll` waits whole milliseconds; `select` on its descriptor does not.
            select.select([self._poll], [], [], wait_s)
            for descriptor, _ in self._poll.poll(0):
                self._read(descriptor)
            while self._due and self._due[0][0] <= time.time_ns():
                self._send(*heapq.heappop(self._due))

    def _read(self, descriptor: int) -> None:
        if descriptor == self._listener.fileno():
            with suppress(BlockingIOError):
                while True:
                    self._accept(self._listener.accept()[0])
        else:
            self._hear(descriptor)

    def _accept(self, connection: socket.socket) -> None:
        connection.setblocking(False)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._sockets[connection.fileno()] = connection
        self._asked[connection.fileno()] = b""
        self._poll.register(connection, select.EPOLLIN)

    def _hear(self, descriptor: int) -> None:
        try:
            data = self._sockets[descriptor].recv(65536)
        except OSError:
            data = b""
        if not data:
            self._close(descriptor)
            return
        self._asked[descriptor] += data
        head, _, body = self._asked[descriptor].partition(b"\r\n\r\n")
        lengths = (line[15:] for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        if b"\r\n\r\n" in self._asked[descriptor] and len(body) >= int(next(lengths, b"0")):
            self._asked[descriptor] = b""
            self._answer(descriptor, head.split(b" ", 2))

    def _answer(self, descriptor: int, line: list[bytes]) -> None:
        if line[1] not in {b"/v1/chat/completions", b"/events"}:
            self._sockets[descriptor].send(NOT_FOUND)
            return
        answer = self._now[descriptor] = Answer(time.time_ns(), line[0] == b"GET")
        self.answers.append(answer)
        with suppress(OSError):
            self._sockets[descriptor].send(HEAD + chunk(event({"role": "assistant", "content": ""})))
        heapq.heappush(self._due, (answer.read_ns + round(self._settings.first * 1e9), descriptor))

    def _send(self, due_ns: int, descriptor: int) -> None:
        answer = self._now.get(descriptor)
        if answer is None:
            return
        number = len(answer.sent)
        try:
            before_ns = time.time_ns()
            self._sockets[descriptor].send(self._events[number % 1000])
            answer.sent.append((due_ns, before_ns, time.time_ns()))
        except OSError:
            self._close(descriptor)
            return
        if number + 1 >= self._settings.tokens and not answer.endless:
            self._end(descriptor)
            return
        stall = self._settings.stall if number + 1 == self._settings.tokens // 2 else 0
        heapq.heappush(self._due, (due_ns + round((self._settings.pace + stall) * 1e9), descriptor))

    def _end(self, descriptor: int) -> None:
        tokens = round(self._settings.tokens)
        usage = {"prompt_tokens": 9, "completion_tokens": tokens, "total_tokens": 9 + tokens}
        said = event({}, "stop") + data({**SAME, "choices": [], "usage": usage}) + b"data: [DONE]\n\n"
        self._now.pop(descriptor)
        with suppress(OSError):
            self._sockets[descriptor].send(chunk(said) + b"0\r\n\r\n")

    def _close(self, descriptor: int) -> None:
        self._now.pop(descriptor, None)
        self._asked.pop(descriptor)
        self._poll.unregister(descriptor)
        self._sockets.pop(descriptor).close()


def data(value: object) -> bytes:
    return b"data: " + json.dumps(value).encode() + b"\n\n"


def event(delta: dict[str, str], finish: str | None = None) -> bytes:
    return data({**SAME, "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]})


def chunk(text: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(text), text)


def main(notes: str, *given: str) -> None:
    pairs = (one.split("=") for one in given)
    mock = Mock(Settings(**{name: float(value) for name, value in pairs}))
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    print(mock.address, flush=True)
    with suppress(KeyboardInterrupt):
        mock.run()
    Path(notes).write_text(json.dumps([{"read_ns": one.read_ns, "sent": one.sent} for one in mock.answers]))


if __name__ == "__main__":
    main(*sys.argv[1:])
