"""The very first request: is there a stream to judge? Raises CannotJudge, with the remedy, when there is none."""

from __future__ import annotations

from ssegauge.conformance.errors import HELD, CannotJudge
from ssegauge.conformance.facts import Facts
from ssegauge.conformance.recording.before import HookFailed
from ssegauge.conformance.recording.live import Live
from ssegauge.conformance.recording.server import CREATES, PATIENCE_S, Server
from ssegauge.conformance.seen import View

# Answers that say "not here" or "not you": the target is described wrongly, which is no finding on its streams.
NOTHING_THERE = {
    204: "the server says that there is no stream now",
    401: "give credentials in stream.headers, or with -H",
    403: "give credentials in stream.headers, or with -H",
    404: "check base_url and stream.path",
    405: "check stream.method",
    407: "a proxy stands before the server; connect to it directly",
}
# EventSource follows them (#the-eventsource-interface); we judge the server that answers, so we ask for its address.
REDIRECTS = frozenset({301, 302, 303, 307, 308})


async def hello(server: Server, look_s: float = 0.0) -> View:
    """Open one stream, to learn whether there is something to judge, and read it for so long.

    Raises CannotJudge when there is not.
    """
    try:
        await server.subject()
        task_id = await _task(server)
    except HookFailed as error:
        raise CannotJudge(str(error)) from None
    headers = {"Accept": "text/event-stream"}
    live = server.begin("hello", server.target.stream, Facts(task_id=task_id), headers=headers)
    await live.until(lambda: live.head is not None, PATIENCE_S)
    if look_s:
        await live.until(lambda: live.over, look_s)
    await live.stop()
    _check(live)
    return View(live.transcript)


async def _task(server: Server) -> str | None:
    if not server.target.needs_task:
        return None
    kind = next((name for name in CREATES if getattr(server.target.task, CREATES[name])), None)
    if kind is None:
        raise CannotJudge("stream.path has {task_id}, but the target file has no [task.create]; add it")
    return await server.create(kind)


def _check(live: Live) -> None:
    request, end, head = live.transcript.request, live.transcript.end, live.head
    asked = f"{request.method} {request.url}"
    if head is None:
        late = f"connected, but no response within {PATIENCE_S:g} s; {HELD}"
        raise CannotJudge(f"{asked}: {end.detail if end and end.how == 'error' else late}")
    if head.status in REDIRECTS:
        place = head.header("location") or "nowhere"
        raise CannotJudge(f"{asked}: redirected to {place}; name that address in the target")
    if head.status in NOTHING_THERE:
        raise CannotJudge(f"{asked}: {View(live.transcript).said()}; {NOTHING_THERE[head.status]}")
