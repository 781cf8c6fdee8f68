"""Conformance under load: some of the run's streams are kept and judged by the rules that judge idle ones.

A ``Recording`` keeps the first bytes of one stream, at most ``MOST_BYTES``, on the ``Shelf`` of its process, and
fewer where they are of so many small events that to judge them would cost more than ``MOST_COST``;
``findings`` judges recordings and returns what is broken, as plain values, with the transcripts that show it.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any, Final

from ssegauge.conformance.facts import Facts, Kind
from ssegauge.conformance.judge import Result, judge
from ssegauge.conformance.recording.transcript import Chunk, End, Head, How, Request, Transcript
from ssegauge.conformance.target import Target
from ssegauge.loadtests.measuring.spool import Spool

MOST_STREAMS: Final = 50
MOST_BYTES: Final = 65_536
MOST_COST: Final = 1 << 20  # bytes of memory, about, while it is judged
CHUNK_COST, LINE_COST, BYTE_COST = 300, 400, 3  # as ``recording.bounds`` has them; an event has two lines at least
_ENTRY: Final = struct.Struct("<QdI")
_ENDS: Final[Mapping[str, How]] = {"closed": "cut", "complete": "eof", "timed out": "timeout"}


class Shelf:
    """Where the recordings of a process keep what they receive: on disk."""

    def __init__(self) -> None:
        self._spool = Spool()

    def put(self, number: int, at_ms: float, data: bytes) -> None:
        """Keep a chunk of a stream."""
        self._spool.add(_ENTRY.pack(number, at_ms, len(data)) + data)

    def chunks(self) -> Mapping[int, tuple[Chunk, ...]]:
        """Return what was kept of each stream, by its number."""
        kept, at = self._spool.whole(), 0
        found: dict[int, list[Chunk]] = {}
        while at + _ENTRY.size <= len(kept):
            number, at_ms, size = _ENTRY.unpack_from(kept, at)
            at += _ENTRY.size + size
            found.setdefault(number, []).append(Chunk(at_ms, kept[at - size : at]))
        return {number: tuple(chunks) for number, chunks in found.items()}

    def close(self) -> None:
        """Forget it all."""
        self._spool.close()


class Recording:
    """What one stream received, as far as it is kept. ``late``: the task had moved before."""

    __slots__ = (
        "_affordable",
        "_end",
        "_head",
        "_number",
        "_request",
        "_room",
        "_shelf",
        "_started_ns",
        "_task_id",
        "_until_ns",
        "late",
    )

    def __init__(
        self, number: int, request: Request, started_ns: int, task_id: str | None, shelf: Shelf, *, late: bool
    ) -> None:
        self._number, self._request, self._started_ns = number, request, started_ns
        self._task_id, self._shelf, self.late = task_id, shelf, late
        self._head: Head | None = None
        self._end = End(0.0, "cut", "")
        self._room, self._affordable = MOST_BYTES, MOST_COST
        self._until_ns = 0  # when there was no more room: what came then is not known, nor that nothing came

    @property
    def has_head(self) -> bool:
        """Whether there is anything to judge."""
        return self._head is not None

    @property
    def is_full(self) -> bool:
        """Whether nothing more of the body is kept."""
        return self._until_ns > 0

    def take_head(self, arrived_ns: int, status: int, headers: Iterable[tuple[str, str]]) -> None:
        """Keep a response head; of several, after redirects, the last."""
        self._head = Head(self._at_ms(arrived_ns), status, tuple(headers))

    def take_chunk(self, arrived_ns: int, data: bytes) -> None:
        """Keep a piece of the body, while there is room for all of it."""
        self._room -= len(data)
        self._affordable -= _cost(data)
        if self._affordable < 0:
            self._room = -1
        if self._room >= 0:
            self._shelf.put(self._number, self._at_ms(arrived_ns), data)
        self._until_ns = self._until_ns or (arrived_ns if self._room < 0 else 0)

    def stop(self, at_ns: int) -> None:
        """Keep nothing of what comes from now on: what we wait for then is no silence of the server's."""
        self._until_ns, self._room = self._until_ns or at_ns, -1

    def finish(self, ending: str, ended_ns: int) -> None:
        """Take the end; a stream of which not all is kept was cut by us."""
        ended_ns = self._until_ns or ended_ns
        self._end = End(self._at_ms(ended_ns), "cut" if self._room < 0 else _ENDS.get(ending, "error"), ending)

    def transcript(self, chunks: Mapping[int, tuple[Chunk, ...]]) -> Transcript:
        """Return what was kept, out of what the shelf holds."""
        kind: Kind = "manual" if self._task_id else "plain"
        facts = Facts(task_id=self._task_id or None, kind=kind, joined="late" if self.late else "start")
        return Transcript(
            f"load-{self._number}",
            self._request,
            probe="load",
            started_ms=self._started_ns / 1e6,
            head=self._head,
            chunks=chunks.get(self._number, ()),
            end=self._end,
            facts=facts,
        )

    def _at_ms(self, at_ns: int) -> float:
        return (at_ns - self._started_ns) / 1e6


def _cost(data: bytes) -> int:
    return CHUNK_COST + BYTE_COST * len(data) + LINE_COST * max(data.count(b"\n"), data.count(b"\r"))


def findings(transcripts: Iterable[Transcript], target: Target) -> dict[str, Any]:
    """Judge streams; return how many, what is broken, and the transcripts (rows by name) that show it."""
    kept = {one.name: one for one in transcripts}
    results = judge(kept.values(), profile=target.profile, limits=target.limits, promises=target.promises)
    broken = [result for result in results if result.verdict == "fail"]
    shown = {evidence.transcript for result in broken for evidence in result.evidence} & kept.keys()
    return {
        "streams_judged": len(kept),
        "findings": [_finding(result) for result in broken],
        "transcripts": {name: list(kept[name].rows()) for name in sorted(shown)},
    }


def merged(parts: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the findings of several processes as those of one; of the same rule, the first is kept."""
    whole: dict[str, Any] = {"streams_judged": 0, "findings": [], "transcripts": {}}
    for part in parts:
        known = {finding["rule"] for finding in whole["findings"]}
        whole["streams_judged"] += part["streams_judged"]
        whole["findings"] += [finding for finding in part["findings"] if finding["rule"] not in known]
        whole["transcripts"] |= part["transcripts"]
    return whole


def _finding(result: Result) -> dict[str, Any]:
    rule = result.rule
    return {
        "rule": rule.code,
        "level": rule.level,
        "title": rule.title,
        "summary": result.summary,
        "why": rule.why,
        "mend": rule.mend,
        "source": {key: getattr(rule.source, key) for key in ("title", "url", "quote")},
        "evidence": [asdict(one) for one in result.evidence],
    }
