"""Many readers at once: how many streams the server serves, before anything else is asked of it."""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack

from ssegauge.conformance.facts import Facts
from ssegauge.conformance.probes.probe import probe
from ssegauge.conformance.recording.live import Live, now_ms
from ssegauge.conformance.recording.server import MANY, Server
from ssegauge.conformance.rules.reading.answers import no_room
from ssegauge.conformance.rules.reading.crowds import Crowd, answered_in_turn, waited_ms
from ssegauge.conformance.seen import View

MOST = MANY
LEFT_S = 2.0  # in which a server is to see that a reader has gone
# A request that the kernel's queue had no room for is sent again after 1 s and 3 s; longer than that is no accident.
QUIET_S = 3.5
MOST_TURNS_S = 15.0
SOON_S, LOOK_S = 1.0, 0.1  # what tells no more often than this, and greets nobody, is not waited for
CONFLICT = 409  # so servers say that somebody is reading already, as MCP and GraphQL over SSE ask of them


@probe("plain", "gets", stage="first", streams=MOST, adapts=True)
async def crowd(server: Server) -> None:
    """Open as many streams at once as are to be served, 16 at most, and leave when all are answered or no more are.

    Where events come within a second, all are to be told one. Where some are not answered, or not told, see whether
    they are once the others have left. Where calls come first, the last comes when the others are answered: what they
    have made may be for one reader alone.
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
        elif (crowd := await _told(lives)) and (many := await _made_room(crowd, lives)):
            server.at_once = many
            await asyncio.gather(*(one.stop() for one in lives))
            await asyncio.sleep(LEFT_S)
            return
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
    served = [one for one in lives if _is_served(one)]
    waiting = [one for one in lives if one.head is None and not one.over]
    refused = [one for one in lives if one.head and one.head.status != 200]
    busy = any(no_room(View(one.transcript)) for one in refused)
    server.one_reader |= not busy and len(served) <= 1 <= len(refused) and not waiting
    if (served and (waiting or busy)) or (server.one_reader and not server.target.before):
        server.at_once = max(1, len(served))
    if in_turn := answered_in_turn([View(one.so_far) for one in lives]):
        server.at_once = 1
        await asyncio.gather(*(one.stop() for one in lives))
        await asyncio.sleep(min(max(LEFT_S, waited_ms(in_turn[-1]) / 1000), MOST_TURNS_S))  # what is left has its turn
    elif served and waiting:
        await asyncio.gather(*(one.stop() for one in served))
        await answered(waiting)


async def _told(lives: Sequence[Live]) -> Crowd | None:
    """Wait until all that are open are told something; return what is seen when some ought to have been and are not."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    while loop.time() - began < QUIET_S + SOON_S:
        silent = [one for one in lives if _is_served(one) and not one.events and not one.over]
        if not silent or (loop.time() - began > SOON_S and not any(one.events for one in lives)):
            return None
        crowd = _now(lives)
        if crowd.waits_in_vain or crowd.greets_some:
            return crowd
        await asyncio.sleep(LOOK_S)
    return None


def _is_served(live: Live) -> bool:
    return live.head is not None and live.head.status == 200


def _now(lives: Sequence[Live]) -> Crowd:
    return Crowd.of([View(one.so_far) for one in lives], now_ms())


async def _made_room(crowd: Crowd, lives: Sequence[Live]) -> int:
    """Let those that are told leave; return how many places there are, 0 where that is not why the others are not."""
    told = {view.name for view in crowd.told}
    await asyncio.gather(*(one.stop() for one in lives if one.transcript.name in told))
    waiting = [one for one in lives if not one.over]
    for _ in range(int(QUIET_S / LOOK_S)):
        if sum(bool(one.events) for one in waiting) >= min(len(told), len(waiting)):
            break
        await asyncio.sleep(LOOK_S)
    return len(told) if Crowd.of([View(one.so_far) for one in lives]).are_places_few else 0
