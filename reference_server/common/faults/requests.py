"""Requests that are answered wrongly, and pages that may read what they should not, whatever the server streams."""

from aiohttp import web
from aiohttp.typedefs import Handler

from ssegauge.reference_server.common.faults.streams import for_ever
from ssegauge.reference_server.common.security import Security

STREAMS = ("/api/brand-monitor/progress/", "/events")
CREDENTIALS = {"Access-Control-Allow-Credentials": "true"}


def failure() -> web.HTTPInternalServerError:
    """Return a 500 that says nothing."""
    return web.HTTPInternalServerError(text="Something went wrong here. Try again in a minute.")


@web.middleware
async def take_any_method(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer methods that are not implemented with a stream."""
    try:
        return await handler(request)
    except web.HTTPMethodNotAllowed:
        if request.method == "OPTIONS":
            raise
        return web.Response(text=": for whom?\n\n", content_type="text/event-stream")


@web.middleware
async def ignore_other_methods(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Never answer methods that are not implemented."""
    try:
        return await handler(request)
    except web.HTTPMethodNotAllowed:
        if request.method != "OPTIONS":
            await for_ever()
        raise


class NoAllow(Security):
    """Does not say which methods there are."""

    async def add_fields(self, request: web.Request, response: web.StreamResponse) -> None:
        """Remove the field from a 405."""
        await super().add_fields(request, response)
        if response.status == 405:
            del response.headers["Allow"]


@web.middleware
async def fail_for_query(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer 500 to a stream's address with a query."""
    if request.rel_url.raw_query_string and request.path.startswith(STREAMS):
        raise failure()
    return await handler(request)


@web.middleware
async def fail_for_large_header(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer 500 to a large field other than Last-Event-ID."""
    sizes = [len(value) for name, value in request.headers.items() if name.lower() != "last-event-id"]
    if max(sizes, default=0) > 4_000:
        raise failure()
    return await handler(request)


@web.middleware
async def fail_for_codings(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer 500 to a body with a content coding."""
    if "Content-Encoding" in request.headers:
        raise failure()
    return await handler(request)


class NoChallenge(Security):
    """Does not say how to authenticate."""

    async def add_fields(self, request: web.Request, response: web.StreamResponse) -> None:
        """Remove the field that says it."""
        await super().add_fields(request, response)
        response.headers.pop("WWW-Authenticate", None)


class StarWithCredentials(Security):
    """Answers every origin with `*` and credentials, which browsers refuse."""

    async def add_fields(self, request: web.Request, response: web.StreamResponse) -> None:
        """Add both."""
        await super().add_fields(request, response)
        response.headers.update({"Access-Control-Allow-Origin": "*", **CREDENTIALS})


class Star(Security):
    """Lets the pages of every origin read."""

    async def add_fields(self, request: web.Request, response: web.StreamResponse) -> None:
        """Name every origin, without credentials."""
        await super().add_fields(request, response)
        response.headers["Access-Control-Allow-Origin"] = "*"
        response.headers.pop("Access-Control-Allow-Credentials", None)


class Reflecting(Security):
    """Allows whatever origin asks."""

    async def add_fields(self, request: web.Request, response: web.StreamResponse) -> None:
        """Take the origin for the one that is allowed."""
        self.origins = frozenset({request.headers.get("Origin", "null")})
        await super().add_fields(request, response)


class ComparingEnds(Security):
    """Allows whatever origin ends with the host of one that is allowed."""

    async def add_fields(self, request: web.Request, response: web.StreamResponse) -> None:
        """Take the origin for one that is allowed where it ends so."""
        origin, listed = request.headers.get("Origin", ""), self.origins
        if origin.endswith(tuple(one.partition("://")[2] for one in listed)):
            self.origins = frozenset({origin})
        await super().add_fields(request, response)
        self.origins = listed


class ShuttingOut(Security):
    """Lets the allowed origin in by the preflight, and names it on no stream."""

    async def add_fields(self, request: web.Request, response: web.StreamResponse) -> None:
        """Remove the field from whatever is no preflight."""
        await super().add_fields(request, response)
        if request.method != "OPTIONS":
            response.headers.pop("Access-Control-Allow-Origin", None)


class ShuttingOutTwice(Security):
    """Names the allowed origin, as the proxy before it does: twice."""

    async def add_fields(self, request: web.Request, response: web.StreamResponse) -> None:
        """Add the field once more."""
        await super().add_fields(request, response)
        if origin := response.headers.get("Access-Control-Allow-Origin"):
            response.headers.add("Access-Control-Allow-Origin", origin)


class NotVarying(Security):
    """Names the allowed origin, and lets caches give that to others."""

    async def add_fields(self, request: web.Request, response: web.StreamResponse) -> None:
        """Remove the field."""
        await super().add_fields(request, response)
        response.headers.pop("Vary", None)
