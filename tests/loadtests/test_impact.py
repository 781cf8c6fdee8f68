"""The ratio of an endpoint's times with and without streams, on made-up machines whose truth is known."""

from __future__ import annotations

import numpy as np
import pytest

from ssegauge.loadtests.judging import impact
from ssegauge.loadtests.judging.impact import ratio_of
from ssegauge.loadtests.measuring.samples import Floats


def phases(
    truth: float, *, pairs: int = 15, noise: float = 0.03, drift: float = 0.0, seed: int = 1
) -> dict[str, Floats]:
    """Ping times of a machine with a mood a phase, a drift over the run, and a skewed spread of single pings."""
    random = np.random.default_rng(seed)
    found = {}
    for number in range(1, pairs + 1):
        for name, factor, at in (("off", 1.0, 2 * number - 1), ("on", truth, 2 * number)):
            level = 0.3 * factor * np.exp(random.normal(0, noise) + drift * at / (2 * pairs))
            found[f"{name}-{number}"] = level * random.lognormal(0, 0.4, size=300)
    return found


@pytest.mark.parametrize("truth", [0.9, 1.0, 1.1, 1.5])
def test_the_ratio_is_found(truth: float) -> None:
    ratio = ratio_of(phases(truth))
    assert ratio
    assert ratio.low <= ratio.value <= ratio.high
    assert ratio.value == pytest.approx(truth, rel=0.03)


def test_a_drift_over_the_run_is_no_degradation() -> None:
    ratio = ratio_of(phases(1.0, drift=0.7))
    assert ratio
    assert ratio.value == pytest.approx(1.0, abs=0.03)


def test_a_phase_that_something_else_disturbed_changes_little() -> None:
    disturbed = phases(1.0)
    disturbed["on-4"] *= 20
    ratio = ratio_of(disturbed)
    assert ratio
    assert ratio.value == pytest.approx(1.0, abs=0.03)


def test_the_interval_holds_the_truth_about_as_often_as_it_says() -> None:
    """95 % are promised; with the few phases that a run has, a bootstrap keeps a little less."""
    held = [ratio for seed in range(200) if (ratio := ratio_of(phases(1.0, seed=seed)))]
    assert sum(ratio.low <= 1.0 <= ratio.high for ratio in held) >= 0.88 * 200


def test_no_degradation_is_hardly_ever_called_one_nor_a_large_one_none() -> None:
    none = [ratio_of(phases(1.0, seed=seed)) for seed in range(100)]
    large = [ratio_of(phases(1.15, seed=seed)) for seed in range(100)]
    assert not [ratio for ratio in none if ratio and ratio.low > 1.05]
    assert not [ratio for ratio in large if ratio and ratio.high < 1.05]


def test_the_same_samples_give_the_same_interval() -> None:
    assert ratio_of(phases(1.0)) == ratio_of(phases(1.0))


@pytest.mark.parametrize("pairs", [0, 1, impact.FEWEST_PAIRS - 1])
def test_few_phases_give_no_ratio(pairs: int) -> None:
    assert ratio_of(phases(1.0, pairs=pairs)) is None


def test_phases_with_few_pings_do_not_count() -> None:
    thin = {name: values[: impact.FEWEST_PINGS - 1] for name, values in phases(1.0).items()}
    assert ratio_of(thin) is None


def test_when_a_ratio_is_decided() -> None:
    limit = 0.05
    assert impact.is_decided(impact.Ratio(1.0, 0.97, 1.04, 9), limit)
    assert impact.is_decided(impact.Ratio(1.2, 1.06, 1.4, 9), limit)
    assert not impact.is_decided(impact.Ratio(1.0, 0.94, 1.06, 9), limit)
    assert not impact.is_decided(None, limit)
