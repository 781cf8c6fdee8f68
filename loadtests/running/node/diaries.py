"""What streams were told, so that each can witness what another missed; and a reader of a herd, while it was away."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, Final

import gevent
import numpy as np

from ssegauge.loadtests.driving.updates import Task
from ssegauge.loadtests.measuring.returning import Visit, returned
from ssegauge.loadtests.measuring.witnesses import Diary, Room, compare
from ssegauge.loadtests.stream import clock

MOST_READERS: Final = 1000  # who came back and are judged, but for a herd
WITNESSES: Final = 20  # of those who stayed


class Diaries:
    """The diaries of a process. ``herds``: its readers are cut all at once, and come back."""

    def __init__(self, room: Room, *, herds: bool) -> None:
        self.room = room
        self._herds = herds
        self._closed: list[Diary] = []  # of streams that are to witness each other
        self._chains: list[list[Diary]] = []  # of each reader who comes back, visit after visit
        self._coming: dict[object, list[Diary]] = {}  # those of readers who are to come

    def begin(self, task: Task | None) -> Diary | None:
        """Return the diary of a stream that is about to open, None where its updates are ours: we know all of them."""
        return Diary(clock.now() / 1e6, self.room) if self._herds or not _is_driven(task) else None

    def close(self, diary: Diary, reader: object, task: Task | None, *, comes_back: bool) -> None:
        """Take a diary of a stream that is over, and whether its reader comes back to it."""
        diary.closed_ms = clock.now() / 1e6
        self._chain(diary, reader, comes_back=comes_back or self._herds)
        if not _is_driven(task):
            self._closed.append(diary)

    def compared(self) -> dict[str, Any] | None:
        """Return what streams say of each other, as plain values; None where none does.

        In a thread: of many streams it takes long, and a process that says nothing meanwhile passes for dead.
        """
        diaries = tuple(self._closed)  # a stream that was yet to open may still end
        return asdict(gevent.get_hub().threadpool.apply(compare, (diaries,))) if diaries else None

    def returned(self) -> dict[str, Any] | None:
        """Return what became of readers who came back, as plain values; None where none does. In a thread, too."""
        if not self._chains:
            return None
        return asdict(gevent.get_hub().threadpool.apply(returned, (self._readers(),)))

    def _chain(self, diary: Diary, reader: object, *, comes_back: bool) -> None:
        chain = self._coming.pop(reader, None)
        if chain is None:
            if not comes_back:
                return
            self._chains.append(chain := [])
        chain.append(diary)
        if comes_back:
            self._coming[reader] = chain

    def _readers(self) -> list[list[Visit]]:
        """Return what readers had, each from visit to visit: those who came back, and some who stayed, as witnesses."""
        chains = self._chains if self._herds else self._chains[:MOST_READERS]
        known = {one for chain in chains for one in chain}
        stayed = [[one] for one in self._closed if one not in known][:WITNESSES]
        told = self.room.entries()
        nothing = np.empty(0, dtype=np.int64), np.empty(0)
        return [
            [Visit(one.opened_ms, one.closed_ms, *told.get(one.number, nothing)) for one in diaries]
            for diaries in (*chains, *stayed)
        ]


def _is_driven(task: Task | None) -> bool:
    return bool(task and task.driven)
