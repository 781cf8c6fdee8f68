"""A client of event streams as people write one by hand: with aiohttp, with httpx-sse, or as a Locust user.

python -m tests.benchmarks.by_hand aiohttp|httpx-sse|locust URL STREAMS SECONDS

Each event's JSON is read, and its latency by its own time stamp kept, as a load test by hand would. Prints, as JSON,
how many events that were and the CPU time of the process between a tenth of the time and its end.
"""

import json
import sys
import time
from typing import Any

PLAIN = {"Accept-Encoding": "identity"}  # as ssegauge asks: nobody's figure has the cost of inflating
latencies: list[float] = []


def keep(data: str) -> None:
    """What is done with an event."""
    latencies.append(time.time() * 1000 - json.loads(data)["at"])


def told(begun: tuple[float, int]) -> str:
    cpu, events = begun
    return json.dumps({"events": len(latencies) - events, "cpu_s": time.process_time() - cpu})


def by_coroutines(read: Any, url: str, streams: int, seconds: float) -> str:
    """Read all streams in one event loop."""
    import asyncio

    async def main() -> str:
        readers = [asyncio.create_task(read(url)) for _ in range(streams)]
        await asyncio.sleep(seconds / 10)
        begun = time.process_time(), len(latencies)
        await asyncio.sleep(seconds * 0.9)
        found = told(begun)
        for reader in readers:
            reader.cancel()
        await asyncio.gather(*readers, return_exceptions=True)
        return found

    return asyncio.run(main())


async def read_aiohttp(url: str) -> None:
    import aiohttp

    async with aiohttp.ClientSession() as session, session.get(url, headers=PLAIN) as answer:
        async for line in answer.content:
            if line.startswith(b"data:"):
                keep(line[5:].decode())


async def read_httpx_sse(url: str) -> None:
    import httpx
    from httpx_sse import aconnect_sse

    async with httpx.AsyncClient(timeout=None) as client, aconnect_sse(client, "GET", url, headers=PLAIN) as source:
        async for event in source.aiter_sse():
            keep(event.data)


def by_locust(url: str, streams: int, seconds: float) -> str:
    """Run a user of Locust, as its documentation shows one, with requests' lines."""
    import gevent
    import locust.env

    class Reader(locust.HttpUser):
        host = url
        wait_time = locust.constant(0)

        @locust.task
        def read(self) -> None:
            with self.client.get("", headers=PLAIN, stream=True, catch_response=True) as answer:
                for line in answer.iter_lines():
                    if line.startswith(b"data:"):
                        keep(line[5:].decode())

    runner = locust.env.Environment(user_classes=[Reader]).create_local_runner()
    runner.start(streams, spawn_rate=streams)
    gevent.sleep(max(2.0, seconds / 10))
    begun = time.process_time(), len(latencies)
    gevent.sleep(seconds)
    found = told(begun)
    runner.quit()
    return found


def main(client: str, url: str, streams: str, seconds: str) -> str:
    if client == "locust":
        import gevent.monkey

        gevent.monkey.patch_all()
        return by_locust(url, int(streams), float(seconds))
    read = {"aiohttp": read_aiohttp, "httpx-sse": read_httpx_sse}[client]
    return by_coroutines(read, url, int(streams), float(seconds))


if __name__ == "__main__":
    print(main(*sys.argv[1:]), flush=True)
