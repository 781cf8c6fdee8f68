"""The application put together: parts, routes, and what runs beside them.

`Parts` are the classes that the package `faults` replaces; nothing here knows of faults.
"""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

from ssegauge.reference_server.api import DESCRIPTION, Api
from ssegauge.reference_server.common import registry
from ssegauge.reference_server.common.application import SPECIFICATIONS, file_handler, page, put_together, seconds
from ssegauge.reference_server.common.metrics import Figures, Metrics, health
from ssegauge.reference_server.common.refusals import Refusals
from ssegauge.reference_server.common.security import Security
from ssegauge.reference_server.events import Events
from ssegauge.reference_server.stream import Streams
from ssegauge.reference_server.tasks import Tasks

PAGE = Path(__file__).parent / "page"
TASKS = "/api/brand-monitor/tasks"
PROGRESS = "/api/brand-monitor/progress/{task_id}"


@dataclass(slots=True)
class Parts(registry.Parts):
    """The classes and further middlewares that make a server."""

    events: type[Events] = Events
    tasks: type[Tasks] = Tasks
    streams: type[Streams] = Streams
    security: type[Security] = Security


def make_app(
    parts: Parts,
    *,
    token: str | None = None,
    allow_origin: Collection[str] = (),
    heartbeat: float = 15.0,
    task_ttl_s: float = 3600.0,
    max_tasks: int = 20_000,
    max_streams: int = 20_000,
) -> web.Application:
    """Return the application, made of the parts.

    Args:
        parts: what it is made of.
        token: what the API asks for; None asks for nothing.
        allow_origin: the origins whose pages may read the API.
        heartbeat: the longest silence of a stream, in seconds.
        task_ttl_s: a task that does not move for so long fails, or is forgotten if it has ended.
        max_tasks: how many tasks are kept.
        max_streams: how many streams may be open.

    Raises:
        CannotServe: the heartbeat is no length of time.
    """
    tasks = parts.tasks(parts.events(), task_ttl_s, max_tasks)
    streams = parts.streams(tasks, max_streams, seconds("heartbeat", heartbeat))
    return put_together(
        routes(Api(tasks), streams, Metrics(figures(tasks, streams))),
        Refusals("See /openapi.json for what there is."),
        parts.security(token, allow_origin),
        parts.middlewares,
        beside=(streams.beat, tasks.expire),
        close=tasks.close,
    )


def figures(tasks: Tasks, streams: Streams) -> Figures:
    """Return what is counted."""
    return {
        "open_streams": ("Streams that are open", lambda: streams.open),
        "tasks": ("Tasks that are kept", lambda: len(tasks.by_id)),
        "running_tasks": ("Tasks that have not ended", lambda: sum(not one.ended for one in tasks.by_id.values())),
    }


def routes(api: Api, streams: Streams, metrics: Metrics) -> list[web.AbstractRouteDef]:
    """Return every route."""
    return [
        web.post(TASKS, api.create),
        web.get(f"{TASKS}/{{task_id}}", api.read),
        web.post(f"{TASKS}/{{task_id}}/updates", api.update),
        web.get(PROGRESS, streams.get),
        web.get("/health", health),
        web.get("/metrics.json", metrics.json),
        web.get("/metrics", metrics.prometheus),
        web.get("/openapi.json", file_handler(DESCRIPTION)),
        web.get("/spec.md", file_handler(SPECIFICATIONS / "task_progress" / "spec.md")),
        *page(PAGE),
    ]
