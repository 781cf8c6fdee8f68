"""Any event stream, of which nothing is known but its address."""

import asyncio
from contextlib import AsyncExitStack
from dataclasses import replace

from ssegauge.conformance.facts import Facts, Reader
from ssegauge.conformance.probes.probe import gets, probe
from ssegauge.conformance.probes.returning import AWAY, come_back, miss_something
from ssegauge.conformance.probes.watching import long_enough_s
from ssegauge.conformance.recording.live import Live
from ssegauge.conformance.recording.server import Server
from ssegauge.conformance.seen import View
from ssegauge.conformance.target import Target

ENOUGH_EVENTS, ENOUGH_S = 20, 2.5
TWIN_S = 1.0  # until another ends that came with one
LONGEST_S = 90.0  # a generation
AT_ONCE: tuple[Reader, ...] = ("uncut", "twin")
CROWD: tuple[Reader, ...] = (*AT_ONCE, "beside")


def _plain(target: Target) -> int:
    some = 6 + AWAY * (target.publish is not None)
    return some if gets(target) else len(CROWD) - target.generates  # one is there already


@probe("plain", streams=3, asks=8, adapts=True, counts=_plain)
async def plain(server: Server) -> None:
    """Read a stream for some seconds, twice at once, and come back to it with an id from its midst.

    Streams that are asked for by another method than GET are three at once, read to their end or for longer than a
    heartbeat may take; nobody comes back to these. Of a language model's the first is one of them.
    """
    facts = Facts(kind="plain", patience_ms=1000 * server.patience_s)
    if gets(server.target):
        async with AsyncExitStack() as open_streams:
            readers = AT_ONCE[: server.most_readers]
            (one, *twins) = [await _open(open_streams, server, replace(facts, reader=reader)) for reader in readers]
            await _enough(server, one)
            ended = one.over
            if ended:
                await asyncio.gather(*(_end(twin) for twin in twins))
        told = [message for message in View(one.transcript).messages if message.event.id]
        if told:
            if ended or server.target.publish:
                await miss_something(server)
            await come_back(server, told, facts)
    else:
        await _read_to_the_end(server, facts)


async def _open(open_streams: AsyncExitStack, server: Server, facts: Facts) -> Live:
    name = {"uncut": "plain", "twin": "plain-twin"}.get(facts.reader or "", "plain-third")
    return await open_streams.enter_async_context(server.stream(name, facts))


async def _end(live: Live) -> None:
    await live.until(lambda: live.over, TWIN_S)


async def _enough(server: Server, live: Live) -> None:
    """Read until the end or until patience is spent; of a stream that tells much, less will do."""
    least_s = 0.0 if server.quick else ENOUGH_S
    await live.until(lambda: False, least_s)
    await live.until(lambda: len(live.events) >= ENOUGH_EVENTS, server.patience_s - least_s)


async def _read_to_the_end(server: Server, facts: Facts) -> None:
    """Read some streams that were asked for at once, to see which are served and how they end."""
    costs = server.target.generates
    patience_s = server.patience_s if server.quick and not costs else long_enough_s(server)
    first = [server.opening] if server.opening else []
    crowd = CROWD if first or not costs else AT_ONCE  # hello's was one of them
    more = crowd[len(first) : 1 if server.once else server.most_readers]
    async with AsyncExitStack() as open_streams:
        lives = [
            await _open(open_streams, server, replace(facts, reader=reader, nth=nth, patience_ms=1000 * patience_s))
            for nth, reader in enumerate(more, 1 + len(first))
        ]
        wait = until_silent if costs else _for_so_long
        await asyncio.gather(*(wait(one, patience_s) for one in first + lives))
    if server.opening:
        await server.opening.stop()


async def _for_so_long(live: Live, patience_s: float) -> None:
    await live.until(lambda: False, patience_s)


async def until_silent(live: Live, patience_s: float, most_s: float = LONGEST_S) -> None:
    """Read a generation to its end, for as long as something comes; comments alone are nothing."""
    loop = asyncio.get_running_loop()
    deadline, told = loop.time() + most_s, -1
    while not live.over and len(live.events) > told and loop.time() < deadline:
        told = len(live.events)
        await live.until(lambda told=told: len(live.events) > told, patience_s)  # type: ignore[misc]
