"""Refusals that do not help, and requests that the server cannot take."""

import re
from collections.abc import Callable, Iterable
from typing import ClassVar

from aiohttp import web
from aiohttp.typedefs import Handler

from ssegauge.reference_server.common.refusals import RefusedError
from ssegauge.reference_server.common.security import Security
from ssegauge.reference_server.faults.registry import breaks, breaks_by
from ssegauge.reference_server.faults.tools import Tapped, for_ever
from ssegauge.reference_server.stream import Streams
from ssegauge.reference_server.tasks import Task, Tasks

STREAM = "/api/brand-monitor/progress/"
USUAL_ID = re.compile(r"[\w.-]{1,64}", re.ASCII)
TRACEBACK = (
    'Traceback (most recent call last):\n  File "/srv/app/monitor/tasks.py", line 42, in run\n'
    "psycopg2.errors.UndefinedTable: relation \"mentions\" does not exist\nSELECT * FROM mentions WHERE brand = 'x'"
)


def failure() -> web.HTTPInternalServerError:
    """Return a 500 that says nothing."""
    return web.HTTPInternalServerError(text="Something went wrong here. Try again in a minute.")


@breaks_by("errors/unknown-task-5xx")
@web.middleware
async def fail_for_unknown(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer 500 for a task that does not exist."""
    try:
        return await handler(request)
    except RefusedError as error:
        if error.status == 404:
            raise failure() from None
        raise


@breaks_by("errors/unknown-task-body")
@web.middleware
async def bare_404(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer a bare 404 for a task that does not exist."""
    try:
        return await handler(request)
    except RefusedError as error:
        if error.status != 404:
            raise
        return web.Response(status=404, text="<h1>Not Found</h1>", content_type="text/html")


@breaks_by("errors/malformed-id-5xx")
@web.middleware
async def fail_for_malformed(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer 500 for an ID that is not made of the usual characters."""
    if not USUAL_ID.fullmatch(request.match_info.get("task_id", "x")):
        raise failure()
    return await handler(request)


@breaks_by("errors/method-not-allowed")
@web.middleware
async def take_any_method(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer methods that are not implemented with a stream."""
    try:
        return await handler(request)
    except web.HTTPMethodNotAllowed:
        if request.method == "OPTIONS":
            raise
        return web.Response(text=": for whom?\n\n", content_type="text/event-stream")


@breaks_by("errors/odd-request-hangs")
@web.middleware
async def ignore_other_methods(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Never answer methods that are not implemented."""
    try:
        return await handler(request)
    except web.HTTPMethodNotAllowed:
        if request.method != "OPTIONS":
            await for_ever()
        raise


@breaks("errors/405-without-allow")
class NoAllow(Security):
    """Does not say which methods there are."""

    async def add_fields(self, request: web.Request, response: web.StreamResponse) -> None:
        """Remove the field from a 405."""
        await super().add_fields(request, response)
        if response.status == 405:
            del response.headers["Allow"]


@breaks_by("errors/query-garbage-5xx")
@web.middleware
async def fail_for_query(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer 500 to a stream's address with a query."""
    if request.rel_url.raw_query_string and request.path.startswith(STREAM):
        raise failure()
    return await handler(request)


@breaks_by("errors/large-header-5xx")
@web.middleware
async def fail_for_large_header(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer 500 to a large field other than Last-Event-ID."""
    sizes = [len(value) for name, value in request.headers.items() if name.lower() != "last-event-id"]
    if max(sizes, default=0) > 4_000:
        raise failure()
    return await handler(request)


@breaks("errors/head-hangs")
class HeadHangs(Streams):
    """Never answers HEAD."""

    async def get(self, request: web.Request) -> web.StreamResponse:
        """Answer GET, and wait for ever for HEAD."""
        if request.method == "HEAD":
            await for_ever()
        return await super().get(request)


@breaks("errors/failed-task-silent")
class SilentFailure(Tapped):
    """Ends the stream of a failed task without a word."""

    def editor(self, task: Task) -> Callable[[bytes], Iterable[bytes]]:  # noqa: ARG002 - a hook
        """Leave out the failure."""
        return lambda block: [] if b'"status":"failed"' in block else [block]


class Failing(Tasks):
    """Tasks that fail with a given text."""

    text: ClassVar[str]

    def record(self, task: Task) -> None:
        """Change the error first."""
        if task.state["status"] == "failed":
            task.state = {**task.state, "error": self.text}
        super().record(task)


@breaks("errors/error-without-guidance")
class NoGuidance(Failing):
    """Says "Error" and no more."""

    text = "Error"


@breaks("errors/error-leaks-internals")
class Leaking(Failing):
    """Shows the world a traceback."""

    text = TRACEBACK


@breaks("errors/401-without-challenge")
class NoChallenge(Security):
    """Does not say how to authenticate."""

    async def add_fields(self, request: web.Request, response: web.StreamResponse) -> None:
        """Remove the field that says it."""
        await super().add_fields(request, response)
        response.headers.pop("WWW-Authenticate", None)
