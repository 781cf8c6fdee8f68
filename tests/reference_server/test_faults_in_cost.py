"""Faults that show in what clients cost that leave, read slowly, or send text that means harm."""

import socket
import tracemalloc
from typing import Any
from urllib.parse import urlsplit

import psutil
import pytest

from ssegauge.reference_server.faults import codes
from tests.reference_server import test_faults_in_bytes, test_faults_in_conduct
from tests.reference_server.proofs import LONG, PROGRESS, Proofs, ended, hangs, idle

PROOFS = Proofs()
shows = PROOFS.of
# code of the fault, text, what the faulty server writes for it
INJECTIONS = [
    ("lf", "\n", "\n"),
    ("cr", "\r", "\r"),
    ("crlf", "\r\n", "\r\n"),
    ("separator", "\u2028", "\ndata: "),
    ("separator", "\x85", "\ndata: "),
    ("nul", "\0", "\0"),
    ("quote", '"', '"'),
]


@shows("cleanup/open-count-wrong")
async def count_stays_up(site: Any) -> bool:
    await (await site.stream(await ended(site))).whole()
    return await hangs(site.becomes(lambda metrics: metrics["open_streams"] == 0))


@shows("cleanup/socket-held-after-fin")
async def fin_is_not_answered(site: Any) -> bool:
    _, stream = await idle(site)
    stream.writer.write_eof()
    return await hangs(stream.until(lambda answer: answer.at_end))


async def streams_cost_descriptors(site: Any, *, reset: bool) -> bool:
    task_id = await site.create(manual=True)
    process = psutil.Process()
    before = process.num_fds()
    for _ in range(10):
        (await (await site.stream(task_id)).saw(b"connected")).cut(reset=reset)

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
    task_id = await ended(site)
    tracemalloc.start()  # the process's own size says nothing here: earlier tests left room in its heap
    try:
        for _ in range(60):
            await (await site.stream(task_id)).whole()
        return tracemalloc.get_traced_memory()[0] > 8 * 2**20
    finally:
        tracemalloc.stop()


@shows("cleanup/refuses-after-storm")
async def storm_uses_up_the_places(site: Any) -> bool:
    for _ in range(50):
        (await idle(site))[1].cut(reset=True)
    await site.becomes(lambda metrics: metrics["open_streams"] == 0)
    return (await site.ask("GET", f"{PROGRESS}/{await ended(site)}")).status == 503


@shows("cleanup/disconnect-stops-task")
async def leaving_stops_the_task(site: Any) -> bool:
    task_id = await site.create(steps=20, interval_ms=10)
    (await (await site.stream(task_id)).saw(b"connected")).cut()
    return await hangs(site.becomes(lambda metrics: metrics["running_tasks"] == 0))


async def with_a_slow_reader(site: Any, updates: int) -> Any:
    """A stream beside one that is never read, after many long updates have been sent to both."""
    task_id = await site.create(manual=True)
    address = urlsplit(site.base_url)
    slow = socket.socket()
    slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
    slow.connect((address.hostname, address.port))
    slow.sendall(f"GET {PROGRESS}/{task_id} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    await site.becomes(lambda metrics: metrics["open_streams"] == 1)
    fast = await site.stream(task_id)
    await fast.until(lambda answer: b"pending" in answer.body)
    for number in range(updates):
        await site.update(task_id, message=f"update {number} {LONG}")
    fast.slow = slow
    return fast


@shows("slow/slow-reader-stalls-others", stall_s=20)
async def slow_reader_stalls(site: Any) -> bool:
    fast = await with_a_slow_reader(site, 40)
    is_stalled = await hangs(fast.saw(b"update 39"))
    fast.slow.close()
    return is_stalled


@shows("slow/slow-reader-grows-memory")
async def slow_reader_costs_memory(site: Any) -> bool:
    before = psutil.Process().memory_info().rss
    fast = await with_a_slow_reader(site, 300)
    grown = psutil.Process().memory_info().rss - before
    fast.slow.close()
    return grown > 16 * 2**20


@pytest.mark.parametrize("code", PROOFS)
async def test_the_fault_shows_and_the_healthy_server_does_not_have_it(code: str, serving: Any) -> None:
    assert await PROOFS.hold(code, serving)


@pytest.mark.parametrize(("code", "text", "written"), INJECTIONS)
async def test_text_breaks_out_of_a_faulty_stream_alone(code: str, text: str, written: str, serving: Any) -> None:
    found = []
    for faults in ((f"security/injection-{code}",), ()):
        async with serving(*faults) as site:
            task_id = await site.create(manual=True)
            await site.update(task_id, status="failed", error=f"a{text}data: b")
            body = (await (await site.stream(task_id)).whole()).body
            found.append(f"a{written}data: b".encode() in body)
    assert found == [True, False]


def test_every_fault_has_a_proof() -> None:
    injections = {f"security/injection-{code}" for code, _, _ in INJECTIONS}
    in_bytes, in_conduct = test_faults_in_bytes.PROOFS, test_faults_in_conduct.PROOFS
    assert {*codes()} == {*in_bytes, *in_conduct, *PROOFS, *injections}
