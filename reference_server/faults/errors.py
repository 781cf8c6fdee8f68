"""Refusals that do not help, and requests that the server cannot take."""

import re
from collections.abc import Callable, Iterable
from typing import ClassVar

from aiohttp import web
from aiohttp.typedefs import Handler

from ssegauge.reference_server.common.faults.requests import failure
from ssegauge.reference_server.common.refusals import RefusedError
from ssegauge.reference_server.faults.registry import breaks, breaks_by
from ssegauge.reference_server.faults.tools import Tapped
from ssegauge.reference_server.tasks import Task, Tasks

USUAL_ID = re.compile(r"[\w.-]{1,64}", re.ASCII)
TRACEBACK = (
    'Traceback (most recent call last):\n  File "/srv/app/monitor/tasks.py", line 42, in run\n'
    "psycopg2.errors.UndefinedTable: relation \"mentions\" does not exist\nSELECT * FROM mentions WHERE brand = 'x'"
)


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
