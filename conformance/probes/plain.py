"""Any event stream, of which nothing is known but its address."""

from typing import Any

from conformance.probes.probe import probe
from conformance.record import Server

ENOUGH_EVENTS = 20


@probe("plain")
async def plain(server: Server) -> None:
    """Read a stream for a while, twice at once, and come back to it with the last id."""
    facts: dict[str, Any] = {"kind": "plain", "patience_ms": 1000 * server.patience_s}
    async with (
        server.stream("plain", reader="uncut", **facts) as one,
        server.stream("plain-twin", reader="twin", **facts) as two,
    ):
        await one.until(lambda: len(one.events) >= ENOUGH_EVENTS, server.patience_s)
        ids = one.ids()
    del two
    if ids:
        resumed: dict[str, Any] = {"reader": "cut", "last_event_id": ids[-1], "resume": "known", **facts}
        async with server.stream("plain-resumed", **resumed) as three:
            await three.until(lambda: bool(three.events), QUICK_LOOK_S)


QUICK_LOOK_S = 1.0


@probe("plain", stage="patient")
async def plain_idle(server: Server) -> None:
    """Read the stream for longer than a heartbeat may take."""
    wait_s = server.target.limits.heartbeat_s + 1.5
    facts: dict[str, Any] = {"kind": "plain", "situation": "idle", "patience_ms": wait_s * 1000}
    async with server.stream("plain-idle", **facts) as live:
        await live.until(lambda: live.head is not None, server.patience_s)  # silence counts from there
        await live.until(lambda: live.over, wait_s)
