"""Readers that go away, by FIN, by RST and before the head has come; and what the server still holds afterwards."""

import asyncio
import math
from dataclasses import replace
from typing import Literal

from ssegauge.conformance.facts import Facts, Moment, Role
from ssegauge.conformance.probes.probe import probe
from ssegauge.conformance.recording.live import now_ms
from ssegauge.conformance.recording.machine import (
    Process,
    address,
    held_sockets,
    is_local,
    look_at_process,
    lost_sockets,
)
from ssegauge.conformance.recording.reader import Reader
from ssegauge.conformance.recording.server import PROBE, Server
from ssegauge.conformance.recording.transcript import Request, Transcript
from ssegauge.conformance.target import Call, pointer

AT_ONCE = 10
CYCLES = 200
WARM_UP = 40
GONE_S = 2.0
Way = Literal["fin", "rst"]
WAYS: tuple[Way, ...] = ("fin", "rst")


async def _readable_task(server: Server) -> str:
    """Return a task whose stream stays open."""
    return await server.create("manual") if server.target.task.create_manual else ""


@probe("task.create", stage="alone")
async def leave_a_running_task(server: Server) -> None:
    """Go away from a task that runs, come back later, and see whether it went on."""
    task = Facts(task_id=await server.create(), kind="self-running")
    async with server.stream("cut", replace(task, reader="cut", situation="storm")) as live:
        await live.until(lambda: len(live.events) > 1, server.patience_s)
    await server.read("after-cut", replace(task, joined="late", situation="after-cut"), 2 * server.patience_s)


@probe("task.create_manual", stage="alone")
async def storm(server: Server) -> None:
    """Open streams and leave them all at once; look at the server's count, its sockets and whether it still serves."""
    task_id = await _readable_task(server)
    await _count(server, "before", 0)
    for how in WAYS:
        lost_before = _lost(server)
        readers = await _open(server, task_id, AT_ONCE)
        await _count(server, "during", sum(one.opened for one in readers))
        await asyncio.gather(*(one.leave(how) for one in readers))
        await _wait_until_gone(server, how, readers, lost_before)
        await _count(server, "after", 0, until=await _value_before(server))
    await _come_once_more(server, task_id)


async def _come_once_more(server: Server, task_id: str) -> None:
    async with server.stream("after-storm", Facts(task_id=task_id, kind="manual", situation="after-storm")) as live:
        await live.until(lambda: bool(live.events), server.patience_s)


@probe("task.create_manual", "observe.pid", stage="alone")
async def cycles(server: Server) -> None:
    """Come and go many times, and compare what the process holds."""
    task_id = await _readable_task(server)
    at_first = look_at_process(server.target.observe.pid or 0)
    await _come_and_go(server, task_id, WARM_UP)
    before = await look(server, "before", like=at_first)
    opened = await _come_and_go(server, task_id, CYCLES)
    await look(server, "after", like=before, opened=opened)
    await _come_once_more(server, task_id)


async def _come_and_go(server: Server, task_id: str, times: int) -> int:
    """Come and go; return how many streams were opened, where we waited to see it, or may have been."""
    opened = 0
    for _ in range(0, times, AT_ONCE):
        waited, hasty = await _open(server, task_id, AT_ONCE - 3), await _open(server, task_id, 3, wait=False)
        await asyncio.gather(
            *(one.leave(WAYS[n % 2]) for n, one in enumerate(waited)), *(one.leave("rst") for one in hasty)
        )
        answered = sum(one.opened for one in waited)
        opened += answered + (len(hasty) if answered else 0)
    return opened


async def _open(server: Server, task_id: str, many: int, *, wait: bool = True) -> list[Reader]:
    """Open streams at once; one that cannot even connect is none."""
    wait_s = server.patience_s if wait else None
    target = await server.ready()
    asked = (Reader.open(target, task_id, wait_s=wait_s) for _ in range(many))
    return [one for one in await asyncio.gather(*asked, return_exceptions=True) if isinstance(one, Reader)]


def _lost(server: Server) -> int | None:
    return lost_sockets(server.target.observe.pid or 0)


async def _wait_until_gone(server: Server, how: Way, readers: list[Reader], lost_before: int | None) -> None:
    """Note how many sockets the server still holds after a while.

    Of clients that sent FIN the kernel's table tells; RST takes the row away, and only the process shows the socket.
    """
    if not is_local(server.target) or (how == "rst" and lost_before is None):
        return
    _, port = address(server.target)
    ports, opened = {one.port for one in readers}, sum(one.opened for one in readers)

    def held() -> int:
        return held_sockets(port, ports) if how == "fin" else max(0, (_lost(server) or 0) - (lost_before or 0))

    deadline = now_ms() + 1000 * GONE_S
    while (left := await asyncio.to_thread(held)) and now_ms() < deadline:  # noqa: ASYNC110 - the kernel's table has no event to wait for
        await asyncio.sleep(0.05)
    found = Facts(moment=how, cut=len(ports), held=left, opened=opened)
    observe(server, "sockets", f"sockets-after-{how}", found)


async def look(
    server: Server, moment: Moment, like: Process | None = None, opened: int | None = None
) -> Process | None:
    """Note what the server's process holds, where it can be seen.

    With ``like``, give it a short while to come down to so many descriptors: what was left behind may be cleared late.
    """
    deadline = now_ms() + 1000 * GONE_S
    pid = server.target.observe.pid or 0
    found = look_at_process(pid)
    while found and like and found.descriptors > like.descriptors and now_ms() < deadline:
        await asyncio.sleep(0.05)
        found = look_at_process(pid)
    if found:
        facts = Facts(moment=moment, opened=opened, cycles=CYCLES)
        held = replace(facts, descriptors=found.descriptors, memory_bytes=found.memory_bytes)
        observe(server, "process", f"process-{moment}", held)
    return found


async def _read_count(server: Server) -> float | None:
    metric = server.target.observe.open_streams
    if not metric:
        return None
    reply = await server.call("metric", Call(metric.path, "GET"), name="metric")
    try:
        if math.isfinite(value := float(pointer(reply.json, metric.value))):
            return value
    except (LookupError, TypeError, ValueError, OverflowError):
        pass
    note = f"[observe] open_streams: no number at {metric.value} of {server.target.url(metric.path)}: {reply.said()}"
    if note not in server.recording.notes:
        server.recording.notes.append(note)
    return None


async def _value_before(server: Server) -> float | None:
    before = [one for one in server.recording.transcripts if one.role == "open-streams"]
    return before[0].facts.value if before else None


async def _count(server: Server, moment: Moment, opened: int, until: float | None = None) -> None:
    """Note the server's count of open streams; with ``until``, give it a short while to come down to that."""
    deadline = now_ms() + 1000 * GONE_S
    value = await _read_count(server)
    while value is not None and until is not None and value > until and now_ms() < deadline:
        await asyncio.sleep(0.1)
        value = await _read_count(server)
    if value is not None:
        found = Facts(moment=moment, opened=opened, value=value)
        observe(server, "open-streams", f"open-streams-{moment}", found)


def observe(server: Server, role: Role, name: str, facts: Facts) -> None:
    """Write down an observation that is no exchange."""
    unique = server.recording.unique(name)
    server.recording.write(Transcript(unique, Request("LOOK", role), PROBE.get(), role, now_ms(), facts=facts))
