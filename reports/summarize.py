"""Samples -> the figures of a report. Pure functions of data frames; nothing is rounded here.

Percentiles come from the raw samples, by linear interpolation between the closest ranks (NumPy's
default), and always stand beside the number of samples they rest on. Series over time are aggregated to
at most `MOST_POINTS` bins of whole seconds, so that a chart's size does not grow with the run. Times are
ms, except `at_s`.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from ssegauge.reports.values import NOTHING, Percentiles

Values = npt.NDArray[np.floating[Any]]
LATENCIES = (
    *("connect", "first_event", "first_token", "update", "gap", "token_gap", "time_per_token", "duration", "existing"),
    "recover",
)
AT_ONCE = 1 << 20  # rows, where a whole column of what is between would be too much
SPREAD = {"p50": 0.5, "p95": 0.95, "p99": 0.99, "max": 1.0}
QUANTILES = {"p50": 0.50, "p90": 0.90, "p95": 0.95, "p99": 0.99, "max": 1.0}
ENOUGH_FOR_P999 = 5000  # five beyond it
MOST_POINTS = 600
MOST_LEVELS = 100
MOST_OPEN_LEVELS = MOST_LOOKED_FOR = 25
STEP_S = 0.01
ENOUGH_AT_A_LEVEL = 20
# Evenly spaced in the body, dense towards the end: the tail is what one looks for.
ECDF_GRID = np.unique(np.concatenate([np.linspace(0, 0.99, 199), 1 - np.geomspace(0.01, 1e-5, 60), [1.0]]))


def percentiles(values: Values) -> Percentiles:
    """Return the percentiles of raw values; NaN values count as not measured."""
    known = np.asarray(values)[~np.isnan(values)]
    if not known.size:
        return NOTHING
    shares = [*QUANTILES.values(), 0.999]
    *found, p999 = np.quantile(known, shares, overwrite_input=True).tolist()  # it is a copy, and may be half the memory
    return replace(Percentiles(int(known.size), *found), p999=p999 if known.size >= ENOUGH_FOR_P999 else float("nan"))


def of_kind(frame: pd.DataFrame, kind: str, columns: Sequence[str] = ("at_ms", "value")) -> pd.DataFrame:
    """Return the samples of a kind, of the columns that are asked for: millions of rows are not copied for nothing."""
    those = (frame["kind"] == kind).to_numpy()
    return pd.DataFrame({name: frame[name].to_numpy()[those] for name in columns}, copy=False)


def latency_table(frame: pd.DataFrame) -> dict[str, Percentiles]:
    """Return percentiles per kind of latency that has samples, in the order of `LATENCIES`."""
    by_kind = ((kind, of_kind(frame, kind, ("value",))["value"].to_numpy()) for kind in LATENCIES)
    return {kind: percentiles(values) for kind, values in by_kind if values.size}


def over_time(frame: pd.DataFrame, column: str = "value") -> pd.DataFrame:
    """Return p50, p95, p99, the most and the count of a column per bin of time.

    A bin is a whole number of seconds, one where the span allows: from `at_s`, `width_s` wide.
    A bin without samples has no row: a line through it would claim a measurement.
    """
    numbers, width = _bins(frame["at_ms"].to_numpy())
    table = quantiles_by(numbers, frame[column].to_numpy(), "at_s")
    return table.assign(at_s=table["at_s"] * float(width), width_s=width)


def quantiles_by(keys: npt.NDArray[np.int32], values: Values, name: str) -> pd.DataFrame:
    """Return p50, p95, p99, the most and the count of the values of each key, in order of the keys; NaN is no value.

    Columns: the name of the keys, p50, p95, p99, max, samples.
    """
    found, counts = np.unique(keys, return_counts=True)
    rows = [(int(key), *_spread(part)) for key, part in zip(found, _parts(keys, values, found, counts), strict=True)]
    return pd.DataFrame(rows, columns=[name, *SPREAD, "samples"])


def _parts(
    keys: npt.NDArray[np.int32], values: Values, found: npt.NDArray[np.int32], counts: npt.NDArray[np.int64]
) -> Iterator[Values]:
    """Yield the values of each key. To sort takes twice the memory of looking for each of a few."""
    if found.size <= MOST_LOOKED_FOR:
        yield from (values[keys == key] for key in found)
        return
    if np.any(keys[1:] < keys[:-1]):
        values = values[np.argsort(keys, kind="stable")]
    yield from np.split(values, np.cumsum(counts)[:-1])


def _spread(values: Values) -> tuple[float, ...]:
    known = values[~np.isnan(values)].astype(np.float64, copy=False)
    if not known.size:
        return (*([float("nan")] * len(SPREAD)), 0)
    return (*np.quantile(known, list(SPREAD.values()), overwrite_input=True).tolist(), known.size)


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


def per_second(frame: pd.DataFrame, until_s: float = np.inf) -> pd.DataFrame:
    """Return how much came each second: at_s, per_s, in at most `MOST_POINTS` bins of whole seconds.

    Takes the samples of one kind of count: what came since the sample before, so that it belongs to all of that time,
    but none of it came after `until_s`. The counts are added up and read off at whole seconds. The first and last bin
    are left out where there are others: they have not lasted.
    """
    ordered = frame.sort_values("at_ms", kind="stable")
    when = np.minimum(ordered["at_ms"].to_numpy() / 1000, until_s)
    total = ordered["value"].to_numpy().cumsum()
    width = max(1, int(np.ceil(np.ptp(when) / MOST_POINTS)))
    edges = np.arange(np.floor(when[0] / width) * width, when[-1] + width, width)
    rates = np.diff(np.interp(edges, when, total)) / width
    whole = slice(1, -1) if rates.size > 2 else slice(None)
    return pd.DataFrame({"at_s": edges[:-1][whole], "per_s": rates[whole]})


def errors(frame: pd.DataFrame, kinds: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Return how many errors of each kind there were each second of a run: at_s, and a column a kind."""
    span_s = float(frame["at_ms"].max()) / 1000
    width = max(1, int(np.ceil(span_s / MOST_POINTS)))
    edges = np.arange(0, span_s + width, width)
    counts = {
        kind: np.histogram(one["at_ms"] / 1000, edges, weights=one["value"])[0] / width for kind, one in kinds.items()
    }
    return pd.DataFrame({"at_s": edges[:-1], **counts})


def by_open_streams(opened: pd.DataFrame, measured: pd.DataFrame) -> pd.DataFrame:
    """Return p50, p95, p99 and the count of a kind of latency by how many `streams` were open when it arrived.

    At most `MOST_OPEN_LEVELS` numbers are told apart; more are put together, under the middle of each group. A group of
    fewer than `ENOUGH_AT_A_LEVEL` samples is left out.
    """
    ordered = opened.sort_values("at_ms", kind="stable")
    level = np.concatenate([[0.0], ordered["value"].cumsum().to_numpy()])
    moments, when = ordered["at_ms"].to_numpy(), measured["at_ms"].to_numpy()
    open_then = in_pieces(lambda piece: level[np.searchsorted(moments, piece, "right")], when)
    width = max(1, int(np.ceil(open_then.max(initial=0) / MOST_OPEN_LEVELS)))
    groups = in_pieces(lambda piece: np.ceil(np.maximum(piece, 1) / width), open_then)
    table = quantiles_by(groups, measured["value"].to_numpy(), "streams")
    table = table.assign(streams=table["streams"] * float(width))
    return table[table["samples"] >= ENOUGH_AT_A_LEVEL].reset_index(drop=True)


def after(opened: pd.DataFrame, from_s: float, until_s: float) -> pd.DataFrame:
    """Return how many streams were `open` from a moment on: at_s since then, at most some `MOST_POINTS` points."""
    series = open_streams(opened)
    return pd.DataFrame({"at_s": series["at_s"] - from_s, "open": series["open"]})[
        series["at_s"].between(from_s, until_s)
    ]


def wanted(shape: Mapping[str, Any]) -> pd.DataFrame:
    """Return how many streams a shape (of load.json) wanted: at_s since the run's start, wanted."""
    points = pd.DataFrame(shape["points"], columns=["at_s", "wanted"], dtype=float)
    is_step = points["at_s"].diff().shift(-1) == 0  # a chart has one value at a time, so the one before comes before
    return points.assign(at_s=points["at_s"] + shape["since_s"] - np.where(is_step, STEP_S, 0.0))


def by_concurrency(frame: pd.DataFrame, kind: str) -> pd.DataFrame:
    """Return p50, p95 and the count of a kind by how many requests were `under_way` when theirs began, itself included.

    A request began its connect time before its head came, and was over when its stream was closed. At most
    `MOST_LEVELS` numbers are told apart; more are put together, under the least of each group.
    """
    opened = of_kind(frame, "connect")
    begun = np.sort((opened["at_ms"] - opened["value"]).to_numpy())
    over = np.sort(frame.loc[(frame["kind"] == "open") & (frame["value"] < 0), "at_ms"].to_numpy())
    measured = of_kind(frame, kind)
    when = (measured["at_ms"] - measured["value"]).to_numpy()
    # To the microsecond: the same moment was rounded twice.
    level = np.searchsorted(begun, when + 1e-3, "right") - np.searchsorted(over, when, "right")
    width = max(1, int(np.ceil(max(level, default=0) / MOST_LEVELS)))
    levels = (np.maximum(level, 1) // width * width).astype(np.int32)
    return quantiles_by(levels, measured["value"].to_numpy(), "under_way")[["under_way", "p50", "p95", "samples"]]


def ecdf(values: Values) -> pd.DataFrame:
    """Return the empirical distribution on `ECDF_GRID`: the `share` of samples at or below `ms`."""
    known = np.asarray(values)[~np.isnan(values)]
    return pd.DataFrame({"share": ECDF_GRID, "ms": np.quantile(known, ECDF_GRID, overwrite_input=True)})


def by_phase(frame: pd.DataFrame, phases: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Return samples, median and p95 of the existing endpoint in each phase that has samples, in run order.

    Columns: name, streams (whether streams were open), start_s, end_s, samples, p50, p95.
    """
    existing = frame[frame["kind"] == "existing"]
    named = existing.groupby("phase", observed=True, sort=False)["value"]
    found = {name: percentiles(values.to_numpy()) for name, values in named}
    return pd.DataFrame([_phase_row(phase, found[phase["name"]]) for phase in phases if phase["name"] in found])


def with_and_without(frame: pd.DataFrame, phases: Sequence[Mapping[str, Any]]) -> dict[bool, Percentiles]:
    """Return the existing endpoint's percentiles over all phases without (False) and with streams (True)."""
    existing = frame[frame["kind"] == "existing"]
    found = {held: _of_phases(existing, phases, held) for held in (False, True)}
    return {held: percentiles(values) for held, values in found.items() if values.size}


def _of_phases(existing: pd.DataFrame, phases: Sequence[Mapping[str, Any]], held: bool) -> Values:
    names = [phase["name"] for phase in phases if phase["streams"] == held]
    values: Values = existing.loc[existing["phase"].isin(names), "value"].to_numpy()
    return values


def _phase_row(phase: Mapping[str, Any], found: Percentiles) -> dict[str, Any]:
    facts = {key: phase[key] for key in ("name", "streams", "start_s", "end_s")}
    return facts | {"samples": found.samples, "p50": found.p50, "p95": found.p95}


def _bins(at_ms: Values) -> tuple[npt.NDArray[np.int32], int]:
    """Return the number of each sample's bin since the run's start, and how wide bins are, in seconds."""
    span = float(at_ms.max() - at_ms.min()) / 1000 if at_ms.size else 0.0
    width = max(1, int(np.ceil(span / MOST_POINTS)))
    return in_pieces(lambda piece: np.floor(piece / (1000 * width)), at_ms), width


def in_pieces(numbered: Callable[[Values], Values], values: npt.NDArray[Any]) -> npt.NDArray[np.int32]:
    """Return whole numbers, one a value, with no more than a piece of what is between in memory."""
    numbers = np.empty(values.size, np.int32)
    for start in range(0, values.size, AT_ONCE):
        numbers[start : start + AT_ONCE] = numbered(values[start : start + AT_ONCE])
    return numbers
