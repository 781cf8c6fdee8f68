"""Ends a load process that was stopped (SIGSTOP) and that nobody lets go on: it would never end by itself."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psutil

LOOK_S = 1.0
FROZEN_S = 30.0  # that long nobody stops a process by mistake


@contextmanager
def ended_when_frozen(leader: int, frozen_s: float = FROZEN_S) -> Iterator[None]:
    """Look at the leader of a process group meanwhile; kill the group once the leader was stopped for so long."""
    over = threading.Event()
    watch = threading.Thread(target=_watch, args=(leader, frozen_s, over), daemon=True)
    watch.start()
    try:
        yield
    finally:
        over.set()
        watch.join()


def _watch(leader: int, frozen_s: float, over: threading.Event) -> None:
    since = None
    while not over.wait(min(LOOK_S, frozen_s)):
        since = (since or time.monotonic()) if _is_stopped(leader) else None
        if since and time.monotonic() - since >= frozen_s:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(leader, signal.SIGKILL)
            return


def _is_stopped(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() in {psutil.STATUS_STOPPED, psutil.STATUS_TRACING_STOP}
    except psutil.Error:
        return False
