"""The very first request: is there a stream to judge? Raises CannotJudge, with the remedy, when there is none."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import urldefrag, urljoin

from ssegauge.conformance.errors import HELD, CannotJudge
from ssegauge.conformance.facts import Facts
from ssegauge.conformance.recording.before import HookFailed
from ssegauge.conformance.recording.live import Live
from ssegauge.conformance.recording.server import CREATES, PATIENCE_S, Server
from ssegauge.conformance.seen import View
from ssegauge.conformance.target import Target
from ssegauge.conformance.target.filling import names

# Answers that say "not here" or "not you": the target is described wrongly, which is no finding on its streams.
NOTHING_THERE = {
    204: "the server says that there is no stream now",
    401: "give credentials in stream.headers, or with -H",
    403: "give credentials in stream.headers, or with -H",
    404: "check base_url and stream.path",
    405: "check stream.method",
    407: "a proxy stands before the server; connect to it directly",
}
# Fetch follows these, EventSource with it, which comes back by the address it was given (#reestablish-the-connection).
REDIRECTS = frozenset({301, 302, 303, 307, 308})
KEEP_THE_METHOD = frozenset({307, 308})
MOST_REDIRECTS = 5


async def hello(server: Server, look_s: float = 0.0) -> View:
    """Open one stream, to learn whether there is something to judge, and read it for so long.

    Of one that a language model may make for money the first event is waited for, which says so.

    Where the answer leads to another address of this server, that is asked, and is the target's from then on.

    Raises CannotJudge when there is none.
    """
    try:
        await server.subject()
        task_id = await _task(server)
    except HookFailed as error:
        raise CannotJudge(str(error)) from None
    live = await _ask(server, task_id, look_s)
    if place := _leads_to(server.target, live):
        return await _follow(server, place, look_s)
    _check(live)
    return View(live.transcript)


async def _ask(server: Server, task_id: str | None, look_s: float) -> Live:
    headers = {"Accept": "text/event-stream"}
    live = server.begin("hello", server.target.stream, Facts(task_id=task_id), headers=headers)
    await live.until(lambda: live.head is not None, PATIENCE_S)
    if look_s:
        await live.until(lambda: live.over, look_s)
    elif server.target.may_generate:
        await live.until(lambda: bool(live.events), server.patience_s)
    await live.stop()
    return live


async def _follow(server: Server, place: str, look_s: float) -> View:
    """Ask where the first answer leads, and where that does. Raises CannotJudge where no stream comes of it."""
    target = server.target
    asked = f"{target.stream.method or 'GET'} {target.url(target.stream.path)}: redirected to {place}"
    if target.stream.method in {"", "GET"} and _leads_to(target, await _ask(server, None, 0.0)) != place:
        raise CannotJudge(f"{asked}, and then elsewhere; name one address in the target")
    been = [target.stream.path]
    while place not in been and len(been) <= MOST_REDIRECTS:
        been.append(place)
        server.target = replace(target, stream=replace(target.stream, path=place))
        live = await _ask(server, None, look_s)
        leads_to = _leads_to(server.target, live)
        if leads_to is None:
            return _reached(live, asked)
        place = leads_to
    raise CannotJudge(f"{asked}, and on and on; name the stream's address in the target")


def _reached(live: Live, asked: str) -> View:
    """Return what redirects lead to, a stream."""
    _check(live)
    view = View(live.transcript)
    if not view.is_event_stream:
        kind = f"{view.said()}, {view.media_type or 'no content type'}"
        raise CannotJudge(f"{asked}, which is no event stream ({kind}); name the stream's address, or give credentials")
    return view


def _leads_to(target: Target, live: Live) -> str | None:
    """Return the path to which an answer leads; None without, and where that is another server.

    No secret goes there. Where a path is made for each request, each leads elsewhere.
    """
    request, head = live.transcript.request, live.head
    place = head.header("location") if head and head.status in REDIRECTS else None
    follows = head is not None and (request.method == "GET" or head.status in KEEP_THE_METHOD)
    if not place or not follows or names(target.stream.path):
        return None
    try:
        there = urldefrag(urljoin(request.url, place)).url
    except ValueError:  # a bracket that is not closed
        return None
    base = target.base_url.rstrip("/") + "/"
    return there.removeprefix(base[:-1]) if there.startswith(base) and there.isascii() and "{" not in there else None


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
