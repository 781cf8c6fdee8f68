"""Each fault of the feed shows in what it sends or does, and the healthy feed does not have it."""

import socket
import tracemalloc
import zlib
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import psutil
import pytest

from ssegauge.reference_server.feed.faults import delivery, ends, liveness, registry
from tests.reference_server.proofs import LONG, ORIGIN, PATIENCE, Proofs, hangs

PROOFS = Proofs(profile="event-stream", pace=0)
shows = PROOFS.of
TALKS = 0.02  # s between events that come by themselves
REPLACED = "\ufffd".encode()


@pytest.fixture(autouse=True)
def _quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    """What takes seconds, so that people see it, takes less here."""
    for module, name in ((delivery, "HELD_S"), (delivery, "BATCH_S"), (liveness, "DEAF_AFTER_S")):
        monkeypatch.setattr(module, name, 0.3)
    monkeypatch.setattr(delivery, "LATE_S", 1.5)
    monkeypatch.setattr(ends.Cutting, "age_s", 0.3, raising=False)
    for age in ends.CUT_AFTER_S:
        variant = "" if age == 10 else f":{age:g}"
        monkeypatch.setattr(registry.classes[f"end/cut-by-timeout{variant}"][0], "age_s", 0.3)


def texts(answer: Any) -> list[str]:
    return [event["text"] for event in answer.events if "text" in event]


async def reading(site: Any, **fields: str) -> Any:
    """A stream whose server waits for something to happen."""
    before = (await site.metrics())["open_streams"]
    stream = await (await site.follow(**fields)).until(lambda answer: b"\r\n\r\n" in answer.raw)
    await site.becomes(lambda metrics: metrics["open_streams"] > before)
    return stream


async def told(site: Any, *said: str) -> list[str]:
    """Publish, and return the ids."""
    return [str((await site.publish(text)).json["id"]) for text in said]


def has(text: str) -> Callable[[Any], bool]:
    return lambda answer: text in texts(answer)


def after_events(number: int) -> Callable[[Any], bool]:
    return lambda answer: answer.is_complete or answer.body.count(b"data:") >= number


@shows("delivery/readers-differ")
async def events_reach_one_reader_only(site: Any) -> bool:
    streams = [await reading(site) for _ in range(2)]
    await told(site, "a", "b", "c", "d")
    for stream in streams:
        await stream.until(lambda answer: len(texts(answer)) == 4 or texts(answer)[1:] in (["c"], ["d"]))
    return sorted(text for stream in streams for text in texts(stream)) == ["a", "b", "c", "d"]


@shows("delivery/readers-differ:every-tenth")
async def second_reader_misses_the_tenth(site: Any) -> bool:
    streams = [await reading(site) for _ in range(2)]
    await told(site, *map(str, range(11)))
    first, second = [texts(await stream.until(has("10"))) for stream in streams]
    return len(first) == 11 and "9" not in second


@shows("delivery/update-lost")
async def every_second_update_is_lost(site: Any) -> bool:
    stream = await reading(site)
    await told(site, "a", "b", "c", "d")
    return texts(await stream.until(has("d"))) == ["b", "d"]


@shows("delivery/update-lost:all")
async def every_update_is_lost(site: Any) -> bool:
    stream = await reading(site)
    answer = await site.publish("a")
    return answer.status == 202 and await hangs(stream.until(has("a")))


@shows("delivery/update-duplicated")
async def update_comes_twice(site: Any) -> bool:
    stream = await reading(site)
    await told(site, "a", "b")
    return texts(await stream.until(has("b"))).count("a") == 2


@shows("delivery/update-late")
async def update_is_late(site: Any) -> bool:
    stream = await reading(site)
    await told(site, "a")
    is_late = await hangs(stream.until(has("a")))
    await stream.until(has("a"), 20)
    return is_late


@shows("delivery/batched")
async def updates_come_at_once(site: Any) -> bool:
    stream = await reading(site)
    await told(site, "a", "b")
    await stream.until(has("b"), 20)
    return any(b'"a"' in chunk and b'"b"' in chunk for chunk in stream.chunks)


@shows("delivery/held-to-the-end", pace=TALKS)
async def head_comes_with_the_body(site: Any) -> bool:
    stream = await (await site.follow()).until(lambda answer: answer.raw, 20)
    await stream.until(after_events(3), 20)
    return stream.is_complete and stream.chunks[0].count(b"data:") == stream.body.count(b"data:") > 1


@shows("delivery/held-to-the-end:head-first", pace=TALKS)
async def body_comes_in_one_piece(site: Any) -> bool:
    stream = await (await site.follow()).until(lambda answer: answer.raw)
    is_held = await hangs(stream.until(lambda answer: answer.chunks, 0.1))
    await stream.until(after_events(30), 20)
    return is_held and stream.is_complete and stream.chunks[0].count(b"data:") == stream.body.count(b"data:") > 1


@shows("delivery/one-event-late")
async def event_comes_with_the_next(site: Any) -> bool:
    stream = await reading(site)
    await told(site, "a")
    is_held = await hangs(stream.until(has("a")))
    await told(site, "b")
    return is_held and texts(await stream.until(has("a"))) == ["a"]


def plain(answer: Any) -> bytes:
    return zlib.decompressobj(31).decompress(answer.body) if b"gzip" in answer.head else answer.body


@shows("delivery/held-by-compression")
async def compressor_holds(site: Any) -> bool:
    stream = await reading(site, Accept_Encoding="gzip")
    await told(site, "a")
    return await hangs(stream.until(lambda answer: b'"a"' in plain(answer)))


@shows("response/unasked-coding")
async def coding_is_not_asked_for(site: Any) -> bool:
    answers = [
        await reading(site),
        await reading(site, Accept_Encoding="gzip;q=0"),
        await reading(site, Accept_Encoding="br"),
    ]
    return all(answer.fields.get("content-encoding") == "gzip" for answer in answers)


@shows("liveness/heartbeat-missing", heartbeat=0.05)
async def no_heartbeat(site: Any) -> bool:
    return await hangs((await reading(site)).saw(b": keep-alive"))


@shows("liveness/silent", heartbeat=0.05, pace=0.1)
async def nothing_comes(site: Any) -> bool:
    stream = await reading(site)
    is_silent = await hangs(stream.until(lambda answer: b"data:" in answer.body or b"keep-alive" in answer.body))
    await told(site, "a")
    return is_silent and texts(await stream.until(has("a"))) == ["a"]


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


@shows("liveness/idle-stream-closed", heartbeat=0.2)
async def idle_stream_ends(site: Any) -> bool:
    stream = await reading(site)
    await stream.until(lambda answer: answer.is_complete or answer.body.count(b"keep-alive") == 5)
    return bool(stream.is_complete)


@shows("end/without-any-event", heartbeat=0.05)
async def ends_at_once(site: Any) -> bool:
    stream = await (await site.follow()).until(lambda answer: answer.is_complete or b"keep-alive" in answer.body)
    return stream.is_complete and stream.body == b"" and stream.status == 200


@shows("end/without-any-event:cut", heartbeat=0.05)
async def dies_at_once(site: Any) -> bool:
    stream = await (await site.follow()).until(lambda answer: b"keep-alive" in answer.body)
    return stream.at_end and not stream.is_complete and stream.body == b""


async def stream_is_cut(site: Any) -> bool:
    stream = await (await site.follow()).until(after_events(60))
    return stream.at_end and not stream.is_complete and b"data:" in stream.body


for variant in ("", ":15", ":30", ":60"):
    shows(f"end/cut-by-timeout{variant}", pace=TALKS)(stream_is_cut)


async def third(site: Any) -> bytes:
    """What comes of the third of four published texts."""
    stream = await reading(site)
    await told(site, "a", "b", "c", "d")
    body = (await stream.until(lambda answer: b'"d"' in answer.body and answer.body.endswith(b"\n\n"))).body
    return bytes(body.partition(b'"b"')[2].partition(b"\n\n")[2])


@shows("wire/two-values-in-one")
async def two_events_are_one(site: Any) -> bool:
    event = (await third(site)).partition(b"\n\n")[0]
    return b'"c"' in event and b'"d"' in event and event.count(b"data: {") == 2


@shows("wire/unprefixed-data")
async def text_line_has_no_name(site: Any) -> bool:
    return (await third(site)).partition(b"\n\n")[0].endswith(b"}\nand the tide turns at six")


@shows("wire/unprefixed-data:json")
async def json_lines_have_no_name(site: Any) -> bool:
    return b"data: {\n  " in await third(site)


@shows("wire/replacement-character")
async def character_is_cut(site: Any) -> bool:
    stream = await reading(site)
    await told(site, "plain", "Grüße, 東京", "end")
    body = (await stream.until(has("end"))).body
    return REPLACED in body and "Gr\ufffd" in texts(stream)[1] and texts(stream)[0] == "plain"


@shows("shape/unlike-the-others")
async def one_payload_is_empty(site: Any) -> bool:
    return b"}\n\ndata: \n\n" in await third(site)


@shows("shape/unlike-the-others:text")
async def one_payload_is_no_json(site: Any) -> bool:
    return b"}\n\ndata: ping\n\n" in await third(site)


@shows("resume/ids-missing")
async def events_have_no_ids(site: Any) -> bool:
    return b"id:" not in await third(site)


@shows("resume/ids-repeated")
async def two_events_have_one_id(site: Any) -> bool:
    stream = await reading(site)
    await told(site, "a", "b", "c", "d")
    ids = (await stream.until(has("d"))).ids
    return bool(ids[1] == ids[2])


@shows("resume/ids-repeated:same-event")
async def one_event_comes_twice(site: Any) -> bool:
    stream = await reading(site)
    await told(site, "a", "b", "c", "d")
    ids = (await stream.until(has("d"))).ids
    return texts(stream) == ["a", "b", "c", "c", "d"] and ids[2] == ids[3]


async def coming_back(site: Any, last_event_id: str | None = None) -> Any:
    """The texts that one is told who has the first of three events, and stays for a fourth."""
    ids = await told(site, "a", "b", "c")
    stream = await reading(site, Last_Event_ID=ids[0] if last_event_id is None else last_event_id)
    await told(site, "d")
    return await stream.until(has("d"))


@shows("resume/duplicate-on-resume")
async def named_event_comes_again(site: Any) -> bool:
    return texts(await coming_back(site)) == ["a", "b", "c", "d"]


@shows("resume/events-lost-on-resume")
async def nothing_is_replayed(site: Any) -> bool:
    return texts(await coming_back(site)) == ["d"]


@shows("resume/events-lost-on-resume:first")
async def first_is_skipped(site: Any) -> bool:
    return texts(await coming_back(site)) == ["c", "d"]


@shows("resume/begins-anew")
async def everything_is_replayed(site: Any) -> bool:
    return texts(await coming_back(site, "")) == ["a", "b", "c", "d"]


@shows("resume/replays-without-ids")
async def replay_has_no_ids(site: Any) -> bool:
    stream = await coming_back(site)
    return texts(stream) == ["b", "c", "d"] and len(stream.ids) == 1


@shows("resume/unknown-id-silenced", heartbeat=0.1)
async def unknown_id_silences(site: Any) -> bool:
    streams = [await reading(site, Last_Event_ID=text) for text in ("99999999999999", "1", "garbage")]
    await told(site, "a")
    return all([await hangs(stream.until(has("a"))) and b"keep-alive" in stream.body for stream in streams])


async def status_for_unknown(site: Any) -> set[int]:
    answers = [await site.follow(Last_Event_ID=text) for text in ("99999999999999", "1", "garbage")]
    return {(await answer.until(lambda answer: b"\r\n\r\n" in answer.raw)).status for answer in answers}


@shows("resume/unknown-id-refused")
async def unknown_id_is_refused(site: Any) -> bool:
    return await status_for_unknown(site) == {409}


@shows("resume/unknown-id-refused:500")
async def unknown_id_fails(site: Any) -> bool:
    return await status_for_unknown(site) == {500}


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


@shows("cleanup/open-count-wrong")
async def count_stays_up(site: Any) -> bool:
    (await reading(site)).cut()
    return await hangs(site.becomes(lambda metrics: metrics["open_streams"] == 0))


@shows("cleanup/work-goes-on")
async def work_goes_on(site: Any) -> bool:
    (await reading(site)).cut()
    await site.becomes(lambda metrics: metrics["open_streams"] == 0)
    before = (await site.metrics())["work"]
    return not await hangs(within(site, lambda metrics: metrics["work"] > before + 2))


async def within(site: Any, condition: Callable[[dict[str, int]], bool]) -> None:
    """Wait for a condition as long as for what never comes."""
    site.patience = PATIENCE
    await site.becomes(condition)


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


@shows("errors/head-hangs")
async def head_hangs(site: Any) -> bool:
    return await hangs(site.ask("HEAD", "/events"))


async def fails(site: Any, path: str = "/events", **fields: str) -> bool:
    answer = await site.begin("GET", path, **fields)
    return (await answer.until(lambda answer: b"\r\n\r\n" in answer.raw)).status == 500


@shows("errors/query-garbage-5xx")
async def query_fails(site: Any) -> bool:
    return await fails(site, "/events?%ff[]=&&")


@shows("errors/large-header-5xx")
async def large_field_fails(site: Any) -> bool:
    return await fails(site, X_Filler="x" * 5_000)


@shows("errors/401-without-challenge", token="secret")
async def no_challenge(site: Any) -> bool:
    answer = await site.ask("HEAD", "/events")
    return answer.status == 401 and "www-authenticate" not in answer.fields


@shows("security/stream-without-auth", token="secret")
async def stream_needs_no_token(site: Any) -> bool:
    return (await site.publish("a")).status == 401 and (await site.ask("HEAD", "/events")).status == 200


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


@shows("security/vary-origin-missing", allow_origin=[ORIGIN])
async def reply_does_not_vary(site: Any) -> bool:
    fields = (await site.ask("HEAD", "/events", Origin=ORIGIN)).fields
    return fields["access-control-allow-origin"] == ORIGIN and "Origin" not in fields.get("vary", "")


def injecting(text: str, written: str) -> Any:
    async def text_breaks_out(site: Any) -> bool:
        stream = await reading(site)
        await told(site, f"a{text}data: b", "end")
        return f"a{written}data: b".encode() in (await stream.until(has("end"))).body

    return text_breaks_out


for code, text, written in (
    ("lf", "\n", "\n"),
    ("cr", "\r", "\r"),
    ("crlf", "\r\n", "\r\n"),
    ("separator", "\u2028", "\ndata: "),
    ("nul", "\0", "\0"),
):
    shows(f"security/injection-{code}")(injecting(text, written))


@pytest.mark.parametrize("code", PROOFS)
async def test_the_fault_shows_and_the_healthy_feed_does_not_have_it(code: str, serving: Any) -> None:
    assert await PROOFS.hold(code, serving)


def test_every_fault_has_a_proof_and_says_what_it_does() -> None:
    assert {*registry.codes()} == {*PROOFS}
    assert all(registry.about(code).endswith(".") for code in PROOFS)


def test_a_stream_is_cut_at_the_ages_at_which_timeouts_are_set() -> None:
    assert ends.CUT_AFTER_S == (10, 15, 30, 60)
    assert registry.about("end/cut-by-timeout:60") == "Cuts every stream when it is 60 s old, as a timeout does."
