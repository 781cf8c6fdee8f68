"""What a report says of the samples: one pass over the frame gives every table and chart. Pure."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pandas as pd

from ssegauge.reports import captions, charts, strain, summarize, words
from ssegauge.reports.folder import Document
from ssegauge.reports.frames import Samples
from ssegauge.reports.summarize import of_kind as _of
from ssegauge.reports.values import Chart, Figures

# The latency a run is about, the first that was measured.
FOREMOST = ("update", "first_token", "gap", "first_event", "connect", "existing")
ORDER = (
    *("latency", "distribution", "gaps", "concurrency", "speed", "streams", "open", "herd", "events", "bytes"),
    *("errors", "phases", "server", "delay"),
)
SPREAD = ("connect", "first_event", "first_token", "update", "gap", "token_gap")


def compute(samples: Samples, load: Document | None) -> Figures:
    """Return the figures of a run; tables and charts without samples are left out."""
    frame = samples.frame
    phases = load["phases"] if load else []
    by_phase = summarize.by_phase(frame, phases)
    drawn = [chart for draw in _CHARTS if (chart := draw(frame, phases, by_phase))]
    drawn = [*_in_order([*drawn, *strain.drawn(frame, load), *_opened(frame, phases, load)])]
    if not any(chart.name == "events" for chart in drawn) and (timed := _rate_chart(frame, phases, by_phase)):
        drawn.append(timed)
    latencies, delay = summarize.latency_table(frame), summarize.percentiles(frame["delay_ms"].to_numpy())
    existing = summarize.with_and_without(frame, phases)
    foremost = next((kind for kind in FOREMOST if kind in latencies), None)
    told = captions.Told(latencies, delay, existing, foremost)
    return Figures(
        latencies=latencies,
        delay=delay,
        existing=existing,
        charts=[replace(one, heading=captions.title(one, told)) for one in drawn],
        samples=len(frame),
        parts=samples.parts,
        unreadable=samples.unreadable,
    )


Draw = Callable[[pd.DataFrame, Sequence[Mapping[str, Any]], pd.DataFrame], Chart | None]


def _rate_chart(frame: pd.DataFrame, phases: Sequence[Mapping[str, Any]], _: pd.DataFrame) -> Chart | None:
    kind = next((kind for kind in ("update", "gap") if (frame["kind"] == kind).any()), None)
    if kind is None:
        return None
    series = summarize.rate(summarize.over_time(_of(frame, kind)))
    usual, most = float(series["per_s"].median()), float(series["per_s"].max())
    told = (usual, "in the usual second") if usual else (most, "at most")
    heading = f"{words.quantity(told[0], 'timed events a second')} {told[1]}"
    caption = "How many events came that are timed, over all streams."
    return Chart("rate", heading, caption, json.dumps(charts.throughput(series, phases)))


def _latency_chart(frame: pd.DataFrame, phases: Sequence[Mapping[str, Any]], _: pd.DataFrame) -> Chart | None:
    kind = next((kind for kind in FOREMOST if (frame["kind"] == kind).any()), None)
    if kind is None:
        return None
    figure = charts.latency_over_time(summarize.over_time(_of(frame, kind)), phases)
    heading = f"Latency over time: {words.kind(kind)}"
    return Chart(
        "latency",
        heading,
        "Percentiles of the samples that arrived in each bin; shaded: streams open.",
        json.dumps(figure),
    )


def _distribution_chart(frame: pd.DataFrame, *_: object) -> Chart | None:
    values = ((kind, _of(frame, kind, ("value",))["value"].to_numpy()) for kind in SPREAD)
    curves = {kind: summarize.ecdf(measured) for kind, measured in values if measured.size}
    if not curves:
        return None
    caption = "Read upwards: the share of samples that took at most so long."
    return Chart("distribution", "Latency distribution", caption, json.dumps(charts.distribution(curves)))


def _gap_chart(frame: pd.DataFrame, phases: Sequence[Mapping[str, Any]], _: pd.DataFrame) -> Chart | None:
    kind = next((kind for kind in ("token_gap", "gap") if (frame["kind"] == kind).any()), None)
    if kind is None:
        return None
    figure = charts.gaps_over_time(summarize.over_time(_of(frame, kind)), phases)
    caption = "A gap stands where it ended; the longest of each bin shows a single stream that stalled."
    return Chart("gaps", f"{words.kind(kind).capitalize()} over time", caption, json.dumps(figure))


def _concurrency_chart(frame: pd.DataFrame, *_: object) -> Chart | None:
    """Of answers to requests alone: any other stream is opened once."""
    answered = (frame["kind"] == "duration").any()
    kind = next((kind for kind in ("first_token", "first_event") if (frame["kind"] == kind).any()), None)
    if not answered or kind is None:
        return None
    levels = summarize.by_concurrency(frame, kind)
    figure = charts.against_concurrency(levels)
    heading = captions.from_few_to_many(kind, levels["under_way"], levels["p95"], "requests under way")
    caption = "Each point is all requests that began while so many were under way, itself included."
    return Chart("concurrency", heading, caption, json.dumps(figure))


def _server_chart(frame: pd.DataFrame, *_: object) -> Chart | None:
    cpu, memory = (_of(frame, kind).sort_values("at_ms") for kind in ("server_cpu", "server_memory"))
    if memory.empty:
        return None
    heading = captions.of_server(cpu["value"], memory["value"])
    caption = "The server's process and its children, as the system counts them."
    figure = charts.server(*(one.iloc[:: _every(frame)] for one in (cpu, memory)))
    return Chart("server", heading, caption, json.dumps(figure))


def _every(frame: pd.DataFrame) -> int:
    """Return which of the server's samples are drawn, so that a chart does not grow with the run."""
    return 1 + int((frame["kind"] == "server_memory").sum()) // summarize.MOST_POINTS


def _speed_chart(frame: pd.DataFrame, *_: object) -> Chart | None:
    speeds = _of(frame, "token_rate")["value"].to_numpy()
    if not speeds.size:
        return None
    caption = "Read upwards: the share of answers that came at most so fast, after their first token."
    figure = charts.speed(summarize.ecdf(speeds))
    return Chart("speed", captions.of_speed(speeds), caption, json.dumps(figure))


def _opened(frame: pd.DataFrame, phases: Sequence[Mapping[str, Any]], load: Document | None) -> Iterator[Chart]:
    opened = _of(frame, "open")
    if opened.empty:
        return
    series = summarize.open_streams(opened)
    shape = (load or {}).get("shape")
    figure = charts.open_streams(series, phases, summarize.wanted(shape) if shape else None)
    caption = "Streams open at once, as the generator saw them" + (", and how many the shape wanted." if shape else ".")
    yield Chart("open", f"At most {series['open'].max():,} streams were open at once", caption, json.dumps(figure))


def _in_order(drawn: Iterable[Chart]) -> Sequence[Chart]:
    """Return charts in the order in which a page shows them."""
    return sorted(drawn, key=lambda chart: ORDER.index(chart.name))


def _phase_chart(_: pd.DataFrame, __: object, by_phase: pd.DataFrame) -> Chart | None:
    if by_phase.empty:
        return None
    caption = "Each point is a phase; phases with and without open streams alternate."
    return Chart("phases", "Impact on the existing endpoint", caption, json.dumps(charts.phase_medians(by_phase)))


def _delay_chart(frame: pd.DataFrame, phases: Sequence[Mapping[str, Any]], _: pd.DataFrame) -> Chart | None:
    series = summarize.over_time(frame, "delay_ms")
    if not series["samples"].any():
        return None
    figure = charts.latency_over_time(series[series["samples"] > 0], phases)
    caption = "How late the generator itself read what had arrived; with kernel time stamps no part of the latencies."
    return Chart("delay", "How late samples were read", caption, json.dumps(figure))


_CHARTS: tuple[Draw, ...] = (
    *(_latency_chart, _distribution_chart, _gap_chart, _concurrency_chart, _speed_chart),
    *(_phase_chart, _server_chart, _delay_chart),
)
