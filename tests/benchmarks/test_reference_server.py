"""What the reference server can carry: fan-out, memory per stream, open streams, connections beside them.

Server and readers are processes of their own on the same machine. `make bench` runs at full size; otherwise, to see
that it works, sizes are small. The fan-out is compared, in the same run, with the least that asyncio can do:
a loop that writes ready-made bytes to every transport and knows nothing of HTTP.
"""

import asyncio
import contextlib
import json
import os
import resource
import select
import signal
import socket
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import psutil
import pytest

TASKS = "/api/brand-monitor/tasks"
PROGRESS = "/api/brand-monitor/progress"
MARK = b'"progress":50'
EVENT = b'id: a.1\ndata: {"type":"progress","progress":50,"message":"%b"}\n\n' % (b"." * 150)
CHUNK = b"%x\r\n%b\r\n" % (len(EVENT), EVENT)
CONNECTED = b'data: {"type":"connected"}\n\n'
HEAD = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n" % (len(CONNECTED), CONNECTED)


# Programs ------------------------------------------------------------------------------------------------------


def read_many(host: str, port: str, count: str, path: str) -> None:
    """Open `count` streams and say so; then, for each line on stdin, wait until all have got MARK and say when."""
    _raise_descriptor_limit()
    poller = select.epoll()
    sockets = {}
    for _ in range(int(count)):
        one = socket.create_connection((host, int(port)))
        one.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        sockets[one.fileno()] = one
        poller.register(one.fileno(), select.EPOLLIN)
    _await_all(poller, sockets, b"connected")
    while True:
        _drain(poller, sockets)
        print("ready", flush=True)
        if not sys.stdin.readline():
            return
        print(_await_all(poller, sockets, MARK), flush=True)


def _await_all(poller: select.epoll, sockets: dict[int, socket.socket], mark: bytes) -> int:
    waiting = set(sockets)
    while waiting:
        for number, _ in poller.poll(30, 4096) or sys.exit("some streams got nothing"):
            if mark in os.read(number, 65536):
                waiting.discard(number)
    return time.monotonic_ns()


def _drain(poller: select.epoll, sockets: dict[int, socket.socket]) -> None:
    while found := poller.poll(0.2, 4096):
        for number, _ in found:
            if not os.read(number, 65536):
                sys.exit("a stream was closed")


def write_bare() -> None:
    """Serve the least: whoever sends GET is kept, and POST makes every kept transport get the same bytes."""
    _raise_descriptor_limit()
    kept: list[asyncio.Transport] = []

    class Bare(asyncio.Protocol):
        def connection_made(self, transport: Any) -> None:
            self.transport = transport

        def data_received(self, data: bytes) -> None:
            if data.startswith(b"GET"):
                self.transport.write(HEAD)
                kept.append(self.transport)
                return
            for transport in kept:
                transport.write(CHUNK)
            self.transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}")
            self.transport.close()

    async def main() -> None:
        server = await asyncio.get_running_loop().create_server(Bare, "127.0.0.1", 0, backlog=4096)
        print(f"on http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
        await server.serve_forever()

    asyncio.run(main())


def _raise_descriptor_limit() -> None:
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


# What runs them ------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def program(*command: str) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.send_signal(signal.SIGTERM)


def say(process: subprocess.Popen[str], line: str = "") -> None:
    assert process.stdin
    process.stdin.write(f"{line}\n")
    process.stdin.flush()


def hear(process: subprocess.Popen[str]) -> str:
    assert process.stdout
    line = process.stdout.readline().strip()
    assert line, "the program ended"
    return line


@contextlib.contextmanager
def reference() -> Iterator[tuple[str, int]]:
    """The base URL and process ID of a reference server."""
    with program(sys.executable, "-m", "ssegauge.reference_server", "--port", "0") as process:
        yield hear(process).split()[-1], process.pid


@contextlib.contextmanager
def readers(base_url: str, count: int, path: str) -> Iterator[subprocess.Popen[str]]:
    address = urlsplit(base_url)
    command = [sys.executable, __file__, "read_many", str(address.hostname), str(address.port), str(count), path]
    with program(*command) as process:
        assert hear(process) == "ready"
        yield process


def post(base_url: str, path: str, members: dict[str, Any]) -> Any:
    body = json.dumps(members).encode()
    request = urllib.request.Request(base_url + path, body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as response:
        return json.load(response)


def get(base_url: str, path: str) -> Any:
    with urllib.request.urlopen(base_url + path, timeout=60) as response:
        return json.load(response)


def fan_out(base_url: str, update: str, process: subprocess.Popen[str]) -> float:
    """Seconds from before the update is sent until the last stream has it, which is when this returns."""
    before = time.monotonic_ns()
    post(base_url, update, {"status": "running", "progress": 50, "message": "." * 100})
    return (int(hear(process)) - before) / 1e9


def quiet(process: subprocess.Popen[str]) -> None:
    """Wait until the readers have read everything, which is no part of what is measured."""
    assert hear(process) == "ready"


def fan_out_once(base_url: str, update: str, process: subprocess.Popen[str]) -> float:
    """One fan-out and what is about it."""
    say(process)
    seconds = fan_out(base_url, update, process)
    quiet(process)
    return seconds


@pytest.fixture
def full(request: pytest.FixtureRequest) -> bool:
    """Whether to run at full size."""
    return bool(request.config.getoption("benchmark_enable"))


def test_fan_out(benchmark: Any, full: bool) -> None:
    """One update to 10,000 streams: the last has it not much later than with the least that asyncio can do."""
    count, rounds = (10_000, 7) if full else (50, 2)
    with program(sys.executable, __file__, "write_bare") as bare:
        base_url = hear(bare).split()[-1]
        with readers(base_url, count, "/") as process:
            least = statistics.median(fan_out_once(base_url, "/", process) for _ in range(rounds))
    with reference() as (base_url, _):
        task_id = post(base_url, TASKS, {"manual": True})["taskId"]
        with readers(base_url, count, f"{PROGRESS}/{task_id}") as process:
            seen: list[float] = []
            update = f"{TASKS}/{task_id}/updates"
            benchmark.pedantic(
                lambda: seen.append(fan_out(base_url, update, process)),
                setup=lambda: say(process),
                teardown=lambda: quiet(process),
                rounds=rounds,
            )
    last = statistics.median(seen)
    benchmark.extra_info.update(streams=count, last_ms=last * 1000, bare_loop_ms=least * 1000)
    if full:  # the benchmark's own figure is what it measures, not its waiting
        assert benchmark.stats.stats.median < 1.1 * last + 0.01
    print(f"\n{count} streams: last after {last * 1000:.0f} ms, with a bare loop {least * 1000:.0f} ms")
    assert not full or last < 3 * least


def test_new_connections_beside_open_streams(benchmark: Any, full: bool) -> None:
    """18,000 streams in one process, at most 20 KiB each, and 100 new connections/s beside them without a failure."""
    count, seconds = (18_000, 10) if full else (50, 1)
    with reference() as (base_url, pid):
        task_id = post(base_url, TASKS, {"manual": True})["taskId"]
        before = psutil.Process(pid).memory_info().rss
        with readers(base_url, count, f"{PROGRESS}/{task_id}"):
            per_stream = (psutil.Process(pid).memory_info().rss - before) / count / 1024
            waits = benchmark.pedantic(lambda: asyncio.run(come(base_url, task_id, 100, seconds)), rounds=1)
            assert get(base_url, "/metrics.json")["open_streams"] == count
    slowest = max(waits) * 1000
    benchmark.extra_info.update(streams=count, kib_per_stream=per_stream, slowest_connect_ms=slowest)
    print(f"\n{count} streams: {per_stream:.1f} KiB each, {len(waits)} new ones beside, the slowest {slowest:.0f} ms")
    assert len(waits) == 100 * seconds
    assert not full or per_stream < 20


async def come(base_url: str, task_id: str, rate: int, seconds: int) -> list[float]:
    """Open streams at a constant rate, each until it has told its state; return how long that took each, in seconds."""
    loop = asyncio.get_running_loop()
    start = loop.time()
    visits = []
    for number in range(rate * seconds):
        await asyncio.sleep(start + number / rate - loop.time())
        visits.append(asyncio.create_task(visit(base_url, task_id)))
    return await asyncio.gather(*visits)


async def visit(base_url: str, task_id: str) -> float:
    """Open a stream and leave when it has told its state."""
    address, start = urlsplit(base_url), time.monotonic()
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    writer.write(f"GET {PROGRESS}/{task_id} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    await reader.readuntil(b'"status":')
    waited = time.monotonic() - start
    writer.close()
    await writer.wait_closed()
    return waited


if __name__ == "__main__":
    {"read_many": read_many, "write_bare": write_bare}[sys.argv[1]](*sys.argv[2:])
