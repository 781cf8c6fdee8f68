"""The first generation of a language model: is it one to judge? It is read on by whoever asks for more of them.

What cannot be judged is told in one line, CannotJudge: an answer that says no, in the API's own words, JSON where a
stream was to come, and a stream of another wire form.
"""

from __future__ import annotations

from ssegauge.conformance.errors import CannotJudge
from ssegauge.conformance.facts import Facts
from ssegauge.conformance.hello import NOTHING_THERE, REDIRECTS
from ssegauge.conformance.recording.before import HookFailed
from ssegauge.conformance.recording.live import Live
from ssegauge.conformance.recording.server import Server
from ssegauge.conformance.seen import View, foreign, spoken
from ssegauge.conformance.words import shown

PATIENCE_S = 30.0  # some models think before they say anything, and some servers send no head before that
KEY = "give the API's key with -H, or in headers of the target file"
REMEDIES = {
    **NOTHING_THERE,
    400: "mend the body ([stream] json, or --json)",
    401: KEY,
    402: "the account has nothing left to pay with",
    403: KEY,
    404: "check the address, and the name of the model in the body",
    405: "these streams are asked for by POST: give the body with --json",
    415: "the body is to be JSON",
    422: "mend the body ([stream] json, or --json)",
}


async def first_generation(server: Server) -> Live:
    """Ask for the stream and wait for its first event; it stays open. Raises CannotJudge where it is none to judge."""
    facts = Facts(kind="plain", joined="start", reader="uncut", nth=1, patience_ms=1000 * PATIENCE_S)
    try:
        await server.subject()
    except HookFailed as error:
        raise CannotJudge(str(error)) from None
    live = server.begin("stream", server.target.stream, facts, name="plain", headers={"Accept": "text/event-stream"})
    await live.until(lambda: bool(live.events), PATIENCE_S)
    if live.head is None or live.head.status != 200:
        await live.until(lambda: live.over, server.patience_s)
    if complaint := _complaint(live, server.target.profile):
        await live.stop()
        raise CannotJudge(f"{live.transcript.request.method} {live.transcript.request.url}: {complaint}")
    return live


def _complaint(live: Live, profile: str) -> str:
    """Say why there is nothing to judge, and what to do; nothing where there is."""
    view, head, end = View(live.so_far), live.head, live.transcript.end
    if head is None:
        return end.detail if end and end.how == "error" else f"connected, but no response within {PATIENCE_S:g} s"
    if head.status in REDIRECTS:
        return f"redirected to {head.header('location') or 'nowhere'}; name that address in the target"
    if head.status != 200:
        return f"{view.said()}{_said_by(view)}; {_remedy(view)}"
    if view.media_type.endswith("json"):
        return 'answered with JSON, not with a stream; put "stream": true into the body'
    return foreign(spoken(view.messages), profile)


def _said_by(view: View) -> str:
    """Return what the API says of an error, as far as it is said in one of the usual ways."""
    body = view.json if isinstance(view.json, dict) else {}
    error = body.get("error", body)
    told = error.get("message", error.get("detail")) if isinstance(error, dict) else error
    return f": {shown(told)}" if isinstance(told, str) and told else ""


def _remedy(view: View) -> str:
    status = view.head.status if view.head else 0
    if status == 429:
        wait = view.head.header("retry-after") if view.head else None
        return f"come back in {wait} s (Retry-After)" if wait else "come back later; it does not say when"
    return REMEDIES.get(status, "look into the server's log" if status >= 500 else "mend the request")
