"""Small servers in threads, so that a test knows exactly what was sent, and when."""

from __future__ import annotations

import contextlib
import json
import select
import socket
import ssl
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import Empty, Queue
from typing import Any

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
OPEN_HEAD = HEAD + b"Connection: close\r\n\r\n"
PATIENCE = 20.0
Script = Callable[[socket.socket, bytes], None]


@contextlib.contextmanager
def scripted(script: Script, context: ssl.SSLContext | None = None) -> Iterator[str]:
    """Run ``script(connection, request head)`` for each connection; yield the base URL."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=200)
    threads: list[threading.Thread] = []

    def handle(connection: socket.socket) -> None:
        connection.settimeout(PATIENCE)
        with contextlib.suppress(OSError), contextlib.ExitStack() as stack:
            stack.enter_context(connection)
            stream = context.wrap_socket(connection, server_side=True) if context else connection
            stack.enter_context(stream)
            head = b""
            while b"\r\n\r\n" not in head:
                if not (data := stream.recv(65536)):
                    return
                head += data
            script(stream, head)

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listener.accept()
                threads.append(threading.Thread(target=handle, args=(connection,), daemon=True))
                threads[-1].start()

    acceptor = threading.Thread(target=accept, daemon=True)
    acceptor.start()
    try:
        yield f"{'https' if context else 'http'}://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        acceptor.join(PATIENCE)


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


def reply(body: bytes, status: str = "200 OK", fields: bytes = b"") -> bytes:
    head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    return head.encode() + fields + b"\r\n" + body


@dataclass
class StampedSender:
    """Sends events that carry their time stamp, each after a known delay; ``delays_ms`` is the truth."""

    delay_s: float
    every_s: float = 0.1
    delays_ms: list[float] = field(default_factory=list)

    def __call__(self, connection: socket.socket, _: bytes) -> None:
        connection.sendall(OPEN_HEAD + b'data: {"type":"hello"}\n\n')
        while True:
            made_ms = int(time.time() * 1000)
            time.sleep(self.delay_s)
            sent_ms = time.time_ns() / 1e6
            connection.sendall(b'data: {"timestamp":%d}\n\n' % made_ms)
            self.delays_ms.append(sent_ms - made_ms)
            time.sleep(self.every_s)


@dataclass
class Update:
    """An update on its way to the streams of a task."""

    number: int
    body: dict[str, Any]


Tamper = Callable[[Update], list[Update]]  # what is really sent for an update


class TaskServer(ThreadingHTTPServer):
    """Tasks, updates and streams as the specification wants them, but for what ``tamper`` does to updates."""

    daemon_threads = True
    request_queue_size = 200

    def __init__(self, tamper: Tamper | None = None, update_status: int = 200, period_s: float = 0.0) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.period_s = period_s  # streams that look for news only so often, from their opening on
        self.tamper: Tamper = tamper or (lambda update: [update])
        self.update_status = update_status
        self.streams: dict[str, list[Queue[bytes]]] = defaultdict(list)
        self.lock = threading.Lock()
        self.posted = 0
        self.tasks = self.open = 0
        self.connections: list[socket.socket] = []
        self.update_arrived = threading.Event()

    @property
    def target(self) -> str:
        """The target file."""
        return TARGET.format(port=self.server_address[1])

    def process_request(self, request: Any, client_address: Any) -> None:
        self.connections.append(request)
        super().process_request(request, client_address)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that leave are no news."""

    def die(self) -> None:
        """Stop to listen and break every connection."""
        self.shutdown()
        self.server_close()
        for connection in self.connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


TARGET = """
base_url = "http://127.0.0.1:{port}"
[stream]
path = "/stream/{{task_id}}"
[task.create_manual]
path = "/tasks"
json = {{}}
[task.update]
path = "/tasks/{{task_id}}/updates"
"""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: TaskServer

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])) or b"null")
        if self.path == "/tasks":
            with self.server.lock:
                self.server.tasks += 1
                task = str(self.server.tasks)
            self._reply(201, {"taskId": task})
        else:
            self._publish(self.path.split("/")[2], body)
            self._reply(self.server.update_status, {})

    def _publish(self, task: str, body: dict[str, Any]) -> None:
        with self.server.lock:
            self.server.posted += 1
            self.server.update_arrived.set()
            for update in self.server.tamper(Update(self.server.posted, body)):
                event = json.dumps({"type": "progress", "progress": update.body})
                for queue in self.server.streams[task]:
                    queue.put(event.encode())

    def do_GET(self) -> None:
        if self.path == "/old":
            time.sleep(0.004 if self.server.open else 0.002)  # the endpoint that streams slow down
            self._reply(200, {})
            return
        with self.server.lock:
            self.server.open += 1
        try:
            self._stream(self.path.rpartition("/")[2])
        finally:
            with self.server.lock:
                self.server.open -= 1

    def _stream(self, task: str) -> None:
        queue: Queue[bytes] = Queue()
        with self.server.lock:
            self.server.streams[task].append(queue)
        self.wfile.write(HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
        self.wfile.write(chunk(b'data: {"type":"connected"}\n\n'))
        look_s = time.monotonic()
        while not self._client_left():
            if self.server.period_s and time.monotonic() < look_s:
                time.sleep(0.005)
                continue
            if self.server.period_s and queue.empty():
                look_s += self.server.period_s
            with contextlib.suppress(Empty):
                event = queue.get(timeout=0.02)
                self.wfile.write(chunk(b"data: " + event + b"\n\n"))
                if json.loads(event)["progress"]["status"] == "completed":
                    self.wfile.write(b"0\r\n\r\n")
                    return

    def _client_left(self) -> bool:
        readable, _, _ = select.select([self.connection], [], [], 0)
        return bool(readable) and not self.connection.recv(1, socket.MSG_PEEK)

    def _reply(self, status: int, body: object) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


@contextlib.contextmanager
def tasks(tamper: Tamper | None = None, update_status: int = 200, period_s: float = 0.0) -> Iterator[TaskServer]:
    """Run a task server."""
    server = TaskServer(tamper, update_status, period_s)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.die()
        thread.join(PATIENCE)


def lose_every(n: int) -> Tamper:
    return lambda update: [] if update.number % n == 0 else [update]


def repeat_every(n: int) -> Tamper:
    return lambda update: [update, update] if update.number % n == 0 else [update]


def swap_every(n: int) -> Tamper:
    """Hold every n-th update back until the next one has gone."""
    held: list[Update] = []

    def tamper(update: Update) -> list[Update]:
        if update.number % n == 0 and update.body["status"] != "completed":
            held.append(update)
            return []
        late = held.copy()
        held.clear()
        last = update.body["status"] == "completed"
        return [*late, update] if last else [update, *late]

    return tamper
