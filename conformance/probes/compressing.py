"""The same stream with and without compression, side by side."""

from dataclasses import replace

from ssegauge.conformance.facts import Facts
from ssegauge.conformance.probes.probe import probe
from ssegauge.conformance.recording.server import Server

HEAD_S = 1.0
LONGEST_S = 15.0
ENOUGH_EVENTS, ENOUGH_S = 5, 3.0


@probe("plain", "gets", stage="patient", streams=2)
async def compression(server: Server) -> None:
    """Offer compression; where the server takes it, or holds its answer, read the stream uncompressed beside it."""
    await server.subject()
    facts = Facts(kind="plain", patience_ms=1000 * LONGEST_S)
    offered = {"Accept": "text/event-stream", "Accept-Encoding": "gzip, deflate"}
    live = server.begin("compressed", server.target.stream, facts, headers=offered)
    await live.until(lambda: live.head is not None, HEAD_S)
    if not live.over and (not live.head or live.head.header("content-encoding")):
        async with server.stream("beside-compressed", replace(facts, joined="late")) as other:
            await other.until(lambda: False, ENOUGH_S)
            await other.until(lambda: len(other.events) >= ENOUGH_EVENTS, LONGEST_S - ENOUGH_S)
    await live.stop()
