"""Which events come: by type, and in the task-progress profile by stage; counted, and numbered for the samples.

A type is that of the ``event`` field, or else the ``type`` of the data, in JSON. At most ``MOST`` are told apart, the
first that come, and each is short: a server that makes up a new one for each event fills no memory, and the rest are
``other``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Any, Final, NamedTuple

import numpy as np

from ssegauge.loadtests.measuring.meters import glance, parsed
from ssegauge.loadtests.measuring.samples import Floats, Ints

MOST: Final = 100
LONGEST: Final = 60  # characters of a name
NO_EVENT: Final = 0  # the code of samples that are of no event
OTHER: Final = 1
UNNAMED: Final = "message"  # what the standard calls an event without a type
_STAGE: Final = re.compile(r'"stage"\s*+:\s*+"([^"\\]*+)"').match


class Label(NamedTuple):
    """An event's type and stage; empty where it has none."""

    type: str
    stage: str = ""


class EventTypes:
    """The events of a process, by label; ``labels``, ``events`` and ``sizes`` (bytes of data) by code."""

    def __init__(self, redact: Callable[[str], str] = str, *, staged: bool = False) -> None:
        self.labels = [Label(""), Label("other")]
        self.events, self.sizes = [0, 0], [0, 0]
        self._codes: dict[tuple[str, str], int] = {}
        self._redact, self._staged = redact, staged

    @property
    def total(self) -> int:
        """Return how many events there were."""
        return sum(self.events)

    def note(self, kind: str, data: str) -> int:
        """Count an event; return its code."""
        code = self.code(kind, data)
        self.events[code] += 1
        self.sizes[code] += size_of(data)
        return code

    def count(self, codes: Ints, sizes: Ints) -> None:
        """Count events, by their codes."""
        events, size = np.bincount(codes), np.bincount(codes, sizes)
        for code in np.flatnonzero(events).tolist():
            self.events[code] += int(events[code])
            self.sizes[code] += int(size[code])

    def code(self, kind: str, data: str) -> int:
        """Return the code of an event's label."""
        code = self._codes.get(label := label_of(kind, data, staged=self._staged))
        return self.code_of(Label(label[0][:LONGEST], label[1][:LONGEST])) if code is None else code

    def code_of(self, label: Label) -> int:
        """Return a label's code, a new one while there is room."""
        if (code := self._codes.get(label)) is not None:
            return code
        if len(self.labels) >= MOST:
            return OTHER
        self.labels.append(Label(*(clean(self._redact(text)) for text in label)))
        self.events.append(0)
        self.sizes.append(0)
        self._codes[label] = len(self.labels) - 1
        return self._codes[label]

    def plain(self) -> list[Any]:
        """Return it as plain values, fit for a message: [type, stage, events, bytes] by code."""
        return [[*label, *counts] for label, *counts in zip(self.labels, self.events, self.sizes, strict=True)]


class Merged:
    """The labels of several processes as those of one: each process has codes of its own."""

    def __init__(self) -> None:
        self._all = EventTypes()
        self._codes: dict[str, list[int]] = {}

    @property
    def labels(self) -> Sequence[Label]:
        """Return the labels by code."""
        return self._all.labels

    def take(self, node: str, told: Sequence[Sequence[Any]], rows: Floats) -> Floats:
        """Return a process's samples (see ``samples.matrix``) with our codes; ``told`` is its ``EventTypes.plain``."""
        codes = self._codes.setdefault(node, [NO_EVENT, OTHER])
        codes += [self._all.code_of(Label(kind, stage)) for kind, stage, *_ in told[len(codes) :]]
        if all(code == own for own, code in enumerate(codes)):
            return rows
        ours = rows.copy()
        ours[:, -1] = np.array(codes)[rows[:, -1].astype(int)]
        return ours


def counted(parts: Iterable[Sequence[Sequence[Any]]]) -> dict[Label, tuple[int, int]]:
    """Return events and bytes by label, the most frequent first, of what several processes told."""
    found: dict[Label, tuple[int, int]] = {}
    for kind, stage, events, size in (one for part in parts for one in part if one[2]):
        before = found.get(label := Label(kind, stage), (0, 0))
        found[label] = before[0] + events, before[1] + size
    return dict(sorted(found.items(), key=lambda item: -item[1][0]))


def size_of(data: str) -> int:
    """Return how many bytes an event's data has."""
    return len(data) if data.isascii() else len(data.encode("utf-8", "replace"))


def label_of(kind: str, data: str, *, staged: bool) -> tuple[str, str]:
    """Return an event's type and stage, however long; ``staged``: events may have a stage."""
    name = glance(data)[0] or UNNAMED if kind == UNNAMED else kind
    return name, stage_of(data) if staged else ""


@lru_cache(maxsize=16)  # in a fan-out the same event comes on every stream
def stage_of(data: str) -> str:
    """Return the stage that a progress event tells, an empty string when it has none."""
    at = data.find('"stage"')
    if at < 0:
        return ""
    if found := _STAGE(data, at):
        return found[1]
    document = parsed(data)
    progress = document.get("progress") if isinstance(document, dict) else None
    stage = progress.get("stage") if isinstance(progress, dict) else None
    return stage if isinstance(stage, str) else ""


def clean(text: str) -> str:
    """Return a server's text as a file can hold it: without lone surrogates."""
    return text.encode("utf-8", "replace").decode()
