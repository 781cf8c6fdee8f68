"""The parts of the server of messages: its form, its refusals, and the field in which its clients send their key."""

import hmac
from dataclasses import dataclass

from aiohttp import web

from ssegauge.reference_server.common.refusals import Refusals
from ssegauge.reference_server.common.security import Security
from ssegauge.reference_server.generation import app
from ssegauge.reference_server.generation.app import make_app
from ssegauge.reference_server.generation.form import Form
from ssegauge.reference_server.messages.form import Messages

__all__ = ["Parts", "make_app"]

# "HTTP errors" of the API's documentation (platform.claude.com, "Errors").
TYPES = {
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    529: "overloaded_error",
}


class ApiRefusals(Refusals):
    """Refuses as the API does: `{"type": "error", "error": {"type", "message"}}`."""

    def reply(self, status: int, code: str, message: str, headers: dict[str, str] | None = None) -> web.Response:  # noqa: ARG002 - the API has types, no codes
        """Return the reply that refuses."""
        kind = TYPES.get(status, "api_error" if status >= 500 else "invalid_request_error")
        body = {"type": "error", "error": {"type": kind, "message": message}}
        return web.json_response(body, status=status, headers=headers)


class KeySecurity(Security):
    """Lets read who has the key, as `x-api-key` too."""

    def admits(self, request: web.Request) -> bool:
        """Whether the request carries the key, or none is asked for."""
        given = request.headers.get("x-api-key", "").encode("utf-8", "replace")
        return super().admits(request) or hmac.compare_digest(given, (self.token or "").encode())


@dataclass(slots=True)
class Parts(app.Parts):
    """The classes and further middlewares that make a server of messages."""

    form: type[Form] = Messages
    refusals: type[Refusals] = ApiRefusals
    security: type[Security] = KeySecurity
