"""Figures of a report as plotly figures: pure functions of the frames that `summarize` makes.

Every chart is drawn from aggregates (bins of seconds, quantiles), never from raw samples, so its size does not
grow with the run. Colours of text and grid are left to the page, which knows whether it is light or dark.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from ssegauge.reports import words

# Distinguishable by colour-blind readers and on light and dark grounds (after Okabe and Ito).
COLOURS = {"p50": "#2391cf", "p95": "#dd930f", "p99": "#dc5a36"}
KIND_COLOURS = {
    "connect": "#2391cf",
    "first_event": "#27a883",
    "update": "#dc5a36",
    "gap": "#9673d3",
    "existing": "#dd930f",
}
PHASE_MARKS = {False: ("without streams", COLOURS["p50"]), True: ("with streams", COLOURS["p95"])}
PHASE_FILL = "rgba(127, 127, 127, 0.10)"
LAYOUT: Mapping[str, Any] = {
    "template": None,
    "paper_bgcolor": "rgba(0,0,0,0)",
    "plot_bgcolor": "rgba(0,0,0,0)",
    "margin": {"l": 64, "r": 16, "t": 12, "b": 48},
    "height": 300,
    "hovermode": "x unified",
    "legend": {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
    "font": {"size": 12},
}


def latency_over_time(series: pd.DataFrame, phases: Sequence[Mapping[str, Any]] = ()) -> go.Figure:
    """Draw p50, p95 and p99 per bin of time (see `summarize.over_time`)."""
    width = int(series["width_s"].iloc[0])
    figure = _figure("time since the run's start (s)", f"ms, per {'second' if width == 1 else f'{width} s'}")
    gapped = _with_gaps(series, width)
    for name, colour in COLOURS.items():
        figure.add_scatter(x=gapped["at_s"], y=gapped[name], name=name, mode="lines", line=_line(colour))
    return _shade(figure, phases)


def open_streams(series: pd.DataFrame, phases: Sequence[Mapping[str, Any]] = ()) -> go.Figure:
    """Draw how many streams were open, as a step line (see `summarize.open_streams`)."""
    figure = _figure("time since the run's start (s)", "open streams")
    line = _line(COLOURS["p50"]) | {"shape": "hv"}
    figure.add_scatter(x=series["at_s"], y=series["open"], mode="lines", line=line, fill="tozeroy", showlegend=False)
    return _shade(figure, phases)


def distribution(curves: Mapping[str, pd.DataFrame]) -> go.Figure:
    """Draw the empirical distribution of each kind of latency (see `summarize.ecdf`), time logarithmic."""
    figure = _figure("ms, logarithmic", "share of samples")
    for kind, curve in curves.items():
        shown = curve[curve["ms"] > 0]
        figure.add_scatter(
            x=shown["ms"],
            y=shown["share"],
            name=words.kind(kind),
            mode="lines",
            line=_line(KIND_COLOURS.get(kind, "#777777")),
        )
    ticks = _decade_ticks(
        min(curve["ms"].min() for curve in curves.values()), max(curve["ms"].max() for curve in curves.values())
    )
    figure.update_xaxes(type="log", tickvals=ticks, ticktext=[words.significant(tick) for tick in ticks])
    figure.update_yaxes(tickformat=".0%", range=[0, 1.02])
    return figure.update_layout(hovermode="closest")


def phase_medians(phases: pd.DataFrame) -> go.Figure:
    """Draw the existing endpoint's median in each phase, with and without streams (see `summarize.by_phase`)."""
    figure = _figure("time since the run's start (s)", "median, ms")
    for held, (name, colour) in PHASE_MARKS.items():
        shown = phases[phases["streams"] == held]
        figure.add_scatter(
            x=(shown["start_s"] + shown["end_s"]) / 2,
            y=shown["p50"],
            name=name,
            mode="markers",
            marker={"color": colour, "size": 9},
        )
    figure.update_yaxes(rangemode="tozero")
    return figure


def _figure(x_title: str, y_title: str) -> go.Figure:
    figure = go.Figure(layout=dict(LAYOUT))
    figure.update_xaxes(title={"text": x_title}, zeroline=False, rangemode="tozero")
    return figure.update_yaxes(title={"text": y_title}, zeroline=False, rangemode="tozero")


def _line(colour: str) -> dict[str, Any]:
    return {"color": colour, "width": 1.8}


def _decade_ticks(low: float, high: float) -> list[float]:
    """Return 1, 2 and 5 times the powers of ten from below `low` to above `high`, at most some three decades."""
    first, last = (int(np.floor(np.log10(max(end, 1e-3)))) for end in (low, high))
    steps = (1, 2, 5) if last - first < 3 else (1,)
    return [step * 10.0**power for power in range(first, last + 2) for step in steps]


def _with_gaps(series: pd.DataFrame, width: int) -> pd.DataFrame:
    """Put a row of NaN into each hole, so that the line breaks where nothing was measured."""
    holes = series.loc[series["at_s"].diff() > 1.5 * width, "at_s"] - width
    return pd.concat([series, pd.DataFrame({"at_s": holes})]).sort_values("at_s", kind="stable")


def _shade(figure: go.Figure, phases: Sequence[Mapping[str, Any]]) -> go.Figure:
    for phase in phases:
        if phase["streams"]:
            figure.add_vrect(x0=phase["start_s"], x1=phase["end_s"], fillcolor=PHASE_FILL, line_width=0, layer="below")
    return figure
