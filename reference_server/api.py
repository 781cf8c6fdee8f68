"""The JSON endpoints: create, update and read tasks."""

import asyncio
import json
import math
from typing import Any, NoReturn

from aiohttp import web

from reference_server import analysis
from reference_server.events import Json
from reference_server.tasks import BadUpdateError, Tasks

BODY_LIMIT = 64 * 1024
BODY_TIMEOUT_S = 10.0


class Api:
    """Handlers over the tasks."""

    def __init__(self, tasks: Tasks) -> None:
        self.tasks = tasks

    async def create(self, request: web.Request) -> web.Response:
        """Answer POST .../tasks: 201 and the new task, whose worker is started unless it is manual."""
        try:
            spec = analysis.Spec.from_json(await read_object(request))
        except ValueError as error:
            raise web.HTTPBadRequest(text=str(error)) from None
        task = self.tasks.create()
        if not spec.manual:
            task.worker = asyncio.create_task(analysis.run(self.tasks, task, spec))
        location = f"/api/brand-monitor/tasks/{task.id}"
        return web.json_response(task.progress.as_json(task.id), status=201, headers={"Location": location})

    async def update(self, request: web.Request) -> web.Response:
        """Answer POST .../tasks/{id}/updates: 200 and the task as it now is."""
        task = self.tasks.find(request.match_info["task_id"])
        changes = await read_object(request)
        if changes.pop("taskId", task.id) != task.id:
            raise BadUpdateError("taskId must be the task's own, or left out")
        self.tasks.move(task, changes)
        return web.json_response(task.progress.as_json(task.id))

    async def read(self, request: web.Request) -> web.Response:
        """Answer GET .../tasks/{id}: 200 and the task as it is."""
        task = self.tasks.find(request.match_info["task_id"])
        return web.json_response(task.progress.as_json(task.id), headers={"Cache-Control": "no-store"})


async def read_object(request: web.Request) -> Json:
    """Return the request's JSON object; an empty body is an empty object.

    Raises:
        web.HTTPException: 400, 408, 413 or 415, with a text for the sender.
    """
    try:
        async with asyncio.timeout(BODY_TIMEOUT_S):
            body = await request.read()
    except TimeoutError:
        raise web.HTTPRequestTimeout(text=f"The body took longer than {BODY_TIMEOUT_S:g} seconds.") from None
    if not body:
        return {}
    if request.content_type != "application/json":
        raise web.HTTPUnsupportedMediaType(text="Send Content-Type: application/json.")
    return parse_object(body)


def parse_object(body: bytes) -> Json:
    """Return the JSON object in the bytes; raises web.HTTPBadRequest."""
    try:
        value: Any = json.loads(body, parse_constant=_refuse, parse_float=_finite)
    except (ValueError, RecursionError) as error:
        reason = "it is nested too deeply" if isinstance(error, RecursionError) else error
        raise web.HTTPBadRequest(text=f"The body is not JSON: {reason}.") from None
    if not isinstance(value, dict):
        raise web.HTTPBadRequest(text="The body must be a JSON object.")
    return value


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")


def _finite(text: str) -> float:
    number = float(text)
    return number if math.isfinite(number) else _refuse(text[:40])
