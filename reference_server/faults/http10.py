"""An answer to HTTP/1.0 that only HTTP/1.1 has."""

from aiohttp import HttpVersion10, web

from ssegauge.reference_server.common.security import Security
from ssegauge.reference_server.faults.registry import breaks


@breaks("response/chunked-to-http10")
class AlwaysChunked(Security):
    """Sends chunks to clients of HTTP/1.0, too."""

    async def add_fields(self, request: web.Request, response: web.StreamResponse) -> None:
        """Name the coding after aiohttp has left it out; whoever writes the body goes by the field."""
        await super().add_fields(request, response)
        if request.version == HttpVersion10:
            response.headers["Transfer-Encoding"] = "chunked"
