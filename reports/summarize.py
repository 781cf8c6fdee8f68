"""Samples -> the figures of a report. Pure functions of data frames; nothing is rounded here.

Percentiles come from the raw samples, by linear interpolation between the closest ranks (NumPy's
default), and always stand beside the number of samples they rest on. Series over time are aggregated to
at most `MOST_POINTS` bins of whole seconds, so that a chart's size does not grow with the run. Times are
ms, except `at_s`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from ssegauge.reports.values import NOTHING, Percentiles

Values = npt.NDArray[np.floating[Any]]
LATENCIES = (
    *("connect", "first_event", "first_token", "update", "gap", "token_gap", "time_per_token", "duration", "existing"),
)
QUANTILES = {"p50": 0.50, "p90": 0.90, "p95": 0.95, "p99": 0.99, "max": 1.0}
ENOUGH_FOR_P999 = 5000  # five beyond it
MOST_POINTS = 600
MOST_LEVELS = 100
# Evenly spaced in the body, dense towards the end: the tail is what one looks for.
ECDF_GRID = np.unique(np.concatenate([np.linspace(0, 0.99, 199), 1 - np.geomspace(0.01, 1e-5, 60), [1.0]]))


def percentiles(values: Values) -> Percentiles:
    """Return the percentiles of raw values; NaN values count as not measured."""
    known = np.asarray(values)[~np.isnan(values)]
    if not known.size:
        return NOTHING
    found = np.percentile(known, [100 * quantile for quantile in QUANTILES.values()])
    p999 = float(np.percentile(known, 99.9)) if known.size >= ENOUGH_FOR_P999 else float("nan")
    return replace(Percentiles(int(known.size), *found.tolist()), p999=p999)


def latency_table(frame: pd.DataFrame) -> dict[str, Percentiles]:
    """Return percentiles per kind of latency that has samples, in the order of `LATENCIES`."""
    by_kind = {kind: frame.loc[frame["kind"] == kind, "value"].to_numpy() for kind in LATENCIES}
    return {kind: percentiles(values) for kind, values in by_kind.items() if values.size}


def over_time(frame: pd.DataFrame, column: str = "value") -> pd.DataFrame:
    """Return p50, p95, p99, the most and the count of a column per bin of time.

    A bin is a whole number of seconds, one where the span allows: from `at_s`, `width_s` wide.
    A bin without samples has no row: a line through it would claim a measurement.
    """
    at_s, width = _bins(frame["at_ms"].to_numpy())
    values = pd.Series(frame[column].to_numpy(), copy=False)
    groups = values.groupby(at_s)
    table: pd.DataFrame = groups.quantile(np.array([0.5, 0.95, 0.99])).unstack()
    table.columns = pd.Index(["p50", "p95", "p99"])
    return table.assign(max=groups.max(), samples=groups.count(), width_s=width).rename_axis("at_s").reset_index()


def rate(series: pd.DataFrame) -> pd.DataFrame:
    """Return how many samples came each second, from the bins of `over_time`: at_s, per_s; 0 where none came.

    The last bin is left out where others are: it may not have lasted.
    """
    width = int(series["width_s"].iloc[0])
    bins = np.arange(series["at_s"].iloc[0], series["at_s"].iloc[-1] + width / 2, width)
    counted = series.set_index("at_s")["samples"].reindex(bins, fill_value=0)
    whole = counted.iloc[:-1] if len(counted) > 1 else counted
    return (whole / width).rename("per_s").rename_axis("at_s").reset_index()


def open_streams(frame: pd.DataFrame) -> pd.DataFrame:
    """Return how many streams were `open` from each moment `at_s` on, to be drawn as steps.

    Takes the samples of kind "open", at least one. Of each of at most `MOST_POINTS` bins the first, lowest,
    highest and last count are kept at their own times (as M4 aggregation does): no rise or fall is lost.
    """
    ordered = frame.sort_values("at_ms", kind="stable")
    at_ms, streams = ordered["at_ms"].to_numpy(), ordered["value"].cumsum().reset_index(drop=True)
    bins = pd.Series(np.floor((at_ms - at_ms[0]) / max(np.ptp(at_ms), 1.0) * MOST_POINTS))
    groups = streams.groupby(bins)
    kept = np.unique([*groups.head(1).index, *groups.idxmin(), *groups.idxmax(), *groups.tail(1).index])
    return pd.DataFrame({"at_s": at_ms[kept] / 1000, "open": streams.to_numpy()[kept].astype(int)})


def by_concurrency(frame: pd.DataFrame, kind: str) -> pd.DataFrame:
    """Return p50, p95 and the count of a kind by how many requests were `under_way` when theirs began, itself included.

    A request began its connect time before its head came, and was over when its stream was closed. At most
    `MOST_LEVELS` numbers are told apart; more are put together, under the least of each group.
    """
    opened = frame[frame["kind"] == "connect"]
    begun = np.sort((opened["at_ms"] - opened["value"]).to_numpy())
    over = np.sort(frame.loc[(frame["kind"] == "open") & (frame["value"] < 0), "at_ms"].to_numpy())
    measured = frame[frame["kind"] == kind]
    when = (measured["at_ms"] - measured["value"]).to_numpy()
    # To the microsecond: the same moment was rounded twice.
    level = np.searchsorted(begun, when + 1e-3, "right") - np.searchsorted(over, when, "right")
    width = max(1, int(np.ceil(max(level, default=0) / MOST_LEVELS)))
    groups = pd.Series(measured["value"].to_numpy()).groupby(np.maximum(level, 1) // width * width)
    return (
        pd.DataFrame({"p50": groups.quantile(0.5), "p95": groups.quantile(0.95), "samples": groups.count()})
        .rename_axis("under_way")
        .reset_index()
    )


def ecdf(values: Values) -> pd.DataFrame:
    """Return the empirical distribution on `ECDF_GRID`: the `share` of samples at or below `ms`."""
    known = np.asarray(values)[~np.isnan(values)]
    return pd.DataFrame({"share": ECDF_GRID, "ms": np.quantile(known, ECDF_GRID)})


def by_phase(frame: pd.DataFrame, phases: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Return samples, median and p95 of the existing endpoint in each phase that has samples, in run order.

    Columns: name, streams (whether streams were open), start_s, end_s, samples, p50, p95.
    """
    existing = frame[frame["kind"] == "existing"]
    rows = [_phase_row(phase, existing) for phase in phases]
    return pd.DataFrame([row for row in rows if row["samples"]])


def with_and_without(frame: pd.DataFrame, phases: Sequence[Mapping[str, Any]]) -> dict[bool, Percentiles]:
    """Return the existing endpoint's percentiles over all phases without (False) and with streams (True)."""
    existing = frame[frame["kind"] == "existing"]
    found = {held: _of_phases(existing, phases, held) for held in (False, True)}
    return {held: percentiles(values) for held, values in found.items() if values.size}


def _of_phases(existing: pd.DataFrame, phases: Sequence[Mapping[str, Any]], held: bool) -> Values:
    names = [phase["name"] for phase in phases if phase["streams"] == held]
    values: Values = existing.loc[existing["phase"].isin(names), "value"].to_numpy()
    return values


def _phase_row(phase: Mapping[str, Any], existing: pd.DataFrame) -> dict[str, Any]:
    found = percentiles(existing.loc[existing["phase"] == phase["name"], "value"].to_numpy())
    facts = {key: phase[key] for key in ("name", "streams", "start_s", "end_s")}
    return facts | {"samples": found.samples, "p50": found.p50, "p95": found.p95}


def _bins(at_ms: Values) -> tuple[Values, int]:
    span = float(at_ms.max() - at_ms.min()) / 1000 if at_ms.size else 0.0
    width = max(1, int(np.ceil(span / MOST_POINTS)))
    return np.floor(at_ms / (1000 * width)) * width, width
