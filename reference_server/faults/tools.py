"""What several faults are made of: a tap on one reader's blocks, and events told apart by their number."""

from collections.abc import Callable, Iterable
from typing import Any

from ssegauge.reference_server.common.encoding import Json
from ssegauge.reference_server.common.log import Reader
from ssegauge.reference_server.common.tap import Tap
from ssegauge.reference_server.events import Events
from ssegauge.reference_server.stream import Streams
from ssegauge.reference_server.tasks import Task

ENDS = (b'"status":"completed"', b'"status":"failed"')


def is_progress(block: bytes) -> bool:
    """Whether the block is a progress event."""
    return b'"type":"progress"' in block


def is_end(block: bytes) -> bool:
    """Whether the block is the terminal event."""
    return is_progress(block) and any(end in block for end in ENDS)


class Tapped(Streams):
    """Streams of which each is edited by an `editor` of its own."""

    def editor(self, task: Task) -> Callable[[bytes], Iterable[bytes]]:
        """Return the function that edits the blocks of a new stream of the task."""
        raise NotImplementedError

    async def deliver(self, task: Task, reader: Reader) -> None:
        """Deliver through a tap, which the opening has not passed."""
        Tap(reader, self.editor(task))
        await super().deliver(task, reader)


class ProgressEvents(Events):
    """Events whose progress events are changed: their envelope by `amend`, their block by `spoil`."""

    current = 0

    def progress(self, task_id: str, number: int, progress: Json) -> bytes:
        """Return the changed event."""
        self.current = number
        return self.spoil(super().progress(task_id, number, {**progress}), number)

    def envelope(self, kind: str, task_id: str, **members: Any) -> Json:  # noqa: ANN401 - JSON values
        """Return the changed envelope."""
        envelope = super().envelope(kind, task_id, **members)
        if kind == "progress":
            self.amend(envelope, self.current)
        return envelope

    def amend(self, envelope: Json, number: int) -> None:
        """Change the envelope of the task's event `number`."""

    def spoil(self, block: bytes, number: int) -> bytes:  # noqa: ARG002 - a hook
        """Return the block of the task's event `number`, changed."""
        return block


def send_pending(task: Task, reader: Reader) -> None:
    """Write everything that the log has for the reader."""
    while reader.position < task.log.end:
        reader.position += 1
        reader.write(task.log.blocks[reader.position - 1 - task.log.base])
