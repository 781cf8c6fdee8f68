"""Keeps a server that was started for a run: whatever ends the run, the server and all that it started end too.

A program of its own, which sees the standard library alone: ``python -I -S keeper.py GRACE_S WORD...``. Its standard
input is the lifeline, held open by whoever wants the server; that ends by a close, and by any death, SIGKILL too. Then
every process below is asked to end (SIGTERM) and, what is left of them after the grace, killed. A process cannot slip
away by a session of its own or by ending its parent: orphans become the keeper's children (``prctl(2)``,
PR_SET_CHILD_SUBREAPER). The keeper's own death by SIGKILL takes the command with it (PR_SET_PDEATHSIG), but not what
that has started.

Standard output gets one line, ``started`` or why it could not be. The command's output goes to standard error. The
keeper ends when nothing is left to keep, or at once when the command has failed, with the command's exit status, or 128
and the signal's number.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36  # linux/prctl.h
NOT_STARTED = 127


def end_with_parent(number: int = signal.SIGKILL) -> None:
    """Let the kernel send this process a signal when the thread that made it has ended; nothing where it cannot."""
    _prctl(PR_SET_PDEATHSIG, number)


def _prctl(option: int, value: int) -> None:
    with contextlib.suppress(OSError, AttributeError):  # no Linux
        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


class Keeper:
    """One command, and what is below this process."""

    def __init__(self, words: list[str]) -> None:
        _prctl(PR_SET_CHILD_SUBREAPER, 1)
        self._woken, waking = os.pipe()
        os.set_blocking(waking, False)
        os.set_blocking(self._woken, False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(waking, warn_on_full_buffer=False)
        self._command = subprocess.Popen(  # noqa: S603 - the user's own command
            words,
            stdin=subprocess.DEVNULL,
            stdout=2,
            start_new_session=True,
            preexec_fn=end_with_parent,  # noqa: PLW1509 - this process has one thread
        )
        self.status = 0

    def keep(self, grace_s: float) -> None:
        """Return when nothing is left: by itself, or because the lifeline ended or the command failed."""
        while _below() and not self.status:
            if self._wait(None):
                break
        self._tell(signal.SIGTERM)
        deadline = time.monotonic() + grace_s
        while _below() and (left := deadline - time.monotonic()) > 0:
            self._wait(left, lifeline=False)
        while _below():
            self._tell(signal.SIGKILL)
            self._wait(0.05, lifeline=False)

    def _wait(self, timeout_s: float | None, *, lifeline: bool = True) -> bool:
        """Wait until a child ends or time is up; return whether the lifeline has ended."""
        watched = [self._woken, *([0] if lifeline else [])]
        ready, _, _ = select.select(watched, [], [], timeout_s)
        with contextlib.suppress(BlockingIOError):
            os.read(self._woken, 1 << 10)
        self._reap()
        return 0 in ready and not os.read(0, 1 << 10)

    def _reap(self) -> None:
        with contextlib.suppress(ChildProcessError):
            while (ended := os.waitpid(-1, os.WNOHANG))[0]:
                if ended[0] == self._command.pid:
                    status = os.waitstatus_to_exitcode(ended[1])
                    self._command.returncode = status
                    self.status = status if status >= 0 else 128 - status

    @staticmethod
    def _tell(number: int) -> None:
        for pid in _below():
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, number)


def _below() -> list[int]:
    """Return all processes below this one."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and (parent := _parent(entry)):
            children.setdefault(parent, []).append(int(entry.name))
    found, these = [], [os.getpid()]
    while these:
        these = [one for parent in these for one in children.get(parent, ())]
        found += these
    return found


def _parent(process: Path) -> int | None:
    try:
        return int((process / "stat").read_bytes().rpartition(b")")[2].split()[1])
    except OSError:  # it has ended meanwhile
        return None


def main() -> int:
    """Keep the command of the command line; return the exit status."""
    try:
        keeper = Keeper(sys.argv[2:])
    except (OSError, ValueError) as error:
        print(error, flush=True)
        return NOT_STARTED
    print("started", flush=True)
    keeper.keep(float(sys.argv[1]))
    return keeper.status


if __name__ == "__main__":
    sys.exit(main())
