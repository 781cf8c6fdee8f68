"""Streams that are made to say something: step by step, for long, with odd texts, and more than a reader takes."""

import asyncio
import random
from dataclasses import replace

from ssegauge.conformance.probes.compressing import OFFERED
from ssegauge.conformance.probes.leaving import look, observe
from ssegauge.conformance.probes.probe import probe
from ssegauge.conformance.recording.reader import Reader
from ssegauge.conformance.recording.server import Server
from ssegauge.conformance.recording.speaking import Speaker

STEPS = 8
PACE_S = 0.1
# Together 420 kB: more than the buffers between a server and a reader with a small window hold (about 100 kB, and what
# the server's own library adds, often 64 kB).
SLOW_UPDATES = 120
SLOW_MESSAGE = 3500
# Irregular, so that a regular pattern in what arrives is not ours; together 12 s: less than the idle probe takes.
STEADY_UPDATES, STEADY_S, STEADY_SEED = 40, (0.15, 0.45), 205
LONGEST_S = 25.0  # where each call is answered late
# What follows each break would forge a field of an event of its own.
BREAKS = {
    "lf": ("\n",),
    "cr": ("\r",),
    "crlf": ("\r\n",),
    "nul": ("\0",),
    "separator": ("\u2028", "\u2029", "\x85"),
}
# What is told may be made of any characters and be long: the codes that Python takes for line ends, but no event stream
# does, and more than a page of memory or a message of PostgreSQL holds.
LETTERS = "all of é Ж 中 😀 & < @-end"
# As code, tables, Markdown and addresses have them; no page and no template says anything else by these.
CODE = 'say  "it\'s"\tin   C:\\new\\table\\u0041 \\" a+b %41 @-end'
CONTROLS = "".join(f"{n}{c}" for n, c in enumerate("\v\f\x1c\x1d\x1e\x85\u2028\u2029", 1)) + " @-end"
LARGE = 20_000
ODD = {"letters": LETTERS, "code": CODE, "controls": CONTROLS, "large": f"{'x' * LARGE} @-end"}
QUOTES = 'before","forged":"@-injected","more":"\\" \\u0022 \'after\\'


async def pace(speaker: Speaker, steps: range) -> None:
    """Say something in each step, at its planned time."""
    loop = asyncio.get_running_loop()
    started = loop.time()
    for planned, step in enumerate(steps, 1):
        await asyncio.sleep(max(0.0, started + planned * PACE_S - loop.time()))
        await speaker.say(f"step {step + 1} of {STEPS}", progress=10 * (step + 1))


@probe("publish", streams=2, asks=STEPS + 2)
async def published(server: Server) -> None:
    """Publish eight times in a second, while one reads from the start and another comes half way."""
    speaker = await Speaker.of(server)
    facts = replace(speaker.facts, patience_ms=1000 * server.patience_s)
    async with server.stream("published", replace(facts, reader="uncut")) as live:
        await speaker.connected(live)
        await pace(speaker, range(STEPS // 2))
        if server.one_reader:
            await pace(speaker, range(STEPS // 2, STEPS))
            await speaker.heard(live)
            return
        async with server.stream("published-late", replace(facts, joined="late")) as late:
            await speaker.connected(late)
            await pace(speaker, range(STEPS // 2, STEPS))
            await speaker.heard(live, late)


@probe("update", stage="patient", streams=1, asks=STEADY_UPDATES + 3)
async def steady(server: Server) -> None:
    """Make the stream say something for many seconds, at irregular times."""
    speaker, dice = await Speaker.of(server), random.Random(STEADY_SEED)  # noqa: S311 - no secret
    async with server.stream("steady", replace(speaker.facts, situation="steady")) as live:
        await speaker.connected(live)
        until = asyncio.get_running_loop().time() + LONGEST_S
        for step in range(STEADY_UPDATES):
            if asyncio.get_running_loop().time() > until:
                break
            await asyncio.sleep(dice.uniform(*STEADY_S))
            await speaker.say(f"steady {step}", progress=step)
        await speaker.heard(live)
    await speaker.end()


@probe("update", stage="alone", streams=1, asks=len(BREAKS) + 9)
async def canaries(server: Server) -> None:
    """Make the stream tell texts that try to break its framing, or are odd, one after the other, each until told."""
    speaker = await Speaker.of(server)
    async with server.stream("canary", replace(speaker.facts, situation="canary")) as live:
        await speaker.connected(live)
        for case, breaks in BREAKS.items():
            name = "{}id: @-injected" if len(breaks) == 1 else ""  # short, so that it may be a stage as well
            lines = "".join(f"{b}data: @-injected{name.format(b)}{b}{b}" for b in breaks)
            await speaker.say(f"before{lines}after @-end", progress=50, canary=case)
            await speaker.heard(live)
        await speaker.say(QUOTES, progress=50, canary="quote")
        await speaker.heard(live)
        for case, words in ODD.items():
            await speaker.say(words, progress=50, canary=case, around=" " if case == "letters" else "")
            await speaker.heard(live)
        await speaker.say("is the last", progress=60)
        await speaker.heard(live)
        await speaker.end()
        await live.until(lambda: live.over, server.patience_s if speaker.facts.task_id else 0)


@probe("update", streams=1, asks=STEPS // 2 + 3)
async def compressed(server: Server) -> None:
    """Offer compression, make the stream say something, and see whether it comes before the end."""
    speaker = await Speaker.of(server)
    offered = {"Accept": "text/event-stream", "Accept-Encoding": OFFERED}
    live = server.begin("compressed", server.target.stream, speaker.facts, headers=offered)
    await live.until(lambda: live.head is not None, server.patience_s)
    await live.until(lambda: live.over, PACE_S)
    await pace(speaker, range(STEPS // 2))
    if not live.head or live.head.header("content-encoding"):  # what is held now would be flushed by the end
        await live.until(lambda: live.over, server.target.limits.update_s)
    await speaker.end()
    if speaker.facts.task_id:
        await live.finish(server.patience_s)
    await live.stop()


@probe("update", stage="alone", streams=2, asks=SLOW_UPDATES + 4)
async def slow_reader(server: Server) -> None:
    """Let one reader stop reading while another reads the same stream, where that lets two read it."""
    if server.one_reader:
        return
    speaker = await Speaker.of(server)
    facts = speaker.facts
    async with server.stream("beside-slow", replace(facts, situation="beside-slow")) as fast:
        slow = await Reader.open(await server.ready(), facts.task_id or "", wait_s=server.patience_s, small_window=True)
        if slow.opened:
            observe(server, "stream", "slow", replace(facts, situation="slow", opened=1))
        await speaker.connected(fast)
        await look(server, "slow-before")
        await _say_more_than_it_takes(speaker)
        await look(server, "slow-after")
        await speaker.heard(fast)
        await speaker.end()
        await fast.until(lambda: fast.over, server.patience_s if facts.task_id else 0)
        await slow.leave("rst")


async def _say_more_than_it_takes(speaker: Speaker) -> None:
    """Say more than the slow reader's buffers hold; what is not answered, or refused as too large, ends it."""
    until = asyncio.get_running_loop().time() + LONGEST_S
    for n in range(SLOW_UPDATES):
        told = await speaker.say(f"large {n} " + "x" * SLOW_MESSAGE, progress=99 * n // SLOW_UPDATES)
        if told.head is None or told.head.status >= 300 or asyncio.get_running_loop().time() > until:
            return
