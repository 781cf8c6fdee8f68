"""How many events and bytes came each second, out of what processes reported now and then. Pure.

A report holds what came since the one before, so its count belongs to all of that time: counts are added up, and read
off at whole seconds, between reports as if they had come evenly.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ssegauge.loadtests.measuring import samples
from ssegauge.loadtests.measuring.event_types import Label
from ssegauge.loadtests.measuring.samples import BYTES, EVENTS, OPEN, Floats

MOST_TYPES = 30
OTHER = Label("other")


def document(run_folder: Path) -> dict[str, Any] | None:
    """Return load.json's ``throughput``; None where nothing came."""
    at = {kind: samples.read(run_folder, kind, "at_ms", "value") for kind in (EVENTS, BYTES)}
    when, step = samples.read(run_folder, OPEN, "at_ms", "value")
    until_ms = float(when[step < 0].max()) if (step < 0).any() else np.inf  # nothing came after the last stream's end
    events, size = (float(at[kind][1].sum()) for kind in (EVENTS, BYTES))
    if not events:
        return None
    rates = {
        name: _spread(per_second(np.minimum(at[kind][0], until_ms), at[kind][1]))
        for name, kind in (("events_per_s", EVENTS), ("bytes_per_s", BYTES))
    }
    return {"events": int(events), "bytes": int(size)} | rates


def per_second(at_ms: Floats, counts: Floats) -> Floats:
    """Return how many came in each whole second, from the first in which any came to the last; at least one."""
    order = np.argsort(at_ms, kind="stable")
    when, total = at_ms[order] / 1e3, np.cumsum(counts[order])
    came = np.flatnonzero(counts[order])
    if not came.size:
        return np.zeros(1)
    first, last = when[max(0, came[0] - 1)], when[came[-1]]
    edges = np.arange(np.floor(first), np.ceil(last) + 1)
    rates = np.diff(np.interp(edges, when, total, left=0.0))
    whole = rates[1:-1] if rates.size > 2 else rates  # seconds that had an end and a beginning
    found: Floats = whole
    return found


def types(run_folder: Path, counts: Mapping[Label, tuple[int, int]], kind: int) -> list[dict[str, Any]] | None:
    """Return load.json's ``types``: the most frequent by their labels, the others together; None for no events.

    Their latency is that of samples of ``kind``.
    """
    timed = {Label(*names): values for *names, values in samples.read_types(run_folder, kind)}
    shown = [label for label in counts if label != OTHER][:MOST_TYPES]
    rest = [label for label in counts if label not in shown]
    rows = [_row(label, [counts[label]], [timed.get(label, _NONE)]) for label in shown]
    if rest:
        rows.append(_row(OTHER, [counts[label] for label in rest], [timed.get(label, _NONE) for label in rest]))
    return rows or None


def _row(label: Label, counts: list[tuple[int, int]], timed: list[Floats]) -> dict[str, Any]:
    values = np.concatenate(timed)
    numbers = {"events": sum(events for events, _ in counts), "bytes": sum(size for _, size in counts)}
    return label._asdict() | numbers | {"latency_ms": samples.percentiles(values) if values.size else None}


def _spread(rates: Floats) -> dict[str, float]:
    found = {"mean": rates.mean(), "p50": np.median(rates), "max": rates.max()}
    return {name: round(float(value), 2) for name, value in found.items()}


_NONE: Floats = np.empty(0)
