"""Any event stream, of which nothing is known but its address."""

from collections.abc import Sequence
from dataclasses import replace

from ssegauge.conformance.facts import Facts
from ssegauge.conformance.probes.probe import probe
from ssegauge.conformance.recording.server import Server
from ssegauge.conformance.seen import Message, View

ENOUGH_EVENTS = 20
QUICK_LOOK_S = 1.0
OPENING_S = 0.5  # what a newcomer is told at once


@probe("plain")
async def plain(server: Server) -> None:
    """Read a stream for a while, twice at once, and come back to it with an id from its midst."""
    facts = Facts(kind="plain", patience_ms=1000 * server.patience_s)
    async with (
        server.stream("plain", replace(facts, reader="uncut")) as one,
        server.stream("plain-twin", replace(facts, reader="twin")) as two,
    ):
        await one.until(lambda: len(one.events) >= ENOUGH_EVENTS, server.patience_s)
    del two
    told = [message for message in View(one.transcript).messages if message.event.id]
    if told and server.target.stream.method == "GET":  # EventSource comes back with GET alone
        await come_back(server, told, facts)


async def come_back(server: Server, told: Sequence[Message], facts: Facts) -> None:
    """Come back as if cut in the midst, beside a newcomer, and read until it shows how the server goes on.

    A stream that begins anew reaches the place in about the time that it took before.
    """
    at = len(told) // 2
    last, later = told[at].event.id, {message.event.id for message in told[at + 1 :]}
    took_s = (told[at].item.at_ms - told[0].item.at_ms) / 1000
    resumed = replace(facts, reader="cut", last_event_id=last, resume="known")
    async with (
        server.stream("plain-resumed", resumed) as one,
        server.stream("plain-newcomer", replace(facts, reader="newcomer")) as other,
    ):
        await one.until(
            lambda: last in one.ids() or (bool(later) and later <= set(one.ids())),
            min(server.patience_s, took_s + QUICK_LOOK_S),
        )
        await other.until(lambda: other.over, OPENING_S)


@probe("plain", stage="patient")
async def plain_idle(server: Server) -> None:
    """Read the stream for longer than a heartbeat may take."""
    wait_s = server.target.limits.heartbeat_s + 1.5
    facts = Facts(kind="plain", situation="idle", patience_ms=wait_s * 1000)
    async with server.stream("plain-idle", facts) as live:
        await live.until(lambda: live.head is not None, server.patience_s)  # silence counts from there
        await live.until(lambda: live.over, wait_s)
