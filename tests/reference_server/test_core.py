"""The contract's sentences, over HTTP."""

import httpx

from reference_server.app import start

TASKS = "/api/brand-monitor/tasks"


async def test_a_self_running_task_is_streamed_to_its_proper_end() -> None:
    async with start() as base_url, httpx.AsyncClient(base_url=base_url) as client:
        task_id = (await client.post(TASKS, json={"steps": 2, "interval_ms": 5})).json()["taskId"]
        body = (await client.get(f"/api/brand-monitor/progress/{task_id}")).text
    assert '"status":"completed"' in body.split("\n\n")[-2]
