"""The same stream with and without compression, side by side."""

from dataclasses import replace

from ssegauge.conformance.facts import Facts
from ssegauge.conformance.probes.probe import probe
from ssegauge.conformance.recording.server import Server

HEAD_S = 1.0
LONGEST_S = 15.0
ENOUGH_EVENTS, ENOUGH_S, SOON_S = 5, 3.0, 0.5
# Of what browsers offer, what we undo; where br is taken, others are still served gzip.
OFFERED, WITHOUT_BR = "gzip, deflate, br", "gzip, deflate"


@probe("plain", "gets", stage="patient", streams=2, asks=4)
async def compression(server: Server) -> None:
    """Offer compression; where the server takes it, or holds its answer, read the stream uncompressed beside it.

    Where it takes br, offer gzip alone as well.
    """
    await server.subject()
    if await _offer(server, OFFERED) == "br":
        await _offer(server, WITHOUT_BR)


async def _offer(server: Server, codings: str) -> str | None:
    """Return which coding the server chose."""
    facts = Facts(kind="plain", patience_ms=1000 * LONGEST_S)
    offered = {"Accept": "text/event-stream", "Accept-Encoding": codings}
    live = server.begin("compressed", server.target.stream, facts, headers=offered)
    await live.until(lambda: live.head is not None, HEAD_S)
    if not live.over and (not live.head or live.head.header("content-encoding")):
        async with server.stream("beside-compressed", replace(facts, joined="late")) as other:
            await other.until(lambda: False, ENOUGH_S)
            await other.until(lambda: len(other.events) >= ENOUGH_EVENTS, LONGEST_S - ENOUGH_S)
            # What a compressor held comes last.
            await live.until(lambda: live.over, ENOUGH_S if other.over else SOON_S)
    await live.stop()
    return live.head.header("content-encoding") if live.head else None
