"""Many readers at once: how many streams the server serves, before anything else is asked of it."""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack

from ssegauge.conformance.facts import Facts
from ssegauge.conformance.probes.probe import probe
from ssegauge.conformance.recording.live import Live
from ssegauge.conformance.recording.server import MANY, Server
from ssegauge.conformance.rules.reading.answers import no_room
from ssegauge.conformance.seen import View

MOST = MANY
LEFT_S = 2.0  # in which a server is to see that a reader has gone
# A request that the kernel's queue had no room for is sent again after 1 s and 3 s; longer than that is no accident.
QUIET_S = 3.5
CONFLICT = 409  # so servers say that somebody is reading already, as MCP and GraphQL over SSE ask of them


@probe("plain", "gets", stage="first", streams=MOST, adapts=True)
async def crowd(server: Server) -> None:
    """Open as many streams at once as are to be served, 16 at most, and leave when all are answered or no more are.

    Where some are not, see whether they are once the others have left. Where calls come first, the last comes when the
    others are answered: what they have made may be for one reader alone.
    """
    many = min(MOST, server.at_once or MOST)
    if server.at_once:
        await asyncio.sleep(LEFT_S)  # until the very first stream has given its place back
    facts = [Facts(kind="plain", situation="crowd", nth=nth) for nth in range(1, many + 1)]
    async with AsyncExitStack() as open_streams:
        *together, last = (open_streams.enter_async_context(server.stream("crowd", one)) for one in facts)
        if not server.target.before:
            together.append(last)
        lives = await asyncio.gather(*together)
        await answered(lives)
        if server.target.before:
            lives.append(await last)
            await answered(lives[-1:])
            server.one_reader = lives[-1].head is not None and lives[-1].head.status == CONFLICT
        await note(server, lives)


async def answered(lives: Sequence[Live], quiet_s: float = QUIET_S) -> None:
    """Wait until all are answered, or until for so long no further one was."""
    waiting = {asyncio.create_task(_head(one, quiet_s * len(lives))) for one in lives}
    while waiting:
        done, waiting = await asyncio.wait(waiting, timeout=quiet_s, return_when=asyncio.FIRST_COMPLETED)
        if not done:
            for one in waiting:
                one.cancel()
            await asyncio.wait(waiting)
            return


async def _head(live: Live, patience_s: float) -> None:
    await live.until(lambda: live.head is not None, patience_s)


async def note(server: Server, lives: Sequence[Live]) -> None:
    """Note for later probes how many streams are served at once; let those that wait see the others leave."""
    served = [one for one in lives if one.head and one.head.status == 200]
    waiting = [one for one in lives if one.head is None and not one.over]
    refused = [one for one in lives if one.head and one.head.status != 200]
    busy = any(no_room(View(one.transcript)) for one in refused)
    server.one_reader |= not busy and len(served) <= 1 <= len(refused) and not waiting
    if (served and (waiting or busy)) or (server.one_reader and not server.target.before):
        server.at_once = max(1, len(served))
    if served and waiting:
        await asyncio.gather(*(one.stop() for one in served))
        await answered(waiting)
