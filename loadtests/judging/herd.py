"""What a server does with readers that were cut all at once and come back together. Pure.

A wave begins when all streams are cut but two, which stay to hear what the others miss, and ends with the next one, or
the run. How long it takes until half of them, and all, are back is read from when streams opened and closed; the time
for which readers wait before they come (``retry``), as the server told them, is part of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final, NamedTuple

import numpy as np

from ssegauge.loadtests.judging.objectives import Objective, Verdict
from ssegauge.loadtests.measuring.returning import Returned
from ssegauge.loadtests.measuring.samples import Floats

STAYING: Final = 2  # readers of each process, to hear what the others miss, where there are
FEWEST: Final = 5
EVERY_S: Final = 10.0
SHARE: Final = 1 / 3  # of a shorter run, from wave to wave
USUAL_RETRY_S: Final = 3.0  # what Chromium waits where a server says nothing


class Cut(NamedTuple):
    """A moment when all were cut but some who stayed.

    ``at_s`` from the run's start, how many were cut, attempts that had failed by then, how many stayed.
    """

    at_s: float
    streams: int
    failed: int
    stayed: int = 0


@dataclass(frozen=True, slots=True)
class Herd:
    """What a run knows of its waves; the last of ``cuts`` is the run's end, and cuts nothing."""

    cuts: Sequence[Cut]
    returned: Returned
    retry_s: float = USUAL_RETRY_S
    told: bool = False  # by the server
    stopped: int = 0  # readers that it sent away for good, by 204
    promised: bool = False  # that nobody misses anything

    @property
    def failed_before(self) -> int:
        """Return how many streams could not be opened before any was cut."""
        return self.cuts[0].failed


class Wave(NamedTuple):
    """One wave; seconds from the cut, None where it never came to that."""

    at_s: float
    streams: int
    back: int
    half_s: float | None
    recover_s: float | None
    refused: int
    worst_connect_ms: float | None


def every_s(duration_s: float | None) -> float:
    """Return the time from wave to wave of a run that lasts so long."""
    return min(EVERY_S, duration_s * SHARE) if duration_s else EVERY_S


def waves(herd: Herd, opened: tuple[Floats, Floats], connects: tuple[Floats, Floats]) -> list[Wave]:
    """Return the waves; ``opened`` is when (ms) streams opened (+1) or closed (-1), ``connects`` when and how long."""
    order = np.lexsort((opened[1], opened[0]))
    at_s, level = opened[0][order] / 1e3, np.cumsum(opened[1][order])
    return [_wave(cut, after, at_s, level, connects) for cut, after in pairwise(herd.cuts)]


def document(herd: Herd, seen: Sequence[Wave]) -> dict[str, Any]:
    """Return it as load.json has it."""
    told = {name: getattr(herd.returned, name) for name in ("returns", "away", "missed", "doubled")}
    rest = {"retry_s": herd.retry_s, "told": herd.told, "stopped": herd.stopped, "promised": herd.promised}
    return {"waves": [wave._asdict() for wave in seen], **rest, **told}


def judge(herd: Herd, seen: Sequence[Wave]) -> list[Objective]:
    """Everybody is back before the next wave; where that is promised, nobody has missed anything."""
    if not any(wave.streams for wave in seen):
        note = "no stream was open when all were to be cut; run longer"
        rule = ("performance/back-after-cut", 0, None, "streams", "not back, in the worst wave", 0)
        return [Objective(*rule, "could_not_judge", note=note)]
    return [_back(herd, seen), *(missed(herd.returned) if herd.promised else ())]


def missed(returned: Returned) -> list[Objective]:
    """Who came back has missed nothing, where that is promised; nothing is said where nothing was told meanwhile."""
    values = (0, returned.missed, "events", "missed while away", returned.away)
    rule = "performance/missed-while-away"
    return [Objective(rule, *values, _verdict(returned.missed))] if returned.away else []


def _back(herd: Herd, seen: Sequence[Wave]) -> Objective:
    worst = max(seen, key=lambda wave: wave.streams - wave.back)
    away = max(0, worst.streams - worst.back - herd.stopped)
    refused = sum(wave.refused for wave in seen)
    note = f"{refused} attempts got no stream before" if refused and not away else ""
    note = f"{worst.back} of {worst.streams} were back" if away else note
    values = ("performance/back-after-cut", 0, away, "streams", "not back, in the worst wave", worst.streams)
    return Objective(*values, _verdict(away), note=note)


def _wave(cut: Cut, after: Cut, at_s: Floats, level: Floats, connects: tuple[Floats, Floats]) -> Wave:
    begins, ends = np.searchsorted(at_s, (cut.at_s, after.at_s))
    when, open_then = at_s[begins:ends] - cut.at_s, level[begins:ends] - cut.stayed
    lowest = int(np.argmin(open_then)) if open_then.size else 0
    when, open_then = when[lowest:], open_then[lowest:]
    back = max(0, int(open_then.max())) if open_then.size else 0
    ours = (connects[0] / 1e3 >= cut.at_s) & (connects[0] / 1e3 < after.at_s)
    worst = round(float(connects[1][ours].max()), 3) if ours.any() else None
    half_s, recover_s = (_until(when, open_then, streams) for streams in (-(-cut.streams // 2), cut.streams))
    return Wave(
        round(cut.at_s, 3), cut.streams, min(back, cut.streams), half_s, recover_s, after.failed - cut.failed, worst
    )


def _until(when: Floats, open_then: Floats, streams: int) -> float | None:
    """Return when so many were open again."""
    reached = np.flatnonzero(open_then >= streams)
    return round(float(when[reached[0]]), 3) if reached.size else None


def _verdict(bad: int) -> Verdict:
    return "fail" if bad else "pass"
