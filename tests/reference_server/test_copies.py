"""Copies with a fault, started while the healthy server runs."""

from collections.abc import AsyncIterator

import httpx
import pytest

from ssegauge.reference_server import start
from ssegauge.reference_server.copies import MOST, may_be_offered


@pytest.fixture
async def server() -> AsyncIterator[httpx.AsyncClient]:
    async with start(profile="event-stream", offer_faults=True) as url, httpx.AsyncClient(base_url=url) as client:
        yield client


async def open_copy(server: httpx.AsyncClient, code: str) -> str:
    answer = await server.post("/faults", json={"code": code})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["url"])


async def allowed_origin(url: str) -> str | None:
    async with httpx.AsyncClient() as client, client.stream("GET", f"{url}/events") as answer:
        return answer.headers.get("access-control-allow-origin")


async def test_a_copy_has_the_fault_and_the_server_stays_healthy(server: httpx.AsyncClient) -> None:
    copy = await open_copy(server, "security/cors-star")
    assert await allowed_origin(copy) == "*"
    assert await allowed_origin(str(server.base_url)) is None
    assert await open_copy(server, "security/cors-star") == copy


async def test_all_faults_are_listed_and_a_copy_lists_none(server: httpx.AsyncClient) -> None:
    listed = (await server.get("/faults")).json()["faults"]
    assert "wire/unprefixed-data" in [fault["code"] for fault in listed]
    copy = await open_copy(server, listed[0]["code"])
    async with httpx.AsyncClient() as client:
        assert (await client.get(f"{copy}/faults")).status_code == 404


async def test_the_oldest_copy_ends_where_there_are_too_many(server: httpx.AsyncClient) -> None:
    codes = [fault["code"] for fault in (await server.get("/faults")).json()["faults"]][: MOST + 1]
    first, *others = [await open_copy(server, code) for code in codes]
    async with httpx.AsyncClient() as client:
        with pytest.raises(httpx.ConnectError):
            await client.get(f"{first}/health")
        assert [(await client.get(f"{url}/health")).status_code for url in others] == [200] * MOST


@pytest.mark.parametrize("body", [{}, {"code": "wire/nothing"}, {"code": 5}, {"code": "wire/unprefixed-data", "x": 1}])
async def test_what_is_no_fault_is_refused(server: httpx.AsyncClient, body: object) -> None:
    assert (await server.post("/faults", json=body)).status_code == 400


async def test_a_name_that_was_made_to_mean_this_machine_starts_nothing(server: httpx.AsyncClient) -> None:
    code = (await server.get("/faults")).json()["faults"][0]["code"]
    answer = await server.post("/faults", json={"code": code}, headers={"Host": "evil.example"})
    assert answer.status_code == 403


async def test_a_form_of_another_page_starts_nothing(server: httpx.AsyncClient) -> None:
    assert (await server.post("/faults", data={"code": "wire/unprefixed-data"})).status_code == 415


OFFERED = {("127.0.0.1", None), ("::1", None), ("localhost", None)}
NOT_OFFERED = {("0.0.0.0", None), ("example.com", None), ("127.0.0.1", "secret")}


@pytest.mark.parametrize(("host", "token"), sorted(OFFERED | NOT_OFFERED, key=str))
def test_copies_are_offered_to_users_of_this_machine(host: str, token: str | None) -> None:
    assert may_be_offered(host, token) == ((host, token) in OFFERED)
