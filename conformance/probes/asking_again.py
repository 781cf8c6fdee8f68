"""What is asked when nobody else is there, to be held against what was told and answered beside others."""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from ssegauge.conformance.facts import Facts
from ssegauge.conformance.probes.probe import probe
from ssegauge.conformance.probes.returning import come_with
from ssegauge.conformance.recording.server import Server
from ssegauge.conformance.recording.speaking import Speaker
from ssegauge.conformance.rules.reading.crowds import waited_ms
from ssegauge.conformance.rules.reading.replaced import TWICE, alone_for_ms
from ssegauge.conformance.rules.reading.silence import is_silenced
from ssegauge.conformance.seen import Seen, View

MOST = 2  # of a sort: known ids, others like them, others unlike them
GONE_S = 2.0  # in which a server is to see that a reader has gone
MOST_CALLS, SOON_MS = 3, 250.0
ENOUGH_S, SOON_S = 0.5, 2.0  # until the head has come; in which a server is to end a stream for another
SORTS = ("known", "stale", "garbage")


@probe("plain", "gets", stage="last", streams=2, asks=2 * MOST * len(SORTS))
async def again(server: Server) -> None:
    """Where somebody who brought an id was told nothing while a newcomer was, come with it again, with one newcomer.

    So it is seen whether the id is why, or how many read at once.
    """
    if server.one_reader:
        return
    seen = Seen.of(server.recording.transcripts, limits=server.target.limits)
    for silenced in _by_sort(seen).values():
        for view in silenced[:MOST]:
            facts = replace(view.facts, situation="again", last_event_id=_still_such(seen, view))
            newcomer = Facts(kind="plain", reader="newcomer", situation="again", patience_ms=view.facts.patience_ms)
            before = len(server.recording.transcripts)
            await come_with(server, [facts], newcomer, server.patience_s)
            asked = server.recording.transcripts[before:]
            if any(one.facts.resume and not View(one).messages for one in asked):
                break


@probe("plain", "gets", stage="last", streams=2, asks=2 * TWICE, long=True)
async def replaced(server: Server) -> None:
    """Where streams ended while others came, see whether one that is alone lives, and ends when one comes; twice."""
    alone_ms = alone_for_ms(Seen.of(server.recording.transcripts, limits=server.target.limits))
    if alone_ms is None or server.most_readers == 1:
        return
    facts = Facts(kind="plain", situation="again", patience_ms=alone_ms)
    for _ in range(TWICE):
        async with server.stream("alone", replace(facts, joined="start")) as first:
            await first.until(lambda: first.over, alone_ms / 1000 + ENOUGH_S)
            if first.over:
                return
            async with server.stream("alone-next", replace(facts, joined="late")):
                await first.until(lambda: first.over, SOON_S)
            if not first.over:
                return


@probe("publish", stage="first", streams=1, asks=MOST_CALLS)
async def said_alone(server: Server) -> None:
    """Publish something before any stream is open; where that is answered late, once more when the first must be gone.

    So it is seen what streams that are open do to other requests.
    """
    speaker = await Speaker.of(server)
    speaker.facts = replace(speaker.facts, situation="again")
    for _ in range(MOST_CALLS):
        reply = await speaker.say("before anybody reads")
        if reply.head and waited_ms(reply) < SOON_MS:
            break
        await asyncio.sleep(GONE_S)
    server.unheeded = 0


def _by_sort(seen: Seen) -> dict[str | None, list[View]]:
    found: dict[str | None, list[View]] = defaultdict(list)
    for view in seen.role("stream", Facts(kind="plain")):
        if view.facts.resume in SORTS and is_silenced(seen, view):
            found[view.facts.resume].append(view)
    return found


def _still_such(seen: Seen, view: View) -> str | None:
    """Return the id; for one that was a little larger than all, and is no more, one that is far larger."""
    if view.facts.case != "beyond":
        return view.facts.last_event_id
    larger: Sequence[View] = seen.role("stream", Facts(kind="plain", case="far"))
    return next((one.facts.last_event_id for one in larger), view.facts.last_event_id)
