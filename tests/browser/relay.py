"""A TCP relay between browser and server: an address that outlives servers, can be cut, and remembers requests.

Through it browsers reconnect after 20 ms.
"""

import contextlib
import socket
import struct
import threading
from collections.abc import Callable

import httpx

from tests.browser.server import API

RESET = struct.pack("ii", 1, 0)  # SO_LINGER: close with RST
# The server asks for 2 s before a reconnect, which tests need not wait. Equally many bytes, so that framing holds.
UNHURRIED, HASTY = b"retry: 2000\n", b"retry: 0020\n"


class Relay:
    """Relays to `target`, the base URL of a server."""

    def __init__(self, target: str) -> None:
        self.point_to(target)
        self.requests: list[str] = []
        self.is_cut = False
        self._pairs: list[_Pair] = []
        self._lock = threading.Lock()  # a connection is either cut or not yet made
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._acceptor = threading.Thread(target=self._accept)
        self._acceptor.start()

    def point_to(self, target: str) -> None:
        url = httpx.URL(target)
        self._target = (url.host, url.port)

    def cut(self) -> None:
        """Reset every connection, and every new one."""
        with self._lock:
            self.is_cut = True
            for pair in self._pairs:
                pair.end()

    def mend(self) -> None:
        self.is_cut = False

    def freeze_streams(self) -> None:
        """Let open streams go silent, as when a router forgets them: nothing passes, nothing is closed."""
        for pair in self._pairs:
            if "/progress/" in pair.last_request:
                pair.flowing.clear()

    def streams_requested(self, task_id: str) -> int:
        return self._count(f"GET {API}/progress/{task_id}")

    def snapshots_requested(self, task_id: str) -> int:
        return self._count(f"GET {API}/tasks/{task_id}")

    def _count(self, start: str) -> int:
        return sum(request.startswith(f"{start} ") for request in self.requests)

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._acceptor.join()
        self._listener.close()
        for pair in self._pairs:
            pair.end()
            pair.join()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client = self._listener.accept()[0]
                with self._lock:
                    self._relay(client)

    def _relay(self, client: socket.socket) -> None:
        try:
            if self.is_cut:
                raise ConnectionRefusedError
            server = socket.create_connection(self._target)
        except OSError:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            client.close()
        else:
            pair = _Pair(client, server, self.requests)
            self._pairs.append(pair)
            pair.start()


class _Pair:
    """One relayed connection: a thread for each direction."""

    def __init__(self, client: socket.socket, server: socket.socket, requests: list[str]) -> None:
        self.sockets = (client, server)
        self.requests = requests
        self.last_request = ""
        self.flowing = threading.Event()
        self.flowing.set()
        self._up = threading.Thread(target=self._pump, args=(client, server, self._note))
        self._down = threading.Thread(target=self._pump, args=(server, client, lambda _: None))

    def start(self) -> None:
        self._up.start()
        self._down.start()

    def end(self) -> None:
        self.flowing.set()
        for one in self.sockets:
            with contextlib.suppress(OSError):  # it has ended by itself
                one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
                one.shutdown(socket.SHUT_RDWR)

    def join(self) -> None:
        self._up.join()
        self._down.join()
        for one in self.sockets:
            one.close()

    def _note(self, data: bytes) -> None:
        """Browsers do not pipeline: a request begins a segment."""
        if data.startswith((b"GET ", b"POST ")):
            self.last_request = data.partition(b"\r\n")[0].decode("ascii")
            self.requests.append(self.last_request)

    def _pump(self, source: socket.socket, sink: socket.socket, note: Callable[[bytes], None]) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                note(data)
                self.flowing.wait()
                sink.sendall(data.replace(UNHURRIED, HASTY))
            self.flowing.wait()
        for one in (source, sink):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
