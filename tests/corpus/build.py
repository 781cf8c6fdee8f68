"""Words in which the corpus writes transcripts by hand."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ssegauge.conformance.facts import Facts, Role
from ssegauge.conformance.recording.transcript import Chunk, End, Head, Request, Transcript
from ssegauge.conformance.target import Promises

TASK = "task-1"
EPOCH_MS = 1_760_000_000_000.0
STREAM_HEAD = {
    "Content-Type": "text/event-stream",
    "Cache-Control": "no-cache, no-transform",
    "X-Accel-Buffering": "no",
    "X-Content-Type-Options": "nosniff",
    "Date": "Thu, 09 Oct 2025 08:53:20 GMT",
    "Transfer-Encoding": "chunked",
}

Run = tuple[Transcript, ...]


@dataclass(frozen=True, slots=True)
class Case:
    """What a rule must say of runs, each of them transcripts that are judged together.

    `good` runs pass it and `bad` ones fail it. In a `silent` run its situation did not come up, so it must neither
    pass nor fail. All are judged under the same `promises`.
    """

    good: tuple[Run, ...]
    bad: tuple[Run, ...]
    silent: tuple[Run, ...] = ()
    promises: Promises = field(default_factory=Promises)


def head(status: int = 200, headers: Mapping[str, str | None] | None = None, at_ms: float = 2.0) -> Head:
    """A stream's head; headers replace the usual ones, None takes one away."""
    replaced = {name.lower() for name in headers or {}}
    usual = {name: value for name, value in STREAM_HEAD.items() if status == 200 and name.lower() not in replaced}
    merged = {**usual, **(headers or {})}
    return Head(at_ms, status, tuple((name, value) for name, value in merged.items() if value is not None))


def exchange(
    *chunks: bytes | tuple[float, bytes],
    role: Role = "stream",
    status: int = 200,
    headers: Mapping[str, str | None] | None = None,
    head_at: float = 2.0,
    how: str = "eof",
    ended_at: float | None = None,
    detail: str = "",
    name: str = "",
    started_ms: float = EPOCH_MS,
    request: Request | None = None,
    answered: bool = True,
    **facts: Any,
) -> Transcript:
    """One exchange. Chunks come 10 ms apart unless they are (at_ms, bytes); they end with the last, by the server."""
    placed = [chunk if isinstance(chunk, tuple) else (10.0 * i, chunk) for i, chunk in enumerate(chunks, 1)]
    last = placed[-1][0] if placed else head_at
    if role == "stream":
        facts = {"task_id": TASK, "kind": "self-running", "joined": "start", "patience_ms": 5000, **facts}
    return Transcript(
        name or role,
        request or Request("GET", "http://127.0.0.1/stream"),
        "corpus",
        role,
        started_ms,
        head(status, headers, head_at) if answered else None,
        tuple(Chunk(at, data) for at, data in placed),
        End(last if ended_at is None else ended_at, how, detail),  # type: ignore[arg-type]  # cases may misspell it
        Facts(**facts),
    )


def event(message: Any, id: str | None = None) -> bytes:  # noqa: A002 - the field's name
    """An event as a healthy server writes it."""
    field = b"" if id is None else b"id: " + id.encode() + b"\n"
    return field + b"data: " + json.dumps(message).encode() + b"\n\n"


def connected(at: int = 0, **changes: Any) -> bytes:
    """A `connected` event; `at` is ms after EPOCH_MS."""
    return event({"type": "connected", "taskId": TASK, "timestamp": int(EPOCH_MS) + at, **changes})


def progress(n: int, status: str = "running", id: str | None = "", at: int | None = None, **inner: Any) -> bytes:  # noqa: A002
    """A `progress` event with progress n and id n (None: no id); further words replace fields of the task's state."""
    state = {"taskId": TASK, "status": status, "stage": "Scoring", "progress": n, "message": f"{n} %", **inner}
    message = {
        "type": "progress",
        "taskId": TASK,
        "progress": state,
        "timestamp": int(EPOCH_MS) + (n if at is None else at),
    }
    return event(message, str(n) if id == "" else id)


def completed(id: str | None = "100", **inner: Any) -> bytes:  # noqa: A002
    """The terminal event of a task that went well."""
    return progress(100, "completed", id, **{"results": {"score": 7}, **inner})


def failed(id: str | None = "99", **inner: Any) -> bytes:  # noqa: A002
    """The terminal event of a task that went wrong."""
    return progress(0, "failed", id, at=99, **{"error": "The source did not answer; try again later.", **inner})


def task(*middle: bytes, retry: bytes = b"retry: 2000\n\n", end: bytes | None = None) -> tuple[bytes, ...]:
    """The chunks of a whole healthy stream, with `middle` in place of its two running events."""
    return (retry + connected(), progress(0, "pending"), *(middle or (progress(20), progress(60))), end or completed())


def healthy(*middle: bytes, **facts: Any) -> Transcript:
    """A whole healthy stream as a transcript."""
    return exchange(*task(*middle), **facts)
