"""What each chart of a report shows, as its title: the finding, in figures that stand on the page too. Pure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ssegauge.reports import words
from ssegauge.reports.values import Chart, Percentiles


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
