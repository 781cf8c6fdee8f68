"""Waiting for an exchange: Ctrl-C gets through, even in the moment in which what was waited for happens."""

import asyncio

import pytest

from ssegauge.conformance.recording.live import Live, Recording, now_ms
from ssegauge.conformance.recording.transcript import Request, Transcript


@pytest.mark.parametrize("steps", range(5))
def test_no_wait_swallows_a_cancellation(steps: int) -> None:
    async def wait_and_be_cancelled() -> None:
        live = Live(Recording(), Transcript("stream", Request("GET", "http://127.0.0.1/"), "", "stream", now_ms()))
        waiting = asyncio.create_task(live.until(lambda: bool(live.events), 60))
        await asyncio.sleep(0.01)
        live.on_chunk(b"data: 1\n\n")
        for _ in range(steps):
            await asyncio.sleep(0)
        if waiting.cancel():
            with pytest.raises(asyncio.CancelledError):
                await waiting

    asyncio.run(wait_and_be_cancelled())
