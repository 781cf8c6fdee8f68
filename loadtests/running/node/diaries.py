"""What streams were told, so that each can witness what another missed; and a reader of a herd, while it was away."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import gevent
import numpy as np

from ssegauge.loadtests.driving.updates import Task
from ssegauge.loadtests.measuring.returning import Visit, returned
from ssegauge.loadtests.measuring.witnesses import Diary, Room, compare
from ssegauge.loadtests.stream import clock


class Diaries:
    """The diaries of a process. ``herds``: its readers are cut all at once, and come back."""

    def __init__(self, room: Room, *, herds: bool) -> None:
        self.room = room
        self._herds = herds
        self._closed: list[Diary] = []  # of streams that are to witness each other
        self._visits: dict[object, list[Diary]] = {}  # of each reader of a herd

    def begin(self, task: Task | None) -> Diary | None:
        """Return the diary of a stream that is about to open, None where its updates are ours: we know all of them."""
        return Diary(clock.now() / 1e6, self.room) if self._herds or not _is_driven(task) else None

    def close(self, diary: Diary, reader: object, task: Task | None) -> None:
        """Take a diary of a stream that is over."""
        diary.closed_ms = clock.now() / 1e6
        if self._herds:
            self._visits.setdefault(reader, []).append(diary)
        if not _is_driven(task):
            self._closed.append(diary)

    def compared(self) -> dict[str, Any] | None:
        """Return what streams say of each other, as plain values; None where none does.

        In a thread: of many streams it takes long, and a process that says nothing meanwhile passes for dead.
        """
        diaries = tuple(self._closed)  # a stream that was yet to open may still end
        return asdict(gevent.get_hub().threadpool.apply(compare, (diaries,))) if diaries else None

    def returned(self) -> dict[str, Any] | None:
        """Return what became of readers who were cut, as plain values; None where none is. In a thread, too."""
        return asdict(gevent.get_hub().threadpool.apply(returned, (self._readers(),))) if self._herds else None

    def _readers(self) -> list[list[Visit]]:
        """Return what the readers of a herd had, each from visit to visit."""
        told = self.room.entries()
        nothing = np.empty(0, dtype=np.int64), np.empty(0)
        return [
            [Visit(one.opened_ms, one.closed_ms, *told.get(one.number, nothing)) for one in diaries]
            for diaries in self._visits.values()
        ]


def _is_driven(task: Task | None) -> bool:
    return bool(task and task.driven)
