"""What is bounded, and what happens at the bound."""

import asyncio
import contextlib
import socket
from typing import Any
from urllib.parse import urlsplit

import pytest

TASKS = "/api/brand-monitor/tasks"
PROGRESS = "/api/brand-monitor/progress"
LONG = "." * 3900


async def test_streams_above_the_limit_are_503_until_one_ends(serving: Any) -> None:
    async with serving(max_streams=2) as site:
        task_id = await site.create(manual=True)
        first, _ = [await (await site.stream(task_id)).saw(b"pending") for _ in range(2)]
        refused = await (await site.stream(task_id)).whole()
        first.cut()
        await site.becomes(lambda metrics: metrics["open_streams"] == 1)
        await (await site.stream(task_id)).saw(b"pending")
    assert (refused.status, refused.fields["retry-after"]) == (503, "5")
    assert {*refused.json} == {"error", "message"}


async def test_above_the_count_the_oldest_ended_task_is_forgotten(serving: Any) -> None:
    async with serving(max_tasks=2) as site:
        running, ended = await site.create(manual=True), await site.create(manual=True)
        await site.update(ended, status="failed", error="Try again later.")
        await site.create(manual=True)
        statuses = [(await site.ask("GET", f"{TASKS}/{task_id}")).status for task_id in (running, ended)]
    assert statuses == [200, 404]


async def test_when_no_task_has_ended_a_new_one_is_503(serving: Any) -> None:
    async with serving(max_tasks=1) as site:
        await site.create(manual=True)
        answer = await site.post(TASKS, {"manual": True})
    assert (answer.status, answer.json["error"], answer.fields["retry-after"]) == (503, "too_many_tasks", "5")


async def test_a_task_past_its_time_fails_where_readers_see_it_and_is_forgotten_later(serving: Any) -> None:
    async with serving(task_ttl_s=0.2) as site:
        task_id = await site.create(manual=True)
        stream = await (await site.stream(task_id)).whole()
        await site.becomes(lambda metrics: metrics["tasks"] == 0)
    assert stream.reports("status")[-1] == "failed"
    assert "Start the analysis again" in stream.reports("error")[-1]


@contextlib.contextmanager
def unread(site: Any, task_id: str, **fields: str) -> Any:
    """A stream whose client reads nothing."""
    address = urlsplit(site.base_url)
    with socket.socket() as slow:
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        slow.connect((address.hostname, address.port))
        slow.sendall(f"GET {PROGRESS}/{task_id} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        slow.setblocking(False)
        yield slow


async def read_to_the_end(slow: socket.socket) -> bytes:
    loop, data = asyncio.get_running_loop(), b""
    async with asyncio.timeout(20):
        while not data.endswith(b"\r\n0\r\n\r\n") and (piece := await loop.sock_recv(slow, 65536)):
            data += piece
    return data


async def test_a_slow_reader_delays_nobody_and_gets_everything_when_it_reads(serving: Any) -> None:
    async with serving() as site:
        task_id = await site.create(manual=True)
        with unread(site, task_id) as slow:
            await site.becomes(lambda metrics: metrics["open_streams"] == 1)
            fast = await (await site.stream(task_id)).saw(b"pending")
            for number in range(200):
                await site.update(task_id, message=f"<{number}>{LONG}")
            await fast.saw(b"<199>")
            await site.update(task_id, status="failed", error="Try again later.")
            data = await read_to_the_end(slow)
    assert [data.count(f"<{number}>".encode()) for number in range(200)] == [1] * 200
    assert b'"failed"' in data


async def test_a_reader_that_takes_nothing_for_too_long_is_dropped(serving: Any) -> None:
    async with serving(stall_s=0.2) as site:
        task_id = await site.create(manual=True)
        with unread(site, task_id):
            await site.becomes(lambda metrics: metrics["open_streams"] == 1)
            for number in range(200):
                await site.update(task_id, message=f"<{number}>{LONG}")
            await site.becomes(lambda metrics: metrics["open_streams"] == 0)


async def test_a_reader_beyond_what_the_log_keeps_is_told_so_and_starts_from_the_present(
    serving: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ssegauge.reference_server.common.log.RETAINED_BYTES", 50_000)
    async with serving() as site:
        task_id = await site.create(manual=True)
        with unread(site, task_id) as slow:
            await site.becomes(lambda metrics: metrics["open_streams"] == 1)
            for number in range(300):
                await site.update(task_id, message=f"<{number}>{LONG}")
            data = await read_to_the_end(slow)
        assert b'"type":"error"' in data
        assert b"Reconnect" in data
        last_id = data.rpartition(b"id: ")[2].partition(b"\n")[0].decode()
        again = await (await site.stream(task_id, Last_Event_ID=last_id)).saw(b"<299>")
    assert again.ids == [f"{task_id}.300"]


async def test_what_the_log_forgets_is_bounded_and_what_it_keeps_can_be_resumed(
    serving: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ssegauge.reference_server.common.log.RETAINED_BYTES", 50_000)
    async with serving() as site:
        task_id = await site.create(manual=True)
        for number in range(100):
            await site.update(task_id, message=f"<{number}>{LONG}")
        recent = await (await site.stream(task_id, Last_Event_ID=f"{task_id}.95")).saw(b"<99>")
        forgotten = await (await site.stream(task_id, Last_Event_ID=f"{task_id}.5")).saw(b"<99>")
    assert recent.ids == [f"{task_id}.{number}" for number in range(96, 101)]
    assert forgotten.ids == [f"{task_id}.100"]


async def test_leaving_clients_leave_nothing_behind(serving: Any) -> None:
    async with serving() as site:
        task_id = await site.create(manual=True)
        for number in range(100):
            stream = await site.stream(task_id)
            if number % 3:
                await stream.saw(b"connected")
            stream.cut(reset=bool(number % 2))
        await site.becomes(lambda metrics: metrics["open_streams"] == 0)
        assert (await (await site.stream(task_id)).saw(b"pending")).status == 200
