"""One reader who stays for longer than a heartbeat takes, and newcomers who come while it does."""

import asyncio
from dataclasses import replace

from ssegauge.conformance.facts import Facts
from ssegauge.conformance.probes.probe import probe
from ssegauge.conformance.recording.live import Live
from ssegauge.conformance.recording.server import Server

MARGIN_S = 1.5
# When newcomers come and leave, as parts of the whole time: the first to see streams that fall silent early and how
# several readers are told the same; the second, with time alone before it, those that fall silent late.
NEWCOMERS = ((0.36, 0.52), (0.76, 1.0))
AFTER_S = 3.0  # for one who comes when the stream has ended


def long_enough_s(server: Server) -> float:
    """Return how long a stream is to be read so that a missing heartbeat shows."""
    return server.target.heartbeat_s + MARGIN_S


@probe("plain", "gets", stage="patient", streams=2, asks=3, adapts=True)
async def watch(server: Server) -> None:
    """Read a stream for longer than a heartbeat may take, and have newcomers read it as well for some seconds each.

    Where it ends before, one more comes, to see whether there is more to tell.
    """
    whole_s = long_enough_s(server)
    facts = Facts(kind="plain", reader="long", patience_ms=whole_s * 1000)
    async with server.stream("watch", facts) as live:
        await live.until(lambda: live.head is not None, server.patience_s)  # silence counts from there
        windows = NEWCOMERS if server.most_readers != 1 else ()
        visits = [asyncio.create_task(_come(server, live, whole_s * come, whole_s * go)) for come, go in windows]
        await live.until(lambda: live.over, whole_s)
        await asyncio.gather(*visits)
        if live.over and windows:  # is there more to tell?
            await _visit(server, live, AFTER_S)


async def _come(server: Server, live: Live, come_s: float, go_s: float) -> None:
    """Read the stream beside its reader for a while, unless it has ended by then."""
    await live.until(lambda: live.over, come_s)
    if not live.over:
        await _visit(server, live, go_s - come_s)


async def _visit(server: Server, live: Live, for_s: float) -> None:
    facts = replace(live.transcript.facts, reader="beside", joined="late", patience_ms=for_s * 1000)
    async with server.stream("watch-newcomer", facts) as visitor:
        await visitor.until(lambda: visitor.over, for_s)
