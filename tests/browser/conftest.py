"""What the browser tests share: the reference server as a process, a relay that can be cut, and a client to look at."""

from __future__ import annotations

import contextlib
import json
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

PATIENCE_S = 30.0  # how long a condition may take on a busy machine; nothing is asserted about the time it took
API = "/api/brand-monitor"
RESET = struct.pack("ii", 1, 0)  # SO_LINGER: close with RST
expect.set_options(timeout=PATIENCE_S * 1000)


def wait_until(condition: Callable[[], Any], what: str) -> Any:
    """The first true value of the condition."""
    deadline = time.monotonic() + PATIENCE_S
    while not (value := condition()):
        assert time.monotonic() < deadline, f"waited {PATIENCE_S:g} s in vain until {what}"
        time.sleep(0.02)
    return value


class Server:
    """`python -m reference_server` in a process of its own, and its HTTP interface."""

    def __init__(self, *options: str) -> None:
        command = [sys.executable, "-m", "reference_server", "--port", "0", *options]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.url = self.process.stdout.readline().split()[-1]
        self.http = httpx.Client(base_url=self.url, trust_env=False)

    def create(self, **spec: Any) -> str:
        reply = self.http.post(f"{API}/tasks", json=spec).raise_for_status()
        return reply.json()["taskId"]

    def update(self, task_id: str, **changes: Any) -> dict[str, Any]:
        return self.http.post(f"{API}/tasks/{task_id}/updates", json=changes).raise_for_status().json()

    def snapshot(self, task_id: str) -> dict[str, Any]:
        return self.http.get(f"{API}/tasks/{task_id}").raise_for_status().json()

    @property
    def open_streams(self) -> int:
        return self.http.get("/metrics.json").raise_for_status().json()["open_streams"]

    def kill(self) -> None:
        """End without a word, as a crash does."""
        self.process.kill()
        self._forget()

    def stop(self) -> None:
        """End in order: every stream is ended first."""
        self.process.terminate()
        self._forget()

    def _forget(self) -> None:
        self.process.wait(PATIENCE_S)
        self.process.stdout.close()
        self.http.close()


class Relay:
    """A TCP relay between browser and server: an address that outlives servers, can be cut, and remembers requests."""

    def __init__(self, target: str) -> None:
        self.point_to(target)
        self.requests: list[str] = []
        self.is_cut = False
        self._pairs: list[_Pair] = []
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._acceptor = threading.Thread(target=self._accept)
        self._acceptor.start()

    def point_to(self, target: str) -> None:
        url = httpx.URL(target)
        self._target = (url.host, url.port)

    def cut(self) -> None:
        """Reset every connection, and every new one."""
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
            self._pairs.append(_Pair(client, server, self.requests))


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
                sink.sendall(data)
            self.flowing.wait()
        for one in (source, sink):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)


class Client:
    """A ProgressClient in a page, and every state it has told."""

    START = """async ([taskId, options]) => {
        const { ProgressClient } = await import("/page/progress-client.js");
        window.told = [];
        window.client = new ProgressClient(taskId, options);
        window.client.subscribe((state) => window.told.push(state));
    }"""

    def __init__(self, page: Page, task_id: str, **options: Any) -> None:
        self.page = page
        page.evaluate(self.START, [task_id, options])

    @property
    def state(self) -> dict[str, Any]:
        return json.loads(self.page.evaluate("JSON.stringify(window.client.state)"))

    @property
    def told(self) -> list[dict[str, Any]]:
        return json.loads(self.page.evaluate("JSON.stringify(window.told)"))

    def close(self) -> None:
        self.page.evaluate("window.client.close()")

    def wait_for(self, **expected: Any) -> dict[str, Any]:
        """The first state told that has these members, or `progress` members of these names."""

        def found() -> dict[str, Any] | None:
            return next((state for state in self.told if _has(state, expected)), None)

        return wait_until(found, f"the client tells {expected}; it told {self.told[-3:]}")


def _has(state: dict[str, Any], expected: dict[str, Any]) -> bool:
    flat = {f"progress_{name}": value for name, value in (state["progress"] or {}).items()}
    return expected.items() <= (state | flat | {"progress": None}).items()


@pytest.fixture
def start_server() -> Iterator[Callable[..., Server]]:
    """Starts servers, which end with the test."""
    started: list[Server] = []

    def start(*options: str) -> Server:
        started.append(Server(*options))
        return started[-1]

    yield start
    for server in started:
        if server.process.returncode is None:
            server.stop()


@pytest.fixture
def server(start_server: Callable[..., Server]) -> Server:
    return start_server()


@pytest.fixture
def relay(server: Server) -> Iterator[Relay]:
    """A relay to `server`."""
    made = Relay(server.url)
    yield made
    made.close()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """A browser profile of its own: cookies, locks and channels are not shared between tests."""
    made = browser.new_context(reduced_motion="reduce")
    made.set_default_timeout(PATIENCE_S * 1000)
    yield made
    made.close()


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    """A page whose scripts must not fail, nor break its Content-Security-Policy."""
    made = context.new_page()
    wrong: list[str] = []
    made.on("pageerror", lambda error: wrong.append(str(error)))
    made.on("console", lambda message: wrong.append(message.text) if "Content Security" in message.text else None)
    yield made
    assert wrong == []


@pytest.fixture
def follow() -> Callable[..., Client]:
    """Starts clients: follow(page, task_id, **options)."""
    return Client


@pytest.fixture
def until() -> Callable[..., Any]:
    """Waits for a condition: until(condition, what)."""
    return wait_until
