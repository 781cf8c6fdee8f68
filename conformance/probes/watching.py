"""One reader who stays for longer than a heartbeat takes, and newcomers who come while it does."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from ssegauge.conformance.facts import MARKER, Facts
from ssegauge.conformance.probes.probe import probe
from ssegauge.conformance.recording.live import Live, now_ms
from ssegauge.conformance.recording.server import Server
from ssegauge.conformance.recording.speaking import Speaker
from ssegauge.conformance.seen import Item, View
from ssegauge.conformance.sse import Comment, Event
from ssegauge.conformance.target import Target

MARGIN_S = 1.5
# The limits that are set most often, of gateways and of servers' writing, are 10, 15, 29 and 30 s. A stream that is
# promised to have no end is read for longer.
PAST_LIMITS_S = 31.5
# When newcomers come and leave, as parts of the whole time: the first to see streams that fall silent early and how
# several readers are told the same; the second, with time alone before it, those that fall silent late.
NEWCOMERS = ((0.36, 0.52), (0.76, 1.0))
HALF = 0.5  # of the longest silence: what comes that seldom may be no heartbeat
BUSY_S = 1.0  # our own delay widens the limits, on a busy machine
# Who comes when the stream has ended: how many at once, for how long at least, and at most; of short ones more.
AGAIN, AFTER_S, LONGER, SHORT = 2, 3.0, 1.5, 4


def long_enough_s(server: Server) -> float:
    """Return how long a stream is to be read so that a missing heartbeat shows."""
    return server.target.heartbeat_s + MARGIN_S


def _watched_s(server: Server) -> float:
    ends = server.target.promises.ends
    endless = not server.quick and ends is not None and ends.how == "never"
    return max(long_enough_s(server), PAST_LIMITS_S if endless else 0.0)


@probe("plain", "gets", stage="patient", streams=2, asks=5, adapts=True)
async def watch(server: Server) -> None:
    """Read a stream for longer than a heartbeat may take, and have newcomers read it as well for some seconds each.

    Where it ends before, others come, to see whether there is more to tell, and how these end; more where it is short
    and promised to have an end marker. With `ends = "never"` it is read for longer than 30 s. Where bytes come seldom,
    and no comment among them, the next one is waited for.
    """
    whole_s = _watched_s(server)
    facts = Facts(kind="plain", reader="long", patience_ms=whole_s * 1000)
    async with server.stream("watch", facts) as live:
        await live.until(lambda: live.head is not None, server.patience_s)  # silence counts from there
        windows = NEWCOMERS if server.most_readers != 1 else ()
        visits = [asyncio.create_task(_come(server, live, whole_s * come, whole_s * go)) for come, go in windows]
        await live.until(lambda: live.over, whole_s)
        await _wait_for_a_byte(server, live)
        came = sum(await asyncio.gather(*visits))
        if live.over and windows:
            for for_s in _visits_s(server, live, whole_s):
                await asyncio.gather(*(_visit(server, live, for_s) for _ in range(max(1, AGAIN - came))))


def _visits_s(server: Server, live: Live, whole_s: float) -> list[float]:
    """Return for how long those who come next are to read, one after the other, within the whole time if need be."""
    end, ends = live.transcript.end, server.target.promises.ends
    lasted_s = end.at_ms / 1000 if end else 0.0
    marked = ends is not None and ends.has_marker and SHORT * lasted_s <= whole_s
    return [max(AFTER_S, min(LONGER * lasted_s, whole_s - lasted_s))] * (2 if marked else 1)


async def _wait_for_a_byte(server: Server, live: Live) -> None:
    """Read on until silence has lasted for too long or was broken, where it was seen to last long."""
    chunks, head = live.so_far.chunks, live.transcript.head
    times = [head.at_ms if head else 0.0, *(chunk.at_ms for chunk in chunks), now_ms() - live.transcript.started_ms]
    longest_ms = max(after - before for before, after in pairwise(times))
    speaks = longest_ms < 1000 * HALF * server.target.heartbeat_s or any(
        chunk.data.startswith(b":") for chunk in chunks
    )
    if not (server.quick or speaks):
        since_s = (times[-1] - times[-2]) / 1000
        await live.until(lambda: live.parts > len(chunks), long_enough_s(server) + BUSY_S - since_s)


@probe("plain", "gets", "publish", stage="last", streams=1, asks=2, long=True)
async def quiet(server: Server) -> None:
    """Where a stream was long silent but for what was published, read it for as long once more, now that nothing is.

    Then publish something: what has lost its source is never told anything again, however well it looks.
    """
    watched = [one for one in server.recording.transcripts if one.probe == "watch" and one.facts.joined == "start"]
    if not any(_is_silent_by_itself(View(one), server.target) for one in watched):
        return
    for_s = long_enough_s(server)
    facts = Facts(kind="plain", reader="long", patience_ms=for_s * 1000)
    async with server.stream("quiet", facts) as live:
        await live.until(lambda: live.head is not None, server.patience_s)
        await live.until(lambda: live.over, for_s)
        speaker = await Speaker.of(server)
        await speaker.say("after the quiet")
        await speaker.heard(live)


def _is_silent_by_itself(view: View, target: Target) -> bool:
    """Whether the promised times would have passed without anything, had nothing been published."""
    if not view.head or not view.transcript.end:
        return False
    own = [item for item in view.items if isinstance(item.what, Comment | Event) and not _is_published(item)]
    events = [item.at_ms for item in own if isinstance(item.what, Event)]
    at_ms = (view.head.at_ms, view.transcript.end.at_ms)
    too_long = target.promises.gap_s is not None and _longest_ms(at_ms, events) > 1000 * target.promises.gap_s
    return too_long or _longest_ms(at_ms, [item.at_ms for item in own]) > 1000 * HALF * target.heartbeat_s


def _is_published(item: Item) -> bool:
    return isinstance(item.what, Event) and bool(MARKER.search(item.what.data))


def _longest_ms(ends: tuple[float, float], times: Sequence[float]) -> float:
    return max(after - before for before, after in pairwise([ends[0], *times, ends[1]]))


async def _come(server: Server, live: Live, come_s: float, go_s: float) -> bool:
    """Read the stream beside its reader for a while; return False where it has ended by then."""
    await live.until(lambda: live.over, come_s)
    there = not live.over
    if there:
        await _visit(server, live, go_s - come_s)
    return there


async def _visit(server: Server, live: Live, for_s: float) -> None:
    facts = replace(live.transcript.facts, reader="beside", joined="late", patience_ms=for_s * 1000)
    async with server.stream("watch-newcomer", facts) as visitor:
        await visitor.until(lambda: visitor.over, for_s)
