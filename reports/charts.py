"""Charts of a report as data for uPlot: pure functions of the frames that `summarize` makes.

Every chart is drawn from aggregates (bins of seconds, quantiles), never from raw samples, so its size does not
grow with the run. How it is drawn, and in which colours, is left to the page (`charts.js`), which knows whether it is
light, dark or printed.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from ssegauge.reports import words

# Names of colours of the page, which are told apart by colour-blind readers on light and dark grounds.
QUANTILE_COLOURS = {"p50": "blue", "p95": "orange", "p99": "red"}
KIND_COLOURS = {
    "connect": "blue",
    "first_event": "green",
    "update": "red",
    "gap": "violet",
    "existing": "orange",
    "first_token": "red",
    "token_gap": "orange",
    "recover": "orange",
}
ERROR_COLOURS = {"failed": "red", "dropped": "orange", "refused": "violet"}
GAP_COLOURS = {"p50": "blue", "p99": "red", "max": "violet"}
LEVEL_COLOURS = {"p50": "blue", "p95": "orange"}
PHASE_COLOURS = {False: ("without streams", "blue"), True: ("with streams", "orange")}
TIME = "time since the run's start (s)"
Spec = dict[str, Any]
Phases = Sequence[Mapping[str, Any]]


def latency_over_time(series: pd.DataFrame, phases: Phases = ()) -> Spec:
    """Return p50, p95 and p99 (ms) per bin of time (see `summarize.over_time`)."""
    width = int(series["width_s"].iloc[0])
    gapped = _with_gaps(series, width)
    y = f"ms, in each {'second' if width == 1 else f'{width} s'}"
    lines = [_series(name, colour) for name, colour in QUANTILE_COLOURS.items()]
    table = [_numbers(gapped[name]) for name in ("at_s", *QUANTILE_COLOURS)]
    return _spec(TIME, y, lines, [table], shades=_shades(phases))


def gaps_over_time(series: pd.DataFrame, phases: Phases = ()) -> Spec:
    """Return p50, p99 and the longest gap (ms) per bin of time: the longest shows a single stream that stalls."""
    width = int(series["width_s"].iloc[0])
    gapped = _with_gaps(series, width)
    lines = [_series(name, colour) for name, colour in GAP_COLOURS.items()]
    table = [_numbers(gapped[name]) for name in ("at_s", *GAP_COLOURS)]
    return _spec(
        TIME, f"ms, in each {'second' if width == 1 else f'{width} s'}", lines, [table], shades=_shades(phases)
    )


def against_concurrency(levels: pd.DataFrame) -> Spec:
    """Return p50 and p95 (ms) by how many requests were under way (see `summarize.by_concurrency`)."""
    lines = [_series(name, colour, points=True) for name, colour in LEVEL_COLOURS.items()]
    table = [_numbers(levels[name]) for name in ("under_way", *LEVEL_COLOURS)]
    return _spec("requests under way", "ms", lines, [table])


def server(cpu: pd.DataFrame, memory: pd.DataFrame) -> Spec:
    """Return the server's CPU (percent of a core) and memory (MiB) over time, a sample a second each."""
    lines = [_series("CPU, % of a core", "orange"), _series("memory, MiB", "violet")]
    tables = [[_numbers(one["at_ms"] / 1000), _numbers(one["value"])] for one in (cpu, memory)]
    return _spec(TIME, "% of a core; MiB", lines, tables)


def speed(curve: pd.DataFrame) -> Spec:
    """Return the empirical distribution of tokens per second (see `summarize.ecdf`)."""
    shown = curve.drop_duplicates("ms", keep="last")
    tables = [[_numbers(shown["ms"]), _numbers(100 * shown["share"])]]
    return _spec("tokens per second of a stream", "% of streams", [_series("answers", "blue")], tables)


def per_second(series: pd.DataFrame, unit: str, phases: Phases = ()) -> Spec:
    """Return how much came each second (see `summarize.per_second`)."""
    table = [_numbers(series["at_s"]), _numbers(series["per_s"])]
    return _spec(TIME, unit, [_series("in a second", "green", step=True)], [table], shades=_shades(phases))


def errors(table: pd.DataFrame, names: Mapping[str, str]) -> Spec:
    """Return how many errors there were in each second, by kind (see `summarize.errors`)."""
    lines = [_series(name, ERROR_COLOURS[kind], step=True) for kind, name in names.items()]
    return _spec(TIME, "per second", lines, [[_numbers(table[name]) for name in ("at_s", *names)]])


def by_streams(levels: pd.DataFrame) -> Spec:
    """Return p50, p95 and p99 (ms) by how many streams were open (see `summarize.by_open_streams`)."""
    lines = [_series(name, colour, points=True) for name, colour in QUANTILE_COLOURS.items()]
    return _spec("open streams", "ms", lines, [[_numbers(levels[name]) for name in ("streams", *QUANTILE_COLOURS)]])


def herd(curves: Mapping[str, pd.DataFrame]) -> Spec:
    """Return how many streams were open after each cut, as step lines (see `summarize.after`)."""
    shades = ("blue", "orange", "green", "violet", "red", "soft")
    lines = [_series(name, colour, step=True) for name, colour in zip(curves, shades, strict=False)]
    tables = [[_numbers(curve["at_s"]), _numbers(curve["open"])] for curve in curves.values()]
    return _spec("seconds since the cut", "open streams", lines, tables)


def throughput(series: pd.DataFrame, phases: Phases = ()) -> Spec:
    """Return how many timed events came each second, as a step line (see `summarize.rate`)."""
    table = [_numbers(series["at_s"]), _numbers(series["per_s"])]
    return _spec(TIME, "per second", [_series("per second", "green", step=True)], [table], shades=_shades(phases))


def open_streams(series: pd.DataFrame, phases: Phases = (), wanted: pd.DataFrame | None = None) -> Spec:
    """Return how many streams were open, as a step line (see `summarize.open_streams`), and how many a shape wanted."""
    lines, tables = [_series("open streams", "blue", step=True)], [[_numbers(series["at_s"]), _numbers(series["open"])]]
    if wanted is not None:
        lines.append(_series("wanted", "orange"))
        tables.append([_numbers(wanted["at_s"]), _numbers(wanted["wanted"])])
    return _spec(TIME, "open streams", lines, tables, shades=_shades(phases))


def distribution(curves: Mapping[str, pd.DataFrame]) -> Spec:
    """Return the empirical distribution of each kind of latency (see `summarize.ecdf`), time logarithmic."""
    lines = [_series(words.kind(kind), KIND_COLOURS.get(kind, "blue")) for kind in curves]
    shown = [curve[curve["ms"] > 0].drop_duplicates("ms", keep="last") for curve in curves.values()]
    tables = [[_numbers(curve["ms"]), _numbers(100 * curve["share"])] for curve in shown]
    return _spec("ms, logarithmic", "% of samples", lines, tables, log=True)


def phase_medians(phases: pd.DataFrame) -> Spec:
    """Return the existing endpoint's median (ms) in each phase, with and without streams (see `summarize.by_phase`)."""
    parts = [phases[phases["streams"] == held] for held in PHASE_COLOURS]
    tables = [[_numbers((part["start_s"] + part["end_s"]) / 2), _numbers(part["p50"])] for part in parts]
    lines = [_series(name, colour, points=True) for name, colour in PHASE_COLOURS.values()]
    return _spec(TIME, "median, ms", lines, tables)


def _spec(x: str, y: str, series: list[Spec], tables: list[list[list[float | None]]], **more: Any) -> Spec:  # noqa: ANN401 - what a chart may have besides
    return {"x": x, "y": y, "series": series, "tables": tables, **more}


def _series(name: str, colour: str, **more: bool) -> Spec:
    return {"name": name, "colour": colour, **more}


def _numbers(column: "pd.Series[Any]") -> list[float | None]:
    """Return a column for JSON: six significant digits are more than a chart can show; None where there is none."""
    return [None if value != value else float(f"{value:.6g}") for value in column.tolist()]  # noqa: PLR0124 - NaN


def _with_gaps(series: pd.DataFrame, width: int) -> pd.DataFrame:
    """Put a row of NaN into each hole, so that the line breaks where nothing was measured."""
    holes = series.loc[series["at_s"].diff() > 1.5 * width, "at_s"] - width
    return pd.concat([series, pd.DataFrame({"at_s": holes})]).sort_values("at_s", kind="stable")


def _shades(phases: Phases) -> list[tuple[float, float]]:
    return [(phase["start_s"], phase["end_s"]) for phase in phases if phase["streams"]]
