"""Runs the console script as a user does, and small servers that misbehave."""

import contextlib
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from tests import forked

ROOT = Path(__file__).parents[2]
SSEGAUGE = [sys.executable, "-c", "import sys; sys.argv[0] = 'ssegauge'; from ssegauge.cli import main; main()"]
PATIENCE_S = 150.0
Case, Done = TypeVar("Case"), TypeVar("Done")


def ssegauge(*words: str, cwd: Path, stdin: bytes = b"") -> subprocess.CompletedProcess[str]:
    """Run the command to its end; the environment is that of a plain terminal of 100 columns."""
    done = forked.command(words, cwd, environment(), stdin, patience_s=110)
    assert done.status is not None, f"ssegauge {' '.join(words)} did not end"
    return subprocess.CompletedProcess(words, done.status, done.stdout.decode(), done.stderr.decode())


def environment() -> dict[str, str]:
    return {**os.environ, "COLUMNS": "100", "NO_COLOR": "1"}


@contextlib.contextmanager
def at_once(run: Callable[[Case], Done], cases: Collection[Case]) -> Iterator[dict[Case, Future[Done]]]:
    """Run all cases side by side, for commands that wait more than they work; a test waits for its own."""
    with ThreadPoolExecutor(len(cases)) as pool:
        yield {case: pool.submit(run, case) for case in cases}


@contextlib.contextmanager
def tcp_server(answer: Callable[[socket.socket], None]) -> Iterator[str]:
    """Serve every connection with ``answer`` in a thread of its own; yield the base URL."""
    over = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.1)

        def serve() -> None:
            while not over.is_set():
                with contextlib.suppress(TimeoutError):
                    connection, _ = listener.accept()
                    threading.Thread(target=one, args=(connection,), daemon=True).start()

        def one(connection: socket.socket) -> None:
            with connection, contextlib.suppress(OSError):
                connection.settimeout(20)
                connection.recv(65536)
                answer(connection)
                while not over.is_set() and connection.recv(65536):
                    pass

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            over.set()
            thread.join()


def http(body: bytes, head: str = "Content-Type: text/event-stream", status: str = "200 OK") -> Callable[..., None]:
    """An answer that sends a head and a body and then stays silent."""

    def answer(connection: socket.socket) -> None:
        connection.sendall(f"HTTP/1.1 {status}\r\n{head}\r\n\r\n".encode() + body)

    return answer


def wait_until(condition: Callable[[], bool], what: str) -> None:
    """Wait for a condition; AssertionError when it does not come true while patience lasts."""
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, f"still waiting until {what}"
        time.sleep(0.05)
