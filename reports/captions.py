"""What each chart of a report shows, as its title: the finding, in figures that stand on the page too. Pure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ssegauge.reports import words
from ssegauge.reports.values import Chart, Percentiles

if TYPE_CHECKING:
    import pandas as pd

    from ssegauge.reports.summarize import Values


@dataclass(frozen=True, slots=True)
class Told:
    """What the page's tables tell: percentiles by kind, `foremost` the kind that the run is about."""

    latencies: Mapping[str, Percentiles]
    delay: Percentiles
    existing: Mapping[bool, Percentiles]
    foremost: str | None


def title(chart: Chart, told: Told) -> str:
    """Return the finding of a chart as its title; the chart's own heading where there is nothing to say."""
    say = _SAY.get(chart.name)
    return (say(told) if say else "") or chart.heading


def from_few_to_many(kind: str, count: "pd.Series[Any]", p95_ms: "pd.Series[Any]", of: str) -> str:
    """Return how latency changes with the count of something, in ascending order of that: its ends."""
    few, many = (f"{_ms(p95_ms.iloc[end])} at {count.iloc[end]:,.0f}" for end in (0, -1))
    return f"{words.kind(kind).capitalize()}, p95: {f'{few}, {many}' if len(count) > 1 else few} {of}"


def of_server(cpu_percent: "pd.Series[Any]", memory_mib: "pd.Series[Any]") -> str:
    """Return what a server needed, of its samples in order of time."""
    first, last = (words.significant(round(float(memory_mib.iloc[end]), 2)) for end in (0, -1))
    most = f"at most {words.significant(round(float(cpu_percent.max()), 2))} % of a core, " if len(cpu_percent) else ""
    return f"The server took {most}{first} MiB of memory at first and {last} at last"


def of_speed(per_s: "Values") -> str:
    """Return how fast answers came, of the tokens per second of each."""
    slow, usual = (words.significant(float(speed)) for speed in np.percentile(per_s, (5, 50)))
    return f"Half of the answers came at {usual} tokens a second or faster, one in twenty at {slow} or slower"


def _latency(told: Told) -> str:
    if told.foremost is None:
        return ""
    found = told.latencies[told.foremost]
    return f"{words.kind(told.foremost).capitalize()}: half within {_ms(found.p50)}, 99 % within {_ms(found.p99)}"


def _distribution(told: Told) -> str:
    shown = {kind: found for kind, found in told.latencies.items() if kind != "existing"}
    slowest = max(shown, key=lambda kind: shown[kind].max, default="")
    return f"The slowest took {_ms(shown[slowest].max)}: {words.kind(slowest)}" if slowest else ""


def _gaps(told: Told) -> str:
    kind = next((kind for kind in ("token_gap", "gap") if kind in told.latencies), None)
    if kind is None:
        return ""
    found = told.latencies[kind]
    return f"The longest {words.kind(kind)}: {_ms(found.max)}, the usual one {_ms(found.p50)}"


def _delay(told: Told) -> str:
    return f"How late samples were read: 99 % within {_ms(told.delay.p99)}" if told.delay.samples else ""


def _phases(told: Told) -> str:
    if set(told.existing) != {False, True}:
        return ""
    without, held = (_ms(told.existing[streams].p50) for streams in (False, True))
    return f"Existing endpoint: median {without} without streams, {held} with"


def _ms(value: float) -> str:
    return words.quantity(value, "ms")


_SAY: dict[str, Callable[[Told], str]] = {
    "latency": _latency,
    "distribution": _distribution,
    "gaps": _gaps,
    "delay": _delay,
    "phases": _phases,
}
