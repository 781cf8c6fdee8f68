"""What grows while a run goes on, and how sure that is."""

from __future__ import annotations

import numpy as np
import pytest

from ssegauge.loadtests.judging.trend import slope_of

HOUR_MS = 3_600_000.0


def test_a_known_slope_is_found_through_noise_and_bursts() -> None:
    dice = np.random.default_rng(1)
    at = np.sort(dice.uniform(0, HOUR_MS / 2, 3000))
    values = 100 + 12 * at / HOUR_MS + dice.normal(0, 1, at.size)
    values[1000:1050] += 500  # a burst of a few seconds
    found = slope_of(at, values)
    assert found
    assert found.per_hour == pytest.approx(12, abs=1.0)
    assert found.low < 12 < found.high


def test_the_interval_holds_the_truth_in_nineteen_of_twenty_runs() -> None:
    dice = np.random.default_rng(2)
    at = np.linspace(0, HOUR_MS, 400)
    hits = 0
    for _ in range(200):
        found = slope_of(at, dice.normal(0, 1, at.size))
        assert found
        hits += found.low <= 0 <= found.high
    assert 180 <= hits <= 199


def test_what_was_short_or_seldom_seen_has_no_slope() -> None:
    at = np.linspace(0, 30_000, 300)
    assert slope_of(at, at) is None
    assert slope_of(np.array([0.0, HOUR_MS]), np.array([1.0, 2.0])) is None
    assert slope_of(np.empty(0), np.empty(0)) is None
