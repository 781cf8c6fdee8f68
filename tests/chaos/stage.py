"""A run of ssegauge in a process of its own against a healthy server in another, and what may befall either."""

from __future__ import annotations

import contextlib
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from ssegauge.loadtests.running.cli import LOCUST
from tests.cli.command import environment, wait_until

MAIN = """
{before}
import sys
sys.argv[0] = "ssegauge"
from ssegauge.cli import main
main()
"""
SERVER = [sys.executable, "-m", "ssegauge.reference_server", "--profile", "event-stream", "--pace", "0.2"]
PATIENCE_S = 280


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


@dataclass
class Server:
    """The server under test; ``port`` stays its own over restarts."""

    port: int = field(default_factory=free_port)

    def __post_init__(self) -> None:
        self.start()

    def start(self) -> None:
        line = [*SERVER, "--port", str(self.port)]
        self._process = subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        assert self._process.stdout
        assert self._process.stdout.readline(), "the server listens"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/events"

    def send(self, number: int) -> None:
        self._process.send_signal(number)

    def end(self) -> None:
        self._process.kill()
        self._process.wait()
        assert self._process.stdout
        self._process.stdout.close()


class Thief:
    """Takes the port of a server that has ended, and answers everybody with the same bytes."""

    def __init__(self, port: int, answer: bytes) -> None:
        self._answer = answer
        self._listener = socket.create_server(("127.0.0.1", port), backlog=128)
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        held = []
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                held.append(connection)
                connection.sendall(self._answer)

    def end(self) -> None:
        self._listener.close()


@dataclass
class Stage:
    """What a scene plays on."""

    server: Server
    place: Path
    process: subprocess.Popen[bytes]
    closing: contextlib.ExitStack

    @property
    def run(self) -> Path:
        return self.place / "run"

    def load_processes(self) -> list[psutil.Process]:
        """Return the generator's processes, the one that leads first."""
        below = psutil.Process(self.process.pid).children(recursive=True)
        return [one for one in below if LOCUST in one.cmdline()]

    def begun(self, *files: str) -> bool:
        """Whether the run has written such a file, or has ended."""
        return any(any(self.run.glob(one)) for one in files) or self.process.poll() is not None


@dataclass(frozen=True)
class Ended:
    """How a run ended."""

    status: int
    said: str
    seconds: float
    run: Path


Befall = Callable[[Stage], None]


def play(words: list[str], place: Path, befall: Befall, *, before: str = "", spawn: str = "") -> Ended:
    """Run ssegauge; let something happen meanwhile; return how it ended, AssertionError when it does not."""
    with contextlib.ExitStack() as closing:
        server = Server()
        closing.callback(server.end)
        began = time.monotonic()
        target = [server.url, "--out", "run"]
        log = closing.enter_context((place / "said").open("wb"))
        process = subprocess.Popen(
            [sys.executable, "-c", MAIN.format(before=before), words[0], *target, *words[1:]],
            cwd=place,
            env=environment(),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
        closing.callback(_end, process)
        befall(Stage(server, place, process, closing))
        status = process.wait(PATIENCE_S)
        seconds = time.monotonic() - began
    said = (place / "said").read_text(encoding="utf-8", errors="replace")
    return Ended(status, said, seconds, place / "run")


def _end(process: subprocess.Popen[bytes]) -> None:
    """End what a failed test left: what is below the process too."""
    with contextlib.suppress(psutil.NoSuchProcess):
        for one in psutil.Process(process.pid).children(recursive=True):
            one.kill()
    process.kill()
    process.wait()


@contextlib.contextmanager
def all_end(parent: int) -> Iterator[None]:
    """Wait, on leaving, until all that was below a process has ended."""
    below = psutil.Process(parent).children(recursive=True)
    assert below
    yield
    wait_until(lambda: not any(_lives(one) for one in below), "what was below has ended")


def _lives(one: psutil.Process) -> bool:
    with contextlib.suppress(psutil.NoSuchProcess):
        return one.is_running() and one.status() != psutil.STATUS_ZOMBIE
    return False


def freeze(one: psutil.Process | subprocess.Popen[bytes], seconds: float) -> None:
    one.send_signal(signal.SIGSTOP)
    time.sleep(seconds)
    one.send_signal(signal.SIGCONT)
