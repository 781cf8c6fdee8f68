"""A stream that is reached by redirects is judged where it is; nothing is sent to another server."""

import contextlib
import itertools
from collections.abc import AsyncIterator, Callable

import pytest
from aiohttp import web

from ssegauge.conformance.errors import CannotJudge
from ssegauge.conformance.hello import hello
from ssegauge.conformance.recording.live import Recording
from ssegauge.conformance.recording.server import Server
from ssegauge.conformance.target import Call, Target

TOKEN = {"Authorization": "Bearer redirected-token"}
Place = Callable[[str], str]


async def stream(_: web.Request) -> web.Response:
    return web.Response(text="data: 1\n\n", content_type="text/event-stream")


async def page(_: web.Request) -> web.Response:
    return web.Response(text="<form>", content_type="text/html")


@contextlib.asynccontextmanager
async def serving(place: Place, status: int) -> AsyncIterator[tuple[str, list[web.Request]]]:
    """A server that leads from /events to a place, which is made of its own address; yield that, and who asked."""
    asked: list[web.Request] = []

    async def lead(request: web.Request) -> web.Response:
        asked.append(request)
        return web.Response(status=status, headers={"Location": place(str(request.url.origin()))})

    app = web.Application()
    app.router.add_route("*", "/events", lead)
    app.router.add_route("*", "/{name:there|events/}", stream)
    app.router.add_get("/login", page)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}", asked
    finally:
        await runner.cleanup()


async def greeted(base_url: str, method: str = "GET", path: str = "/events") -> Server:
    """Ask as a check does, first of all."""
    target = Target(base_url, Call(path, method), "event-stream", TOKEN)
    async with Server(target, Recording()) as server:
        await hello(server)
    return server


PLACES: dict[str, tuple[int, Place, str]] = {
    "a slash": (307, lambda _: "/events/", "/events/"),
    "relative": (301, lambda _: "there?a=%20b#part", "/there?a=%20b"),
    "absolute": (308, lambda here: f"{here}/there", "/there"),
}


@pytest.mark.parametrize("case", PLACES)
async def test_what_redirects_lead_to_is_the_stream(case: str) -> None:
    status, place, path = PLACES[case]
    async with serving(place, status) as (base_url, _):
        server = await greeted(base_url)

    assert server.target.stream.path == path
    statuses = [one.head.status for one in server.recording.transcripts if one.head]
    assert statuses == [status, status, 200]


async def test_a_request_keeps_its_method_where_the_status_says_so() -> None:
    async with serving(lambda _: "/there", 308) as (base_url, _):
        server = await greeted(base_url, "POST")

    assert [one.request.method for one in server.recording.transcripts] == ["POST", "POST"]


NUMBERS = itertools.count()
REFUSED: dict[str, tuple[str, Place, str]] = {
    "elsewhere": ("GET", lambda _: "http://127.0.0.1:1/events", "redirected to http://127.0.0.1:1/events; name that"),
    "another scheme": ("GET", lambda here: f"https{here[4:]}/there", "; name that address in the target"),
    "a circle": ("GET", lambda _: "/events", "and on and on"),
    "ever new": ("GET", lambda _: f"/events/?{next(NUMBERS)}", "and then elsewhere"),
    "a login": ("GET", lambda _: "/login", "which is no event stream .*text/html.*give credentials"),
    "broken": ("GET", lambda _: "http://[::1", "Invalid URL in location header"),
    "another method": ("POST", lambda _: "/there", "redirected to /there; name that address"),
}


@pytest.mark.parametrize("case", REFUSED)
async def test_what_leads_to_no_stream_of_this_server_is_told(case: str) -> None:
    method, place, said = REFUSED[case]
    async with serving(place, 302) as (base_url, _):
        with pytest.raises(CannotJudge, match=said):
            await greeted(base_url, method)


async def test_no_other_server_is_asked() -> None:
    async with (
        serving(lambda _: "/there", 307) as (other, asked),
        serving(lambda _: f"{other}/events", 307) as (here, _),
    ):
        with pytest.raises(CannotJudge, match="name that address"):
            await greeted(here)

    assert asked == []
