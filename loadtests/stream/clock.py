"""One clock for everything that is measured: nanoseconds of the system's real-time clock.

Arrivals are stamped by the kernel where it can (Linux: ``SO_TIMESTAMPNS``), so that a busy generator does
not lengthen what it measures. What the kernel promises for TCP (Linux commit 98aaa913b4ed): the stamp of a
read belongs to the *last* byte returned. When a read covers several segments, the earlier ones had arrived
before the stamp, by no more than the generator left them waiting; so the error is one-sided, against the
server, and bounded by the generator's own delay, which is reported beside every result.

The kernel stamps packets only while some socket asks for it, and switches that on a moment after the first
one does. ``start`` asks, waits for the first stamp, and keeps asking until the process ends.
"""

from __future__ import annotations

import atexit
import socket
import struct
import sys
import time
from typing import Any, Final, Literal

Clock = Literal["kernel", "user"]
Ancillary = list[tuple[int, int, bytes]]

# asm-generic/socket.h (the value of every Linux port Python has wheels for); the reply's type is the same.
SO_TIMESTAMPNS: Final = 35
ANCILLARY_BYTES: Final = socket.CMSG_SPACE(16)
_SOCKET_LEVEL: Final = int(socket.SOL_SOCKET)  # an enum's comparison costs more than all the rest
_unpack: Final = struct.Struct("qq").unpack
_PATIENCE_S: Final = 1.0
_kept: list[socket.socket] = []  # asks for stamps as long as the process lives

now = time.time_ns


def start() -> Clock:
    """Switch kernel stamps on; return which clock stamps arrivals."""
    if sys.platform != "linux" or struct.calcsize("P") != 8:
        return "user"
    if not _kept:
        _kept.extend(_loopback_pair())
        atexit.register(_let_go)
    return "kernel" if _stamps_arrive(*_kept) else "user"


def ask(sock: Any) -> None:  # noqa: ANN401 - a gevent socket or a plain one
    """Ask the kernel to stamp what arrives on a socket; does nothing where it cannot."""
    if sys.platform == "linux":
        sock.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)


def stamp(ancillary: Ancillary) -> int:
    """Return the kernel's stamp in ns from ``recvmsg``'s ancillary data, or 0 when there is none."""
    for level, kind, data in ancillary:
        if kind == SO_TIMESTAMPNS and level == _SOCKET_LEVEL:
            seconds, nanoseconds = _unpack(data)
            whole: int = seconds * 1_000_000_000 + nanoseconds
            return whole
    return 0


def _loopback_pair() -> tuple[socket.socket, socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        sender = socket.create_connection(server.getsockname())
        receiver, _ = server.accept()
    ask(receiver)
    return sender, receiver


def _let_go() -> None:
    for sock in _kept:
        sock.close()


def _stamps_arrive(sender: socket.socket, receiver: socket.socket) -> bool:
    give_up = time.monotonic() + _PATIENCE_S
    while time.monotonic() < give_up:
        sender.send(b"?")
        if stamp(receiver.recvmsg(1, ANCILLARY_BYTES)[1]):
            return True
        time.sleep(0.005)
    return False
