"""One connection, where aiohttp's words are not ours: what its parser refuses is refused in JSON, without an alarm.

A request that is no HTTP never reaches the application. aiohttp would answer it in plain text that quotes it, under
a Server field with its version, and log a traceback at level error for what is the client's mistake.
"""

from typing import Any

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError, LineTooLong

from ssegauge.reference_server.common.refusals import Refusals
from ssegauge.reference_server.common.security import FIELDS

CLIENTS_MISTAKES = (HttpProcessingError, web.RequestPayloadError)
NOT_HTTP = "This is no request of HTTP/1.1, or its framing is broken. Nothing of it was done."
TOO_LONG = "The address, a field or a trailer is longer than 32 KiB. Send a shorter one."
LATE = "The request took too long. Send it again."
BROKEN = "Something went wrong here. Try again in a minute."


class Connection(web.RequestHandler):
    """aiohttp's protocol, with refusals of our kind."""

    __slots__ = ("refusals",)

    def __init__(self, manager: web.Server, refusals: Refusals, **options: Any) -> None:  # noqa: ANN401
        super().__init__(manager, **options)
        self.refusals = refusals

    def log_exception(self, *args: object, **more: object) -> None:
        """Log an error, but what the client did wrong only for those who look for it."""
        log = self.log_debug if isinstance(more.get("exc_info"), CLIENTS_MISTAKES) else super().log_exception
        log(*args, **more)

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Return the refusal of what did not reach the application, or broke outside of it; the connection ends.

        Raises:
            ConnectionError: by aiohttp, where the head of an answer is out already.
        """
        super().handle_error(request, status, exc, message)
        texts = {400: ("bad_request", TOO_LONG if isinstance(exc, LineTooLong) else NOT_HTTP), 504: ("timeout", LATE)}
        response = self.refusals.reply(status, *texts.get(status, ("internal_error", BROKEN)), dict(FIELDS))
        response.force_close()
        return response

    async def finish_response(
        self, request: web.BaseRequest, resp: web.StreamResponse, start_time: float | None
    ) -> tuple[web.StreamResponse, bool]:
        """Send the response; one that aiohttp raised outside of the application's middlewares in our words."""
        told = self.refusals.answered(resp) if isinstance(resp, web.HTTPException) else resp
        return await super().finish_response(request, told, start_time)
