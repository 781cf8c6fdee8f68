"""Any event stream, of which nothing is known but its address."""

import asyncio
from contextlib import AsyncExitStack
from dataclasses import replace

from ssegauge.conformance.facts import Facts, Reader
from ssegauge.conformance.probes.probe import gets, probe
from ssegauge.conformance.probes.returning import come_back
from ssegauge.conformance.probes.watching import long_enough_s
from ssegauge.conformance.recording.live import Live
from ssegauge.conformance.recording.server import Server
from ssegauge.conformance.seen import View

ENOUGH_EVENTS, ENOUGH_S = 20, 2.5
AT_ONCE: tuple[Reader, ...] = ("uncut", "twin")
CROWD: tuple[Reader, ...] = (*AT_ONCE, "beside")


@probe("plain", streams=3, asks=4, adapts=True)
async def plain(server: Server) -> None:
    """Read a stream for some seconds, twice at once, and come back to it with an id from its midst.

    Streams that are asked for by another method than GET are three at once, read to their end or for longer than a
    heartbeat may take; nobody comes back to these.
    """
    facts = Facts(kind="plain", patience_ms=1000 * server.patience_s)
    if gets(server.target):
        async with AsyncExitStack() as open_streams:
            readers = AT_ONCE[: server.most_readers]
            (one, *_) = [await _open(open_streams, server, replace(facts, reader=reader)) for reader in readers]
            await _enough(server, one)
        told = [message for message in View(one.transcript).messages if message.event.id]
        if told:
            await come_back(server, told, facts)
    else:
        await _read_to_the_end(server, facts)


async def _open(open_streams: AsyncExitStack, server: Server, facts: Facts) -> Live:
    name = {"uncut": "plain", "twin": "plain-twin"}.get(facts.reader or "", "plain-third")
    return await open_streams.enter_async_context(server.stream(name, facts))


async def _enough(server: Server, live: Live) -> None:
    """Read until the end or until patience is spent; of a stream that tells much, less will do."""
    least_s = 0.0 if server.quick else ENOUGH_S
    await live.until(lambda: False, least_s)
    await live.until(lambda: len(live.events) >= ENOUGH_EVENTS, server.patience_s - least_s)


async def _read_to_the_end(server: Server, facts: Facts) -> None:
    """Read some streams that were asked for at once, to see which are served and how they end."""
    patience_s = server.patience_s if server.quick else long_enough_s(server)
    readers = CROWD[: server.most_readers]
    async with AsyncExitStack() as open_streams:
        lives = [
            await _open(open_streams, server, replace(facts, reader=reader, nth=nth, patience_ms=1000 * patience_s))
            for nth, reader in enumerate(readers, 1)
        ]
        await asyncio.gather(*(one.until(lambda: False, patience_s) for one in lives))
