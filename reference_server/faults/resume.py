"""Reconnects that lose, repeat or refuse."""

import re

from aiohttp import web

from ssegauge.reference_server.common.encoding import Json
from ssegauge.reference_server.common.security import Security
from ssegauge.reference_server.events import Events
from ssegauge.reference_server.faults.registry import breaks
from ssegauge.reference_server.stream import Streams
from ssegauge.reference_server.tasks import Task

WELL_FORMED = re.compile(r"[0-9a-f]+\.[0-9]+")


@breaks("resume/ids-missing")
class NoIds(Events):
    """Gives no event an ID."""

    def block(self, envelope: Json, event_id: str | None = None, retry: int | None = None) -> bytes:  # noqa: ARG002
        """Return the block without its ID."""
        return super().block(envelope, None, retry)


@breaks("resume/ids-repeated")
class SameIds(Events):
    """Gives two events the same ID."""

    def block(self, envelope: Json, event_id: str | None = None, retry: int | None = None) -> bytes:
        """Return the third event with the ID of the second."""
        if event_id and event_id.endswith(".2"):
            event_id = event_id[:-1] + "1"
        return super().block(envelope, event_id, retry)


@breaks("resume/id-on-synthetic-event")
class IdOnConnected(Streams):
    """Gives `connected` an ID, which replaces the client's."""

    def opening(self, task: Task) -> bytes:
        """Return the event with an ID."""
        return f"id: {task.id}.connected\n".encode() + super().opening(task)


@breaks("resume/gap-on-resume", "resume/events-lost-on-resume")
class Gap(Streams):
    """Continues one event too late."""

    def position(self, task: Task, last_event_id: str | None) -> int:
        """Return a position one too high, if there is something after it."""
        position = super().position(task, last_event_id)
        return position + (bool(last_event_id) and position < task.log.end - 1)


@breaks("resume/duplicate-on-resume")
class Duplicate(Streams):
    """Continues one event too early."""

    def position(self, task: Task, last_event_id: str | None) -> int:
        """Return the position of the event that the client names, unless that ended the task."""
        position = super().position(task, last_event_id)
        is_known = self.events.number(task.id, last_event_id or "") is not None
        return position - (is_known and position > 0 and not self.is_over(task, position))


@breaks("resume/begins-anew")
class BeginsAnew(Streams):
    """Sends every event that it has to whoever comes."""

    def position(self, task: Task, last_event_id: str | None) -> int:  # noqa: ARG002 - what it ignores
        """Return the position of the first event."""
        return task.log.base


@breaks("resume/known-id-refused")
class RefusesKnown(Streams):
    """Answers 400 to an ID of its own."""

    def position(self, task: Task, last_event_id: str | None) -> int:
        """Return the position, or refuse."""
        if self.events.number(task.id, last_event_id or "") is not None:
            raise web.HTTPBadRequest(text="This header field is not understood here.")
        return super().position(task, last_event_id)


@breaks("resume/stale-id-refused")
class RefusesStale(Streams):
    """Answers 409 to an ID that looks right but is not of this task."""

    def position(self, task: Task, last_event_id: str | None) -> int:
        """Return the position, or refuse."""
        known = self.events.number(task.id, last_event_id or "")
        is_stale = known is None or known >= task.log.end
        if is_stale and WELL_FORMED.fullmatch(last_event_id or ""):
            raise web.HTTPConflict(text="The event is not known here.")
        return super().position(task, last_event_id)


@breaks("resume/garbage-id-fails")
class ParsesCarelessly(Streams):
    """Fails on an ID that is not one of its own form."""

    def position(self, task: Task, last_event_id: str | None) -> int:
        """Return the position, or fail as `int` would."""
        if last_event_id is not None and not WELL_FORMED.fullmatch(last_event_id):
            raise web.HTTPInternalServerError(text="Something went wrong here.")
        return super().position(task, last_event_id)


@breaks("resume/retry-missing")
class NoRetry(Events):
    """Leaves the reconnection time to the client."""

    def connected(self, task_id: str) -> bytes:
        """Return the event without it."""
        return self.block(self.envelope("connected", task_id))


@breaks("resume/preflight-refuses-last-event-id")
class NarrowPreflight(Security):
    """Allows preflights all fields but Last-Event-ID."""

    async def add_fields(self, request: web.Request, response: web.StreamResponse) -> None:
        """Take it off the list."""
        await super().add_fields(request, response)
        if allowed := response.headers.get("Access-Control-Allow-Headers"):
            response.headers["Access-Control-Allow-Headers"] = allowed.removesuffix(", Last-Event-ID")
