"""Faults of the feed that show in how it lives, ends, answers, and what its readers cost."""

import asyncio
import socket
import tracemalloc
from typing import Any
from urllib.parse import urlsplit

import psutil
import pytest

from ssegauge.conformance.recording.reader import drop_all
from ssegauge.reference_server.feed.faults import ends, liveness, registry
from tests.reference_server.feed import test_faults_in_what_is_said, test_http2
from tests.reference_server.feed.following import TALKS, after_events, has, reading, texts, told
from tests.reference_server.proofs import LONG, LOOKS_ALIKE, ORIGIN, SHORT_WHILE_S, Proofs, hangs, times_allowed

PROOFS = Proofs(profile="event-stream", pace=0)
shows = PROOFS.of


@pytest.fixture(autouse=True)
def _quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    """What takes seconds, so that people see it, takes less here."""
    monkeypatch.setattr(liveness, "DEAF_AFTER_S", 0.3)
    monkeypatch.setattr(liveness, "PAUSE_S", 1.5)
    for variant in ("", ":15", ":30", ":60"):
        monkeypatch.setattr(registry.classes[f"end/cut-by-timeout{variant}"][0], "age_s", 0.3)


@shows("liveness/heartbeat-missing", heartbeat=0.05)
async def no_heartbeat(site: Any) -> bool:
    return await hangs((await reading(site)).saw(b": keep-alive"))


@shows("liveness/silent", heartbeat=0.05, pace=0.1)
async def nothing_comes(site: Any) -> bool:
    stream = await reading(site)
    is_silent = await hangs(stream.until(lambda answer: b"data:" in answer.body or b"keep-alive" in answer.body))
    await told(site, "a")
    return is_silent and texts(await stream.until(has("a"))) == ["a"]


@shows("liveness/gap-too-long", pace=TALKS)
async def feed_pauses(site: Any) -> bool:
    stream = await (await site.follow()).until(after_events(1))
    for number in range(2, 12):
        if await hangs(stream.until(after_events(number))):
            return bool((await stream.until(after_events(number))).status == 200)
    return False


@shows("liveness/first-event-late", pace=TALKS)
async def first_event_is_late(site: Any) -> bool:
    stream = await site.follow()
    is_late = await hangs(stream.until(after_events(1)))
    return is_late and len({*(await stream.until(after_events(5))).ids}) >= 4


@shows("liveness/goes-deaf", heartbeat=0.1, pace=TALKS)
async def reader_hears_no_more(site: Any) -> bool:
    stream = await (await site.follow()).until(after_events(3))
    for number in range(4, 60):
        if await hangs(stream.until(after_events(number))):
            newcomer = await (await site.follow()).until(after_events(2))
            return newcomer.status == 200 and not stream.at_end
    return False


@shows("liveness/heartbeat-is-an-event", heartbeat=0.05)
async def heartbeat_is_dispatched(site: Any) -> bool:
    stream = await (await reading(site)).until(lambda answer: b"heartbeat" in answer.body or b"keep-al" in answer.body)
    return stream.blocks == [b'retry: 2000\ndata: {"type":"heartbeat"}']


@shows("end/without-any-event", heartbeat=0.05)
async def ends_at_once(site: Any) -> bool:
    stream = await (await site.follow()).until(lambda answer: answer.is_complete or b"keep-alive" in answer.body)
    return stream.is_complete and stream.body == b"" and stream.status == 200


@shows("wire/truncated-chunked-body", heartbeat=0.05)
async def dies_at_once(site: Any) -> bool:
    stream = await (await site.follow()).until(lambda answer: b"keep-alive" in answer.body)
    return stream.at_end and not stream.is_complete and stream.body == b""


async def stream_is_cut(site: Any) -> bool:
    stream = await (await site.follow()).until(after_events(60))
    return stream.at_end and not stream.is_complete and b"data:" in stream.body


for variant in ("", ":15", ":30", ":60"):
    shows(f"end/cut-by-timeout{variant}", pace=TALKS)(stream_is_cut)


async def heads(site: Any, streams: int) -> bool:
    """Whether the last of so many streams waits for its head until another one has left."""
    served = [await (await site.follow()).until(lambda answer: answer.raw) for _ in range(streams - 1)]
    waiting = await site.follow()
    is_held = await hangs(waiting.until(lambda answer: answer.raw))
    served[0].cut()
    return is_held and (await waiting.until(lambda answer: b"\r\n\r\n" in answer.raw)).status == 200


@shows("capacity/serves-few-at-once")
async def third_stream_waits(site: Any) -> bool:
    return await heads(site, 3)


@shows("capacity/serves-few-at-once:one")
async def second_stream_waits(site: Any) -> bool:
    return await heads(site, 2)


@shows("capacity/serves-few-at-once:told")
async def fourth_stream_is_told_nothing(site: Any) -> bool:
    served = [await reading(site) for _ in range(3)]
    waiting = await reading(site)
    await told(site, "a")
    await served[-1].until(has("a"))
    is_held = await hangs(waiting.until(has("a")))
    served[0].cut()
    return is_held and has("a")(await waiting.until(has("a")))


@shows("capacity/serves-few-at-once:calls")
async def calls_wait_for_streams(site: Any) -> bool:
    stream = await reading(site)
    publishing = asyncio.ensure_future(site.publish("a"))
    is_held = await hangs(asyncio.shield(publishing))
    stream.cut()
    return is_held and (await publishing).status == 202


@shows("cleanup/open-count-wrong")
async def count_stays_up(site: Any) -> bool:
    (await reading(site)).cut()
    return await hangs(site.becomes(lambda metrics: metrics["open_streams"] == 0))


@shows("capacity/serves-few-at-once:newest")
async def the_newest_ends_the_one_before(site: Any) -> bool:
    first = await reading(site)
    second = await (await site.follow()).until(lambda answer: b"\r\n\r\n" in answer.raw)
    is_ended = not await hangs(first.until(lambda answer: answer.is_complete))
    return is_ended and not second.is_complete


@shows("cleanup/work-goes-on")
async def work_goes_on(site: Any) -> bool:
    (await reading(site)).cut()
    await site.becomes(lambda metrics: metrics["open_streams"] == 0)
    before = (await site.metrics())["work"]
    for _ in range(100):
        await asyncio.sleep(0.01)
    return (await site.metrics())["work"] > before


@shows("cleanup/socket-held-after-fin")
async def fin_is_not_answered(site: Any) -> bool:
    stream = await reading(site)
    stream.writer.write_eof()
    return await hangs(stream.until(lambda answer: answer.at_end))


async def streams_cost_descriptors(site: Any, *, reset: bool) -> bool:
    process = psutil.Process()
    before = process.num_fds()
    for _ in range(10):
        (await reading(site)).cut(reset=reset)
        await site.becomes(lambda metrics: metrics["open_streams"] == 0)

    async def settles() -> bool:
        return bool(process.num_fds() < before + 5)

    return await hangs(site.eventually(settles))


@shows("cleanup/socket-held-after-rst")
async def socket_is_held_after_rst(site: Any) -> bool:
    return await streams_cost_descriptors(site, reset=True)


@shows("cleanup/descriptors-grow")
async def descriptors_grow(site: Any) -> bool:
    return await streams_cost_descriptors(site, reset=False)


@shows("cleanup/memory-grows")
async def memory_grows(site: Any) -> bool:
    tracemalloc.start()
    try:
        for _ in range(40):
            (await reading(site)).cut()
            await site.becomes(lambda metrics: metrics["open_streams"] == 0)
        return tracemalloc.get_traced_memory()[0] > 8 * 2**20
    finally:
        tracemalloc.stop()


@shows("slow/slow-reader-stalls-others", stall_s=20)
async def slow_reader_stalls(site: Any) -> bool:
    address = urlsplit(site.base_url)
    with socket.socket() as slow:
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        slow.connect((address.hostname, address.port))
        slow.sendall(b"GET /events HTTP/1.1\r\nHost: x\r\n\r\n")
        await site.becomes(lambda metrics: metrics["open_streams"] == 1)
        fast = await reading(site)
        for number in range(40):
            await site.publish(f"update {number} {LONG}")
        return await hangs(fast.saw(b"update 39"))


@shows("errors/method-not-allowed")
async def any_method_does(site: Any) -> bool:
    return (await site.ask("PUT", "/events")).status == 200


@shows("errors/405-without-allow")
async def allowed_methods_are_not_named(site: Any) -> bool:
    answer = await site.ask("PUT", "/events")
    return answer.status == 405 and "allow" not in answer.fields


@shows("errors/odd-request-hangs")
async def other_method_hangs(site: Any) -> bool:
    return await hangs(site.ask("PUT", "/events"))


@shows("cleanup/head-leaves-work")
async def head_is_counted(site: Any) -> bool:
    await site.ask("HEAD", "/events")
    return await hangs(site.becomes(lambda metrics: metrics["open_streams"] == 0))


@shows("errors/head-hangs")
async def head_hangs(site: Any) -> bool:
    return await hangs(site.ask("HEAD", "/events"))


async def fails(site: Any, path: str = "/events", **fields: str) -> bool:
    answer = await site.begin("GET", path, **fields)
    return (await answer.until(lambda answer: b"\r\n\r\n" in answer.raw)).status == 500


@shows("errors/query-garbage-5xx")
async def query_fails(site: Any) -> bool:
    return await fails(site, "/events?%ff[]=&&")


@shows("response/redirected")
async def stream_is_elsewhere(site: Any) -> bool:
    answer = await (await site.begin("GET", "/events")).saw(b"\r\n\r\n")
    there = await (await site.begin("GET", answer.fields.get("location", "/"))).saw(b"\r\n\r\n")
    return answer.status == 307 and there.fields["content-type"] == "text/event-stream"


@shows("errors/stops-listening")
async def nobody_listens(site: Any) -> bool:
    await site.begin("GET", "/events", Content_Encoding="gzip")
    try:
        await asyncio.sleep(SHORT_WHILE_S)
        return (await (await site.begin("GET", "/health")).whole()).status != 200
    except ConnectionRefusedError:
        return True


@shows("errors/large-header-5xx")
async def large_field_fails(site: Any) -> bool:
    return await fails(site, X_Filler="x" * 5_000)


@shows("errors/malformed-request-5xx")
async def coding_fails(site: Any) -> bool:
    return await fails(site, Content_Encoding="gzip")


@shows("cleanup/half-open-held", stall_s=0.5, heartbeat=0.1)
async def client_that_vanished_is_held(site: Any) -> bool:
    address = urlsplit(site.base_url)
    with socket.create_connection((address.hostname, address.port)) as client:
        client.sendall(b"GET /events HTTP/1.1\r\nHost: x\r\n\r\n")
        await site.becomes(lambda metrics: metrics["open_streams"] == 1)
        drop_all(client)
        return await hangs(site.becomes(lambda metrics: metrics["open_streams"] == 0))


@shows("errors/401-without-challenge", token="secret")
async def no_challenge(site: Any) -> bool:
    answer = await site.ask("HEAD", "/events")
    return answer.status == 401 and "www-authenticate" not in answer.fields


@shows("security/stream-without-auth", token="secret")
async def stream_needs_no_token(site: Any) -> bool:
    return (await site.publish("a")).status == 401 and (await site.ask("HEAD", "/events")).status == 200


@shows("security/stream-without-auth:any-token", token="secret")
async def stream_takes_any_token(site: Any) -> bool:
    wrong = await site.ask("HEAD", "/events", Authorization="Bearer secreT")
    return (wrong.status, (await site.ask("HEAD", "/events")).status) == (200, 401)


async def cors(site: Any) -> tuple[str | None, bool]:
    fields = (await site.ask("HEAD", "/events", Origin=ORIGIN)).fields
    return fields.get("access-control-allow-origin"), "access-control-allow-credentials" in fields


@shows("security/cors-star-with-credentials")
async def star_with_credentials(site: Any) -> bool:
    return await cors(site) == ("*", True)


@shows("security/cors-star")
async def every_origin_is_allowed(site: Any) -> bool:
    return await cors(site) == ("*", False)


@shows("security/cors-reflects-origin")
async def any_origin_is_allowed(site: Any) -> bool:
    return await cors(site) == (ORIGIN, True)


@shows("security/cors-reflects-origin:by-its-end", allow_origin=[ORIGIN])
async def look_alike_is_allowed(site: Any) -> bool:
    return await times_allowed(site, "HEAD", "/events", LOOKS_ALIKE) == 1


@shows("security/allowed-origin-shut-out", allow_origin=[ORIGIN])
async def allowed_origin_is_named_by_the_preflight_alone(site: Any) -> bool:
    return await times_allowed(site, "OPTIONS", "/events") == 1 and await times_allowed(site, "HEAD", "/events") == 0


@shows("security/allowed-origin-shut-out:twice", allow_origin=[ORIGIN])
async def allowed_origin_is_named_twice(site: Any) -> bool:
    return await times_allowed(site, "HEAD", "/events") == 2


@shows("security/vary-origin-missing", allow_origin=[ORIGIN])
async def reply_does_not_vary(site: Any) -> bool:
    fields = (await site.ask("HEAD", "/events", Origin=ORIGIN)).fields
    return fields["access-control-allow-origin"] == ORIGIN and "Origin" not in fields.get("vary", "")


@pytest.mark.parametrize("code", PROOFS)
async def test_the_fault_shows_and_the_healthy_feed_does_not_have_it(code: str, serving: Any) -> None:
    assert await PROOFS.hold(code, serving)


def test_a_stream_is_cut_at_the_ages_at_which_timeouts_are_set() -> None:
    assert ends.CUT_AFTER_S == (10, 15, 30, 60)
    assert registry.about("end/cut-by-timeout:60") == "Cuts every stream when it is 60 s old, as a timeout does."


def test_every_fault_has_a_proof_and_says_what_it_does() -> None:
    assert {*registry.codes()} == {*PROOFS, *test_faults_in_what_is_said.PROOFS, *test_http2.CODES}
    assert all(registry.about(code).endswith(".") for code in registry.codes())
