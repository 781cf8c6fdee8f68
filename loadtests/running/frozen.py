"""Ends a load process that was stopped (SIGSTOP) and that nobody lets go on: it would never end by itself."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psutil

LOOK_S = 1.0
FROZEN_S = 30.0  # that long nobody stops a process by mistake


@contextmanager
def ended_when_frozen(leader: int, frozen_s: float = FROZEN_S) -> Iterator[None]:
    """Look at a process and those below it meanwhile; kill each that was stopped for so long."""
    over = threading.Event()
    watch = threading.Thread(target=_watch, args=(leader, frozen_s, over), daemon=True)
    watch.start()
    try:
        yield
    finally:
        over.set()
        watch.join()


def _watch(leader: int, frozen_s: float, over: threading.Event) -> None:
    known: set[psutil.Process] = set()
    since: dict[psutil.Process, float] = {}
    while not over.wait(min(LOOK_S, frozen_s)):
        known |= _tree(leader)  # one that outlives the leader too
        since = {one: since.get(one, time.monotonic()) for one in known if _is_stopped(one)}
        for one in [one for one, at in since.items() if time.monotonic() - at >= frozen_s]:
            with contextlib.suppress(psutil.Error):
                one.kill()


def _tree(leader: int) -> set[psutil.Process]:
    try:
        process = psutil.Process(leader)
        return {process, *process.children(recursive=True)}
    except psutil.Error:
        return set()


def _is_stopped(one: psutil.Process) -> bool:
    try:
        return one.is_running() and one.status() in {psutil.STATUS_STOPPED, psutil.STATUS_TRACING_STOP}
    except psutil.Error:
        return False
