"""What a stream asks for: the target's call, filled in for its task and its user."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from ssegauge.conformance.target import Call, Target, each_its_own, fill, is_each_its_own
from ssegauge.loadtests.driving.before import Kept
from ssegauge.loadtests.driving.updates import Task
from ssegauge.loadtests.stream.connection import Headers, Origin, path_of, stream_headers
from ssegauge.loadtests.stream.stream import EventStream


class Asked(NamedTuple):
    """A stream's request."""

    method: str
    path: str
    headers: Headers
    payload: bytes

    def after(self, last_event_id: str) -> Asked:
        """Return the same, to go on after an event; empty for none."""
        return self._replace(headers=[*self.headers, ("Last-Event-ID", last_event_id)]) if last_event_id else self

    def stream(self, origin: Origin) -> EventStream:
        """Return the stream, which is yet to be opened."""
        return EventStream(origin, self.path, self.headers, self.method, self.payload)


class Calls:
    """Fills in what streams ask for."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._is_each_its_own = is_each_its_own(target.stream)
        self._last: tuple[Any, Asked] | None = None  # what was asked for last, and by which values

    def watching(self, task: Task | None, path: str, kept: Kept) -> Asked:
        """Return what to ask for to watch a task, or a path; most often it is what was asked for last."""
        key = (task, path, tuple(kept.items()))
        if not self._last or self._last[0] != key or self._is_each_its_own:
            wanted = replace(self._target.stream, path=path) if path else self._target.stream
            self._last = key, self.filled(wanted, {**kept, **({"task_id": task.id} if task else {})})
        return self._last[1]

    def filled(self, call: Call, values: Mapping[str, Any]) -> Asked:
        """Return what a call asks for with these values."""
        call = fill(call, each_its_own(values))
        where, headers = path_of(self._target, call.path), stream_headers(self._target, call)
        return Asked(call.method or "GET", where, headers, _payload(call))


def _payload(call: Call) -> bytes:
    return b"" if call.json is None else json.dumps(call.json).encode()
