"""What clients may send, and what they may not: a clear 4xx, never a 5xx, never a leak."""

import asyncio
import gzip
import json
from typing import Any

import psutil
import pytest

TASKS = "/api/brand-monitor/tasks"
PROGRESS = "/api/brand-monitor/progress"
ORIGIN = "https://app.test"


async def test_a_new_task_is_201_with_its_place_and_its_state(serving: Any) -> None:
    async with serving() as site:
        answer = await site.post(TASKS, {"manual": True})
    assert answer.status == 201
    assert answer.fields["location"] == f"{TASKS}/{answer.json['taskId']}"
    assert answer.json["status"] == "pending"


async def test_a_task_without_any_wish_runs_by_itself(serving: Any) -> None:
    async with serving() as site:
        assert (await site.ask("POST", TASKS)).status == 201
        assert (await site.metrics())["running_tasks"] == 1


@pytest.mark.parametrize(
    ("wish", "words"),
    [
        ({"steps": 0}, "steps must be an integer from 1 to 1000"),
        ({"steps": True}, "steps must be"),
        ({"steps": "5"}, "steps must be"),
        ({"interval_ms": 1e9}, "interval_ms must be"),
        ({"fail_at": 0}, "fail_at must be"),
        ({"steps": 3, "fail_at": 4}, "fail_at must be one of the 3 steps"),
        ({"manual": 1}, "manual must be true or false"),
        ({"seed": -1}, "seed must be"),
        ({"brand": ""}, "brand must be"),
        ({"stepz": 5}, "'stepz' was unexpected); known members are brand, steps"),
        ([], "[] is not of type 'object'"),
        ("text", "is not of type 'object'"),
    ],
)
async def test_a_wrong_wish_is_400_and_says_what_to_send(wish: Any, words: str, serving: Any) -> None:
    async with serving() as site:
        answer = await site.post(TASKS, wish)
        metrics = await site.metrics()
    assert (answer.status, metrics["tasks"]) == (400, 0)
    assert words in answer.json["message"]


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"\xff\xfe",
        b'{"steps": NaN}',
        b'{"steps": 1e999}',
        b'{"steps": ' + b"9" * 5000 + b"}",
        b"[" * 60_000,
        b"null",
        b'{"brand": ' + b"[" * 100 + b"]" * 100 + b"}",
    ],
)
async def test_a_body_that_is_not_a_json_object_is_400(body: bytes, serving: Any) -> None:
    async with serving() as site:
        answer = await site.ask("POST", TASKS, body, Content_Type="application/json")
    assert (answer.status, {*answer.json}) == (400, {"error", "message"})


async def test_a_huge_body_is_413_also_when_it_is_compressed(serving: Any) -> None:
    huge = json.dumps({"brand": "x" * 10_000_000}).encode()
    async with serving() as site:
        plain = await site.ask("POST", TASKS, huge[:200_000], Content_Type="application/json")
        packed = await site.ask(
            "POST", TASKS, gzip.compress(huge), Content_Type="application/json", Content_Encoding="gzip"
        )
    assert [plain.status, packed.status] == [413, 413]
    assert "64 KiB" in plain.json["message"]


async def test_a_body_of_another_type_is_415(serving: Any) -> None:
    async with serving() as site:
        answer = await site.ask("POST", TASKS, b"steps=5", Content_Type="application/x-www-form-urlencoded")
    assert answer.status == 415


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"status": "completed"}, "status cannot go from pending to completed; next is running or failed"),
        ({"status": "failed"}, "needs an error"),
        ({"status": "failed", "error": ""}, "error must be a text"),
        ({"status": "paused"}, "status must be one of pending, running"),
        ({"status": ["running"]}, "status must be one of"),
        ({"progress": 101}, "a number from 0 to 100"),
        ({"progress": -0.1}, "a number from 0 to 100"),
        ({"progress": True}, "a number from 0 to 100"),
        ({"progress": "10"}, "a number from 0 to 100"),
        ({"stage": ""}, "stage must be"),
        ({"stage": None}, "stage must be"),
        ({"message": 7}, "message must be"),
        ({"message": "x" * 4001}, "message must be"),
        ({"estimatedTimeRemaining": -1}, "0 or more"),
        ({"results": {}}, "results, and no other has any"),
        ({"error": "x"}, "an error that helps its reader, and no other has one"),
        ({"taskId": "another"}, "taskId must be"),
        ({"state": "running"}, "'state' was unexpected); known members are taskId, status"),
    ],
)
async def test_an_illegal_move_of_a_new_task_is_400_and_changes_nothing(
    changes: dict[str, Any], words: str, serving: Any
) -> None:
    async with serving() as site:
        task_id = await site.create(manual=True)
        answer = await site.update(task_id, **changes)
        snapshot = await site.ask("GET", f"{TASKS}/{task_id}")
    assert (answer.status, snapshot.json["message"]) == (400, "Task created")
    assert words in answer.json["message"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"status": "pending"}, "status cannot go from running to pending"),
        ({"progress": 49}, "progress must not fall: it is 50"),
        ({"status": "completed"}, "needs its results"),
        ({"status": "completed", "results": None}, "results must be"),
        ({"status": "completed", "results": 1, "progress": 99}, "progress 100"),
        ({"status": "completed", "results": 1, "error": "x"}, "an error that helps its reader, and no other has one"),
    ],
)
async def test_an_illegal_move_of_a_running_task_is_400(changes: dict[str, Any], words: str, serving: Any) -> None:
    async with serving() as site:
        task_id = await site.create(manual=True)
        await site.update(task_id, status="running", progress=50)
        answer = await site.update(task_id, **changes)
    assert answer.status == 400
    assert words in answer.json["message"]


async def test_an_ended_task_moves_no_more(serving: Any) -> None:
    async with serving() as site:
        task_id = await site.create(manual=True)
        await site.update(task_id, status="failed", error="Try again later.")
        answer = await site.update(task_id, status="running")
    assert (answer.status, answer.json["error"]) == (409, "task_ended")


async def test_a_failed_task_has_the_tickets_members(serving: Any) -> None:
    async with serving() as site:
        task_id = await site.create(manual=True)
        await site.update(task_id, status="running", progress=50, estimatedTimeRemaining=9)
        answer = await site.update(task_id, status="failed", error="Try again later.")
    assert answer.json == {
        "taskId": task_id,
        "status": "failed",
        "stage": "Failed",
        "progress": 0,
        "message": "Analysis failed",
        "error": "Try again later.",
    }


@pytest.mark.parametrize(
    "task_id",
    [
        "..%2f..%2f..%2fetc%2fpasswd",
        "%2e%2e",
        "%00",
        "%ff%fe",
        "%F0%9F%98%80",
        "a" * 10_000,
        "'%20OR%201=1--",
        "%0d%0aX:%201",
        "{}",
    ],
)
@pytest.mark.parametrize("path", [PROGRESS, TASKS])
async def test_an_id_of_any_kind_is_404(path: str, task_id: str, serving: Any) -> None:
    async with serving() as site:
        answer = await site.ask("GET", f"{path}/{task_id}")
    assert (answer.status, {*answer.json}) == (404, {"error", "message"})
    assert len(answer.rest) < 500


@pytest.mark.parametrize(
    "path", ["/nothing", "/page/../app.py", "/page/%2e%2e/app.py", "/page/", f"{PROGRESS}/", f"{TASKS}/a/b"]
)
async def test_an_address_with_nothing_at_it_is_4xx(path: str, serving: Any) -> None:
    async with serving() as site:
        answer = await site.ask("GET", path)
    assert answer.status in {403, 404}
    assert b"import" not in answer.rest


@pytest.mark.parametrize(
    "raw",
    [
        b"GET\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"x" * 100_000 + b"\r\n\r\n",
        b"GET /" + b"x" * 100_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\n" + b"X: y\r\n" * 1000 + b"\r\n",
        b"BREW / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET / HTTP/9.9\r\nHost: x\r\n\r\n",
        b"POST /api/brand-monitor/tasks HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        b"POST /api/brand-monitor/tasks HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    ],
)
async def test_what_is_not_http_is_400_and_ends_the_connection(raw: bytes, serving: Any) -> None:
    async with serving() as site:
        answer = await (await site.send(raw)).until(lambda answer: answer.at_end)
    assert answer.status == 400


async def test_a_thousand_idle_connections_are_closed_and_cost_nothing_after(serving: Any) -> None:
    async with serving(idle_s=0.3) as site:
        task_id = await site.create(manual=True)
        before = psutil.Process().num_fds()
        beginnings = (b"", b"GET / HT", b"GET / HTTP/1.1\r\nHost: x\r\nX-Endless: y")
        idle = [await site.send(beginnings[number % 3]) for number in range(1000)]
        stream = await (await site.stream(task_id)).saw(b"pending")
        await asyncio.gather(*[answer.until(lambda answer: answer.at_end) for answer in idle])
        for answer in idle:
            answer.writer.close()

        async def settles() -> bool:
            return psutil.Process().num_fds() < before + 10

        await site.eventually(settles)
        await site.update(task_id, status="running")
        await stream.saw(b"running")


async def test_a_body_that_never_ends_is_408(serving: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ssegauge.reference_server.common.bodies.TIMEOUT_S", 0.1)
    async with serving() as site:
        raw = f"POST {TASKS} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{{"
        answer = await (await site.send(raw.encode())).whole()
    assert answer.status == 408


async def test_an_unexpected_error_is_500_in_json_that_tells_nothing(
    serving: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: Any) -> None:
        raise RuntimeError("SELECT secret")

    monkeypatch.setattr("ssegauge.reference_server.tasks.Tasks.create", fail)
    async with serving() as site:
        answer = await site.post(TASKS)
    assert (answer.status, answer.json["error"]) == (500, "internal_error")
    assert b"SELECT" not in answer.rest
    assert "SELECT secret" in caplog.text


# Who may read --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "fields",
    [{"Authorization": "Bearer secret"}, {"Authorization": "bearer secret"}, {"Cookie": "ssegauge_token=secret"}],
)
async def test_the_token_opens_the_api_as_field_or_as_cookie(fields: dict[str, str], serving: Any) -> None:
    async with serving(token="secret") as site:
        assert (await site.post(TASKS, {"manual": True}, **fields)).status == 201


@pytest.mark.parametrize(
    "fields",
    [{}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic secret"}, {"Authorization": "Bearer \xe9"}],
)
async def test_without_the_token_the_api_is_401_with_a_challenge(fields: dict[str, str], serving: Any) -> None:
    async with serving(token="secret") as site:
        answers = [await site.ask("GET", f"{PROGRESS}/x", **fields), await site.post(TASKS, **fields)]
    assert [answer.status for answer in answers] == [401, 401]
    assert answers[0].fields["www-authenticate"] == 'Bearer realm="ssegauge"'
    assert "Authorization: Bearer" in answers[0].json["message"]


async def test_the_token_is_not_asked_for_outside_the_api(serving: Any) -> None:
    async with serving(token="secret") as site:
        answers = [
            await site.ask("GET", path) for path in ("/health", "/metrics", "/metrics.json", "/openapi.json", "/")
        ]
    assert {answer.status for answer in answers} == {200}


async def test_an_allowed_origin_is_named_with_credentials(serving: Any) -> None:
    async with serving(allow_origin=[ORIGIN]) as site:
        answer = await site.ask("GET", f"{PROGRESS}/x", Origin=ORIGIN)
    assert answer.fields["access-control-allow-origin"] == ORIGIN
    assert answer.fields["access-control-allow-credentials"] == "true"
    assert answer.fields["vary"] == "Origin"


@pytest.mark.parametrize("origin", ["https://evil.test", "null", f"{ORIGIN}.evil.test", ORIGIN.upper()])
async def test_another_origin_is_not_named_but_the_reply_varies(origin: str, serving: Any) -> None:
    async with serving(allow_origin=[ORIGIN]) as site:
        answer = await site.ask("GET", "/health", Origin=origin)
    assert not [name for name in answer.fields if name.startswith("access-control")]
    assert answer.fields["vary"] == "Origin"


async def test_without_allowed_origins_nothing_is_shared(serving: Any) -> None:
    async with serving() as site:
        answer = await site.ask("GET", "/health", Origin=ORIGIN)
    assert not {"access-control-allow-origin", "vary"} & {*answer.fields}


async def test_a_preflight_allows_what_event_source_and_fetch_send(serving: Any) -> None:
    async with serving(allow_origin=[ORIGIN], token="secret") as site:
        asked = {"Origin": ORIGIN, "Access_Control_Request_Method": "GET"}
        answer = await site.ask("OPTIONS", f"{PROGRESS}/x", **asked)
    allowed = answer.fields["access-control-allow-headers"].split(", ")
    assert answer.status == 204
    assert {"Last-Event-ID", "Cache-Control", "Authorization"} <= {*allowed}
    assert "GET" in answer.fields["access-control-allow-methods"]


async def test_a_preflight_of_another_origin_allows_nothing(serving: Any) -> None:
    async with serving(allow_origin=[ORIGIN]) as site:
        answer = await site.ask("OPTIONS", f"{PROGRESS}/x", Origin="https://evil.test")
    assert (answer.status, answer.fields["allow"]) == (204, "GET, HEAD, OPTIONS")
    assert "access-control-allow-headers" not in answer.fields
