"""A feed with Django: GET /events tells everybody what POST /publish says.

python server.py PORT
"""

import asyncio
import json
import sys
import time
from collections import deque
from collections.abc import AsyncIterator
from contextlib import suppress
from itertools import islice

import uvicorn
from django.conf import settings
from django.core.asgi import get_asgi_application
from django.http import HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_POST

KEPT = 1000
HEARTBEAT_S = 10
settings.configure(
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF=__name__,
    SECRET_KEY="of an example",
    MIDDLEWARE=[
        "django.middleware.security.SecurityMiddleware",  # says nosniff
    ],
)


class Log:
    """The newest events. A reader is a position in it: no queue a reader, and a slow one costs nobody anything."""

    def __init__(self) -> None:
        self.last = int(time.time() * 1000)  # ids count on over restarts, so that none is ever another event's
        self.events: deque[tuple[str, bytes]] = deque(maxlen=KEPT)
        self.more = asyncio.Condition()

    async def append(self, data: dict[str, object]) -> None:
        """Tell everybody. JSON in ASCII is one line, whatever the text."""
        self.last += 1
        self.events.append((str(self.last), f"id: {self.last}\ndata: {json.dumps(data)}\n\n".encode()))
        async with self.more:
            self.more.notify_all()

    def position(self, last_event_id: str | None) -> int:
        """Return where a reader goes on: strictly after the event it names, or with what happens next."""
        return next((int(id_) for id_, _ in self.events if id_ == last_event_id), self.last)

    async def after(self, position: int) -> bytes:
        """Wait for events after this position; return none after a while without any."""
        with suppress(TimeoutError):
            async with asyncio.timeout(HEARTBEAT_S), self.more:
                await self.more.wait_for(lambda: self.last > position)
        first = max(0, len(self.events) - (self.last - position))
        return b"".join(event for _, event in islice(self.events, first, None))


log = Log()


async def told(position: int) -> AsyncIterator[bytes]:
    """Yield the feed; after ten seconds of silence a comment, so that no proxy closes the connection."""
    yield b"retry: 2000\n\n"
    while True:
        events = await log.after(position)
        position = log.last
        yield events or b": keep-alive\n\n"


@require_GET
async def events(request: HttpRequest) -> StreamingHttpResponse:
    """Stream the feed."""
    return StreamingHttpResponse(
        told(log.position(request.headers.get("Last-Event-ID"))),
        content_type="text/event-stream",
        headers={"Cache-Control": "no-store, no-transform", "X-Accel-Buffering": "no"},
    )


@csrf_exempt
@require_POST
async def publish(request: HttpRequest) -> HttpResponse:
    """Tell everybody."""
    try:
        text = json.loads(request.body)["text"]
    except (ValueError, TypeError, KeyError):
        return JsonResponse({"error": 'JSON like {"text": "..."} is wanted'}, status=400)
    await log.append({"text": str(text), "at": int(time.time() * 1000)})
    return HttpResponse(status=202)


urlpatterns = [path("events", events), path("publish", publish)]
app = get_asgi_application()

if __name__ == "__main__":
    uvicorn.run(app, port=int(sys.argv[1]), http="h11", lifespan="off", log_level="warning")
