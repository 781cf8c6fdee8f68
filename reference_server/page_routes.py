"""The demo page and the description of the HTTP interface, as static files."""

from pathlib import Path

from aiohttp import web

FOLDER = Path(__file__).parent / "page"
OPENAPI = Path(__file__).parent / "openapi.json"


async def index(_request: web.Request) -> web.FileResponse:
    """Answer GET /."""
    return web.FileResponse(FOLDER / "index.html")


async def openapi(_request: web.Request) -> web.FileResponse:
    """Answer GET /openapi.json."""
    return web.FileResponse(OPENAPI)
