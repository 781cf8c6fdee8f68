"""Several runs a side, compared: a figure a run, so that how much runs differ among themselves is seen. Pure.

The verdict rests on the exact two-sided Mann-Whitney test of the runs' figures, and on the interval of the ratio of
their medians, for which whole runs are drawn with replacement. With fewer than four runs a side no order of the figures
is rare enough (two-sided, 5 %), so nothing is told. No peer's runs are pooled: samples of one run are alike.
"""

from collections.abc import Iterator, Sequence
from itertools import combinations
from math import comb

import numpy as np
import pandas as pd

from ssegauge.reports.compare import (
    CONFIDENCE,
    DRAWS,
    QUANTILES,
    RESOLUTION_MS,
    Ratio,
    interval,
)
from ssegauge.reports.summarize import LATENCIES, Values

ALPHA = 1 - CONFIDENCE
FEWEST_RUNS = 4
MOST_ORDERS = 200_000  # 10 runs a side are 184,756; more are drawn at random


def compare_sides(
    base: Sequence[pd.DataFrame], head: Sequence[pd.DataFrame], *, tolerance: float, seed: int = 205
) -> tuple[Ratio, ...]:
    """Compare each kind of latency that every base run has samples of, a row a quantile."""
    rng = np.random.default_rng(seed)
    return tuple(
        _ratio(kind, name, _figures(base, kind, quantile), _figures(head, kind, quantile), tolerance, rng)
        for kind in LATENCIES
        if all((frame["kind"] == kind).any() for frame in base)
        for name, quantile in QUANTILES.items()
    )


def rank_test(base: Values, head: Values, rng: np.random.Generator) -> float:
    """Return the two-sided p of Mann and Whitney's test, exact, with mid-ranks for ties."""
    ranks = pd.Series(np.concatenate([base, head])).rank().to_numpy()
    size = len(base)
    expected = size * (len(ranks) + 1) / 2
    seen = abs(ranks[:size].sum() - expected)
    sums = ranks[np.array(list(_orders(len(ranks), size, rng)))].sum(axis=1)
    return float(np.mean(np.abs(sums - expected) >= seen - 1e-9))


def _orders(runs: int, size: int, rng: np.random.Generator) -> Iterator[Sequence[int]]:
    if comb(runs, size) <= MOST_ORDERS:
        return iter(combinations(range(runs), size))
    return (rng.choice(runs, size, replace=False).tolist() for _ in range(MOST_ORDERS // 10))


def _figures(frames: Sequence[pd.DataFrame], kind: str, quantile: float) -> tuple[Values, int]:
    values = [frame.loc[frame["kind"] == kind, "value"].dropna().to_numpy() for frame in frames]
    measured = [float(np.quantile(one, quantile)) for one in values if one.size]
    return np.array(measured), sum(one.size for one in values)


def _ratio(
    kind: str,
    name: str,
    base: tuple[Values, int],
    head: tuple[Values, int],
    tolerance: float,
    rng: np.random.Generator,
) -> Ratio:
    (before, base_samples), (after, head_samples) = base, head
    nothing = float("nan")
    if not after.size:
        note = "absent from the head runs"
        return Ratio(kind, name, float(np.median(before)), nothing, base_samples, 0, nothing, None, "cannot_tell", note)
    old, new = float(np.median(before)), float(np.median(after))
    ratio = new / old if old else nothing
    facts = (kind, name, old, new, base_samples, head_samples, ratio)
    if min(before.size, after.size) < FEWEST_RUNS or not old:
        return Ratio(*facts, None, "cannot_tell", f"fewer than {FEWEST_RUNS} runs a side")
    ends, chance = of_runs(before, after, rng)
    return Ratio(*facts, ends, *judged(ratio, ends, chance, abs(new - old), tolerance), p=chance)


def of_runs(base: Values, head: Values, rng: np.random.Generator) -> tuple[tuple[float, float], float]:
    """Return the interval of head / base of the medians of the runs' figures, and p of the rank test."""
    drawn = [np.median(rng.choice(runs, (DRAWS, runs.size)), axis=1) for runs in (head, base)]
    return interval(drawn[0] / drawn[1]), rank_test(base, head, rng)


def judged(
    ratio: float, ends: tuple[float, float], chance: float, change_ms: float, tolerance: float
) -> tuple[str, str]:
    """Return the verdict and its note, of a ratio, its interval, p, and the change in ms."""
    least, most = 1 / (1 + tolerance), 1 + tolerance
    if change_ms < RESOLUTION_MS:
        return "same", f"differs < {RESOLUTION_MS:g} ms"
    if least <= ends[0] and ends[1] <= most:
        return "same", ""
    if chance > ALPHA or least <= ratio <= most:
        return "cannot_tell", "within the noise of runs"
    return ("worse", "") if ratio > most else ("better", "")
