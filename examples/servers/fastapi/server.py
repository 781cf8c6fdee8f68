"""A feed with FastAPI: GET /events tells everybody what POST /publish says.

python server.py PORT
"""

import asyncio
import sys
import time
from collections import deque
from collections.abc import AsyncIterator
from contextlib import suppress
from itertools import islice
from typing import Annotated

import uvicorn
from fastapi import Depends, FastAPI, Header, Response
from fastapi.sse import EventSourceResponse, ServerSentEvent
from pydantic import BaseModel, Field

KEPT = 1000
HEARTBEAT_S = 10
app = FastAPI()


class Said(BaseModel):
    """What is published."""

    text: str = Field(min_length=1, max_length=4000)


class Log:
    """The newest events. A reader is a position in it: no queue a reader, and a slow one costs nobody anything."""

    def __init__(self) -> None:
        self.last = int(time.time() * 1000)  # ids count on over restarts, so that none is ever another event's
        self.events: deque[ServerSentEvent] = deque(maxlen=KEPT)
        self.more = asyncio.Condition()

    async def append(self, data: dict[str, object]) -> None:
        """Tell everybody."""
        self.last += 1
        self.events.append(ServerSentEvent(id=str(self.last), data=data))
        async with self.more:
            self.more.notify_all()

    def position(self, last_event_id: str | None) -> int:
        """Return where a reader goes on: strictly after the event it names, or with what happens next."""
        known = {event.id for event in self.events}
        return int(last_event_id) if last_event_id in known else self.last  # type: ignore[arg-type]

    async def after(self, position: int) -> list[ServerSentEvent]:
        """Wait for events after this position; return none after a while without any."""
        with suppress(TimeoutError):
            async with asyncio.timeout(HEARTBEAT_S), self.more:
                await self.more.wait_for(lambda: self.last > position)
        return list(islice(self.events, max(0, len(self.events) - (self.last - position)), None))


log = Log()


def head(response: Response) -> None:
    """Add to the head what FastAPI does not: it says `Cache-Control: no-cache` and `X-Accel-Buffering: no`."""
    response.headers["Cache-Control"] = "no-transform"
    response.headers["X-Content-Type-Options"] = "nosniff"


@app.get("/events", response_class=EventSourceResponse, dependencies=[Depends(head)])
async def events(last_event_id: Annotated[str | None, Header()] = None) -> AsyncIterator[ServerSentEvent]:
    """Stream the feed. A comment every ten seconds of silence keeps proxies from closing the connection."""
    position = log.position(last_event_id)
    yield ServerSentEvent(retry=2000)
    while True:
        told = await log.after(position)
        position = log.last
        for event in told or [ServerSentEvent(comment="keep-alive")]:
            yield event


@app.post("/publish", status_code=202)
async def publish(said: Said) -> None:
    """Tell everybody."""
    await log.append({"text": said.text, "at": int(time.time() * 1000)})


if __name__ == "__main__":
    uvicorn.run(app, port=int(sys.argv[1]), http="h11", log_level="warning")
