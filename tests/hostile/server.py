"""A server of one hostile answer, on a socket of its own: it counts who comes, and never waits for anybody to end."""

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

Answer = Callable[[socket.socket], None]
PATIENCE_S = 60


@dataclass
class Served:
    """Where it is, and how many connections were made to it."""

    port: int
    connections: int = 0
    over: threading.Event = field(default_factory=threading.Event)


@contextlib.contextmanager
def serving(answer: Answer) -> Iterator[Served]:
    """Answer every connection in a thread of its own, once its request is there."""
    with socket.create_server(("127.0.0.1", 0), backlog=128) as listener:
        listener.settimeout(0.1)
        served = Served(listener.getsockname()[1])
        thread = threading.Thread(target=_accept, args=(listener, answer, served), daemon=True)
        thread.start()
        try:
            yield served
        finally:
            served.over.set()
            thread.join()


def _accept(listener: socket.socket, answer: Answer, served: Served) -> None:
    while not served.over.is_set():
        with contextlib.suppress(TimeoutError):
            connection, _ = listener.accept()
            served.connections += 1
            threading.Thread(target=_one, args=(connection, answer, served), daemon=True).start()


def _one(connection: socket.socket, answer: Answer, served: Served) -> None:
    with connection, contextlib.suppress(OSError):
        connection.settimeout(PATIENCE_S)
        while b"\r\n\r\n" not in connection.recv(1 << 16, socket.MSG_PEEK):
            if served.over.wait(0.01):
                return
        connection.recv(1 << 16)
        answer(connection)
        connection.settimeout(0.2)
        while not served.over.is_set():  # stay until the other side leaves
            with contextlib.suppress(TimeoutError):
                if not connection.recv(1 << 16):
                    return
