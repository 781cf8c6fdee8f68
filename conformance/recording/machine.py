"""Looks at the server from the machine it runs on: its process, and the kernel's table of connections.

Both say nothing about a server on another machine; then there is nothing to see, and rules report that.
"""

from __future__ import annotations

import contextlib
import ipaddress
import os
import shlex
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

import psutil

from ssegauge.conformance.errors import CannotJudge
from ssegauge.conformance.recording.overheard import Overheard
from ssegauge.conformance.target import Target

# Under /proc/PID/net; every row ends with, or holds, the socket's inode.
SOCKET_TABLES = frozenset({"netlink", "packet", "raw", "raw6", "tcp", "tcp6", "udp", "udp6", "unix"})
# States in which the server still holds a connection whose client has gone.
HELD = frozenset({psutil.CONN_ESTABLISHED, psutil.CONN_CLOSE_WAIT})
START_S = 30.0
STOP_S = 5.0


@dataclass(frozen=True, slots=True)
class Process:
    """What a process tree holds.

    ``threads`` are those of all its processes, ``worked_s`` the time for which they have computed, and ``busy``, where
    it was looked for, the share of a core that they use.
    """

    descriptors: int
    memory_bytes: int
    threads: int = 0
    worked_s: float = 0.0
    busy: float | None = None


def look_at_process(pid: int) -> Process | None:
    """Return what the process and its children hold; None when it is gone or not ours to look at."""
    try:
        tree = [(root := psutil.Process(pid)), *root.children(recursive=True)]
        return Process(
            sum(one.num_fds() for one in tree),
            sum(one.memory_info().rss for one in tree),
            sum(one.num_threads() for one in tree),
            sum(_worked_s(one) for one in tree),
        )
    except psutil.Error:
        return None


def _worked_s(one: psutil.Process) -> float:
    """Return for how long a process has computed: what the scheduler counted, which is finer than its clock ticks."""
    try:
        threads = Path(f"/proc/{one.pid}/task").iterdir()
        return sum(int((thread / "schedstat").read_text().split()[0]) for thread in threads) / 1e9
    except (OSError, ValueError, IndexError):
        return sum(one.cpu_times()[:2])


def address(target: Target) -> tuple[str, int]:
    """Return the host and port that the target names."""
    parts = urlsplit(target.base_url)
    return parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)


def is_local(target: Target) -> bool:
    """Whether the server's sockets are in this machine's table: it listens on a loopback address."""
    host, port = address(target)
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, ValueError):  # the latter for a name that no name can be
        return False
    return all(ipaddress.ip_address(entry[4][0]).is_loopback for entry in found)


def held_sockets(port: int, clients: set[int]) -> int:
    """Return how many of the clients' connections (by their ports) the server at ``port`` still holds."""
    return sum(
        1
        for one in psutil.net_connections("tcp")
        if one.laddr and one.raddr and one.laddr.port == port and one.raddr.port in clients and one.status in HELD
    )


def lost_sockets(pid: int) -> int | None:
    """Return how many sockets a process tree holds that the kernel lists nowhere: their clients sent RST.

    None where this cannot be seen: another user's process, or no Linux.
    """
    try:
        tree = [(root := psutil.Process(pid)), *root.children(recursive=True)]
        folders = [Path(f"/proc/{one.pid}") for one in tree]
        links = [fd.readlink().name for folder in folders for fd in (folder / "fd").iterdir()]
        listed = " ".join(path.read_text() for path in (folders[0] / "net").iterdir() if path.name in SOCKET_TABLES)
    except (OSError, psutil.Error):
        return None
    inodes = {link[len("socket:[") : -1] for link in links if link.startswith("socket:[")}
    return len(inodes - set(listed.split()))


@contextmanager
def running(target: Target, command: str | None) -> Iterator[Target]:
    """Yield the target; with a command its server runs meanwhile: started, listening, its process group stopped after.

    The target's process id is then that of the server, unless the target names another.

    Raises CannotJudge when the command cannot be run, ends by itself, or does not listen within 30 s.
    """
    if command is None:
        yield target
        return
    if _listens(target):
        raise CannotJudge(f"--spawn: something already listens at {target.base_url}; stop it, or leave --spawn out")
    process, overheard = _started(command, target)
    try:
        _wait_until_listening(process, command, target, overheard)
        yield replace(target, observe=replace(target.observe, pid=target.observe.pid or process.pid))
    finally:
        _stop(process)


def _started(command: str, target: Target) -> tuple[subprocess.Popen[bytes], Overheard]:
    ours, its = os.pipe()
    try:
        process = subprocess.Popen(  # noqa: S603 - the user's own command
            shlex.split(command), start_new_session=True, stdin=subprocess.DEVNULL, stdout=its, stderr=its
        )
    except (OSError, ValueError, IndexError) as error:
        os.close(ours)
        raise CannotJudge(f"--spawn {command!r}: {str(error) or 'no command'}") from None
    finally:
        os.close(its)
    return process, Overheard(ours, target.secrets)


def _wait_until_listening(process: subprocess.Popen[bytes], command: str, target: Target, overheard: Overheard) -> None:
    deadline = time.monotonic() + START_S
    while not _listens(target):
        if process.poll() is not None:
            raise CannotJudge(
                f"--spawn {command!r} ended with status {process.returncode} before it listened{overheard.said()}"
            )
        if time.monotonic() > deadline:
            raise CannotJudge(
                f"--spawn {command!r} does not listen at {target.base_url} after {START_S:g} s{overheard.said(0)}"
            )
        time.sleep(0.05)


def _listens(target: Target) -> bool:
    try:
        socket.create_connection(address(target), timeout=1).close()
    except (OSError, ValueError):
        return False
    return True


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Ask the process group to end, and kill what is left of it."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(STOP_S)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
