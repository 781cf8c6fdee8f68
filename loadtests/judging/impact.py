"""How much slower an existing endpoint becomes while streams are held: phases without and with streams, in turn.

Everything else (the updates, the pings, the machine's moods) is the same in both kinds of phase. Each phase
with streams is compared with the phases next to it, which takes out slow drifts; the medians within phases
take out short bursts. What is left differs from phase to phase, so a phase is the unit that the confidence
interval is made of: ping times within a phase are not independent, and resampling them would promise more
than was measured.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from ssegauge.loadtests.measuring.samples import Floats

FEWEST_PAIRS: Final = 4
FEWEST_PINGS: Final = 20  # in a phase
_RESAMPLES: Final = 4000
_SEED: Final = 205


@dataclass(frozen=True, slots=True)
class Ratio:
    """Median with streams over median without, its 95 % interval, and of how many phases with streams."""

    value: float
    low: float
    high: float
    pairs: int


def ratio_of(phases: Mapping[str, Floats]) -> Ratio | None:
    """Return the ratio over phases by name ("off-1", "on-1", "off-2", ... in time), None for too few of them."""
    medians = {name: float(np.median(values)) for name, values in phases.items() if values.size >= FEWEST_PINGS}
    logs = np.array([log for number in range(1, len(phases) + 1) for log in _against_neighbours(medians, number)])
    if logs.size < FEWEST_PAIRS:
        return None
    low, high = _interval(logs)
    return Ratio(float(np.exp(_centre(logs))), float(np.exp(low)), float(np.exp(high)), logs.size)


def is_decided(ratio: Ratio | None, limit: float) -> bool:
    """Whether the interval lies wholly on one side of ``1 + limit``."""
    return ratio is not None and (ratio.high < 1 + limit or ratio.low > 1 + limit)


def _against_neighbours(medians: Mapping[str, float], number: int) -> Sequence[float]:
    around = [medians[name] for name in (f"off-{number}", f"off-{number + 1}") if name in medians]
    here = medians.get(f"on-{number}")
    return [float(np.log(here) - np.mean(np.log(around)))] if here and around else []


def _centre(logs: Floats) -> float:
    """Return the mean of the middle half: of little spread, and deaf to a phase that something else disturbed."""
    ordered = np.sort(logs, axis=-1)
    cut = ordered.shape[-1] // 4
    return float(np.mean(ordered[cut : ordered.shape[-1] - cut]))


def _interval(logs: Floats) -> tuple[float, float]:
    random = np.random.default_rng(_SEED)
    drawn = np.sort(random.choice(logs, size=(_RESAMPLES, logs.size)), axis=1)
    cut = logs.size // 4
    centres = drawn[:, cut : logs.size - cut].mean(axis=1)
    low, high = np.percentile(centres, (2.5, 97.5))
    return float(low), float(high)
