"""The JSON endpoints: create, update and read tasks."""

import asyncio
import json
from pathlib import Path

from aiohttp import web
from jsonschema import Draft202012Validator

from ssegauge.reference_server import analysis
from ssegauge.reference_server.common import bodies
from ssegauge.reference_server.common.encoding import Json
from ssegauge.reference_server.common.refusals import RefusedError
from ssegauge.reference_server.tasks import Tasks

DESCRIPTION = Path(__file__).parent / "openapi.json"
SCHEMAS: Json = json.loads(DESCRIPTION.read_bytes())["components"]["schemas"]
TASK_SPEC, TASK_UPDATE = (Draft202012Validator(SCHEMAS[name]) for name in ("TaskSpec", "TaskUpdate"))


class Api:
    """Handlers over the tasks."""

    def __init__(self, tasks: Tasks) -> None:
        self.tasks = tasks

    async def create(self, request: web.Request) -> web.Response:
        """Answer POST .../tasks: 201 and the new task, whose worker is started unless it is manual."""
        spec = analysis.Spec(**await bodies.read(request, TASK_SPEC))
        if spec.fail_at and spec.fail_at > spec.steps:
            raise RefusedError(400, "bad_request", f"fail_at must be one of the {spec.steps} steps")
        task = self.tasks.create()
        if not spec.manual:
            task.worker = asyncio.create_task(analysis.run(self.tasks, task, spec))
        location = f"/api/brand-monitor/tasks/{task.id}"
        return web.json_response(task.state, status=201, headers={"Location": location})

    async def update(self, request: web.Request) -> web.Response:
        """Answer POST .../tasks/{id}/updates: 200 and the task as it now is."""
        task = self.tasks.find(request.match_info["task_id"])
        changes = await bodies.read(request, TASK_UPDATE)
        if changes.get("taskId", task.id) != task.id:
            raise RefusedError(400, "bad_update", "taskId must be the task's own, or left out")
        self.tasks.move(task, changes)
        return web.json_response(task.state)

    async def read(self, request: web.Request) -> web.Response:
        """Answer GET .../tasks/{id}: 200 and the task as it is."""
        task = self.tasks.find(request.match_info["task_id"])
        return web.json_response(task.state, headers={"Cache-Control": "no-store"})
