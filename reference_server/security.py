"""Middlewares: every refusal is JSON that helps, who may read, and the fields that every reply carries.

Cross-origin access is an allow-list. Only origins on it are named in replies, with credentials allowed, and
replies then vary by Origin (Fetch, #http-cors-protocol). Everything under /api asks for the token, if there
is one, as `Authorization: Bearer` or, because EventSource cannot set fields, as the cookie `ssegauge_token`.
"""

import hmac
import logging
from collections.abc import Collection

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from reference_server.tasks import BadUpdateError, TaskEndedError, TooManyTasksError, UnknownTaskError

COOKIE = "ssegauge_token"
ALLOWED_FIELDS = "Authorization, Cache-Control, Content-Type, Last-Event-ID"
POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'"
FIELDS = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": f"{POLICY}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "Server": "ssegauge-reference",
}

# what a handler raises -> status and error code; the text is the exception's or the one here
REFUSALS: dict[type[Exception], tuple[int, str, str]] = {
    UnknownTaskError: (404, "unknown_task", ""),
    BadUpdateError: (400, "bad_update", ""),
    TaskEndedError: (409, "task_ended", "The task has ended and moves no more. Start a new one."),
    TooManyTasksError: (503, "too_many_tasks", "Too many tasks are running. Try again in a minute."),
}
HTTP_TEXTS = {
    404: "There is nothing at this address. See /openapi.json for what there is.",
    405: "Send one of the methods that Allow names.",
    413: "The body is larger than 64 KiB.",
}
log = logging.getLogger(__name__)


def refusal(status: int, code: str, message: str, headers: dict[str, str] | None = None) -> web.Response:
    """Return a reply that says what is wrong and what to do."""
    return web.json_response({"error": code, "message": message}, status=status, headers=headers)


@web.middleware
async def refuse_helpfully(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn every exception into a reply in JSON; an unexpected one is logged and told without its text."""
    try:
        return await handler(request)
    except tuple(REFUSALS) as error:
        status, code, text = REFUSALS[type(error)]
        return refusal(status, code, text or str(error), {"Retry-After": "60"} if status == 503 else None)
    except web.HTTPException as error:
        code = error.reason.lower().replace(" ", "_")
        kept = {name: error.headers[name] for name in ("Allow", "Retry-After") if name in error.headers}
        return refusal(error.status, code, HTTP_TEXTS.get(error.status) or error.text or error.reason, kept)
    except ConnectionError:
        return web.Response(status=499)  # the client left: nobody reads this, and it is nothing to log
    except Exception:
        log.exception("unexpected error", extra={"path": request.path[:200]})
        return refusal(500, "internal_error", "Something went wrong here. Try again in a minute.")


@web.middleware
async def answer_options(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer OPTIONS on every path that exists: 204 with Allow, as every 405 has it."""
    try:
        return await handler(request)
    except web.HTTPMethodNotAllowed as error:
        error.headers["Allow"] = ", ".join(sorted({*error.allowed_methods, "OPTIONS"}))
        if request.method != "OPTIONS":
            raise
        return web.Response(status=204, headers={"Allow": error.headers["Allow"]})


class Security:
    """Who may read: the holders of the token, from the allowed origins."""

    def __init__(self, token: str | None, origins: Collection[str]) -> None:
        self.token = token
        self.origins = frozenset(origins)

    def middlewares(self) -> list[Middleware]:
        """Return the middlewares, outermost first."""
        return [refuse_helpfully, answer_options, self.check_token]

    @property
    def check_token(self) -> Middleware:
        """The middleware that lets only the token's holders in; preflights carry none."""

        @web.middleware
        async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
            is_open = not request.path.startswith("/api/") or request.method == "OPTIONS"
            if is_open or self.admits(request):
                return await handler(request)
            message = f"Send Authorization: Bearer TOKEN, or the cookie {COOKIE}."
            return refusal(401, "unauthorized", message, self.challenge())

        return check

    def admits(self, request: web.Request) -> bool:
        """Whether the request carries the token, or none is asked for."""
        scheme, _, given = request.headers.get("Authorization", "").partition(" ")
        given = given.strip() if scheme.lower() == "bearer" else request.cookies.get(COOKIE, "")
        return self.token is None or hmac.compare_digest(given.encode("utf-8", "replace"), self.token.encode())

    def challenge(self) -> dict[str, str]:
        """Return the fields that a 401 needs (RFC 9110, section 15.5.2)."""
        return {"WWW-Authenticate": 'Bearer realm="ssegauge"'}

    async def add_fields(self, request: web.Request, response: web.StreamResponse) -> None:
        """Add to a head the common fields, and CORS fields for an allowed origin."""
        for name, value in FIELDS.items():
            response.headers[name] = value
        if self.origins:
            response.headers["Vary"] = "Origin"
        origin = request.headers.get("Origin", "")
        if self.shares_with(origin):
            response.headers.update(self.cors_fields(origin, request.method))

    def shares_with(self, origin: str) -> bool:
        """Whether pages of the origin may read replies."""
        return origin in self.origins

    def cors_fields(self, origin: str, method: str) -> dict[str, str]:
        """Return what lets a page of the origin read the reply, or, for OPTIONS, send the request."""
        fields = {"Access-Control-Allow-Origin": origin, "Access-Control-Allow-Credentials": "true"}
        if method == "OPTIONS":
            fields["Access-Control-Allow-Methods"] = "GET, HEAD, POST"
            fields["Access-Control-Allow-Headers"] = ALLOWED_FIELDS
            fields["Access-Control-Max-Age"] = "600"
        return fields
