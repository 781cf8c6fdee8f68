"""Any event stream, of which nothing is known but its address."""

from dataclasses import replace

from ssegauge.conformance.facts import Facts
from ssegauge.conformance.probes.probe import probe
from ssegauge.conformance.probes.returning import come_back
from ssegauge.conformance.recording.server import Server
from ssegauge.conformance.seen import View

ENOUGH_EVENTS = 20


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


@probe("plain", stage="patient")
async def plain_idle(server: Server) -> None:
    """Read the stream for longer than a heartbeat may take."""
    wait_s = server.target.limits.heartbeat_s + 1.5
    facts = Facts(kind="plain", situation="idle", patience_ms=wait_s * 1000)
    async with server.stream("plain-idle", facts) as live:
        await live.until(lambda: live.head is not None, server.patience_s)  # silence counts from there
        await live.until(lambda: live.over, wait_s)
