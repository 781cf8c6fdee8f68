"""Unusual requests: what a server must refuse or bear."""

import asyncio
import uuid
from dataclasses import replace
from typing import Any

from ssegauge.conformance.facts import Facts, Role
from ssegauge.conformance.probes.probe import credentials, probe
from ssegauge.conformance.probes.wrong import wrong_credentials
from ssegauge.conformance.recording.live import Live, now_ms
from ssegauge.conformance.recording.reader import ask_in_http10
from ssegauge.conformance.recording.server import PROBE, Server
from ssegauge.conformance.recording.transcript import Request, Transcript, from_capture
from ssegauge.conformance.seen import View
from ssegauge.conformance.target import Call, Target

LEAST_PATIENCE_S = 2.0
GENERATION_PATIENCE_S = 10.0  # a gateway that has just been started takes seconds for what it has not done yet
FOREIGN_ORIGIN = "https://foreign.example"
OPENS_A_STREAM = {"query", "large-header", "origin", "method"}
MALFORMED = {
    "traversal": "..%2f..%2f..%2fetc%2fpasswd",
    "nul": "a%00b",
    "long": "x" * 4000,
    "emoji": "%F0%9F%92%A5",
    "dots": "..",
    "quote": "1'%20OR%20'1'='1",
    "not-utf8": "%ff%fe",
}


async def ask(server: Server, role: Role, facts: Facts, call: Call | None = None, **more: Any) -> Live:  # noqa: ANN401
    """Make the request and wait a short while for the answer; a stream that was opened is left at its head.

    What is odd about it stands alone: it accepts what a reader of the stream does.
    """
    await server.subject()
    more["headers"] = {"Accept": "text/event-stream", **more.get("headers", {})}
    live = server.begin(role, call or server.target.stream, facts, **more)
    least_s = GENERATION_PATIENCE_S if server.target.generates else LEAST_PATIENCE_S
    patience_s = max(least_s, 2 * server.target.limits.connect_s)
    await live.until(lambda: live.over or (live.head is not None and role in OPENS_A_STREAM), patience_s)
    if live.head is None or role not in OPENS_A_STREAM:
        live.on_end("timeout")
    await live.stop()
    return live


async def some_task(server: Server) -> Facts:
    """Return a task that nobody else looks at, as facts; where streams need none, no facts."""
    if not server.target.needs_task:
        return Facts()
    return Facts(task_id=await server.create("manual" if server.target.task.create_manual else "self-running"))


@probe("tasks", streams=1)
async def unknown_task(server: Server) -> None:
    """Ask for a task that never was."""
    await ask(server, "unknown-task", Facts(task_id=str(uuid.uuid4())))


@probe("tasks", streams=7)
async def malformed_id(server: Server) -> None:
    """Ask for tasks whose ids are rubbish."""
    await asyncio.gather(
        *(
            ask(server, "malformed-id", Facts(task_id=value, case=case), name=f"malformed-{case}")
            for case, value in MALFORMED.items()
        )
    )


def _other_methods(target: Target) -> int:
    return 4 if target.needs_task else 2


@probe(streams=1, asks=4, counts=_other_methods)
async def other_methods(server: Server) -> None:
    """Ask with methods that streams do not have; with PUT, which might change something, only for a task of our own."""
    task = await some_task(server)
    for method in ("BREW", "PROPFIND", "PUT") if task.task_id else ("BREW", "PROPFIND"):
        call = replace(server.target.stream, method=method, json=None)
        await ask(server, "method", replace(task, case=method), call, name=f"method-{method.lower()}")


@probe("gets", streams=1)
async def head(server: Server) -> None:
    """Ask for the head alone."""
    call = replace(server.target.stream, method="HEAD")
    await ask(server, "head", await some_task(server), call)


@probe("gets", streams=1)
async def query(server: Server) -> None:
    """Ask with a query string that means nothing."""
    path = server.target.stream.path
    call = replace(server.target.stream, path=path + ("&" if "?" in path else "?") + "%00=%ff&&=;%zz&a[]=1")
    await ask(server, "query", await some_task(server), call)


@probe("gets", streams=1)
async def http10(server: Server) -> None:
    """Ask in HTTP/1.0, as old proxies do."""
    task, asked_ms = await some_task(server), now_ms()
    task_id = task.task_id or ""
    head = from_capture(await ask_in_http10(await server.ready(), task_id, LEAST_PATIENCE_S)).head
    if head:
        stream = (await server.ready()).stream
        request = Request(stream.method, server.target.url(stream.path, task_id=task_id))
        head = replace(head, at_ms=now_ms() - asked_ms)
        server.recording.write(Transcript("http10", request, PROBE.get(), "http10", asked_ms, head))


@probe("gets", streams=1)
async def large_header(server: Server) -> None:
    """Ask with a header field of 16 kB."""
    await ask(server, "large-header", await some_task(server), headers={"X-Large": "x" * 16_384})


@probe("cheap", "stream.headers", streams=1, asks=2)
async def no_token(server: Server) -> None:
    """Ask without the credentials that the target sends.

    Where that is not answered with a stream, ask with some that are wrong: of the same length and form, with other
    characters.
    """
    task = await some_task(server)
    without = await ask(server, "no-token", task, headers=dict.fromkeys(credentials(server.target)))
    wrong = wrong_credentials(await server.ready())
    if wrong and not View(without.transcript).is_event_stream:
        await ask(server, "no-token", replace(task, case="wrong"), name="wrong-token", headers=wrong)
