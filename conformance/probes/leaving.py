"""Readers that go away, by FIN, by RST and before the head has come; and what the server still holds afterwards."""

import asyncio
import math
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Literal

from ssegauge.conformance.facts import Facts, Kind, Moment, Role
from ssegauge.conformance.probes.probe import gets, probe
from ssegauge.conformance.probes.requests import some_task
from ssegauge.conformance.recording.live import Live, now_ms
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
from ssegauge.conformance.rules.reading.answers import no_room
from ssegauge.conformance.rules.reading.memory import MIB, Point, leaks
from ssegauge.conformance.rules.reading.newcomers import enough_ms
from ssegauge.conformance.seen import View
from ssegauge.conformance.target import Call, Target, pointer

AT_ONCE = 10
# Streams that come and go before the first look, and between two looks: what grows once and settles is warm-up.
BATCHES, BATCH = 5, 40
# Where memory grew with each batch there are more: the heaps of V8 and of a JVM settle after a thousand streams.
MORE, MOST_CYCLES, MOST_GROWTH_BYTES = 200, 2400, 128 * MIB
CYCLES_ASK = BATCH + MOST_CYCLES + 2
HEADS = 10
FEW = 5  # of streams that may cost money
GONE_S = 2.0
MARGIN_S = 1.5
WRITTEN = 3  # times, until the first answer to a client that has gone has surely come back
IDLE_S = 0.5  # over which it is seen whether the process works
QUIET = 0.01  # of a core
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


@probe("task.create_manual", stage="alone", streams=AT_ONCE, asks=2 * AT_ONCE + 12)
async def storm(server: Server) -> None:
    """Open streams and leave them all at once; look at the server's count, its sockets and whether it still serves."""
    task_id = await _readable_task(server)
    await _count(server, "before", 0)
    for how in WAYS:
        await _leave_at_once(server, task_id, how, AT_ONCE, GONE_S)
        await _count(server, "after", 0, until=await _value_before(server))
    await _come_once_more(server, task_id)


@probe("plain", "gets", stage="alone", streams=AT_ONCE + 1, asks=2 * AT_ONCE + 14, adapts=True, long=True)
async def plain_storm(server: Server) -> None:
    """Open streams beside one that stays and leave them all at once, twice; look at sockets and the server's count.

    Where a stream lets one reader in alone, it is one, with nobody beside.
    """
    await _count(server, "before", 0)
    many = min(AT_ONCE, server.most_readers or AT_ONCE)
    async with AsyncExitStack() as beside:
        witness = None
        if not server.one_reader:
            facts = Facts(kind="plain", situation="storm")
            witness = await beside.enter_async_context(server.stream("beside-storm", facts))
        left = [await _leave_at_once(server, "", how, many, _noticed_s(server), witness) for how in WAYS]
    await _count(server, "after", 0, until=await _value_before(server), gone_s=_noticed_s(server))
    if any(left):
        await _come_once_more(server, "")


def _noticed_s(server: Server) -> float:
    """Return by when a server that only writes notices that a reader of any stream has gone: at the next heartbeat."""
    return server.target.heartbeat_s + MARGIN_S


async def _leave_at_once(
    server: Server, task_id: str, how: Way, many: int, gone_s: float, witness: Live | None = None
) -> int:
    """Return how many streams there were to leave."""
    lost_before = _lost(server)
    readers = await _open(server, task_id, many)
    await _count(server, "during", sum(one.opened for one in readers))
    await asyncio.gather(*(one.leave(how) for one in readers))
    await _wait_until_gone(server, how, readers, lost_before, gone_s, witness)
    return sum(one.opened for one in readers)


async def _come_once_more(server: Server, task_id: str) -> None:
    """Ask for a stream; where there is no room or nothing is told, once more when all must have been seen to go."""
    kind: Kind = "manual" if task_id else "plain"
    facts = Facts(task_id=task_id or None, kind=kind, situation="after-storm")
    told_s = _told_within_s(server)
    for wait_s in (0.0, GONE_S):
        await asyncio.sleep(wait_s)
        async with server.stream("after-storm", facts) as live:
            await live.until(lambda: bool(live.events if task_id else live.head), server.patience_s)
            await live.until(lambda: bool(live.events), told_s)
        if not no_room(view := View(live.transcript)) and (view.events or not told_s):
            break


def _told_within_s(server: Server) -> float:
    """Return how long a newcomer without an event is to be waited for; 0 where that would say nothing."""
    streams = (one for one in server.recording.transcripts if one.role == "stream")
    short = [View(one) for one in streams if sum(len(chunk.data) for chunk in one.chunks) <= MIB]
    return (enough_ms(short) or 0.0) / 1000


@probe("task.create_manual", "observe.pid", stage="alone", streams=AT_ONCE, asks=CYCLES_ASK)
async def cycles(server: Server) -> None:
    """Come and go many times, and compare what the process holds, and whether it works, between and afterwards."""
    await _cycles(server, await _readable_task(server), GONE_S)


def _plain_cycles(target: Target) -> int:
    return CYCLES_ASK if gets(target) else FEW


@probe(
    *("plain", "cheap", "observe.pid"),
    stage="alone",
    streams=AT_ONCE,
    asks=CYCLES_ASK,
    adapts=True,
    counts=_plain_cycles,
)
async def plain_cycles(server: Server) -> None:
    """Come and go many times, and compare what the process holds, and whether it works, between and afterwards.

    Streams that are asked for by another method than GET come and go five times.
    """
    if gets(server.target):
        await _cycles(server, "", _noticed_s(server))
    else:
        before = await look(server, "before", idle=True)
        opened = 0
        for _ in range(FEW):
            (one,) = await _open(server, "", 1) or (None,)
            if one:
                opened += one.opened
                await one.leave("fin")
        await look(server, "after", like=before, opened=opened, cycles=FEW, idle=True, gone_s=_noticed_s(server))


@probe("gets", "observe", stage="alone", streams=HEADS, asks=HEADS + 4)
async def heads(server: Server) -> None:
    """Ask for the head alone, ten times at once, and look at what the server counts and holds."""
    facts = await some_task(server)
    before = await look(server, "head-before", idle=not server.quick)
    counted = await _count(server, "head-before", 0)
    call = replace(server.target.stream, method="HEAD")
    asked = [server.begin("head", call, facts, name="head-of-ten") for _ in range(HEADS)]
    await asyncio.gather(*(over(one, server.patience_s) for one in asked))
    opened = sum(one.head is not None and one.head.status == 200 for one in asked)
    await _count(server, "head-after", opened, until=counted)
    await look(server, "head-after", like=before, opened=opened, cycles=HEADS, idle=not server.quick)


async def over(one: Live, patience_s: float) -> None:
    """Wait until an exchange is over, and end it when it is not by then."""
    await one.until(lambda: one.over, patience_s)
    await one.stop()


async def _cycles(server: Server, task_id: str, gone_s: float) -> None:
    pid = server.target.observe.pid or 0
    at_first = look_at_process(pid)
    if at_first:
        at_first = replace(at_first, busy=await _busy(pid, 1.0, 0.0))
    await _come_and_go(server, task_id, BATCH)
    before = await look(server, "before", like=at_first, gone_s=gone_s)
    opened = 0
    for batch in range(1, BATCHES):
        opened += await _come_and_go(server, task_id, BATCH)
        await look(server, "during", opened=opened, cycles=batch * BATCH)
    opened += await _come_and_go(server, task_id, BATCH)
    cycles = BATCHES * BATCH
    while cycles < MOST_CYCLES and _may_settle(_held(server, cycles, pid)):
        await look(server, "during", opened=opened, cycles=cycles)
        opened += await _come_and_go(server, task_id, MORE)
        cycles += MORE
    await look(server, "after", like=before, opened=opened, cycles=cycles, idle=True, gone_s=gone_s)
    await _come_once_more(server, task_id)


def _may_settle(points: Sequence[Point]) -> bool:
    """Whether memory grew, and what grew may be a heap that settles: no more than such heaps do."""
    return leaks(points) and points[-1][1] - points[0][1] < MOST_GROWTH_BYTES


def _held(server: Server, cycles: int, pid: int) -> list[Point]:
    """Return what was held after how many streams that this probe had come and go, up to now."""
    seen = [one.facts for one in server.recording.transcripts if one.role == "process" and one.probe == PROBE.get()]
    points = [(one.cycles or 0, one.memory_bytes) for one in seen if one.memory_bytes is not None]
    now = look_at_process(pid)
    return [*points, (cycles, now.memory_bytes)] if now else []


async def _come_and_go(server: Server, task_id: str, times: int) -> int:
    """Come and go; return how many streams were opened, where we waited to see it, or may have been."""
    opened, at_once = 0, min(AT_ONCE, server.most_readers or AT_ONCE)
    hasty_ones = 3 if at_once == AT_ONCE else 0
    for _ in range(0, times, at_once):
        waited = await _open(server, task_id, at_once - hasty_ones)
        hasty = await _open(server, task_id, hasty_ones, wait=False)
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


async def _wait_until_gone(
    server: Server,
    how: Way,
    readers: list[Reader],
    lost_before: int | None,
    gone_s: float,
    witness: Live | None = None,
) -> None:
    """Note how many sockets the server still holds after a while.

    Of clients that sent FIN the kernel's table tells; RST takes the row away, and only the process shows the socket.
    A ``witness`` reads the same: a server that notices when it writes has noticed once that one was told often enough.
    """
    if not is_local(server.target) or (how == "rst" and lost_before is None):
        return
    _, port = address(server.target)
    ports, opened = {one.port for one in readers}, sum(one.opened for one in readers)

    def held() -> int:
        return held_sockets(port, ports) if how == "fin" else max(0, (_lost(server) or 0) - (lost_before or 0))

    left_ms, parts = now_ms(), witness.parts if witness else 0
    deadline = left_ms + 1000 * gone_s
    while (left := await asyncio.to_thread(held)) and now_ms() < deadline:
        await asyncio.sleep(0.05)
        if witness and witness.parts >= parts + WRITTEN:  # it has written to those that left as well
            deadline, witness = min(deadline, now_ms() + 1000 * GONE_S), None  # and is to have the answer
    waited_ms = round(now_ms() - left_ms)
    found = Facts(moment=how, cut=len(ports), held=min(left, len(ports)), opened=opened, patience_ms=waited_ms)
    observe(server, "sockets", f"sockets-after-{how}", found)


async def look(
    server: Server,
    moment: Moment,
    like: Process | None = None,
    *,
    opened: int | None = None,
    cycles: int | None = None,
    idle: bool = False,
    gone_s: float = GONE_S,
) -> Process | None:
    """Note what the server's process holds and, with ``idle``, how busy it is while nobody reads.

    With ``like``, give it a while to come down to so many descriptors and threads: what was left behind may be cleared
    late. How busy it was then is what holds, unless it is looked for anew.
    """
    deadline = now_ms() + 1000 * gone_s
    pid = server.target.observe.pid or 0
    found = look_at_process(pid)
    while found and like and _holds_more(found, like) and now_ms() < deadline:
        await asyncio.sleep(0.05)
        found = look_at_process(pid)
    if found and idle:
        found = replace(found, busy=await _busy(pid, ((like and like.busy) or 0.0) + QUIET, deadline))
    elif found and like:
        found = replace(found, busy=like.busy)
    if found:
        facts = Facts(moment=moment, opened=opened, cycles=cycles, threads=found.threads, busy=found.busy)
        held = replace(facts, descriptors=found.descriptors, memory_bytes=found.memory_bytes)
        observe(server, "process", f"process-{moment}", held)
    return found


def _holds_more(found: Process, like: Process) -> bool:
    return found.descriptors > like.descriptors or found.threads > like.threads + AT_ONCE


async def _busy(pid: int, quiet: float, deadline: float) -> float | None:
    """Return how much of a core the process uses: the least of what is seen until it is as quiet, or time is up."""
    least = None
    while True:
        before, at_ms = look_at_process(pid), now_ms()
        await asyncio.sleep(IDLE_S)
        after, took_s = look_at_process(pid), (now_ms() - at_ms) / 1000
        if not before or not after:
            return least
        # Threads that have ended meanwhile take what they worked away with them.
        share = round(max(0.0, after.worked_s - before.worked_s) / took_s, 3)
        least = share if least is None else min(least, share)
        if least <= quiet or now_ms() > deadline:
            return least


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


async def _count(
    server: Server, moment: Moment, opened: int, until: float | None = None, gone_s: float = GONE_S
) -> float | None:
    """Note and return the server's count of open streams; with ``until``, give it a while to come down to that."""
    deadline = now_ms() + 1000 * gone_s
    value = await _read_count(server)
    while value is not None and until is not None and value > until and now_ms() < deadline:
        await asyncio.sleep(0.1)
        value = await _read_count(server)
    if value is not None:
        found = Facts(moment=moment, opened=opened, value=value)
        observe(server, "open-streams", f"open-streams-{moment}", found)
    return value


def observe(server: Server, role: Role, name: str, facts: Facts) -> None:
    """Write down an observation that is no exchange."""
    unique = server.recording.unique(name)
    server.recording.write(Transcript(unique, Request("LOOK", role), PROBE.get(), role, now_ms(), facts=facts))
