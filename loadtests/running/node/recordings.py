"""The first streams of a process are recorded, and judged when the run is over by the rules that judge idle ones."""

from __future__ import annotations

from typing import Any

from ssegauge.conformance.recording.redaction import Redactor
from ssegauge.conformance.recording.transcript import Request
from ssegauge.conformance.target import Target
from ssegauge.loadtests.driving.updates import Task
from ssegauge.loadtests.judging.under_load import MOST_STREAMS, Recording, Shelf, findings
from ssegauge.loadtests.running.node.calls import Asked
from ssegauge.loadtests.stream import clock
from ssegauge.loadtests.stream.stream import EventStream, Recorder, asked_for


class Recordings:
    """See the module."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._begun: list[Recording] = []
        self._kept: list[Recording] = []
        self._shelf = Shelf()

    def begin(self, stream: EventStream, asked: Asked, number: int, task: Task | None = None) -> Recording | None:
        """Have a stream recorded, if it is one of the first."""
        if len(self._begun) >= MOST_STREAMS:
            return None
        url = self._target.base_url.rstrip("/") + asked.path
        request = Request(asked.method, url, asked_for(asked.headers))
        task_id = task.id if task and task.id else None
        late = bool(task_id and task and task.sent)
        recording = Recording(number, request, clock.now(), task_id, self._shelf, late=late)
        self._begun.append(recording)
        stream.record = recording
        return recording

    def stop(self) -> None:
        """Record nothing that comes from now on, but for tasks: they are yet to be ended."""
        for recording in self._begun if not self._target.needs_task else ():
            recording.stop(clock.now())

    def keep(self, recording: Recorder | None, ending: str) -> None:
        """Keep what was recorded of a stream, to be judged."""
        if isinstance(recording, Recording) and recording.has_head:
            recording.finish(ending, clock.now())
            self._kept.append(recording)

    def judged(self, secrets: set[str]) -> dict[str, Any]:
        """Return what is broken (see ``findings``), without these secrets; nothing can be recorded any more."""
        chunks = self._shelf.chunks()
        found = findings([recording.transcript(chunks) for recording in self._kept], self._target)
        self._shelf.close()
        return Redactor(secrets).value(found) if secrets else found
