"""The feed over HTTP/2 and TLS: healthy, and with the faults that only HTTP/2 can have."""

import asyncio
import contextlib
import json
import ssl
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.events import DataReceived, RemoteSettingsChanged
from h2.exceptions import ProtocolError
from h2.settings import SettingCodes

from ssegauge.reference_server import CannotServe, start
from ssegauge.reference_server.feed.faults import registry
from tests.reference_server.feed.following import TALKS

CODES = (
    "response/connection-field-in-http2",
    "response/connection-field-in-http2:chunked",
    "response/malformed-http2",
    "response/malformed-http2:upper-case",
    "response/malformed-http2:frame",
    "response/few-streams-in-http2",
    "wire/reset-in-http2",
)


@contextlib.asynccontextmanager
async def client(*faults: str, **options: Any) -> AsyncIterator[httpx.AsyncClient]:
    """A client that speaks HTTP/2 with a feed."""
    settings = {"profile": "event-stream", "pace": TALKS, "http2": True, **options}
    speaking: dict[str, Any] = {"http1": False, "http2": True, "verify": False, "trust_env": False, "timeout": 20}
    async with start(faults, **settings) as base_url, httpx.AsyncClient(base_url=base_url, **speaking) as made:
        yield made


async def events(response: httpx.Response, number: int) -> list[dict[str, Any]]:
    """The data of the next events."""
    found: list[dict[str, Any]] = []
    async for line in response.aiter_lines():
        if line.startswith("data: "):
            found.append(json.loads(line[6:]))
        if len(found) == number:
            break
    return found


@pytest.mark.parametrize("coding", ["identity", "gzip"])
async def test_events_come_as_they_happen(coding: str) -> None:
    async with client() as http, http.stream("GET", "/events", headers={"Accept-Encoding": coding}) as response:
        said = await events(response, 3)
    assert (response.http_version, response.status_code) == ("HTTP/2", 200)
    assert response.headers["content-type"] == "text/event-stream"
    assert not {"connection", "transfer-encoding"} & {*response.headers}
    assert response.headers.get("content-encoding", "identity") == coding
    assert [event["id"] for event in said] == list(range(said[0]["id"], said[0]["id"] + 3))


async def test_many_streams_share_a_connection_and_are_told_what_is_published_on_it() -> None:
    async with client(pace=0) as http, contextlib.AsyncExitStack() as stack:
        streams = [await stack.enter_async_context(http.stream("GET", "/events")) for _ in range(5)]
        answer = await http.post("/publish", json={"text": "x" * 4000})
        said = await asyncio.gather(*[events(stream, 1) for stream in streams])
    assert answer.status_code == 202
    assert {event[0]["id"] for event in said} == {answer.json()["id"]}


async def test_requests_are_passed_on_with_path_query_fields_and_refusals() -> None:
    async with client(token="secret") as http:
        refused = await http.get("/events?%ff=a%20b")
        head = await http.head("/events", headers={"Authorization": "Bearer secret"})
        nothing = await http.get("/no%2fthing")
    assert (refused.status_code, refused.headers["www-authenticate"][:6]) == (401, "Bearer")
    assert (head.status_code, head.content) == (200, b"")
    assert (nothing.status_code, nothing.json()["error"]) == (404, "not_found")


@pytest.mark.parametrize("resets", [True, False])
async def test_a_reader_who_leaves_is_missed_by_the_server(resets: bool) -> None:
    """By resetting its stream, which httpx does not do, or with the connection."""
    async with client() as http:
        reader, writer = await asyncio.open_connection("127.0.0.1", http.base_url.port, ssl=anybody(["h2"]))
        speaker = H2Connection()
        speaker.initiate_connection()
        head = {":method": "GET", ":scheme": "https", ":authority": "x", ":path": "/events"}
        speaker.send_headers(1, list(head.items()), end_stream=True)
        writer.write(speaker.data_to_send())
        while not any(isinstance(event, DataReceived) for event in speaker.receive_data(await reader.read(65536))):
            pass
        assert (await http.get("/metrics.json")).json()["open_streams"] == 1
        if resets:
            speaker.reset_stream(1, ErrorCodes.CANCEL)
            writer.write(speaker.data_to_send())
        else:
            writer.close()
        for _ in range(1000):
            if not (left := (await http.get("/metrics.json")).json()["open_streams"]):
                break
            await asyncio.sleep(0.01)
        writer.close()
    assert left == 0


def anybody(protocols: list[str]) -> ssl.SSLContext:
    """A context that trusts anybody and speaks these protocols."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_alpn_protocols(protocols)
    return context


async def test_a_body_of_more_than_the_window_arrives_whole() -> None:
    async with client() as http:
        page = await asyncio.gather(*[http.get("/page/style.css") for _ in range(60)])
    assert len({answer.content for answer in page}) == 1


async def test_a_client_that_speaks_no_http2_is_left() -> None:
    async with start(profile="event-stream", http2=True) as base_url:
        port = int(base_url.rpartition(":")[2])
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=anybody(["http/1.1"]))
        writer.write(b"GET /events HTTP/1.1\r\nHost: x\r\n\r\n")
        async with asyncio.timeout(20):
            assert b"HTTP/1.1" not in await reader.read()
        writer.close()


async def named(*faults: str) -> list[tuple[bytes, bytes]]:
    """The fields of a stream's head as they came: httpx does not check them."""
    async with client(*faults) as http, http.stream("GET", "/events") as response:
        return list(response.headers.raw)


async def test_fields_of_the_connection_are_sent() -> None:
    assert (b"connection", b"keep-alive") in await named("response/connection-field-in-http2")
    assert (b"transfer-encoding", b"chunked") in await named("response/connection-field-in-http2:chunked")


async def test_names_of_fields_are_in_upper_case() -> None:
    names = [name for name, _ in await named("response/malformed-http2:upper-case")]
    assert b"CONTENT-TYPE" in names
    assert all(name.isupper() for name in names)


@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("response/malformed-http2", "Expected 20 bytes"),
        ("response/malformed-http2:frame", "Stream ID must be non-zero"),
    ],
)
async def test_frames_break_the_protocol(code: str, says: str) -> None:
    with pytest.raises((httpx.RemoteProtocolError, ProtocolError), match=says):
        async with client(code) as http, http.stream("GET", "/events") as response:
            await events(response, 5)


async def test_the_healthy_server_sends_none_of_this() -> None:
    fields = await named()
    assert not {b"connection", b"transfer-encoding", b"content-length", b"keep-alive"} & {name for name, _ in fields}
    assert all(name == name.lower() for name, _ in fields)


@pytest.mark.parametrize(("faults", "expected"), [(("response/few-streams-in-http2",), 1), ((), 100)])
async def test_how_many_streams_a_connection_may_have_is_said(faults: tuple[str, ...], expected: int) -> None:
    async with start(faults, profile="event-stream", http2=True) as base_url:
        port = int(base_url.rpartition(":")[2])
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=anybody(["h2"]))
        speaker = H2Connection()
        speaker.initiate_connection()
        writer.write(speaker.data_to_send())
        said = [one for one in speaker.receive_data(await reader.read(65536)) if isinstance(one, RemoteSettingsChanged)]
        writer.close()
    assert [one.changed_settings[SettingCodes.MAX_CONCURRENT_STREAMS].new_value for one in said] == [expected]


async def test_a_stream_is_reset_in_its_midst() -> None:
    async with client("wire/reset-in-http2") as http, http.stream("GET", "/events") as response:
        with pytest.raises(httpx.RemoteProtocolError, match="StreamReset"):
            await events(response, 20)


def test_every_fault_of_http2_is_here() -> None:
    assert {code for code in registry.codes() if "http2" in code} == {*CODES}


async def test_without_openssl_it_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(CannotServe, match="--http2 needs a certificate"):
        async with start(profile="event-stream", http2=True):
            pass
