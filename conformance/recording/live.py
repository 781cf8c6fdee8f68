"""Exchanges under way, and what is kept of them.

``Live`` is one exchange: whoever talks to the server tells it what comes, and a probe waits on it for a condition or
for its end, with bounded patience, and cuts it. However an exchange ends, also by Ctrl-C, it ends as a transcript in
the ``Recording``; its rows are written to the run folder as things happen.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Mapping
from dataclasses import InitVar, dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx

from ssegauge.conformance.recording.bounds import Meter, Pool
from ssegauge.conformance.recording.files import Disk, RowFile
from ssegauge.conformance.recording.http2 import most_streams
from ssegauge.conformance.recording.redaction import Redactor
from ssegauge.conformance.recording.transcript import (
    Chunk,
    End,
    Head,
    How,
    Transcript,
    chunk_row,
    end_row,
    head_row,
    opening_row,
)
from ssegauge.conformance.sse import Event

RECENT_CHUNKS = 64
# Between a time of the monotonic clock and Unix time there is one offset for the whole run.
_EPOCH_OFFSET_MS = time.time() * 1000 - time.perf_counter() * 1000


def now_ms() -> float:
    """Return the monotonic clock in Unix epoch milliseconds."""
    return time.perf_counter() * 1000 + _EPOCH_OFFSET_MS


@dataclass
class Recording:
    """All exchanges so far, and where their rows are written (None: nowhere).

    ``notes`` say what could not be looked at, so that nothing can pass; ``remarks`` what was left out for a reason.
    """

    folder: InitVar[Path | None] = None
    redact: Redactor = field(default_factory=Redactor)
    transcripts: list[Transcript] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    pool: Pool = field(default_factory=Pool)
    _names: dict[str, int] = field(default_factory=dict)

    def __post_init__(self, folder: Path | None) -> None:
        """Say where rows are written."""
        self.disk = Disk(folder, self.redact)

    def unique(self, name: str) -> str:
        """Return the name, numbered when it is taken."""
        self._names[name] = number = self._names.get(name, 0) + 1
        return name if number == 1 else f"{name}-{number}"

    def add(self, transcript: Transcript) -> None:
        """Take a finished exchange whose rows are written."""
        self.transcripts.append(transcript)

    def write(self, transcript: Transcript) -> None:
        """Take and write an observation that is no exchange, such as a look at the process table."""
        file = self.open(transcript.name)
        for row in transcript.rows():
            file.write(row)
        file.close()
        self.add(transcript)

    def open(self, name: str) -> RowFile:
        """Open the file for an exchange's rows."""
        return RowFile(self.disk, name)


class Live:
    """One exchange under way. Its events are decoded as they come, for conditions; rules decode for themselves."""

    def __init__(self, recording: Recording, seed: Transcript) -> None:
        self.transcript = replace(seed, started_ms=now_ms())
        self._chunks: list[Chunk] = []
        self._recording = recording
        self._meter = Meter(recording.pool)
        self._changed = asyncio.Event()
        self._file = recording.open(seed.name)
        self._task: asyncio.Task[None] | None = None
        self._connected_ms: float | None = None
        self._most_streams: int | None = None
        self.events: list[Event] = []
        self._write(opening_row(self.transcript))

    def start(self, exchange: Callable[[Live], Any]) -> None:
        """Begin the exchange."""
        self._task = asyncio.create_task(exchange(self))

    @property
    def head(self) -> Head | None:
        """The response head, None as long as there is none."""
        return self.transcript.head

    @property
    def over(self) -> bool:
        """Whether the exchange has ended."""
        return self.transcript.end is not None

    @property
    def so_far(self) -> Transcript:
        """What came until now."""
        return replace(self.transcript, chunks=tuple(self._chunks))

    @property
    def parts(self) -> int:
        """How often something came."""
        return len(self._chunks)

    @property
    def recently(self) -> bytes:
        """The newest of the body, at least as much as one long event holds."""
        return b"".join(chunk.data for chunk in self._chunks[-RECENT_CHUNKS:])

    def ids(self) -> list[str]:
        """Return the ids that events have set so far."""
        return [event.id for event in self.events if event.id]

    async def on_trace(self, step: str, info: Mapping[str, Any]) -> None:
        """Note when the connection stood, and its settings: steps as httpcore's `trace` extension tells them."""
        if step == "connection.connect_tcp.complete":
            self._connected_ms = self._at()
        elif step == "http2.receive_remote_settings.complete":
            self._most_streams = most_streams(info.get("return_value"))

    def on_head(self, response: httpx.Response) -> None:
        """Take the response head."""
        headers = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in response.headers.raw)
        reason = response.extensions.get("reason_phrase", b"").decode("latin-1")
        version = response.http_version or "HTTP/1.1"
        noted = self._connected_ms, self._most_streams
        head = Head(self._at(), response.status_code, headers, reason, version, *noted)
        self.transcript = replace(self.transcript, head=head)
        self._meter.on_head(head)
        self._write(head_row(head))

    def on_chunk(self, data: bytes) -> None:
        """Take body bytes; the exchange is over when they are more than is kept of one.

        Some may come when it is over: what was read as we left.
        """
        if self.over:
            return
        events = self._meter.take(data)
        if self._meter.full:
            self.on_end("cut", self._meter.full)
            return
        chunk = Chunk(self._at(), data)
        self._chunks.append(chunk)
        self.events += events
        self._write(chunk_row(chunk))

    def on_end(self, how: How, detail: str = "") -> None:
        """Finish the transcript; further ends are ignored."""
        if self.over:
            return
        end = End(self._at(), how, detail)
        self.transcript = replace(self.transcript, end=end, chunks=tuple(self._chunks))
        self._write(end_row(end))
        self._file.close()
        self._recording.add(self.transcript)

    async def until(self, condition: Callable[[], bool], patience_s: float) -> bool:
        """Wait until the condition holds or the exchange is over; return whether it holds."""
        deadline = time.perf_counter() + patience_s
        while not condition() and not self.over and (left := deadline - time.perf_counter()) > 0:
            self._changed.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(left):  # wait_for of Python 3.11 may swallow Ctrl-C
                    await self._changed.wait()
        return condition()

    async def finish(self, patience_s: float) -> Transcript:
        """Wait for the end as long as patience lasts, then give up on it; return the transcript."""
        await self.until(lambda: self.over, patience_s)
        await self.stop("timeout", f"nothing more within {patience_s:g} s")
        return self.transcript

    async def stop(self, how: How = "cut", detail: str = "") -> None:
        """End the exchange from our side."""
        self.on_end(how, detail)
        if self._task:
            self._task.cancel()
            await asyncio.wait([self._task])
            if not self._task.cancelled() and (error := self._task.exception()):
                raise error  # a defect of our own, not of the server

    def _at(self) -> float:
        return round(now_ms() - self.transcript.started_ms, 3)

    def _write(self, row: Mapping[str, Any]) -> None:
        self._changed.set()
        self._file.write(row)
