"""The same requests in Locust's own statistics, CSV files and web UI, under understandable names.

Locust's per-request event costs more than all the rest of an event's way through the generator, so samples
are handed over once a second, as entries that Locust itself adds up.
"""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from typing import Any, Final

import numpy as np
from locust import stats as locust_stats
from locust.stats import RequestStats, StatsEntry

from ssegauge.loadtests.measuring.samples import CONNECT, EXISTING, FIRST_EVENT, GAP, UPDATE, Floats

NAMES: Final = {
    CONNECT: ("SSE", "SSE connect"),
    FIRST_EVENT: ("SSE", "SSE first event"),
    UPDATE: ("SSE", "SSE update"),
    GAP: ("SSE", "SSE gap"),
}
FAILURES: Final = {"failures": "SSE connect", "drops": "SSE stream"}
LOOKED_AT_S: Final = 30  # what Locust calls the current requests per second are those of the last 12 s


class Statistics:
    """Locust's statistics of a process; ``existing`` is the method and path of the old endpoint."""

    def __init__(self, stats: RequestStats, existing: str = "") -> None:
        self._stats, self._existing = stats, existing
        self._before: dict[str, Counter[str]] = {kind: Counter() for kind in FAILURES}

    def take(self, rows: Floats) -> None:
        """Add rows of samples (see ``samples.matrix``)."""
        at_s, kinds, values, phases = rows[:, 0] // 1000, rows[:, 1], rows[:, 3], rows[:, 5].astype(int)
        for kind, (method, name) in NAMES.items():
            chosen = kinds == kind
            _add(self._stats, method, name, values[chosen], at_s[chosen])
        for odd, name in ((1, "without"), (0, "with")):
            chosen = (kinds == EXISTING) & (phases > 0) & (phases % 2 == odd)
            shown = f"existing {self._existing} ({name} streams)"
            _add(self._stats, "existing", shown, values[chosen], at_s[chosen])

    def take_replies(self, replies: Iterable[tuple[str, float, str]]) -> None:
        """Add the hooks' requests: name, ms, failure or an empty string."""
        times: dict[str, list[float]] = defaultdict(list)
        for name, ms, failure in replies:
            shown = "POST update" if name == "update" else name
            times[shown].append(ms)
            if failure:
                self._stats.log_error("hook", shown, failure)
        for name, values in times.items():
            _add(self._stats, "hook", name, np.array(values), np.full(len(values), time.time()))

    def take_failures(self, counts: Mapping[str, Any]) -> None:
        """Add the failures, counted by reason, that came since the last call."""
        for kind, name in FAILURES.items():
            now = Counter(counts[kind])
            for reason, count in (now - self._before[kind]).items():
                for _ in range(count):
                    self._stats.log_error("SSE", name, reason)
            self._before[kind] = now


def _add(stats: RequestStats, method: str, name: str, values: Floats, at_s: Floats) -> None:
    if not values.size:
        return
    for kept in (stats.entries[(name, method)], stats.total):
        kept.extend(_entry(stats, method, name, values, at_s))
        for second in [second for second in kept.num_reqs_per_sec if second < at_s.max() - LOOKED_AT_S]:
            del kept.num_reqs_per_sec[second]  # a run of days would keep each of its seconds


def _entry(stats: RequestStats, method: str, name: str, values: Floats, at_s: Floats) -> StatsEntry:
    values = np.maximum(values, 0.0)
    entry = StatsEntry(stats, name, method)
    entry.num_requests = values.size
    entry.total_response_time = float(values.sum())  # type: ignore[assignment] # Locust adds floats to its "int"
    entry.min_response_time = float(values.min())  # type: ignore[assignment] # the same
    entry.max_response_time = float(values.max())  # type: ignore[assignment] # the same
    for ms, count in zip(*np.unique(values.round(), return_counts=True), strict=True):
        entry.response_times[locust_stats.bucket_response_time(float(ms))] += int(count)
    for second, count in zip(*np.unique(at_s, return_counts=True), strict=True):
        entry.num_reqs_per_sec[int(second)] += int(count)
    entry.last_request_timestamp = float(at_s.max())
    return entry
