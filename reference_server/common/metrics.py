"""What the server is doing: `/metrics.json` for tests, `/metrics` for Prometheus; `/health` for whoever asks."""

from collections.abc import Callable

from aiohttp import web
from prometheus_client import CollectorRegistry, Gauge, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

Figures = dict[str, tuple[str, Callable[[], int]]]  # name -> what it counts, and how it is read


class Metrics:
    """Figures that are read when asked for, so that counting costs the streams nothing."""

    def __init__(self, figures: Figures) -> None:
        self.figures = figures
        self.registry = CollectorRegistry()
        for name, (text, read) in self.figures.items():
            Gauge(f"ssegauge_{name}", text, registry=self.registry).set_function(read)

    async def json(self, _request: web.Request) -> web.Response:
        """Answer GET /metrics.json."""
        return web.json_response({name: read() for name, (_, read) in self.figures.items()})

    async def prometheus(self, _request: web.Request) -> web.Response:
        """Answer GET /metrics."""
        body = generate_latest(self.registry)
        return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE_LATEST})


async def health(_request: web.Request) -> web.Response:
    """Answer GET /health."""
    return web.json_response({"status": "ok"})
