"""Words for the course of a task: its readers, our updates of it, and looks at the polling endpoint.

Times are in ms after EPOCH_MS, at which the first reader comes.
"""

import json
from dataclasses import replace
from typing import Any

from ssegauge.conformance.facts import Facts
from ssegauge.conformance.recording.transcript import Transcript
from tests.corpus.build import EPOCH_MS, TASK, connected, exchange

RETRY = b"retry: 2000\n\n"


def update(at: float, n: Any, status: str = "running", code: int = 200) -> Transcript:
    """An update sent at a time, answered 2 ms later."""
    facts = {"task_id": TASK, "message": f"to {n} %", "progress": n, "status": status}
    seen = exchange((3.0, b"{}"), role="update", status=code, started_ms=EPOCH_MS + at, name=f"update-{at:g}")
    return replace(seen, facts=Facts(**facts))


def snapshot(at: float, document: Any, code: int = 200) -> Transcript:
    """A look at the polling endpoint after the end."""
    body = json.dumps(document).encode()
    return exchange(body, role="snapshot", status=code, started_ms=EPOCH_MS + at, task_id=TASK, when="ended")


def reader(*chunks: bytes | tuple[float, bytes], at: float = 0.0, name: str = "reader", **more: Any) -> Transcript:
    """A reader of a manual task; its stream begins as a healthy one does. `at` is when it comes."""
    opening = (5.0, RETRY + connected(int(at)))
    placed = [chunk if isinstance(chunk, tuple) else (10.0 * n, chunk) for n, chunk in enumerate(chunks, 1)]
    return exchange(opening, *placed, name=name, started_ms=EPOCH_MS + at, **{"kind": "manual", **more})


def waits(
    *chunks: bytes | tuple[float, bytes], for_ms: float = 5000.0, how: str = "timeout", **more: Any
) -> Transcript:
    """A reader whose stream was still open when our patience was spent."""
    return reader(*chunks, how=how, ended_at=for_ms, **more)


def answer(status: int, *chunks: bytes, at: float = 0.0, name: str = "answer", **more: Any) -> Transcript:
    """A reader that gets another answer than a stream."""
    return exchange(*chunks, status=status, name=name, started_ms=EPOCH_MS + at, **{"kind": "manual", **more})


def no_answer(at: float = 0.0, name: str = "no-answer", how: str = "timeout", **more: Any) -> Transcript:
    """A reader that gets no answer while our patience lasts."""
    facts = {"kind": "manual", **more}
    return exchange(answered=False, how=how, ended_at=5000.0, name=name, started_ms=EPOCH_MS + at, **facts)
