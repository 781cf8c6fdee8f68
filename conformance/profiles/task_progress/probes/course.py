"""The course of a task from its start to its end, seen by readers that come in time."""

import asyncio
from dataclasses import replace

from ssegauge.conformance.facts import Facts
from ssegauge.conformance.probes.probe import probe
from ssegauge.conformance.probes.publishing import STEPS, pace
from ssegauge.conformance.recording.live import Live, now_ms
from ssegauge.conformance.recording.server import Server
from ssegauge.conformance.recording.speaking import Speaker

LONGEST_TASK_S = 60.0
MARGIN_S = 0.5


async def read_task(server: Server, live: Live, task_id: str) -> None:
    """Read to the end of a task that runs by itself: as long as it goes on, but not through a silence.

    Where it falls silent, ask the polling endpoint whether it is over, and leave the stream the time to say so too.
    """
    silence_s = 2 * server.patience_s
    deadline = now_ms() + 1000 * (server.patience_s if server.quick else LONGEST_TASK_S)
    while not live.over and (left_s := (deadline - now_ms()) / 1000) > 0:
        before = len(live.events)
        if not await live.until(lambda: len(live.events) > before, min(silence_s, left_s)):  # noqa: B023 - awaited at once
            break
    if not live.over:
        await server.snapshot(task_id, "running")
        await live.until(lambda: live.over, server.target.limits.update_s + MARGIN_S)
    await live.stop("timeout", "the task went on for longer than we read, or fell silent")


@probe("task.create", asks=5)
async def happy_path(server: Server) -> None:
    """Start a task that runs by itself and read it to its end, twice at once; then look at the polling endpoint."""
    task_id = await server.create()
    facts = Facts(task_id=task_id, kind="self-running", patience_ms=2000 * server.patience_s)
    async with (
        server.stream("happy-path", replace(facts, reader="uncut")) as one,
        server.stream("happy-path-twin", replace(facts, reader="twin")) as two,
    ):
        await asyncio.gather(read_task(server, one, task_id), read_task(server, two, task_id))
    await server.snapshot(task_id, "ended" if one.transcript.end and one.transcript.end.how == "eof" else "running")


@probe("task.create_failing", streams=1, asks=4)
async def failing(server: Server) -> None:
    """Start a task that fails and read it to its end."""
    task_id = await server.create("failing")
    facts = Facts(task_id=task_id, kind="failing", patience_ms=2000 * server.patience_s)
    async with server.stream("failing", facts) as live:
        await read_task(server, live, task_id)
    await server.snapshot(task_id, "ended")


@probe("task.create_manual", "task.update", asks=15)
async def paced(server: Server) -> None:
    """Move a task step by step; read it from its start and from half way, and come back after its end."""
    speaker = Speaker(server, Facts(task_id=await server.create("manual"), kind="manual"))
    facts = replace(speaker.facts, patience_ms=1000 * server.patience_s)
    async with server.stream("paced", replace(facts, reader="uncut")) as live:
        await speaker.connected(live)
        await pace(speaker, range(STEPS // 2))
        async with server.stream("late", replace(facts, joined="late")) as late:
            await speaker.connected(late)
            await pace(speaker, range(STEPS // 2, STEPS))
            await speaker.end()
            await asyncio.gather(live.finish(server.patience_s), late.finish(server.patience_s))
    await server.snapshot(facts.task_id or "", "ended")
    await come_back(server, live, facts)


async def come_back(server: Server, live: Live, facts: Facts) -> None:
    """Subscribe after the end, once as a newcomer and once with the terminal event's id, as EventSource does."""
    after = replace(facts, joined="after-end")
    readers = [server.read("after-end", after)]
    last = live.events[-1] if live.events else None
    if last and last.id and '"completed"' in last.data:
        back = replace(after, last_event_id=last.id, resume="terminal")
        readers.append(server.read("back-after-end", back))
    await asyncio.gather(*readers)
