"""The figures are those of the raw samples."""

import numpy as np
import pandas as pd
import pytest

from ssegauge.reports import summarize
from tests.reports import factory


def frame(at_ms: list[float], value: list[float], kind: str = "update") -> pd.DataFrame:
    return pd.DataFrame({"at_ms": at_ms, "kind": kind, "value": value, "delay_ms": np.nan, "phase": ""})


def test_percentiles_interpolate_between_the_closest_ranks() -> None:
    found = summarize.percentiles(np.array([4.0, 1.0, 3.0, 2.0]))
    assert (found.samples, found.p50, found.max) == (4, 2.5, 4.0)
    assert found.p99 == pytest.approx(3.97)


def test_values_that_were_not_measured_are_no_samples() -> None:
    assert summarize.percentiles(np.array([np.nan, 1.0])).samples == 1
    assert summarize.percentiles(np.array([np.nan])).samples == 0
    assert np.isnan(summarize.percentiles(np.array([])).p99)


def test_the_latency_table_has_the_kinds_that_were_measured() -> None:
    table = summarize.latency_table(factory.samples_frame())
    assert list(table) == ["connect", "first_event", "update", "existing"]
    assert table["update"].samples == 3000


def test_latency_over_time_is_per_second() -> None:
    table = summarize.over_time(frame([0, 500, 999.9, 1000, 3000], [1, 2, 3, 10, 20]))
    assert table["at_s"].tolist() == [0, 1, 3]
    assert table["p50"].tolist() == [2, 10, 20]
    assert table["samples"].tolist() == [3, 1, 1]
    assert table["width_s"].unique().tolist() == [1]


def test_a_long_run_has_no_more_points_than_a_chart_can_show() -> None:
    hours = 10 * 3600
    table = summarize.over_time(frame(list(np.arange(hours) * 1000.0), [1.0] * hours))
    assert len(table) <= summarize.MOST_POINTS
    assert table["samples"].sum() == hours
    assert np.diff(table["at_s"]).tolist() == [60.0] * (len(table) - 1)


def test_open_streams_are_counted_exactly_when_few() -> None:
    opened = frame([0, 10, 5000, 5001, 9000], [1, 1, -1, -1, 1], "open")
    table = summarize.open_streams(opened.sample(frac=1, random_state=1))
    assert table["at_s"].tolist() == [0, 0.01, 5, 5.001, 9]
    assert table["open"].tolist() == [1, 2, 1, 0, 1]


def test_a_short_dip_of_open_streams_outlives_the_aggregation() -> None:
    ups = np.concatenate([np.arange(50_000) * 0.2, [20_000.0], 20_010 + np.arange(49_999) * 0.2, [20_005.0]])
    values = np.concatenate([np.ones(50_000), [-50_000.0], np.ones(49_999), [1.0]])
    table = summarize.open_streams(frame(list(ups), list(values), "open"))
    assert len(table) <= 4 * (summarize.MOST_POINTS + 1)
    assert table["open"].max() == 50_000
    assert table.loc[table["at_s"].between(19.9, 20.001), "open"].min() == 0


def test_the_distribution_rises_from_the_least_to_the_most() -> None:
    values = np.random.default_rng(1).lognormal(size=10_000)
    curve = summarize.ecdf(values)
    assert curve["ms"].iloc[[0, -1]].tolist() == [values.min(), values.max()]
    assert curve["ms"].is_monotonic_increasing
    near = curve.iloc[(curve["share"] - 0.999).abs().argmin()]
    assert np.mean(values <= near["ms"]) == pytest.approx(near["share"], abs=1e-3)


def test_phases_are_told_apart_by_name_in_run_order() -> None:
    samples = frame([1, 2, 3], [10, 20, 30], "existing").assign(phase=["streams-1", "idle-1", "streams-1"])
    table = summarize.by_phase(samples, factory.PHASES)
    assert table["name"].tolist() == ["idle-1", "streams-1"]
    assert table["p50"].tolist() == [20, 20]
    assert table["samples"].tolist() == [1, 2]


def test_phases_with_and_without_streams_are_pooled() -> None:
    samples = frame([1, 2, 3, 4], [10, 20, 30, 99], "existing")
    samples = samples.assign(phase=["streams-1", "idle-1", "streams-2", "ramp"])
    pooled = summarize.with_and_without(samples, factory.PHASES)
    assert {held: (found.samples, found.p50) for held, found in pooled.items()} == {False: (1, 20), True: (2, 20)}


def test_first_tokens_are_told_apart_by_how_many_requests_were_under_way() -> None:
    """Three requests: the first alone, the second while it runs, the third when the first is over."""
    rows = [
        (0, 10.0, "connect", 10.0),
        (0, 100.0, "first_token", 100.0),
        (1, 60.0, "connect", 10.0),
        (1, 250.0, "first_token", 200.0),
        (0, 300.0, "open", -1.0),
        (2, 410.0, "connect", 10.0),
        (2, 700.0, "first_token", 300.0),
    ]
    frame = pd.DataFrame([row[1:] for row in rows], columns=["at_ms", "kind", "value"])
    found = summarize.by_concurrency(frame, "first_token")
    assert found.to_dict("list") == {
        "under_way": [1, 2],
        "p50": [100.0, 250.0],
        "p95": [100.0, 295.0],
        "samples": [1, 2],
    }


def test_the_rate_counts_what_came_each_second_and_leaves_out_the_last() -> None:
    frame = pd.DataFrame({"at_ms": [100.0, 200.0, 2100.0, 3100.0], "value": 1.0})
    found = summarize.rate(summarize.over_time(frame))
    assert dict(zip(found["at_s"], found["per_s"], strict=True)) == {0.0: 2.0, 1.0: 0.0, 2.0: 1.0}


def test_a_percentile_beyond_the_samples_is_not_told() -> None:
    assert not summarize.percentiles(np.arange(4999.0)).is_far
    assert summarize.percentiles(np.arange(10_001.0)).p999 == pytest.approx(9990.0)
