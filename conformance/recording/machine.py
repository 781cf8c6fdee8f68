"""Looks at the server from the machine it runs on: its process, and the kernel's table of connections.

Both say nothing about a server on another machine; then there is nothing to see, and rules report that.
"""

from __future__ import annotations

import ipaddress
import socket
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import psutil

from ssegauge.conformance.target import Target

# Under /proc/PID/net; every row ends with, or holds, the socket's inode.
SOCKET_TABLES = frozenset({"netlink", "packet", "raw", "raw6", "tcp", "tcp6", "udp", "udp6", "unix"})
# proc(5): local and remote address as ADDRESS:PORT, state, bytes to send:received, all hexadecimal.
TCP_TABLES = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))
# States in which the server still holds a connection whose client has gone.
HELD = frozenset({psutil.CONN_ESTABLISHED, psutil.CONN_CLOSE_WAIT})


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


def unsent_bytes(port: int, clients: set[int]) -> int:
    """Return how much the kernel keeps to be sent, or sent again, on the clients' connections to ``port``."""
    rows = [row.split() for path in TCP_TABLES if path.exists() for row in path.read_text().splitlines()[1:]]
    found = ((row[1].rpartition(":")[2], row[2].rpartition(":")[2], row[4].partition(":")[0]) for row in rows)
    return sum(int(queue, 16) for ours, its, queue in found if int(ours, 16) == port and int(its, 16) in clients)


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
