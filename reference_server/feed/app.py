"""The feed put together: parts and routes."""

import secrets
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web
from jsonschema import Draft202012Validator

from ssegauge.reference_server.common import bodies, registry
from ssegauge.reference_server.common.application import SPECIFICATIONS, file_handler, page, put_together, seconds
from ssegauge.reference_server.common.metrics import Figures, Metrics, health
from ssegauge.reference_server.common.refusals import Refusals
from ssegauge.reference_server.common.security import Security
from ssegauge.reference_server.feed.events import Events
from ssegauge.reference_server.feed.feed import Feed
from ssegauge.reference_server.feed.streams import Streams

PAGE = Path(__file__).parent / "page"
TEXT = {"type": "string", "minLength": 1, "maxLength": 32_000, "description": "a text of 1 to 32,000 characters"}
INBOX = {"type": "string", "pattern": "^[\\w-]{1,40}$", "description": "whose readers alone are told; else all are"}
PUBLISHED = Draft202012Validator(
    {
        "type": "object",
        "properties": {"text": TEXT, "inbox": INBOX},
        "required": ["text"],
        "additionalProperties": False,
    }
)


@dataclass(slots=True)
class Parts(registry.Parts):
    """The classes and further middlewares that make a feed."""

    events: type[Events] = Events
    feed: type[Feed] = Feed
    streams: type[Streams] = Streams
    security: type[Security] = Security


def make_app(
    parts: Parts,
    *,
    token: str | None = None,
    allow_origin: Collection[str] = (),
    heartbeat: float = 15.0,
    pace: float = 1.0,
    max_streams: int = 20_000,
) -> web.Application:
    """Return the application, made of the parts.

    Args:
        parts: what it is made of.
        token: what reading and publishing ask for; None asks for nothing.
        allow_origin: the origins whose pages may read.
        heartbeat: the longest silence of a stream, in seconds.
        pace: seconds between the events that come by themselves; 0 for none.
        max_streams: how many streams may be open.

    Raises:
        CannotServe: the heartbeat or the pace is no length of time.
    """
    feed = parts.feed(parts.events(), pace and seconds("pace", pace))
    streams = parts.streams(feed, max_streams, seconds("heartbeat", heartbeat))
    return put_together(
        routes(feed, streams),
        Refusals("GET /events is the feed, POST /publish adds to it, POST /inboxes opens one of your own."),
        parts.security(token, allow_origin, guarded=("/events", "/publish", "/inboxes")),
        parts.middlewares,
        beside=(streams.beat, feed.talk),
        close=feed.close,
    )


def routes(feed: Feed, streams: Streams) -> list[web.AbstractRouteDef]:
    """Return every route."""
    metrics = Metrics(figures(feed, streams))
    return [
        web.get("/events", streams.get),
        web.post("/publish", publisher(feed)),
        web.post("/inboxes", open_inbox),
        web.get("/health", health),
        web.get("/metrics.json", metrics.json),
        web.get("/metrics", metrics.prometheus),
        web.get("/spec.md", file_handler(SPECIFICATIONS / "event_stream" / "spec.md")),
        *page(PAGE),
    ]


def publisher(feed: Feed) -> Callable[[web.Request], Awaitable[web.Response]]:
    """Return the handler of POST /publish: 202 and the id of the event that tells it."""

    async def publish(request: web.Request) -> web.Response:
        wish = await bodies.read(request, PUBLISHED)
        text, inbox = wish["text"], wish.get("inbox")
        return web.json_response({"id": feed.tell(inbox, text) if inbox else feed.publish(text)}, status=202)

    return publish


async def open_inbox(_: web.Request) -> web.Response:
    """Answer POST /inboxes: 201 and a name that nobody else knows, for `/events?inbox=NAME` and for who publishes."""
    return web.json_response({"inbox": secrets.token_urlsafe(16)}, status=201)


def figures(feed: Feed, streams: Streams) -> Figures:
    """Return what is counted."""
    return {
        "open_streams": ("Streams that are open", lambda: streams.open),
        "events": ("Events so far", lambda: feed.log.end),
        "published": ("Texts that were published so far", lambda: feed.published),
        "work": ("What was done for readers so far, an event for each", lambda: feed.work),
    }
