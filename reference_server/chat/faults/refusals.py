"""Requests that are refused in a way that clients do not understand, or not refused."""

from aiohttp import web

from ssegauge.reference_server.chat.faults.registry import breaks
from ssegauge.reference_server.common.refusals import RefusedError
from ssegauge.reference_server.generation.app import ApiRefusals
from ssegauge.reference_server.generation.form import MODELS
from ssegauge.reference_server.generation.streams import Streams

Fields = dict[str, str] | None
QUESTION = {"model": MODELS[0], "stream": True, "messages": [{"role": "user", "content": "?"}]}


@breaks("chat/refusal-not-json")
class Pages(ApiRefusals):
    """Refuses with a page of HTML."""

    def reply(self, status: int, code: str, message: str, headers: Fields = None) -> web.Response:
        """Write the page."""
        del code
        page = f"<html><body><h1>{status}</h1><p>{message}</p></body></html>"
        return web.Response(text=page, status=status, content_type="text/html", headers=headers)


@breaks("chat/refusal-not-json:detail")
class Details(ApiRefusals):
    """Refuses as FastAPI does, with `detail`."""

    def reply(self, status: int, code: str, message: str, headers: Fields = None) -> web.Response:
        """Write the detail."""
        del code
        return web.json_response({"detail": message}, status=status, headers=headers)


@breaks("chat/refusal-5xx")
class Failing(ApiRefusals):
    """Takes wrong requests for failures of its own."""

    def reply(self, status: int, code: str, message: str, headers: Fields = None) -> web.Response:
        """Answer 500 in place of 400 and 404."""
        return super().reply(500 if status in {400, 404} else status, code, message, headers)


@breaks("chat/retry-after-missing")
class NeverAgain(ApiRefusals):
    """Does not say when to come back."""

    def reply(self, status: int, code: str, message: str, headers: Fields = None) -> web.Response:
        """Remove the field from a 429."""
        return super().reply(status, code, message, None if status == 429 else headers)


@breaks("chat/no-json-accepted")
class Takes(Streams):
    """Answers whatever it is asked."""

    async def post(self, request: web.Request) -> web.StreamResponse:
        """Answer a question of its own where the body is wrong."""
        try:
            return await super().post(request)
        except RefusedError as error:
            if error.status != 400:
                raise
        return await self.stream(request, self.form.asked(QUESTION))
