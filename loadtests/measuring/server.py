"""The server's own process, where it runs on this machine: CPU, memory and descriptors, a sample of each a second.

``observe.pid`` or ``--spawn`` says which process it is; its children count too. Looking is done in a thread: on a
machine with many processes it takes milliseconds in which the loop must not stand still.
"""

from __future__ import annotations

import time
from typing import Final

import gevent

from ssegauge.conformance.recording.machine import Process, is_local, look_at_process
from ssegauge.conformance.target import Target
from ssegauge.loadtests.measuring.samples import SERVER_CPU, SERVER_DESCRIPTORS, SERVER_MEMORY, Rows

LOOK_S: Final = 1.0
MIB: Final = 1 << 20


def process_of(target: Target) -> int | None:
    """Return the server's process, where there is one to be seen from here."""
    return target.observe.pid if target.observe.pid and is_local(target) else None


def watch(pid: int, rows: Rows) -> None:
    """Add samples of a process until it is gone; a greenlet of its own."""
    pool = gevent.get_hub().threadpool
    before: tuple[float, Process] | None = None
    while seen := pool.apply(look_at_process, (pid,)):
        now_s, now_ns = time.monotonic(), time.time_ns()
        if before and now_s > before[0]:
            share = max(0.0, seen.worked_s - before[1].worked_s) / (now_s - before[0])
            rows.add(SERVER_CPU, now_ns, 0, 100 * share, -1)
        rows.add(SERVER_MEMORY, now_ns, 0, seen.memory_bytes / MIB, -1)
        rows.add(SERVER_DESCRIPTORS, now_ns, 0, float(seen.descriptors), -1)
        before = now_s, seen
        gevent.sleep(LOOK_S)
