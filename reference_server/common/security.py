"""Who may read, and the fields that every reply carries.

Cross-origin access is an allow-list. Only origins on it are named in replies, with credentials allowed, and
replies then vary by Origin (Fetch, #http-cors-protocol). Every path that begins as `guarded` says asks for the
token, if there is one, as `Authorization: Bearer` or, because EventSource cannot set fields, as the cookie
`ssegauge_token`.
"""

import hmac
from collections.abc import Collection

from aiohttp import web
from aiohttp.typedefs import Handler

from ssegauge.reference_server.common.refusals import RefusedError

COOKIE = "ssegauge_token"
CHALLENGE = {"WWW-Authenticate": 'Bearer realm="ssegauge"'}  # a 401 needs one (RFC 9110, section 15.5.2)
POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'"
FIELDS = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": f"{POLICY}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "Server": "ssegauge-reference",
}
PREFLIGHT = {
    "Access-Control-Allow-Methods": "GET, HEAD, POST",
    "Access-Control-Allow-Headers": "Authorization, Cache-Control, Content-Type, Last-Event-ID",
    "Access-Control-Max-Age": "600",
}


class Security:
    """Lets read who has the token, from the allowed origins."""

    def __init__(self, token: str | None, origins: Collection[str], guarded: tuple[str, ...] = ("/api/",)) -> None:
        self.token = token
        self.origins = frozenset(origins)
        self.guarded = guarded

    @web.middleware
    async def check_token(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Answer 401 to a request for the API without the token; preflights carry none."""
        is_open = not request.path.startswith(self.guarded) or request.method == "OPTIONS"
        if is_open or self.admits(request):
            return await handler(request)
        message = f"Send Authorization: Bearer TOKEN, or the cookie {COOKIE}."
        raise RefusedError(401, "unauthorized", message, CHALLENGE)

    def admits(self, request: web.Request) -> bool:
        """Whether the request carries the token, or none is asked for."""
        scheme, _, given = request.headers.get("Authorization", "").partition(" ")
        given = given.strip() if scheme.lower() == "bearer" else request.cookies.get(COOKIE, "")
        return self.token is None or hmac.compare_digest(given.encode("utf-8", "replace"), self.token.encode())

    async def add_fields(self, request: web.Request, response: web.StreamResponse) -> None:
        """Add to a head the common fields, and CORS fields for an allowed origin."""
        response.headers.update(FIELDS)
        if self.origins:
            varying = response.headers.get("Vary")
            response.headers["Vary"] = f"{varying}, Origin" if varying else "Origin"
        origin = request.headers.get("Origin", "")
        if origin in self.origins:
            allowed = {"Access-Control-Allow-Origin": origin, "Access-Control-Allow-Credentials": "true"}
            response.headers.update({**allowed, **(PREFLIGHT if request.method == "OPTIONS" else {})})
