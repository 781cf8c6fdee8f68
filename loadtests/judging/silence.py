"""Had all streams fallen silent before the run was over? Pure."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from ssegauge.loadtests.measuring.samples import Floats

FEWEST: Final = 4  # reports in which something came: of fewer nothing is known of how a stream usually goes
LEAST_S: Final = 3.0
TIMES: Final = 3  # as long as the longest pause before


class Silence(NamedTuple):
    """No stream was told anything for the last ``lasted_s``; before, something came at least each ``usual_s``."""

    lasted_s: float
    usual_s: float


def at_the_end(reported_ms: Floats, events: Floats, until_ms: float) -> Silence | None:
    """Return the silence that a run ended in, None where it is not out of the ordinary.

    Args:
        reported_ms: when processes reported; what a report counts came since the one before.
        events: how many events each report counts.
        until_ms: when the last stream was closed.
    """
    told = np.unique(reported_ms[events > 0])
    if told.size < FEWEST:
        return None
    usual_s, lasted_s = float(np.diff(told).max()) / 1e3, (until_ms - float(told[-1])) / 1e3
    return Silence(lasted_s, usual_s) if lasted_s >= max(LEAST_S, TIMES * usual_s) else None
