"""The stream's contract, sentence by sentence, over real connections."""

import json
import time
from typing import Any

import pytest

TASKS = "/api/brand-monitor/tasks"
PROGRESS = "/api/brand-monitor/progress"


async def idle(site: Any, **fields: str) -> tuple[str, Any]:
    task_id = await site.create(manual=True)
    stream = await site.stream(task_id, **fields)
    return task_id, await stream.saw(b'"status":"pending"')


async def test_a_task_that_runs_by_itself_reports_each_stage_and_ends_completed(serving: Any) -> None:
    async with serving() as site:
        stream = await (await site.stream(await site.create(steps=5, interval_ms=20))).whole()
    assert stream.reports("status")[-2:] == ["running", "completed"]
    assert len({*stream.reports("stage")}) >= 6
    assert stream.reports("progress")[-1] == 100
    assert stream.reports("results")[-1]["visibilityScore"] >= 0
    assert stream.events[0]["type"] == "connected"
    assert stream.chunks[-1] == b""


async def test_an_update_from_outside_does_not_stop_a_task_that_runs_by_itself(serving: Any) -> None:
    async with serving() as site:
        task_id = await site.create(steps=4, interval_ms=20)
        await site.update(task_id, status="running", progress=60)
        stream = await (await site.stream(task_id)).whole()
    assert stream.reports("progress")[0] >= 60
    assert stream.reports("status")[-1] == "completed"


async def test_results_are_the_same_for_the_same_seed_and_brand(serving: Any) -> None:
    async with serving() as site:
        ids = [await site.create(steps=1, interval_ms=1, seed=seed) for seed in (7, 7, 8)]
        streams = [await (await site.stream(task_id)).whole() for task_id in ids]
    first, second, other = [stream.reports("results")[-1] for stream in streams]
    assert first == second != other


async def test_a_task_that_fails_says_what_to_do(serving: Any) -> None:
    async with serving() as site:
        stream = await (await site.stream(await site.create(steps=3, interval_ms=5, fail_at=2))).whole()
    assert stream.reports("status")[-1] == "failed"
    assert "start the analysis again" in stream.reports("error")[-1].lower()


async def test_events_have_the_tickets_envelope_and_no_event_field(serving: Any) -> None:
    before = time.time_ns() // 1_000_000
    async with serving() as site:
        task_id, stream = await idle(site)
    connected, progress = stream.events
    assert {**connected, "timestamp": 0} == {"type": "connected", "taskId": task_id, "timestamp": 0}
    assert progress["progress"] == {
        "taskId": task_id,
        "status": "pending",
        "stage": "Initializing",
        "progress": 0,
        "message": "Task created",
    }
    assert all(before - 1000 < event["timestamp"] < before + 60_000 for event in stream.events)
    assert b"event:" not in stream.body


async def test_connected_comes_first_with_the_reconnection_time_and_without_id(serving: Any) -> None:
    async with serving() as site:
        _, stream = await idle(site)
    first, second = stream.blocks
    assert first.startswith(b"retry: 2000\ndata: ")
    assert b"retry" not in second
    assert second.startswith(b"id: ")


async def test_the_head_names_an_event_stream_that_nobody_may_store_or_transform(serving: Any) -> None:
    async with serving() as site:
        _, stream = await idle(site)
    kept = ("content-type", "cache-control", "x-accel-buffering", "x-content-type-options", "transfer-encoding")
    assert {name: stream.fields.get(name) for name in kept} == {
        "content-type": "text/event-stream",
        "cache-control": "no-cache, no-store, no-transform",
        "x-accel-buffering": "no",
        "x-content-type-options": "nosniff",
        "transfer-encoding": "chunked",
    }
    assert "content-length" not in stream.fields
    assert "date" in stream.fields
    assert "aiohttp" not in stream.fields["server"]


async def test_a_stream_is_never_compressed(serving: Any) -> None:
    async with serving() as site:
        _, stream = await idle(site, Accept_Encoding="gzip, br, zstd")
    assert "content-encoding" not in stream.fields


@pytest.mark.parametrize("fields", ["", "Connection: keep-alive\r\n"])
async def test_an_http_1_0_client_gets_a_plain_body_that_ends_with_the_connection(fields: str, serving: Any) -> None:
    async with serving(idle_s=600) as site:
        task_id = await site.create(manual=True)
        stream = await site.send(f"GET {PROGRESS}/{task_id} HTTP/1.0\r\n{fields}\r\n".encode())
        await stream.saw(b'"status":"pending"')
        await site.update(task_id, status="failed", error="Try again later.")
        await stream.until(lambda answer: answer.at_end)
    assert not {"transfer-encoding", "connection"} & {*stream.fields}
    assert stream.rest.startswith(b"retry: 2000\n")
    assert stream.reports("status") == ["pending", "failed"]


async def test_every_update_arrives_once_and_in_order_at_every_reader(serving: Any) -> None:
    async with serving() as site:
        task_id = await site.create(manual=True)
        streams = [await (await site.stream(task_id)).saw(b"pending") for _ in range(5)]
        for percent in range(50):
            await site.update(task_id, status="running", progress=percent)
        await site.update(task_id, status="completed", results={"n": 1})
        reports = [(await stream.whole()).reports("progress") for stream in streams]
    assert reports == [[0, *range(50), 100]] * 5


@pytest.mark.parametrize("after", range(4))
async def test_a_reconnect_continues_strictly_after_the_event_it_names(after: int, serving: Any) -> None:
    async with serving() as site:
        task_id, uncut = await idle(site)
        for percent in (10, 20, 30):
            await site.update(task_id, status="running", progress=percent)
        resumed = await site.stream(task_id, Last_Event_ID=f"{task_id}.{after}")
        await site.update(task_id, status="completed", results=[])
        await resumed.whole()
        assert resumed.ids == (await uncut.whole()).ids[after + 1 :]


async def test_a_reconnect_with_nothing_missed_is_sent_nothing_but_connected(serving: Any) -> None:
    async with serving(heartbeat=0.1) as site:
        task_id, _ = await idle(site)
        stream = await site.stream(task_id, Last_Event_ID=f"{task_id}.0")
        await stream.saw(b": keep-alive")
    assert [event["type"] for event in stream.events] == ["connected"]


async def test_coming_back_after_the_end_is_answered_204(serving: Any) -> None:
    async with serving() as site:
        task_id = await site.create(manual=True)
        await site.update(task_id, status="failed", error="Try again later.")
        stream = await (await site.stream(task_id)).whole()
        again = await (await site.stream(task_id, Last_Event_ID=stream.ids[-1])).whole()
    assert (stream.reports("status"), again.status, again.rest) == (["failed"], 204, b"")


@pytest.mark.parametrize(
    "last_event_id",
    ["", "0", "-1", "x" * 10_000, "☃", "a.0", "0123456789abcdef.0", "{}.007", "{}.1", "{}.-1", "{}.²"],
)
async def test_an_id_that_names_no_event_gets_the_current_state(last_event_id: str, serving: Any) -> None:
    async with serving() as site:
        task_id = await site.create(manual=True)
        stream = await site.stream(task_id, Last_Event_ID=last_event_id.replace("{}", task_id))
        await stream.saw(b"pending")
    assert (stream.status, stream.ids) == (200, [f"{task_id}.0"])


async def test_a_silent_stream_gets_comments_at_least_as_often_as_promised(serving: Any) -> None:
    async with serving(heartbeat=0.1) as site:
        _, stream = await idle(site)
        await stream.saw(b": keep-alive\n", times=3)
    assert len(stream.events) == 2


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_an_unknown_task_is_404_with_json_that_helps(method: str, serving: Any) -> None:
    async with serving() as site:
        answer = await site.ask(method, f"{PROGRESS}/unknown")
    assert answer.status == 404
    assert answer.fields["content-type"].startswith("application/json")
    if method == "GET":
        assert {*answer.json} == {"error", "message"}
        assert "Start a new one" in answer.json["message"]


async def test_head_is_answered_at_once_with_the_head_of_the_stream(serving: Any) -> None:
    async with serving() as site:
        task_id, stream = await idle(site)
        answer = await site.ask("HEAD", f"{PROGRESS}/{task_id}")
    assert answer.status == 200
    assert answer.rest == b""
    assert {*stream.fields} - {*answer.fields} == {"transfer-encoding"}


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "POST"])
async def test_other_methods_are_405_with_allow(method: str, serving: Any) -> None:
    async with serving() as site:
        answer = await site.ask(method, f"{PROGRESS}/{await site.create(manual=True)}")
    assert (answer.status, answer.fields["allow"]) == (405, "GET, HEAD, OPTIONS")


@pytest.mark.parametrize("text", ["\n", "\r", "\r\n", "\0", "\u2028", "\x85", "\ud800", "\n\ndata: {}\n\n", "é☃😀"])
async def test_text_stays_inside_its_json_string(text: str, serving: Any) -> None:
    async with serving() as site:
        task_id, stream = await idle(site)
        reply = await site.update(task_id, status="failed", stage=text, message=text, error=text)
        await stream.whole()
    assert reply.json["message"] == text
    assert stream.reports("message")[-1] == stream.reports("stage")[-1] == text
    assert stream.body.isascii()
    assert len(stream.blocks) == 3


@pytest.mark.parametrize("reset", [False, True])
async def test_a_client_that_leaves_is_noticed_and_does_not_stop_the_task(reset: bool, serving: Any) -> None:
    async with serving() as site:
        task_id = await site.create(steps=10, interval_ms=10)
        stream = await (await site.stream(task_id)).saw(b"connected")
        stream.cut(reset=reset)
        await site.becomes(lambda metrics: metrics["open_streams"] == 0)
        await site.becomes(lambda metrics: metrics["running_tasks"] == 0)
        assert (await site.ask("GET", f"{TASKS}/{task_id}")).json["status"] == "completed"


async def test_the_snapshot_agrees_with_the_stream(serving: Any) -> None:
    async with serving() as site:
        task_id, stream = await idle(site)
        reply = await site.update(task_id, status="running", stage="Reading", estimatedTimeRemaining=1.5)
        await stream.saw(b"Reading")
        snapshot = await site.ask("GET", f"{TASKS}/{task_id}")
    assert stream.events[-1]["progress"] == reply.json == snapshot.json


async def test_an_event_is_one_chunk(serving: Any) -> None:
    async with serving() as site:
        task_id, stream = await idle(site)
        await site.update(task_id, status="running", progress=1)
        await stream.saw(b'"running"')
    assert [json.loads(chunk.split(b"data: ")[1])["type"] for chunk in stream.chunks] == [
        "connected",
        "progress",
        "progress",
    ]
