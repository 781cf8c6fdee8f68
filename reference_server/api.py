"""The JSON endpoints: create, update and read tasks."""

import asyncio

from aiohttp import web

from ssegauge.reference_server import analysis, bodies
from ssegauge.reference_server.refusals import RefusedError
from ssegauge.reference_server.tasks import Tasks


class Api:
    """Handlers over the tasks."""

    def __init__(self, tasks: Tasks) -> None:
        self.tasks = tasks

    async def create(self, request: web.Request) -> web.Response:
        """Answer POST .../tasks: 201 and the new task, whose worker is started unless it is manual."""
        spec = analysis.Spec(**await bodies.read(request, "TaskSpec"))
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
        changes = await bodies.read(request, "TaskUpdate")
        if changes.get("taskId", task.id) != task.id:
            raise RefusedError(400, "bad_update", "taskId must be the task's own, or left out")
        self.tasks.move(task, changes)
        return web.json_response(task.state)

    async def read(self, request: web.Request) -> web.Response:
        """Answer GET .../tasks/{id}: 200 and the task as it is."""
        task = self.tasks.find(request.match_info["task_id"])
        return web.json_response(task.state, headers={"Cache-Control": "no-store"})
