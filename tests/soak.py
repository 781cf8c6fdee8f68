"""A soak: the reference feed and the load generator for long, with churn; does memory or a descriptor grow?

``python -m tests.soak [SECONDS] [STREAMS]`` (``make soak``): the generator holds the streams while as many as CHURN a
second come and go beside it. Resident memory and descriptors of both are sampled each second; after a warm-up of a
quarter of the time their slopes are those of least squares. The uncertainty is twice the standard error, widened for
the correlation of one sample with the next.
"""

import json
import math
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

CHURN = 20
WARM_UP = 0.25
SERVER = [sys.executable, "-m", "ssegauge.reference_server", "--profile", "event-stream", "--port", "0"]
ASK = b"GET /events HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\n\r\n"


@dataclass
class Watched:
    """What a process tree held, a sample a second."""

    process: psutil.Process
    times: list[float] = field(default_factory=list)
    memory_kib: list[float] = field(default_factory=list)
    descriptors: list[float] = field(default_factory=list)

    def look(self) -> None:
        tree = [self.process, *self.process.children(recursive=True)]
        self.memory_kib.append(sum(one.memory_info().rss for one in tree) / 1024)
        self.descriptors.append(sum(one.num_fds() for one in tree))
        self.times.append(time.monotonic())

    def report(self, name: str) -> str:
        first = int(len(self.times) * WARM_UP)
        memory, off = slope(self.times[first:], self.memory_kib[first:])
        many, off_by = slope(self.times[first:], self.descriptors[first:])
        at_last = f"{self.memory_kib[-1] / 1024:.1f} MiB, {self.descriptors[-1]:.0f} descriptors at the end"
        return f"{name}: {memory:+.3f} ± {off:.3f} KiB/s, {many:+.4f} ± {off_by:.4f} descriptors/s; {at_last}"


def slope(times: list[float], values: list[float]) -> tuple[float, float]:
    """Return the slope, and twice its standard error, of samples of which one resembles the next."""
    line = statistics.linear_regression(times, values)
    rest = [value - line.intercept - line.slope * at for at, value in zip(times, values, strict=True)]
    spread = math.sqrt(sum(one * one for one in rest) / (len(rest) - 2))
    over = math.sqrt(sum((at - statistics.fmean(times)) ** 2 for at in times))
    alike = statistics.correlation(rest[:-1], rest[1:]) if len({*rest}) > 2 else 0.0
    widened = math.sqrt((1 + alike) / max(1 - alike, 0.01)) if alike > 0 else 1.0
    return line.slope, 2 * widened * spread / over


def churn(port: int, over: threading.Event) -> None:
    """Open a stream, read of it, and leave: by FIN and by RST in turn."""
    number = 0
    while not over.wait(1 / CHURN):
        number += 1
        with socket.create_connection(("127.0.0.1", port), timeout=10) as one:
            one.sendall(ASK)
            one.recv(1 << 12)
            if number % 2:
                one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, bytes((1, 0, 0, 0, 0, 0, 0, 0)))


def soak(seconds: int, streams: int, place: Path) -> list[str]:
    """Return what was found, a line each."""
    over = threading.Event()
    with subprocess.Popen(SERVER, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout
        url = server.stdout.readline().split()[-1]
        churner = threading.Thread(target=churn, args=(int(url.rpartition(":")[2]), over))
        load = [
            "load",
            f"{url}/events",
            "--users",
            str(streams),
            "--duration",
            f"{seconds}s",
            "--out",
            "run",
            "--quiet",
        ]
        with subprocess.Popen([sys.executable, "-m", "ssegauge", *load], cwd=place) as generator:
            watched = [Watched(psutil.Process(server.pid)), Watched(psutil.Process(generator.pid))]
            churner.start()
            ends = time.monotonic() + seconds
            while generator.poll() is None and time.monotonic() < ends:
                time.sleep(1)
                for one in watched:
                    one.look()
            over.set()
            churner.join()
            status = generator.wait()
        server.terminate()
    document = json.loads((place / "run" / "load.json").read_text())
    lines = [one.report(name) for one, name in zip(watched, ("server", "generator"), strict=True)]
    lines += [f"{one['rule']}: {one['verdict']}: {one.get('note', '')}" for one in unpassed(document)]
    return [*lines, f"exit status {status}; {json.dumps(document['connections'])}; {json.dumps(document['witnesses'])}"]


def unpassed(document: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the objectives that were not met or not judged, which say why."""
    return [one for one in document["objectives"] if one["verdict"] != "pass"]


def main() -> None:
    seconds, streams = map(int, sys.argv[1:] or (600, 500))
    with tempfile.TemporaryDirectory() as place:
        print("\n".join(soak(seconds, streams, Path(place))))


if __name__ == "__main__":
    main()
