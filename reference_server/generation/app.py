"""A server of one wire form put together: parts, routes, refusals in the shape that clients of the API expect."""

from collections.abc import Collection
from dataclasses import dataclass

from aiohttp import web

from ssegauge.reference_server.common import registry
from ssegauge.reference_server.common.application import put_together, seconds
from ssegauge.reference_server.common.errors import CannotServe
from ssegauge.reference_server.common.metrics import Metrics, health
from ssegauge.reference_server.common.refusals import Refusals
from ssegauge.reference_server.common.security import Security
from ssegauge.reference_server.generation.form import MODELS, Form
from ssegauge.reference_server.generation.streams import Pace, Streams

CODES = {400: None, 401: "invalid_api_key"}  # where the API's codes are others than ours


class ApiRefusals(Refusals):
    """Refuses as the API does: `{"error": {"message", "type", "param", "code"}}`."""

    def reply(self, status: int, code: str, message: str, headers: dict[str, str] | None = None) -> web.Response:
        """Return the reply that refuses."""
        return web.json_response({"error": self.error(status, code, message)}, status=status, headers=headers)

    def error(self, status: int, code: str, message: str) -> dict[str, object]:
        """Return what it says of the error."""
        kind = "server_error" if status >= 500 else "requests" if status == 429 else "invalid_request_error"
        return {"message": message, "type": kind, "param": None, "code": CODES.get(status, code)}


@dataclass(slots=True)
class Parts(registry.Parts):
    """The classes and further middlewares that make a server of one wire form; a subclass names the form."""

    form: type[Form] = Form
    streams: type[Streams] = Streams
    refusals: type[Refusals] = ApiRefusals
    security: type[Security] = Security


def make_app(
    parts: Parts,
    *,
    token: str | None = None,
    allow_origin: Collection[str] = (),
    heartbeat: float = 15.0,
    first_token: float = 0.2,
    pace: float = 0.05,
    slots: int = 0,
    max_streams: int = 20_000,
) -> web.Application:
    """Return the application, made of the parts.

    Args:
        parts: what it is made of.
        token: the API key that requests must carry; None asks for nothing.
        allow_origin: the origins whose pages may read.
        heartbeat: the longest silence of a stream, in seconds.
        first_token: seconds until the first event.
        pace: seconds between events.
        slots: how many answers are made at once, others get 429; 0: as many as `max_streams`.
        max_streams: how many streams may be open.

    Raises:
        CannotServe: a length of time is none, or slots is below 0.
    """
    if slots < 0:
        raise CannotServe("--slots must be a number from 1, or 0 for no limit")
    timing = Pace(first_token and seconds("first-token", first_token), pace and seconds("pace", pace))
    form = parts.form()
    streams = parts.streams(form, slots or max_streams, seconds("heartbeat", heartbeat), timing)
    return put_together(
        routes(form, streams),
        parts.refusals(f"POST {form.path} answers."),
        parts.security(token, allow_origin, guarded=("/v1/",)),
        parts.middlewares,
        beside=(),
        close=lambda: None,  # answers come to their own end
    )


def routes(form: Form, streams: Streams) -> list[web.AbstractRouteDef]:
    """Return every route."""
    metrics = Metrics({"open_streams": ("Answers that are being made", lambda: streams.open)})
    return [
        web.post(form.path, streams.post),
        web.get("/v1/models", models),
        web.get("/health", health),
        web.get("/metrics.json", metrics.json),
        web.get("/metrics", metrics.prometheus),
    ]


async def models(_request: web.Request) -> web.Response:
    """Answer GET /v1/models."""
    known = [{"id": name, "object": "model", "created": 0, "owned_by": "ssegauge"} for name in MODELS]
    return web.json_response({"object": "list", "data": known})
