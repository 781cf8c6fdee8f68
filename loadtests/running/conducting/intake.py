"""Samples on their way from nodes to disk: taken as they come, written each second, and what they say lately."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ssegauge.loadtests.measuring import samples
from ssegauge.loadtests.measuring.event_types import Merged
from ssegauge.loadtests.running.conducting.live import Pace


class Intake:
    """See the module. ``timed`` is the kind of sample that counts as latency; ``is_full``: there is no more room."""

    def __init__(self, out: Path, started_ms: float, timed: int) -> None:
        self._out, self._timed = out, timed
        self._parts = samples.Parts(out, started_ms)
        self._pending: list[bytes] = []
        self._types = Merged()
        self._pace = Pace()
        self._received = 0
        self._recent: samples.Floats = np.empty(0)
        self.is_full = False

    def take(self, node: str, report: Mapping[str, Any]) -> samples.Floats:
        """Take the samples of a node's report; return them."""
        return self.keep(self._types.take(node, report["types"], samples.matrix(report["rows"])))

    def keep(self, numbers: samples.Floats) -> samples.Floats:
        """Keep samples until they are written; return them."""
        self._pending.append(numbers.tobytes())
        self._pace.take(numbers)
        latencies = numbers[numbers[:, 1] == self._timed][:, 3]
        self._received += latencies.size
        self._recent = latencies if latencies.size else self._recent
        return numbers

    def write(self) -> str:
        """Write what was taken; return why there is no room for it, empty where there is. What was written is kept."""
        rows = b"".join(self._pending)
        self._pending.clear()
        if self.is_full:
            return ""
        try:
            self._parts.write(rows, self._types.labels)
        except OSError as error:
            self.is_full = True
            why = error.strerror or str(error)
            return f"{self._out}: {why}; what was measured before is kept. Make room, or choose another --out"
        return ""

    def merge(self) -> None:
        """Make one file of what was written."""
        self._parts.merge()

    def figures(self) -> dict[str, Any]:
        """Return what samples say lately, for a status."""
        recent = self._recent
        return {
            "received": self._received,
            **self._pace.per_second(),
            "p99_ms": round(float(np.percentile(recent, 99)), 2) if recent.size else None,
        }
