"""Event streams as FastAPI's and sse-starlette's documentation shows them: servers that this project did not write.

python tests/witness/app.py      prints its address and serves until it is terminated
"""

import asyncio
import socket
import time
from collections.abc import AsyncIterable, AsyncIterator
from typing import Annotated

import uvicorn
from fastapi import FastAPI, Header
from fastapi.sse import EventSourceResponse, ServerSentEvent
from pydantic import BaseModel
from sse_starlette import EventSourceResponse as StarletteEventSourceResponse

app = FastAPI()


class Item(BaseModel):
    name: str
    timestamp: int


def item(n: int) -> Item:
    return Item(name=f"item {n}", timestamp=int(time.time() * 1000))


@app.get("/fastapi", response_class=EventSourceResponse)
async def stream_items(last_event_id: Annotated[int | None, Header()] = None) -> AsyncIterable[ServerSentEvent]:
    """As in FastAPI's tutorial: resume from the Last-Event-ID header."""
    start = last_event_id + 1 if last_event_id is not None else 0
    for n in range(start, 10_000):
        yield ServerSentEvent(data=item(n), id=str(n), retry=5000)
        await asyncio.sleep(0.05)


@app.get("/starlette")
async def sse_endpoint() -> StarletteEventSourceResponse:
    """As in sse-starlette's README."""

    async def generate_events() -> AsyncIterator[dict[str, str]]:
        for n in range(10_000):
            yield {"data": item(n).model_dump_json(), "id": str(n)}
            await asyncio.sleep(0.05)

    return StarletteEventSourceResponse(generate_events())


@app.get("/health")
async def health() -> dict[str, str]:
    return {"status": "ok"}


if __name__ == "__main__":
    with socket.create_server(("127.0.0.1", 0)) as listener:
        print(f"http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
        uvicorn.Server(uvicorn.Config(app, log_level="error")).run(sockets=[listener])
