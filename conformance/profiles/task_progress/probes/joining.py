"""Readers that come at odd moments, or come back."""

import asyncio
from dataclasses import replace

from ssegauge.conformance.facts import Facts
from ssegauge.conformance.probes.probe import probe
from ssegauge.conformance.probes.publishing import pace
from ssegauge.conformance.recording.server import Server
from ssegauge.conformance.recording.speaking import Speaker

RACE_MS = range(-20, 21, 4)
MARGIN_S = 1.0  # our own delay widens the limits
GARBAGE = {
    "empty": "",
    "long": "x" * 2000,
    "unicode": "événement-七",
    "negative": "-1",
    "quote": "' OR 1=1; --",
}


@probe("task.create_manual", "task.update", streams=8, asks=16)
async def resume(server: Server) -> None:
    """Cut after every event: come back with the id of each, while the task runs, and read on to the end."""
    speaker = Speaker(server, Facts(task_id=await server.create("manual"), kind="manual"))
    facts = replace(speaker.facts, patience_ms=1000 * server.patience_s)
    cut = replace(facts, reader="cut", resume="known")
    async with server.stream("resume-uncut", replace(facts, reader="uncut")) as uncut:
        await speaker.connected(uncut)
        await pace(speaker, range(4))
        await uncut.until(lambda: len(uncut.events) > 5, server.patience_s)
        cuts = [
            asyncio.create_task(server.read(f"resume-after-{n}", replace(cut, last_event_id=last)))
            for n, last in enumerate(uncut.ids(), 1)
        ]
        await asyncio.sleep(3 * 0.1)  # they are subscribed, or slow: both must be served
        await pace(speaker, range(4, 6))
        await speaker.end()
        await uncut.finish(server.patience_s)
        await asyncio.gather(*cuts)


@probe("task.create_manual", "task.update", streams=6, asks=13)
async def stale(server: Server) -> None:
    """Come with ids that the task never gave: another task's, and rubbish."""
    task_id, other = await server.create("manual"), await server.create("manual")
    await server.update(task_id, progress=30, message="before")
    await server.update(other, progress=10, message="elsewhere")
    async with server.stream("stale-source", Facts(task_id=other, kind="manual", joined="late")) as live:
        await live.until(lambda: bool(live.ids()), server.patience_s)
        foreign = live.ids()[-1:]
    facts = Facts(task_id=task_id, kind="manual", joined="late", patience_ms=2000)
    ids = [replace(facts, resume="stale", case="another-task", last_event_id=value) for value in foreign]
    ids += [replace(facts, resume="garbage", case=case, last_event_id=value) for case, value in GARBAGE.items()]
    await asyncio.gather(*(_come_with(server, one) for one in ids))
    await asyncio.gather(server.complete(task_id), server.complete(other))


async def _come_with(server: Server, facts: Facts) -> None:
    async with server.stream(f"{facts.resume}-{facts.case}", facts) as live:
        await live.until(lambda: any('"progress"' in event.data for event in live.events), 2.0)
        if not live.over and not live.events:
            live.on_end("timeout")


@probe("task.create_manual", "task.update", stage="alone", streams=11, asks=44)
async def race(server: Server) -> None:
    """Subscribe at the very moment at which the task ends, a little earlier and a little later.

    Who is not told the end is waited for until no slowness can be why.
    """
    await asyncio.gather(*(_subscribe_near_the_end(server, offset) for offset in RACE_MS))


async def _subscribe_near_the_end(server: Server, offset_ms: int) -> None:
    task_id = await server.create("manual")
    await server.update(task_id, progress=50, message="half way")

    async def complete() -> None:
        await asyncio.sleep(-RACE_MS[0] / 1000)
        await server.complete(task_id)

    completing = asyncio.create_task(complete())
    await asyncio.sleep((offset_ms - RACE_MS[0]) / 1000)
    facts = Facts(task_id=task_id, kind="manual", joined="race", situation="race", race_ms=offset_ms)
    async with server.stream(f"race{offset_ms:+d}ms", facts) as live:
        await completing
        await live.finish(2 * server.target.limits.update_s + MARGIN_S)
