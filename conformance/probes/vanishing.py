"""Readers that vanish without a word: no FIN, no RST, no acknowledgement, as of a phone in a tunnel.

A filter on our own sockets drops every segment that comes in (``socket(7)``, SO_ATTACH_FILTER), so that the server's
kernel hears nothing any more. That needs no network namespace and no rule of a packet filter; some kernels let root
alone set one.
"""

import asyncio
from dataclasses import replace

from ssegauge.conformance.facts import Facts
from ssegauge.conformance.probes.leaving import observe
from ssegauge.conformance.probes.probe import gets, probe
from ssegauge.conformance.recording.live import now_ms
from ssegauge.conformance.recording.machine import address, held_sockets, is_local, unsent_bytes
from ssegauge.conformance.recording.reader import Reader
from ssegauge.conformance.recording.server import Server
from ssegauge.conformance.target import Target

MANY = 3
LOOK_S = 0.25
MARGIN_S = 1.0  # the kernel looks at its timers now and then


@probe("promises.vanished_s", stage="patient", streams=MANY, asks=MANY + 1, adapts=True)
async def vanish(server: Server) -> None:
    """Open streams and vanish from them without a word; look for as long as promised whether the server lets them go.

    For a server on this machine alone; of tasks, where they stay open.
    """
    promised_s = server.target.promises.vanished_s
    if promised_s is None or not _can_be_seen(server.target):
        return
    task_id = await server.create("manual") if server.target.needs_task else ""
    target, many = await server.ready(), min(MANY, server.most_readers or MANY)
    asked = (Reader.open(target, task_id, wait_s=server.patience_s) for _ in range(many))
    readers = [one for one in await asyncio.gather(*asked, return_exceptions=True) if isinstance(one, Reader)]
    opened = sum(one.opened for one in readers)
    try:
        for one in readers:
            one.vanish()
        await _look(server, {one.port for one in readers}, opened, promised_s + MARGIN_S)
    except PermissionError:
        remark = "vanish was left out: this kernel lets only root set a filter on a socket; run as root to see it"
        server.recording.remarks.append(remark)
    finally:
        for one in readers:
            await one.leave("rst")  # what is held until now is let go by that


def _can_be_seen(target: Target) -> bool:
    stays_open = not target.needs_task or target.task.create_manual is not None
    return stays_open and gets(target) and is_local(target)


async def _look(server: Server, ports: set[int], opened: int, wait_s: float) -> None:
    """Note how many of the connections are held when time is up, and what waits in the kernel to be sent on them."""
    _, port = address(server.target)
    vanished_ms = now_ms()
    while True:
        held = await asyncio.to_thread(held_sockets, port, ports)
        if not held or now_ms() > vanished_ms + 1000 * wait_s:
            break
        await asyncio.sleep(LOOK_S)
    waited_ms = round(now_ms() - vanished_ms)
    found = Facts(moment="vanished", cut=len(ports), held=held, opened=opened, patience_ms=waited_ms)
    observe(server, "sockets", "sockets-after-vanishing", replace(found, unsent=unsent_bytes(port, ports)))
