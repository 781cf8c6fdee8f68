"""A command in a process of its own, and what it took: CPU time, and the most memory that any of its processes held."""

import os
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import psutil

# The kernel's own figure for this process (VmHWM), written as the last thing that it does.
MAIN = """
import atexit, os, pathlib, re, sys
def peak():
    kib = re.search(r"VmHWM:\\s+(\\d+)", pathlib.Path("/proc/self/status").read_text())[1]
    pathlib.Path(os.environ["PEAK_FILE"]).write_text(f"{kib} {sum(os.times()[:4])}")
atexit.register(peak)
sys.argv[0] = "ssegauge"
from ssegauge.cli import main
main()
"""
PATIENCE_S = 280


@dataclass(frozen=True)
class Done:
    """How it ended."""

    status: int
    said: str
    seconds: float
    cpu_s: float
    peak_mib: float


def run(*words: str, cwd: Path, stdin: bytes | None = None, **environment: str) -> Done:
    """Run ssegauge to its end; AssertionError when that takes minutes."""
    peak, began = cwd / "peak", time.monotonic()
    environment = {**os.environ, "COLUMNS": "100", "NO_COLOR": "1", "PEAK_FILE": str(peak), **environment}
    process = subprocess.Popen(
        [sys.executable, "-c", MAIN, *words],
        cwd=cwd,
        env=environment,
        stdin=subprocess.DEVNULL if stdin is None else subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    children = Children(process.pid)
    try:
        said, _ = process.communicate(stdin, timeout=PATIENCE_S)
    finally:
        process.kill()
        process.communicate()
        most = children.most()
    kib, cpu_s = map(float, peak.read_text().split()) if peak.exists() else (0.0, 0.0)
    seconds = time.monotonic() - began
    return Done(process.returncode, said.decode("utf-8", "replace"), seconds, cpu_s, max(kib / 1024, most))


class Children:
    """Looks at the processes below one, ten times a second."""

    def __init__(self, pid: int) -> None:
        self._pid, self._most = pid, 0.0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def most(self) -> float:
        """Return the most MiB that one of them held."""
        self._over.set()
        self._thread.join()
        return self._most

    def _look(self) -> None:
        while not self._over.wait(0.1):
            try:
                below = psutil.Process(self._pid).children(recursive=True)
                self._most = max([self._most, *(one.memory_info().rss / (1 << 20) for one in below)])
            except psutil.Error:
                continue
