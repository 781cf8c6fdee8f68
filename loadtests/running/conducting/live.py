"""What goes on, for others while it goes on: ``live.csv`` in the run folder, a row a second, and a page for Prometheus.

The page (``--metrics-port``) has the text format of Prometheus 0.0.4, one gauge a figure; what is not known has none.
"""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
from gevent.pywsgi import WSGIServer

from ssegauge.loadtests.measuring.samples import BYTES, EVENTS, Floats

LATELY_S: Final = 3.0
HOST: Final = "127.0.0.1"
TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
# A figure of a status (see ``Conductor.status``), and what it is.
FIGURES: Final[Mapping[str, str]] = {
    "elapsed_s": "seconds since the run began",
    "left_s": "seconds until it is over",
    "users": "streams that are to be open, or users",
    "open": "streams open",
    "failed": "streams that did not open",
    "dropped": "streams that broke off",
    "finished": "answers read to their end",
    "sent": "updates sent",
    "refused": "updates that the server refused",
    "received": "samples of latency so far",
    "events_per_s": "events that came each second, lately",
    "bytes_per_s": "bytes of event streams that came each second, lately",
    "p99_ms": "99th percentile of the latencies of the last second with any",
}
Status = Mapping[str, Any]


class Live:
    """Tells what goes on; ``port`` 0 opens no page. Raises OSError for a port that is taken."""

    def __init__(self, folder: Path, port: int = 0) -> None:
        self._file = folder / "live.csv"
        self._file.touch(mode=0o600)  # as the rest of the folder: its owner's alone
        self._last: Status = {}
        self._has_room = True
        self._server = WSGIServer((HOST, port), self._answer, log=None) if port else None
        self._write(FIGURES)
        if self._server:
            self._server.start()

    def take(self, status: Status) -> None:
        """Take what goes on."""
        self._last = status
        self._write(status.get(name) for name in FIGURES)

    def stop(self) -> None:
        """Open the page no more."""
        if self._server:
            self._server.stop(timeout=0)

    def _write(self, row: Iterable[Any]) -> None:
        if not self._has_room:
            return
        try:
            with self._file.open("a", newline="", encoding="utf-8") as file:
                csv.writer(file).writerow(row)
        except OSError:  # the samples will say so
            self._has_room = False

    def _answer(self, _: Mapping[str, Any], start: Callable[[str, list[tuple[str, str]]], Any]) -> list[bytes]:
        start("200 OK", [("Content-Type", TYPE)])
        return [prometheus(self._last).encode()]


class Pace:
    """How many events and bytes come each second: of what was reported in the last ``LATELY_S``."""

    def __init__(self) -> None:
        self._lately: deque[tuple[float, float, float]] = deque()  # when (ms), events, bytes

    def take(self, rows: Floats) -> None:
        """Take rows of samples (see ``samples.matrix``)."""
        chosen = rows[np.isin(rows[:, 1], (EVENTS, BYTES))]
        for at_ms, kind, _, count, *_ in chosen.tolist():
            self._lately.append((at_ms, count * (kind == EVENTS), count * (kind == BYTES)))
        while self._lately and self._lately[0][0] < self._lately[-1][0] - 1e3 * LATELY_S:
            self._lately.popleft()

    def per_second(self) -> dict[str, float | None]:
        """Return the two as figures of a status, None before there are two reports."""
        span_s = (self._lately[-1][0] - self._lately[0][0]) / 1e3 if self._lately else 0.0
        begun = self._lately[0][0] if self._lately else 0.0  # what was reported then came before
        sums = [sum(one[part] for one in self._lately if one[0] > begun) for part in (1, 2)]
        rates = [round(whole / span_s, 1) if span_s else None for whole in sums]
        return {"events_per_s": rates[0], "bytes_per_s": rates[1]}


def prometheus(status: Status) -> str:
    """Return a status as Prometheus reads it."""
    known = ((name, text, status.get(name)) for name, text in FIGURES.items())
    lines = (
        f"# HELP ssegauge_{name} {text}\n# TYPE ssegauge_{name} gauge\nssegauge_{name} {value}\n"
        for name, text, value in known
        if value is not None
    )
    return "".join(lines)
