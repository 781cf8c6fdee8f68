"""Streams on which little comes, or odd things, or more than their reader takes."""

import asyncio
import random
import uuid
from dataclasses import replace

from ssegauge.conformance.facts import Facts
from ssegauge.conformance.probes.leaving import look, observe
from ssegauge.conformance.probes.probe import probe
from ssegauge.conformance.profiles.task_progress.probes.course import pace
from ssegauge.conformance.recording.reader import Reader
from ssegauge.conformance.recording.server import Server

# Together 420 kB: more than the buffers between a server and a reader with a small window hold (about 100 kB, and what
# the server's own library adds, often 64 kB).
SLOW_UPDATES = 120
SLOW_MESSAGE = 3500
STEADY_UPDATES, STEADY_S, STEADY_SEED = 40, (0.15, 0.45), 205  # together 12 s: less than the idle probe takes


@probe("task.create_manual", stage="patient")
async def idle(server: Server) -> None:
    """Read a stream on which nothing happens, for longer than a heartbeat may take."""
    task_id = await server.create("manual")
    wait_s = server.target.limits.heartbeat_s + 1.5
    facts = Facts(task_id=task_id, kind="manual", situation="idle", patience_ms=wait_s * 1000)
    async with server.stream("idle", facts) as live:
        await live.until(lambda: live.head is not None, server.patience_s)  # silence counts from there
        await live.until(lambda: live.over, wait_s)
    if server.target.task.update and not (live.transcript.end and live.transcript.end.how == "eof"):
        await server.complete(task_id)


@probe("task.create_manual", "task.update", stage="patient")
async def steady(server: Server) -> None:
    """Update a task for long and at irregular times, so that a regular pattern in what arrives is not ours."""
    task_id, dice = await server.create("manual"), random.Random(STEADY_SEED)  # noqa: S311 - no secret
    async with server.stream("steady", Facts(task_id=task_id, kind="manual", situation="steady")) as live:
        await live.until(lambda: len(live.events) > 1, server.patience_s)
        for step in range(STEADY_UPDATES):
            await asyncio.sleep(dice.uniform(*STEADY_S))
            await server.update(task_id, progress=step, message=f"steady {step} of {uuid.uuid4().hex[:8]}")
        await live.until(lambda: live.over, server.target.limits.update_s)
    await server.complete(task_id)


@probe("task.create_manual", "task.update")
async def canaries(server: Server) -> None:
    """Update a task with text that tries to break the framing."""
    task_id = await server.create("manual")
    async with server.stream("canary", Facts(task_id=task_id, kind="manual", situation="canary")) as live:
        await live.until(lambda: len(live.events) > 1, server.patience_s)
        for case, line_break in {"lf": "\n", "cr": "\r", "crlf": "\r\n", "nul": "\0"}.items():
            await _sing(server, task_id, case, line_break)
        await _sing(server, task_id, "separator", "\u2028", "\u2029", "\x85")
        await server.complete(task_id)
        await live.finish(server.patience_s)


async def _sing(server: Server, task_id: str, case: str, *breaks: str) -> None:
    marker = f"canary{uuid.uuid4().hex[:12]}"
    lines = "".join(f"{b}data: {marker}-injected{b}id: {marker}-injected{b}{b}" for b in breaks)
    facts = Facts(canary=case, marker=marker)
    await server.update(task_id, facts, progress=50, message=f"{marker} before{lines}after")


@probe("task.create_manual", "task.update")
async def compressed(server: Server) -> None:
    """Offer compression, and look whether events are held by it."""
    task_id = await server.create("manual")
    live = server.begin(
        "compressed",
        server.target.stream,
        Facts(task_id=task_id),
        headers={"Accept": "text/event-stream", "Accept-Encoding": "gzip, deflate"},
    )
    await live.until(lambda: live.head is not None, server.patience_s)
    await pace(server, task_id, range(4))
    if not live.head or live.head.header("content-encoding"):  # what is held now would be flushed by the end
        await live.until(lambda: live.over, server.target.limits.update_s)
    await server.complete(task_id)
    await live.finish(server.patience_s)


@probe("task.create_manual", "task.update", stage="alone")
async def slow_reader(server: Server) -> None:
    """Let one reader stop reading while another reads the same task."""
    task_id = await server.create("manual")
    facts = Facts(task_id=task_id, kind="manual")
    async with server.stream("beside-slow", replace(facts, situation="beside-slow")) as fast:
        slow = await Reader.open(await server.ready(), task_id, wait_s=server.patience_s, small_window=True)
        if slow.opened:
            observe(server, "stream", "slow", replace(facts, situation="slow", opened=1))
        await fast.until(lambda: len(fast.events) > 1, server.patience_s)
        await look(server, "slow-before")
        await _update_until_one_is_unanswered(server, task_id)
        await look(server, "slow-after")
        await server.complete(task_id)
        await fast.finish(server.target.limits.update_s + server.patience_s)
        await slow.leave("rst")


async def _update_until_one_is_unanswered(server: Server, task_id: str) -> None:
    """Send more than the slow reader's buffers hold; one that is not answered, or refused as too large, ends it."""
    for n in range(SLOW_UPDATES):
        message = f"large {n} " + "x" * SLOW_MESSAGE
        told = await server.update(task_id, progress=99 * n // SLOW_UPDATES, message=message)
        if told.head is None or told.head.status >= 300:
            return
