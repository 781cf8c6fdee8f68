"""The most streams that a server holds within every objective: probe upward, then bisect.

``search`` is pure but for ``probe``, which runs one load of so many users and returns load.json's document.
The answer is an interval, because a limit is never a sharp number: ``low`` streams passed, ``high`` did not.
What a saturated generator cannot judge bounds the search like a failure, but says so: then the server's limit
is somewhere above ``low``, and the generator was in the way.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

RESOLUTION: Final = 1.15  # of high over low, below which the search ends
FOREMOST: Final = ("update", "first_token", "gap", "first_event", "connect")  # what a run is about
Document = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Capacity:
    """``low`` streams passed (0: not even the first probe); ``high`` did not (None: nothing broke up to the most)."""

    low: int
    high: int | None
    broke: str = ""  # what broke first, at ``high``
    by_generator: bool = False


def search(probe: Callable[[int], Document], start: int, most: int) -> Capacity:
    """Return the capacity between 1 and ``most`` streams, doubling from ``start``."""
    low, high, broken = 0, min(start, most), None
    while (document := probe(high))["verdict"] == "pass":
        low = high
        if low == most:
            return Capacity(low, None)
        high = min(2 * high, most)
    broken = document
    while high > 1 and high > RESOLUTION * low and (middle := (low + high) // 2) not in {low, high}:
        if (document := probe(middle))["verdict"] == "pass":
            low = middle
        else:
            high, broken = middle, document
    return Capacity(low, high, what_broke(broken), bool(broken["generator"]["saturated"]))


def what_broke(document: Document) -> str:
    """Return in words what a run that did not pass broke first."""
    if document["generator"]["saturated"]:
        return str(document["generator"]["note"])
    bad = [item for item in document["objectives"] if item["verdict"] != "pass"]
    failed = [item for item in bad if item["verdict"] == "fail"] or bad
    return "; ".join(_told(item) for item in failed) or str(document["generator"].get("note", "nothing was judged"))


def probes(runs: Mapping[int, Document]) -> list[dict[str, Any]]:
    """Return load.json's ``probes``: the latency of each run, by its streams."""
    return [_probe(users, runs[users]) for users in sorted(runs)]


def _probe(users: int, document: Document) -> dict[str, Any]:
    measured = {name: found for name, found in document["latency_ms"].items() if found["samples"]}
    kind = next((name for name in FOREMOST if name in measured), None)
    found = measured.get(kind, {})
    return {"streams": users, "verdict": document["verdict"], "kind": kind} | {
        part: found.get(part) for part in ("p50", "p95", "p99")
    }


def objective(found: Capacity, concurrent: int) -> dict[str, Any]:
    """Return the capacity as one more objective of load.json: at least ``concurrent`` streams."""
    if found.low >= concurrent:
        verdict = "pass"
    else:
        verdict = "could_not_judge" if found.high is None or found.by_generator else "fail"
    who = "the generator was the limit" if found.by_generator else "broke first"
    note = f"nothing broke up to {found.low}" if found.high is None else f"at {found.high} streams {who}: {found.broke}"
    interval = {} if found.high is None else {"interval": [found.low, found.high]}
    values = {"rule": "performance/capacity", "limit": concurrent, "value": found.low, "unit": "streams"}
    rest = {"statistic": "most streams within every objective", "samples": found.low, "verdict": verdict, "note": note}
    return values | rest | interval


def _told(item: Mapping[str, Any]) -> str:
    name = item["rule"].rpartition("/")[2]
    limit = f"{item['limit']:g}"
    if item["value"] is None:
        return f"{name} (nothing measured, limit {limit})"
    short = f"{item['value']:g}"
    value = f"{item['value']:.12g}" if short == limit else short
    return f"{name} ({value} {item['unit']}, limit {limit})"
