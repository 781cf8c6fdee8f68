"""Copies of a server that are broken on purpose, chosen while it runs: for its page, and for whoever tries a client.

    GET  /faults              {"faults": [{"code": "wire/invalid-utf8", "about": "..."}, ...]}
    POST /faults {"code"}     201 and {"code", "url"}: a copy with this fault, on a port of its own

The healthy server stays healthy. The newest `MOST` copies run, until the server ends. It is offered by the command line
alone, on a loopback address and without a token: a copy may do what its fault says to whoever reaches it.
"""

import asyncio
import ipaddress
from collections.abc import Callable, Collection
from contextlib import AbstractAsyncContextManager, AsyncExitStack

from aiohttp import web
from jsonschema import Draft202012Validator

from ssegauge.reference_server.common import bodies
from ssegauge.reference_server.common.refusals import RefusedError

MOST = 4
PATH = "/faults"
Start = Callable[[str], AbstractAsyncContextManager[str]]


def may_be_offered(host: str, token: str | None) -> bool:
    """Whether nobody but this machine's users reaches the copies."""
    try:
        return token is None and ipaddress.ip_address(host).is_loopback
    except ValueError:
        return token is None and host == "localhost"


class Copies:
    """Starts them, and ends the oldest where there are too many.

    Args:
        about: the codes of the faults, and what each does.
        start: serves with one fault for as long as the context is open, which is entered with the base URL.
    """

    def __init__(self, about: dict[str, str], start: Start) -> None:
        self.about = about
        self.start = start
        self.running: dict[str, tuple[str, AsyncExitStack]] = {}
        self.turn = asyncio.Lock()
        code = {"enum": [*about], "description": "a code of GET /faults"}
        self.asked = Draft202012Validator(
            {"type": "object", "properties": {"code": code}, "required": ["code"], "additionalProperties": False}
        )

    def routes(self) -> Collection[web.AbstractRouteDef]:
        """Return the routes."""
        return [web.get(PATH, self.list), web.post(PATH, self.open)]

    async def list(self, _request: web.Request) -> web.Response:
        """Answer GET."""
        return web.json_response({"faults": [{"code": code, "about": text} for code, text in self.about.items()]})

    async def open(self, request: web.Request) -> web.Response:
        """Answer POST: a page of another origin cannot ask for JSON without a preflight, which is not allowed.

        One whose name was made to mean this machine gives itself away by that name.
        """
        if not may_be_offered(request.url.host or "", None):
            raise RefusedError(403, "not_here", "Copies are started for those who call this machine localhost.")
        code = (await bodies.read(request, self.asked))["code"]
        async with self.turn:
            if code not in self.running:
                await self.begin(code)
        return web.json_response({"code": code, "url": self.running[code][0]}, status=201)

    async def begin(self, code: str) -> None:
        """Start a copy."""
        if len(self.running) >= MOST:
            _, oldest = self.running.pop(next(iter(self.running)))
            await oldest.aclose()
        stack = AsyncExitStack()
        try:
            url = await stack.enter_async_context(self.start(code))
        except OSError as error:
            raise RefusedError(503, "no_copy", f"No copy could be started: {error}.") from None
        self.running[code] = url, stack

    async def close(self, _app: web.Application) -> None:
        """End them all."""
        await asyncio.gather(*(stack.aclose() for _, stack in self.running.values()))
        self.running.clear()
