"""Streams that tell a task's life wrongly."""

import asyncio
from collections.abc import Callable, Iterable

from aiohttp import web
from aiohttp.typedefs import Handler

from ssegauge.reference_server import analysis
from ssegauge.reference_server.app import TASKS
from ssegauge.reference_server.common.encoding import Json
from ssegauge.reference_server.common.faults.streams import for_ever
from ssegauge.reference_server.common.log import Reader
from ssegauge.reference_server.faults.registry import breaks, breaks_by
from ssegauge.reference_server.faults.tools import ProgressEvents, Tapped, send_pending
from ssegauge.reference_server.stream import Streams
from ssegauge.reference_server.tasks import CREATED, Task, Tasks

RETRY = b"retry: 2000\n"


@breaks("lifecycle/connected-missing")
class NoConnected(Streams):
    """Begins with the current state."""

    def opening(self, task: Task) -> bytes:  # noqa: ARG002 - a hook
        """Return the reconnection time alone, as the first line of the next event."""
        return RETRY


@breaks("lifecycle/connected-not-first")
class ConnectedSecond(NoConnected):
    """Sends the current state before `connected`."""

    async def deliver(self, task: Task, reader: Reader) -> None:
        """Send what there is, then `connected`, then the rest."""
        send_pending(task, reader)
        reader.write(self.events.connected(task.id))
        await super().deliver(task, reader)


@breaks("lifecycle/connected-repeated")
class ConnectedTwice(Streams):
    """Sends `connected` twice."""

    def opening(self, task: Task) -> bytes:
        """Return two events."""
        return super().opening(task) + self.events.block(self.events.envelope("connected", task.id))


@breaks("lifecycle/connected-late")
class ConnectedLate(Streams):
    """Lets a connection wait 1.5 s for its first event."""

    async def begin(self, request: web.Request, response: web.StreamResponse, position: int) -> Reader:
        """Send the head and a comment, and wait."""
        reader = await super().begin(request, response, position)
        reader.write(b": one moment\n")
        await asyncio.sleep(1.5)
        return reader


@breaks("lifecycle/progress-regresses")
class Regressing(ProgressEvents):
    """Lets one report while running fall to 5 %."""

    def amend(self, envelope: Json, number: int) -> None:
        """Change the progress of the fourth event."""
        if number == 3 and envelope["progress"]["status"] == "running":
            envelope["progress"]["progress"] = 5


@breaks("lifecycle/illegal-transition")
class BackToPending(ProgressEvents):
    """Goes from running back to pending, and on."""

    def amend(self, envelope: Json, number: int) -> None:
        """Change the status of the third event."""
        if number == 2 and envelope["progress"]["status"] == "running":
            envelope["progress"]["status"] = "pending"


@breaks("lifecycle/updates-silent")
class Silent(Streams):
    """Says nothing of a task that runs by itself for 2.5 s at a time, then all at once."""

    async def deliver(self, task: Task, reader: Reader) -> None:
        """Send in bursts."""
        send_pending(task, reader)
        while task.worker and not task.ended:
            await asyncio.sleep(2.5)
            send_pending(task, reader)
        await super().deliver(task, reader)


@breaks("lifecycle/no-terminal")
class NoTerminal(Tapped):
    """Ends without having said that the task completed, unless the client came after that."""

    def editor(self, task: Task) -> Callable[[bytes], Iterable[bytes]]:
        """Leave out the terminal event."""
        is_late = task.ended
        return lambda block: [] if b'"status":"completed"' in block and not is_late else [block]


@breaks("lifecycle/terminal-repeated")
class EndsTwice(Tasks):
    """Reports the end twice."""

    def record(self, task: Task) -> None:
        """Append the terminal event once more."""
        if task.ended:
            task.log.append(self.events.progress(task.id, task.log.end, task.state))
        super().record(task)


@breaks("lifecycle/event-after-terminal")
class Afterword(Streams):
    """Adds an event after the terminal one."""

    async def deliver(self, task: Task, reader: Reader) -> None:
        """Deliver, then say goodbye."""
        await super().deliver(task, reader)
        reader.write(self.events.error(task.id, "The stream is closed. Open a new one for another task."))


@breaks("lifecycle/completed-below-100")
class NotRaised(Tasks):
    """Leaves the progress where it was when a task completes."""

    before: float = 0

    def move(self, task: Task, changes: Json) -> None:
        """Remember where it was."""
        self.before = min(task.state["progress"], 99)
        super().move(task, changes)

    def record(self, task: Task) -> None:
        """Take back what `move` has raised."""
        if task.state["status"] == "completed":
            task.state = {**task.state, "progress": self.before}
        super().record(task)


@breaks("lifecycle/stream-open-after-terminal")
class NeverEnds(Streams):
    """Keeps the stream open after the terminal event."""

    async def finish(self, response: web.StreamResponse, reader: Reader) -> None:  # noqa: ARG002 - a hook
        """Wait for the client to go."""
        await for_ever()


@breaks("lifecycle/late-subscriber-uninformed")
class NotTold(Streams):
    """Tells a client that comes while a task runs only what happens next."""

    def position(self, task: Task, last_event_id: str | None) -> int:
        """Return the end of the log for a new client."""
        is_late = last_event_id is None and not task.ended and task.log.end > 1
        return task.log.end if is_late else super().position(task, last_event_id)


@breaks("lifecycle/late-after-end-hangs")
class FreedTooEarly(Streams):
    """Forgets a task's end when it has told one reader, and leaves a client that comes later waiting."""

    freed: frozenset[str] = frozenset()

    async def stream(self, request: web.Request, task: Task, position: int) -> web.StreamResponse:
        """Send `connected` and wait for ever, if the task is forgotten and the client is new."""
        if task.id in self.freed and "Last-Event-ID" not in request.headers:
            reader = await self.begin(request, self.response(), position)
            reader.write(self.opening(task))
            await for_ever()
        response = await super().stream(request, task, position)
        self.freed |= {task.id}
        return response


@breaks("lifecycle/completion-race")
class Race(Streams):
    """Reads the state, and only 50 ms later listens for changes: an end in between is never heard."""

    async def deliver(self, task: Task, reader: Reader) -> None:
        """Send what there is, wait, and hang if the task ended meanwhile."""
        send_pending(task, reader)
        had_ended = task.ended
        await asyncio.sleep(0.05)
        if task.ended and not had_ended:
            await for_ever()
        await super().deliver(task, reader)


@breaks("lifecycle/reconnect-restarts-task")
class Restarting(Streams):
    """Runs an ended task again when its client comes back."""

    def is_over(self, task: Task, position: int) -> bool:
        """Restart instead of saying so."""
        if super().is_over(task, position):
            task.state, task.log.closed = {"taskId": task.id, **CREATED}, False
            self.tasks.record(task)
            task.worker = asyncio.create_task(analysis.run(self.tasks, task, analysis.Spec(interval_ms=50)))
        return False


@breaks("lifecycle/reconnect-after-end-not-204")
class Welcoming(Streams):
    """Answers a client that already has the end with one more stream."""

    def is_over(self, task: Task, position: int) -> bool:  # noqa: ARG002 - a hook
        """Never."""
        return False


@breaks("lifecycle/subscribers-disagree")
class Disagreeing(Tapped):
    """Tells every second subscriber of other stages."""

    count = 0

    def editor(self, task: Task) -> Callable[[bytes], Iterable[bytes]]:  # noqa: ARG002 - a hook
        """Change the stage for every second stream."""
        self.count += 1
        other = b'"stage":"Still ' if self.count % 2 == 0 else b'"stage":"'
        return lambda block: [block.replace(b'"stage":"', other)]


@breaks("lifecycle/subscriber-moves-task")
class Moving(Streams):
    """Moves a manual task when somebody looks at it."""

    async def stream(self, request: web.Request, task: Task, position: int) -> web.StreamResponse:
        """Add one percent."""
        if not task.worker and not task.ended:
            self.tasks.move(task, {"progress": min(99, task.state["progress"] + 1)})
        return await super().stream(request, task, position)


@breaks_by("lifecycle/snapshot-disagrees")
@web.middleware
async def stale_snapshot(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer the polling endpoint with the task as it was created."""
    response = await handler(request)
    if request.method == "GET" and request.path.startswith(f"{TASKS}/"):
        return web.json_response({"taskId": request.match_info["task_id"], **CREATED})
    return response
