"""Faults that show in what a server does: to late and returning clients, in time, and to odd requests."""

import zlib
from typing import Any

import pytest

from tests.reference_server.proofs import (
    LOOKS_ALIKE,
    ORIGIN,
    PROGRESS,
    TASKS,
    Proofs,
    ended,
    hangs,
    idle,
    snapshot,
    times_allowed,
)

PROOFS = Proofs()
shows = PROOFS.of


@shows("response/head-held-until-first-event")
async def head_is_held(site: Any) -> bool:
    stream = await site.stream(await site.create(manual=True))
    return await hangs(stream.until(lambda answer: answer.raw))


@shows("response/204-with-body")
async def body_after_204(site: Any) -> bool:
    task_id = await ended(site)
    answer = await site.stream(task_id, Last_Event_ID=f"{task_id}.3", Connection="close")
    await answer.until(lambda answer: answer.at_end)
    return bool(answer.rest) and answer.status == 204


@shows("response/chunked-to-http10")
async def chunks_in_http10(site: Any) -> bool:
    answer = await site.send(f"GET {PROGRESS}/{await ended(site)} HTTP/1.0\r\n\r\n".encode())
    return "transfer-encoding" in (await answer.until(lambda answer: answer.head and answer.rest)).fields


@shows("lifecycle/connected-late")
async def connected_waits(site: Any) -> bool:
    stream = await site.stream(await site.create(manual=True))
    return b"connected" not in (await stream.until(lambda answer: answer.chunks)).body


@shows("lifecycle/updates-silent")
async def running_task_is_silent(site: Any) -> bool:
    stream = await site.stream(await site.create(steps=2, interval_ms=10))
    return await hangs(stream.saw(b'"status":"completed"'))


@shows("lifecycle/stream-open-after-terminal")
async def stream_stays_open(site: Any) -> bool:
    task_id, stream = await idle(site)
    await site.update(task_id, status="failed", error="Try again later.")
    return await hangs(stream.whole())


@shows("lifecycle/late-after-end-hangs")
async def late_client_hangs(site: Any) -> bool:
    task_id = await ended(site)
    await (await site.stream(task_id)).whole()
    return await hangs((await site.stream(task_id)).whole())


@shows("lifecycle/late-subscriber-uninformed")
async def late_client_is_not_told(site: Any) -> bool:
    task_id = await site.create(manual=True)
    await site.update(task_id, status="running", progress=10)
    stream = await (await site.stream(task_id)).saw(b"connected")
    await site.update(task_id, progress=50)
    return 10 not in (await stream.saw(b'"progress":50')).reports("progress")


@shows("lifecycle/completion-race")
async def end_is_lost_in_a_gap(site: Any) -> bool:
    for _ in range(20):
        task_id, stream = await idle(site)
        await site.update(task_id, status="failed", error="Try again later.")
        if await hangs(stream.whole()):
            return True
    return False


@shows("lifecycle/reconnect-restarts-task")
async def coming_back_restarts(site: Any) -> bool:
    task_id = await ended(site)
    await (await site.stream(task_id, Last_Event_ID=f"{task_id}.3")).until(lambda answer: answer.raw)
    return bool((await snapshot(site, task_id))["status"] != "completed")


@shows("lifecycle/reconnect-after-end-not-204")
async def coming_back_is_not_204(site: Any) -> bool:
    task_id = await ended(site)
    answer = await (await site.stream(task_id, Last_Event_ID=f"{task_id}.3")).whole()
    return answer.status == 200 and not answer.ids


@shows("lifecycle/subscribers-disagree")
async def two_readers_differ(site: Any) -> bool:
    task_id, first = await idle(site)
    second = await (await site.stream(task_id)).saw(b'"status":"pending"')
    return bool(first.blocks[1:] != second.blocks[1:])


@shows("lifecycle/subscriber-moves-task")
async def looking_moves(site: Any) -> bool:
    task_id, _ = await idle(site)
    return bool((await snapshot(site, task_id))["progress"] != 0)


@shows("lifecycle/snapshot-disagrees")
async def snapshot_is_stale(site: Any) -> bool:
    return bool((await snapshot(site, await ended(site)))["status"] != "completed")


async def first_id_after(site: Any, number: int) -> str:
    task_id = await ended(site)
    answer = await (await site.stream(task_id, Last_Event_ID=f"{task_id}.{number}")).whole()
    return str(answer.ids[0].rpartition(".")[2])


@shows("resume/events-lost-on-resume")
@shows("resume/gap-on-resume")
async def resume_skips(site: Any) -> bool:
    return await first_id_after(site, 0) == "2"


@shows("resume/duplicate-on-resume")
async def resume_repeats(site: Any) -> bool:
    return await first_id_after(site, 1) == "1"


@shows("resume/begins-anew")
async def resume_begins_anew(site: Any) -> bool:
    return await first_id_after(site, 1) == "0"


@shows("resume/known-id-refused")
async def known_id_is_refused(site: Any) -> bool:
    task_id = await ended(site)
    return (await (await site.stream(task_id, Last_Event_ID=f"{task_id}.1")).whole()).status == 400


@shows("resume/stale-id-refused")
async def another_tasks_id_is_refused(site: Any) -> bool:
    answer = await site.stream(await ended(site), Last_Event_ID=f"{await ended(site)}.1")
    return (await answer.whole()).status == 409


@shows("resume/garbage-id-fails")
async def garbage_id_fails(site: Any) -> bool:
    answers = [await site.stream(await ended(site), Last_Event_ID=text) for text in ("", "-1", "x" * 10_000)]
    return all([(await answer.whole()).status == 500 for answer in answers])


async def preflight(site: Any) -> Any:
    asked = {"Origin": ORIGIN, "Access_Control_Request_Method": "GET"}
    return (await site.ask("OPTIONS", f"{PROGRESS}/{await ended(site)}", **asked)).fields


@shows("resume/preflight-refuses-last-event-id", allow_origin=[ORIGIN])
async def preflight_is_narrow(site: Any) -> bool:
    return "Last-Event-ID" not in (await preflight(site))["access-control-allow-headers"]


@shows("liveness/heartbeat-missing", heartbeat=0.05)
async def silence(site: Any) -> bool:
    return await hangs((await idle(site))[1].saw(b": keep-alive"))


@shows("liveness/heartbeat-is-an-event", heartbeat=0.05)
async def heartbeat_is_dispatched(site: Any) -> bool:
    _, stream = await idle(site)
    await stream.until(lambda answer: b"keep-alive" in answer.body or b"heartbeat" in answer.body)
    return any(event["type"] == "heartbeat" for event in stream.events)


@shows("liveness/idle-stream-closed", heartbeat=0.2)
async def idle_stream_ends(site: Any) -> bool:
    _, stream = await idle(site)
    await stream.until(lambda answer: answer.is_complete or answer.body.count(b"keep-alive") == 5)
    return bool(stream.is_complete)


@shows("liveness/heartbeats-without-a-task", heartbeat=0.05)
async def unknown_task_looks_alive(site: Any) -> bool:
    answer = await site.stream("unknown")
    await answer.until(lambda answer: answer.is_complete or b"keep-alive" in answer.body)
    return answer.status == 200 and not answer.is_complete


@shows("delivery/batched")
async def two_updates_come_at_once(site: Any) -> bool:
    task_id, stream = await idle(site)
    await site.update(task_id, status="running", progress=10)
    await site.update(task_id, progress=20)
    await stream.until(lambda answer: b'"progress":20' in answer.body, 20)
    return any(chunk.count(b'"type":"progress"') == 2 for chunk in stream.chunks)


@shows("delivery/update-late")
async def update_is_late(site: Any) -> bool:
    task_id, stream = await idle(site)
    await site.update(task_id, status="running", progress=10)
    is_late = await hangs(stream.saw(b'"progress":10'))
    await stream.until(lambda answer: b'"progress":10' in answer.body, 20)
    return is_late


@shows("delivery/held-by-compression")
async def compressor_holds(site: Any) -> bool:
    task_id = await site.create(manual=True)
    stream = await site.stream(task_id, Accept_Encoding="gzip")
    is_held = await hangs(stream.until(lambda answer: b"connected" in plain(answer)))
    await site.update(task_id, status="failed", error="Try again later.")
    return is_held and b"connected" in plain(await stream.whole(20))


def plain(answer: Any) -> bytes:
    is_gzip = b"gzip" in answer.head
    return zlib.decompressobj(31).decompress(answer.body) if is_gzip else bytes(answer.raw)


async def unknown(site: Any) -> Any:
    return await site.ask("GET", f"{PROGRESS}/unknown")


@shows("errors/unknown-task-hangs")
async def unknown_task_hangs(site: Any) -> bool:
    return await hangs(unknown(site))


@shows("errors/unknown-task-5xx")
async def unknown_task_fails(site: Any) -> bool:
    return (await unknown(site)).status == 500


@shows("errors/unknown-task-body")
async def unknown_task_does_not_help(site: Any) -> bool:
    return "json" not in (await unknown(site)).fields["content-type"]


@shows("errors/malformed-id-5xx")
async def malformed_id_fails(site: Any) -> bool:
    ids = ("..%2f..%2fetc%2fpasswd", "%00", "%F0%9F%98%80", "a" * 10_000, "'%3B--")
    return all([(await site.ask("GET", f"{PROGRESS}/{task_id}")).status == 500 for task_id in ids])


@shows("errors/method-not-allowed")
async def any_method_does(site: Any) -> bool:
    answer = await site.ask("PUT", f"{PROGRESS}/{await ended(site)}")
    return answer.status != 405


@shows("errors/405-without-allow")
async def allowed_methods_are_not_named(site: Any) -> bool:
    answer = await site.ask("PUT", f"{PROGRESS}/{await ended(site)}")
    return answer.status == 405 and "allow" not in answer.fields


@shows("errors/odd-request-hangs")
async def other_method_hangs(site: Any) -> bool:
    return await hangs(site.ask("PUT", f"{PROGRESS}/{await ended(site)}"))


@shows("cleanup/head-leaves-work")
async def head_is_counted(site: Any) -> bool:
    await site.ask("HEAD", f"{PROGRESS}/{await ended(site)}")
    return await hangs(site.becomes(lambda metrics: metrics["open_streams"] == 0))


@shows("errors/head-hangs")
async def head_hangs(site: Any) -> bool:
    return await hangs(site.ask("HEAD", f"{PROGRESS}/{await ended(site)}"))


@shows("errors/query-garbage-5xx")
async def query_fails(site: Any) -> bool:
    return (await site.ask("GET", f"{PROGRESS}/{await ended(site)}?%ff[]=&&")).status == 500


@shows("errors/large-header-5xx")
async def large_field_fails(site: Any) -> bool:
    sizes = (5_000, 20_000)
    answers = [await site.ask("GET", f"{PROGRESS}/{await ended(site)}", X_Filler="x" * size) for size in sizes]
    return all(answer.status == 500 for answer in answers)


@shows("errors/malformed-request-5xx")
async def coding_fails(site: Any) -> bool:
    return (await site.ask("GET", f"{PROGRESS}/{await ended(site)}", Content_Encoding="gzip")).status == 500


async def without_token(site: Any) -> Any:
    return await site.ask("GET", f"{TASKS}/unknown")


@shows("errors/401-without-challenge", token="secret")
async def no_challenge(site: Any) -> bool:
    return "www-authenticate" not in (await without_token(site)).fields


@shows("security/stream-without-auth", token="secret")
async def stream_needs_no_token(site: Any) -> bool:
    return (await without_token(site)).status == 401 and (await unknown(site)).status != 401


@shows("security/cors-star-with-credentials")
async def star_with_credentials(site: Any) -> bool:
    fields = (await site.ask("GET", "/health", Origin=ORIGIN)).fields
    return fields.get("access-control-allow-origin") == "*" and "access-control-allow-credentials" in fields


@shows("security/cors-star")
async def every_origin_is_allowed(site: Any) -> bool:
    fields = (await site.ask("GET", "/health", Origin=ORIGIN)).fields
    return fields.get("access-control-allow-origin") == "*" and "access-control-allow-credentials" not in fields


@shows("security/cors-reflects-origin")
async def any_origin_is_allowed(site: Any) -> bool:
    fields = (await site.ask("GET", "/health", Origin=ORIGIN)).fields
    return fields.get("access-control-allow-origin") == ORIGIN


@shows("security/cors-reflects-origin:by-its-end", allow_origin=[ORIGIN])
async def look_alike_is_allowed(site: Any) -> bool:
    return await times_allowed(site, "GET", "/health", LOOKS_ALIKE) == 1


@shows("security/allowed-origin-shut-out", allow_origin=[ORIGIN])
async def allowed_origin_is_named_by_the_preflight_alone(site: Any) -> bool:
    return await times_allowed(site, "OPTIONS", "/health") == 1 and await times_allowed(site, "GET", "/health") == 0


@shows("security/allowed-origin-shut-out:twice", allow_origin=[ORIGIN])
async def allowed_origin_is_named_twice(site: Any) -> bool:
    return await times_allowed(site, "GET", "/health") == 2


@shows("security/vary-origin-missing", allow_origin=[ORIGIN])
async def reply_does_not_vary(site: Any) -> bool:
    fields = (await site.ask("GET", "/health", Origin=ORIGIN)).fields
    return fields["access-control-allow-origin"] == ORIGIN and "vary" not in fields


@shows("security/cross-task-leak")
async def other_task_is_shown(site: Any) -> bool:
    task_id, stream = await idle(site)
    await site.update(task_id, status="running")
    await site.update(await site.create(manual=True), status="running", message="for one reader alone")
    await site.update(task_id, status="failed", error="Try again later.")
    return b"for one reader alone" in (await stream.whole()).body


@shows("ticket-as-written")
async def ticket(site: Any) -> bool:
    stream = await site.stream(await ended(site))
    await stream.until(lambda answer: b"completed" in answer.body, 20)
    return stream.fields.get("access-control-allow-origin") == "*" and not stream.ids and await hangs(stream.whole())


@pytest.mark.parametrize("code", PROOFS)
async def test_the_fault_shows_and_the_healthy_server_does_not_have_it(code: str, serving: Any) -> None:
    assert await PROOFS.hold(code, serving)
