"""The healthy feed: what its readers rely on."""

import asyncio
import json
import socket
import zlib
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from ssegauge.reference_server import CannotServe, serve, start
from tests.reference_server.conftest import Site
from tests.reference_server.feed.following import after_events, has, reading, texts, told
from tests.reference_server.proofs import LONG, ORIGIN

FEED: dict[str, Any] = {"profile": "event-stream", "pace": 0}
NASTY = 'a\nb\rc\r\nd\u2028e\u2029f\x85g\0h\ufeffi "quoted" \\n 東京 🚲 \ud800'


async def test_the_head_comes_at_once_and_says_how_to_treat_the_stream(serving: Any) -> None:
    async with serving(**FEED) as site:
        fields = (await site.follow()).until(lambda answer: b"\r\n\r\n" in answer.raw)
        fields = (await fields).fields
    assert fields["content-type"] == "text/event-stream"
    assert fields["cache-control"] == "no-cache, no-store, no-transform"
    assert fields["vary"] == "Accept-Encoding"
    assert "content-encoding" not in fields


async def test_every_reader_is_told_the_same_once_and_in_order(serving: Any) -> None:
    said = [f"text {number}" for number in range(50)]
    async with serving(**FEED) as site:
        streams = [await reading(site) for _ in range(5)]
        ids = await told(site, *said)
        bodies = {bytes((await stream.until(has(said[-1]))).body) for stream in streams}
    assert len(bodies) == 1
    assert texts(streams[0]) == said
    assert streams[0].ids == ids


async def test_ids_count_and_the_data_has_id_text_and_milliseconds(serving: Any) -> None:
    async with serving(**FEED) as site:
        stream = await reading(site)
        ids = await told(site, "a", "b", "c")
        await stream.until(has("c"))
    assert [int(one) for one in ids] == list(range(int(ids[0]), int(ids[0]) + 3))
    assert [event["id"] for event in stream.events] == [int(one) for one in ids]
    assert all({*event} == {"id", "text", "at"} and event["at"] > 1e12 for event in stream.events)


async def test_ids_of_before_a_restart_are_never_those_of_other_events(serving: Any) -> None:
    async with serving(**FEED) as site:
        before = await told(site, "a", "b")
    async with serving(**FEED) as site:
        assert int((await told(site, "c"))[0]) > int(before[-1])


async def test_the_reconnection_time_comes_once_with_the_first_event(serving: Any) -> None:
    async with serving(**FEED) as site:
        stream = await reading(site)
        await told(site, "a", "b")
        await stream.until(has("b"))
    assert stream.body.startswith(b"retry: 2000\nid: ")
    assert stream.body.count(b"retry:") == 1


async def test_events_come_by_themselves_at_the_pace(serving: Any) -> None:
    async with serving(profile="event-stream", pace=0.02) as site:
        stream = await (await site.follow()).until(after_events(5))
    assert len({*texts(stream)}) > 1
    assert all(chunk.count(b"data:") == 1 for chunk in stream.chunks if b"data:" in chunk)


async def test_a_reader_who_comes_back_goes_on_strictly_after_what_it_names(serving: Any) -> None:
    async with serving(**FEED) as site:
        ids = await told(site, "a", "b", "c")
        streams = [await reading(site, Last_Event_ID=last) for last in ids]
        await told(site, "d")
        assert [texts(await stream.until(has("d"))) for stream in streams] == [["b", "c", "d"], ["c", "d"], ["d"]]


@pytest.mark.parametrize("unknown", ["", "0", "1", "-1", "garbage", "9" * 16, "9" * 400, "1e3", "٣", "4.2", "0x1"])
async def test_a_reader_who_names_what_is_not_known_goes_on_as_a_newcomer(unknown: str, serving: Any) -> None:
    async with serving(**FEED) as site:
        (last,) = await told(site, "before")
        streams = [await reading(site, Last_Event_ID=text) for text in (unknown, f"0{last}", str(int(last) + 1))]
        await told(site, "after")
        assert [texts(await stream.until(has("after"))) for stream in streams] == [["after"]] * 3


async def test_an_id_that_is_no_longer_kept_is_unknown(serving: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ssegauge.reference_server.common.log.RETAINED_BYTES", 300)
    async with serving(**FEED) as site:
        ids = await told(site, *map(str, range(20)))
        streams = [await reading(site, Last_Event_ID=last) for last in (ids[0], ids[-2])]
        await told(site, "after")
        assert [texts(await stream.until(has("after"))) for stream in streams] == [["after"], ["19", "after"]]


async def test_a_stream_is_never_silent_for_longer_than_the_heartbeat(serving: Any) -> None:
    async with serving(**FEED, heartbeat=0.1) as site:
        stream = await (await reading(site)).until(lambda answer: answer.body.count(b": keep-alive\n") == 3)
    assert stream.events == []
    assert b"\n\n" not in stream.body


async def test_text_cannot_break_out_of_its_event(serving: Any) -> None:
    async with serving(**FEED) as site:
        stream = await reading(site)
        await told(site, NASTY, "end")
        await stream.until(has("end"))
    assert texts(stream) == [NASTY, "end"]
    assert stream.body.isascii()
    assert b"\r" not in stream.body
    assert b"\0" not in stream.body


@pytest.mark.parametrize("asked", ["gzip", "deflate, gzip;q=0.5, br", "x-gzip", "GZIP ; q=1"])
async def test_gzip_is_flushed_with_every_event(asked: str, serving: Any) -> None:
    async with serving(**FEED) as site:
        stream = await reading(site, Accept_Encoding=asked)
        unzip = zlib.decompressobj(31)
        for number in range(1, 4):
            await told(site, f"text {number}")
            await stream.until(lambda answer, number=number: f'"text {number}"'.encode() in plain(answer))
    assert stream.fields["content-encoding"] == "gzip"
    assert unzip.decompress(stream.body).count(b"\n\n") == 3


def plain(answer: Any) -> bytes:
    return zlib.decompressobj(31).decompress(answer.body)


@pytest.mark.parametrize("asked", [None, "", "identity", "br", "gzip;q=0", "gzip;q=0.000", "*;q=0"])
async def test_nobody_gets_a_coding_that_was_not_asked_for(asked: str | None, serving: Any) -> None:
    async with serving(**FEED) as site:
        stream = await reading(site, **({} if asked is None else {"Accept_Encoding": asked}))
    assert "content-encoding" not in stream.fields


async def test_common_clients_read_it_compressed(serving: Any) -> None:
    async with (
        serving(profile="event-stream", pace=0.02) as site,
        httpx.AsyncClient(trust_env=False) as client,
        client.stream("GET", f"{site.base_url}/events") as response,
    ):
        lines = response.aiter_lines()
        said = [await anext(lines) for _ in range(9)]
    assert response.headers["content-encoding"] == "gzip"
    assert [json.loads(line[6:])["text"] for line in said if line.startswith("data: ")][1:]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b'{"text": ""}', 400),
        (b'{"text": 7}', 400),
        (b"{}", 400),
        (b"", 400),
        (b'{"text": "a", "more": 1}', 400),
        (b"[]", 400),
        (b"{", 400),
        (b'{"text": "' + b"x" * 32_001 + b'"}', 400),
        (b'{"text": "' + b"x" * 70_000 + b'"}', 413),
    ],
)
async def test_what_cannot_be_published_is_refused_and_told_nobody(body: bytes, status: int, serving: Any) -> None:
    async with serving(**FEED) as site:
        stream = await reading(site)
        answer = await site.ask("POST", "/publish", body, Content_Type="application/json")
        await told(site, "end")
        assert texts(await stream.until(has("end"))) == ["end"]
    assert answer.status == status
    assert {*answer.json} == {"error", "message"}


async def test_a_plain_form_of_any_page_cannot_publish(serving: Any) -> None:
    async with serving(**FEED) as site:
        answer = await site.ask("POST", "/publish", b'{"text": "a"}', Content_Type="text/plain")
    assert answer.status == 415


async def test_what_is_for_an_inbox_reaches_its_readers_alone(serving: Any) -> None:
    async with serving(profile="event-stream", pace=0) as site:
        inboxes = [await site.inbox() for _ in range(2)]
        streams = [await site.begin("GET", f"/events?inbox={name}") for name in inboxes]
        streams.append(await site.follow())
        await site.becomes(lambda metrics: metrics["open_streams"] == len(streams))
        await site.publish("mine", inboxes[0])
        await site.publish("all")
        heard = [texts(await stream.until(has("all"))) for stream in streams]
    assert heard == [["mine", "all"], ["all"], ["all"]]


async def test_publishing_is_202_with_the_id(serving: Any) -> None:
    async with serving(**FEED) as site:
        answer = await site.publish("a")
    assert (answer.status, {*answer.json}) == (202, {"id"})


async def test_other_methods_other_addresses_and_head(serving: Any) -> None:
    async with serving(**FEED) as site:
        put, get, nothing = [
            await site.ask(*asked) for asked in (("PUT", "/events"), ("GET", "/publish"), ("GET", "/x"))
        ]
        head = await site.ask("HEAD", "/events")
    assert [(answer.status, answer.fields.get("allow")) for answer in (put, get, nothing)] == [
        (405, "GET, HEAD, OPTIONS"),
        (405, "OPTIONS, POST"),
        (404, None),
    ]
    assert "/events" in nothing.json["message"]
    assert (head.status, head.fields["content-type"], head.rest) == (200, "text/event-stream", b"")


async def test_without_the_token_nothing_is_read_or_published(serving: Any) -> None:
    async with serving(**FEED, token="secret") as site:
        refused = [await site.ask("HEAD", "/events"), await site.publish("a"), await site.ask("GET", "/events")]
        cookie = await site.ask("HEAD", "/events", Cookie="ssegauge_token=secret")
        bearer = await site.ask("HEAD", "/events", Authorization="Bearer secret")
        health = await site.ask("GET", "/health")
    assert [answer.status for answer in refused] == [401] * 3
    assert all(answer.fields["www-authenticate"].startswith("Bearer") for answer in refused)
    assert (cookie.status, bearer.status, health.status) == (200, 200, 200)


async def test_only_pages_of_the_allowed_origin_may_read(serving: Any) -> None:
    async with serving(**FEED, allow_origin=[ORIGIN]) as site:
        ours = (await site.ask("HEAD", "/events", Origin=ORIGIN)).fields
        theirs = (await site.ask("HEAD", "/events", Origin="https://evil.example")).fields
        asked = {"Origin": ORIGIN, "Access_Control_Request_Method": "GET"}
        preflight = await site.ask("OPTIONS", "/events", **asked)
    assert ours["access-control-allow-origin"] == ORIGIN
    assert "access-control-allow-origin" not in theirs
    assert ours["vary"] == theirs["vary"] == "Accept-Encoding, Origin"
    assert (preflight.status, "Last-Event-ID" in preflight.fields["access-control-allow-headers"]) == (204, True)


async def test_the_metrics_count_streams_events_and_work_for_readers(serving: Any) -> None:
    async with serving(**FEED) as site:
        await told(site, "nobody reads")
        assert await site.metrics() == {"open_streams": 0, "events": 1, "published": 1, "work": 0}
        streams = [await reading(site) for _ in range(2)]
        await told(site, "two read")
        assert await site.metrics() == {"open_streams": 2, "events": 2, "published": 2, "work": 2}
        streams[0].cut()
        streams[1].cut(reset=True)
        await site.becomes(lambda metrics: metrics["open_streams"] == 0)
        await told(site, "nobody reads any more")
        assert (await site.metrics())["work"] == 2


async def test_one_stream_more_than_there_may_be_is_503(serving: Any) -> None:
    async with serving(**FEED, max_streams=1) as site:
        await reading(site)
        answer = await site.ask("GET", "/events")
    assert (answer.status, answer.fields["retry-after"]) == (503, "5")


async def test_a_slow_reader_costs_the_others_nothing_and_gets_everything(serving: Any) -> None:
    said = [f"{number} {LONG}" for number in range(100)]
    async with serving(**FEED) as site:
        address = urlsplit(site.base_url)
        with socket.socket() as slow:
            slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
            slow.connect((address.hostname, address.port))
            slow.sendall(b"GET /events HTTP/1.1\r\nHost: x\r\n\r\n")
            await site.becomes(lambda metrics: metrics["open_streams"] == 1)
            fast = await reading(site)
            await told(site, *said)
            assert texts(await fast.until(has(said[-1]))) == said
            slow.setblocking(False)
            got = bytearray()
            while said[-1].encode() not in got:
                got += await asyncio.get_running_loop().sock_recv(slow, 65536)
    assert got.count(b"data:") == len(said)


async def test_http_1_0_gets_a_plain_body(serving: Any) -> None:
    async with serving(profile="event-stream", pace=0.02) as site:
        answer = await site.send(b"GET /events HTTP/1.0\r\n\r\n")
        await answer.until(lambda answer: answer.rest.count(b"data:") >= 2)
    assert "transfer-encoding" not in answer.fields
    assert answer.rest.startswith(b"retry: 2000\nid: ")


@pytest.mark.parametrize("coding", ["identity", "gzip"])
async def test_stopping_ends_every_stream_properly(coding: str) -> None:
    async with start(profile="event-stream", pace=0.02) as base_url:
        stream = await Site(base_url).follow(Accept_Encoding=coding)
        await stream.until(lambda answer: len(answer.body) > 300)
    await stream.whole()
    stream.writer.close()
    unzip = zlib.decompressobj(31)
    body = unzip.decompress(stream.body) if coding == "gzip" else stream.body
    assert stream.is_complete
    assert body.endswith(b"}\n\n")
    assert unzip.eof == (coding == "gzip")


@pytest.mark.parametrize("wrong", [{"pace": -1}, {"pace": float("inf")}, {"heartbeat": 0}])
def test_settings_that_cannot_be_are_one_line(wrong: dict[str, Any]) -> None:
    with pytest.raises(CannotServe, match="must be a number of seconds above 0"):
        serve(port=0, profile="event-stream", **wrong)
