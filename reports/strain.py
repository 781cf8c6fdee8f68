"""Charts of what a load run did over time: throughput, errors, latency by open streams, a shape, a herd.

Each function takes the samples and load.json's document, and returns None where there is nothing to draw.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pandas as pd

from ssegauge.reports import captions, charts, course, summarize, words
from ssegauge.reports.folder import Document
from ssegauge.reports.values import Chart

ERRORS = {"failed": "attempts that failed", "dropped": "streams dropped", "refused": "updates refused"}
FEWEST_LEVELS = 3  # of open streams, for a chart by them
LEAST_SHARE = 0.5  # of the most: where streams are all open nearly all the time, there is nothing to see
MOST_WAVES = 6
BY_STREAMS = ("update", "first_event", "gap", "connect")
NOTHING: Mapping[str, Any] = {}


def drawn(frame: pd.DataFrame, load: Document | None) -> Iterator[Chart]:
    """Yield the charts of a run."""
    known = load or NOTHING
    yield from filter(None, (draw(frame, known) for draw in _CHARTS))


def _events(frame: pd.DataFrame, load: Mapping[str, Any]) -> Chart | None:
    return _rate(frame, load, "events", "per second")


def _bytes(frame: pd.DataFrame, load: Mapping[str, Any]) -> Chart | None:
    return _rate(frame, load, "bytes", "kB per second")


def _rate(frame: pd.DataFrame, load: Mapping[str, Any], kind: str, unit: str) -> Chart | None:
    came = summarize.of_kind(frame, kind)
    if not came["value"].any():
        return None
    closed = frame.loc[(frame["kind"] == "open") & (frame["value"] < 0), "at_ms"]
    series = summarize.per_second(came, float(closed.max()) / 1000 if len(closed) else float("inf"))
    told = (load.get("throughput") or NOTHING).get(f"{kind}_per_s")
    usual = float(told["p50"] if told else series["per_s"].median())
    heading = {"events": words.quantity(usual, "events"), "bytes": course.size(usual)}[kind]
    scale = 1000 if kind == "bytes" else 1
    figure = charts.per_second(series.assign(per_s=series["per_s"] / scale), unit, load.get("phases") or ())
    caption = {
        "events": "All events that came, over all streams.",
        "bytes": "Of the streams, without HTTP's framing.",
    }
    return Chart(kind, f"{heading} a second in the usual second", caption[kind], json.dumps(figure))


def _errors(frame: pd.DataFrame, _: Mapping[str, Any]) -> Chart | None:
    wrong = {kind: summarize.of_kind(frame, kind) for kind in ERRORS}
    found = {kind: one for kind, one in wrong.items() if len(one)}
    if not found:
        return None
    told = ", ".join(f"{one['value'].sum():,.0f} {ERRORS[kind]}" for kind, one in found.items())
    table = summarize.errors(frame, found)
    figure = charts.errors(table, {kind: ERRORS[kind] for kind in found})
    return Chart("errors", f"Errors: {told}", "How many there were in each second.", json.dumps(figure))


def _by_streams(frame: pd.DataFrame, load: Mapping[str, Any]) -> Chart | None:
    if probes := load.get("probes"):
        return _by_probes(probes)
    opened = summarize.of_kind(frame, "open")
    kind = next((kind for kind in BY_STREAMS if (frame["kind"] == kind).any()), None)
    if kind is None or opened.empty or (frame["kind"] == "duration").any():
        return None
    levels = summarize.by_open_streams(opened, summarize.of_kind(frame, kind))
    if len(levels) < FEWEST_LEVELS or levels["streams"].min() > LEAST_SHARE * levels["streams"].max():
        return None
    heading = captions.from_few_to_many(kind, levels["streams"], levels["p95"], "streams")
    caption = "Each point is what arrived while so many streams were open."
    return Chart("streams", heading, caption, json.dumps(charts.by_streams(levels)))


def _by_probes(probes: list[Mapping[str, Any]]) -> Chart | None:
    levels = pd.DataFrame([one for one in probes if one["p50"] is not None])
    if len(levels) < FEWEST_LEVELS - 1:
        return None
    levels = levels.sort_values("streams")
    heading = captions.from_few_to_many(str(levels["kind"].iloc[0]), levels["streams"], levels["p95"], "streams")
    caption = "Each point is a whole run of the search of the limit."
    return Chart("streams", heading, caption, json.dumps(charts.by_streams(levels)))


def _herd(frame: pd.DataFrame, load: Mapping[str, Any]) -> Chart | None:
    waves = ((load.get("herd") or NOTHING).get("waves") or [])[:MOST_WAVES]
    opened = summarize.of_kind(frame, "open")
    if not waves or opened.empty:
        return None
    ends = [wave["at_s"] for wave in waves[1:]] + [float(opened["at_ms"].max()) / 1000]
    curves = {
        f"cut {number}": summarize.after(opened, wave["at_s"], end_s)
        for number, (wave, end_s) in enumerate(zip(waves, ends, strict=True), 1)
    }
    slowest = [wave["recover_s"] for wave in waves]
    told = "not all came back" if None in slowest else f"all were back within {words.quantity(max(slowest), 's')}"
    caption = "Streams open after each cut; what comes before the first rise is the time for which readers wait."
    return Chart("herd", f"After a cut {told}", caption, json.dumps(charts.herd(curves)))


_CHARTS: tuple[Callable[[pd.DataFrame, Mapping[str, Any]], Chart | None], ...] = (
    *(_by_streams, _herd, _events, _bytes, _errors),
)
