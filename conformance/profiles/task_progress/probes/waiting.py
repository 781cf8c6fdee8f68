"""Streams on which nothing comes."""

from ssegauge.conformance.facts import Facts
from ssegauge.conformance.probes.probe import probe
from ssegauge.conformance.recording.server import Server


@probe("task.create_manual", stage="patient", streams=1, asks=3)
async def idle(server: Server) -> None:
    """Read a stream on which nothing happens, for longer than a heartbeat may take."""
    task_id = await server.create("manual")
    wait_s = server.target.heartbeat_s + 1.5
    facts = Facts(task_id=task_id, kind="manual", situation="idle", patience_ms=wait_s * 1000)
    async with server.stream("idle", facts) as live:
        await live.until(lambda: live.head is not None, server.patience_s)  # silence counts from there
        await live.until(lambda: live.over, wait_s)
    if server.target.task.update and not (live.transcript.end and live.transcript.end.how == "eof"):
        await server.complete(task_id)
