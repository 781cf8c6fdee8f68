"""How the server says no: JSON, `{"error": code for programs, "message": what is wrong and what to do}`."""

import logging

from aiohttp import web
from aiohttp.typedefs import Handler

TOO_LARGE = "The body is larger than 64 KiB."
NO_EXPECTATION = "There is nothing to expect here but 100-continue. Leave Expect out."
log = logging.getLogger(__name__)


class RefusedError(Exception):
    """What is asked for cannot be: an HTTP status, a code for programs, and what to do, for people."""

    def __init__(self, status: int, code: str, message: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.headers = headers or ({"Retry-After": "5"} if status == 503 else {})


class Refusals:
    """Turns what goes wrong into replies; `where` says what there is, for who asks for something else."""

    def __init__(self, where: str) -> None:
        nothing = f"There is nothing at this address. {where}"
        self.texts = {404: nothing, 413: TOO_LARGE, 417: NO_EXPECTATION}

    def reply(self, status: int, code: str, message: str, headers: dict[str, str] | None = None) -> web.Response:
        """Return the reply that refuses."""
        return web.json_response({"error": code, "message": message}, status=status, headers=headers)

    def answered(self, error: web.HTTPException) -> web.Response:
        """Return aiohttp's own refusal in our words."""
        code = error.reason.lower().replace(" ", "_")
        return self.reply(error.status, code, self.texts.get(error.status) or error.text or error.reason)

    @web.middleware
    async def refuse_helpfully(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Turn every exception into a reply; an unexpected one is logged and told without its text.

        OPTIONS is answered here for every path that exists: 204 with the Allow that a 405 has.
        """
        try:
            return await handler(request)
        except RefusedError as error:
            return self.reply(error.status, error.code, str(error), error.headers)
        except web.HTTPMethodNotAllowed as error:
            allow = {"Allow": ", ".join(sorted({*error.allowed_methods, "OPTIONS"}))}
            not_allowed = self.reply(405, "method_not_allowed", "Send one of the methods that Allow names.", allow)
            return web.Response(status=204, headers=allow) if request.method == "OPTIONS" else not_allowed
        except web.HTTPException as error:
            return self.answered(error)
        except ConnectionError:
            return web.Response(status=499)  # the client left: nobody reads this, and it is nothing to log
        except Exception:
            log.exception("unexpected error at %.200s", request.path)
            return self.reply(500, "internal_error", "Something went wrong here. Try again in a minute.")
