"""Two runs, compared with statistics: latency ratios with confidence intervals, and changed verdicts. Pure.

The interval of a ratio (head / base) of medians or p99s comes from a block bootstrap: each run's samples, in
order of arrival, are cut into consecutive blocks, and whole blocks are drawn with replacement. Samples that
arrive together (one update seen by all streams) are alike; drawing them one by one would make the interval far
too narrow and raise false alarms. What one pair of runs cannot show is how much runs differ among themselves.

A quantile is called "worse" or "better" only when the whole interval is beyond the tolerance, and "same" only when
the whole interval is within it or the change is smaller than the measurement can tell; else the verdict is
"cannot_tell", with the reason in `note`: so it is with too few samples, and wherever the generator of either run was
saturated or the runs are unlike (`likeness`). What the base run has and the head run lacks is never passed over, nor is
what the head run breaks and the base run could not judge; and no state is worse than another that means something else.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from ssegauge.reports import likeness, verdict
from ssegauge.reports.folder import RunFolder
from ssegauge.reports.summarize import LATENCIES, Values

Run = tuple[RunFolder, pd.DataFrame]
QUANTILES = {"p50": 0.50, "p99": 0.99}
TOLERANCE = 0.05
RESOLUTION_MS = 1.0  # the harness's stated error of measurement
DRAWS = 2000
CONFIDENCE = 0.95
MOST_BLOCKS = 30  # long enough to hold a burst of noise: a second each in a run of 30 s
FEWEST_SAMPLES = 20
FEWEST_BEYOND = 5  # a p99 needs 500 samples: with fewer, a bootstrap only repeats the same few extremes
MOST_LEVELS = 4096
TOGETHER_MS, LEAST_SPREAD_MS = 2.0, 10.0  # who is told in one moment, and came in others
JUDGED = frozenset({"pass", "fail", "warning", "note", "known"})
UNKNOWN = frozenset({None, "could_not_judge", "harness_error"})


@dataclass(frozen=True, slots=True)
class Ratio:
    """One quantile of one kind of latency in both runs (ms), and head / base with its interval."""

    kind: str
    quantile: str
    base: float
    head: float
    base_samples: int
    head_samples: int
    ratio: float
    interval: tuple[float, float] | None
    verdict: str  # worse, better, same, cannot_tell
    note: str = ""  # why, where the figures do not say it
    p: float | None = None  # of the rank test over runs, where there are several a side


@dataclass(frozen=True, slots=True)
class Change:
    """A rule or objective whose state differs (see `verdict.STATES`); None where a run does not have it.

    `alike` says whether both states mean the same: not where other users, say, were what an objective was judged by.
    """

    rule: str
    base: str | None
    head: str | None
    alike: bool = True

    @property
    def is_worse(self) -> bool:
        """Whether it breaks now and did not before, or was good and can be judged no more.

        What the base run does not know, or could not judge, says nothing about a change of the server.
        """
        breaks = self.head == "fail" and self.base not in UNKNOWN
        return self.alike and (breaks or (self.base == "pass" and self.head == "could_not_judge"))

    @property
    def is_new(self) -> bool:
        """Whether it breaks now, and nothing is known of it before: it may have got worse."""
        return self.head == "fail" and self.base in UNKNOWN

    @property
    def is_gone(self) -> bool:
        """Whether it was judged in the base run, and is not in the head run: it may have got worse unseen."""
        return self.base in JUDGED and self.head not in {*JUDGED, "could_not_judge", "harness_error"}


@dataclass(frozen=True, slots=True)
class Comparison:
    """What differs between two runs, and how many rules and objectives both have a state of.

    `saturated` names the runs (base, head) whose generator was the limit: their latencies are not the server's.
    `unlike` says what makes the runs unlike, so that nothing is told of latencies; `marked` what else differs.
    """

    ratios: tuple[Ratio, ...]
    changes: tuple[Change, ...]
    in_both: int
    saturated: tuple[str, ...] = ()
    unlike: tuple[str, ...] = ()
    marked: tuple[str, ...] = ()

    @property
    def gone(self) -> tuple[str, ...]:
        """What the base run has judged or measured and the head run has not."""
        kinds = dict.fromkeys(f"latency {ratio.kind}" for ratio in self.ratios if not ratio.head_samples)
        return (*kinds, *(one.rule for one in self.changes if one.is_gone))

    @property
    def verdict(self) -> str:
        """Fail when something is worse; could_not_judge when that cannot be told of all, or of anything; else pass."""
        if any(ratio.verdict == "worse" for ratio in self.ratios) or any(one.is_worse for one in self.changes):
            return "fail"
        if self.unlike or self.gone or any(one.is_new for one in self.changes):
            return "could_not_judge"
        told = [ratio for ratio in self.ratios if ratio.verdict != "cannot_tell"]
        return "pass" if told or (self.in_both and not self.ratios) else "could_not_judge"


def compare_latencies(
    base: pd.DataFrame, head: pd.DataFrame, *, tolerance: float = TOLERANCE, seed: int = 205
) -> tuple[Ratio, ...]:
    """Compare each kind of latency that the base run has samples of.

    Args:
        base: samples of the run to compare with, as `frames.read_samples` gives them.
        head: samples of the run in question.
        tolerance: the relative change that does not matter, 0.05 for 5 %.
        seed: of the random draws; the same samples and seed give the same intervals.
    """
    rng = np.random.default_rng(seed)
    return tuple(
        replace(ratio, interval=None, verdict="cannot_tell", note="all waited for the same few events")
        if ratio.interval and min(apart(base, kind), apart(head, kind)) < FEWEST_SAMPLES
        else ratio
        for kind in LATENCIES
        if (before := arrivals(base, kind)).size
        for ratio in _compare_kind(kind, before, arrivals(head, kind), tolerance, rng)
    )


def compare_runs(
    base: Sequence[Run],
    head: Sequence[Run],
    latencies: Callable[[Sequence[pd.DataFrame], Sequence[pd.DataFrame]], tuple[Ratio, ...]],
) -> Comparison:
    """Compare one run, or several alike, with one or several, each given as its documents and its samples."""
    sides = {"base": [folder for folder, _ in base], "head": [folder for folder, _ in head]}
    ratios = latencies([frame for _, frame in base], [frame for _, frame in head])
    saturated = tuple(name for name, folders in sides.items() if any(map(_is_saturated, folders)))
    first, *others = (*sides["base"], *sides["head"])
    unlike = tuple(dict.fromkeys(what for other in others for what in likeness.refused(first, other)))
    marked = tuple(dict.fromkeys(what for other in others for what in likeness.marked(first, other)))
    if unlike or saturated:
        note = "the runs are unlike" if unlike else "the generator was the limit"
        ratios = tuple(replace(ratio, verdict="cannot_tell", note=note) for ratio in ratios)
    states = worst_states(sides["base"]), worst_states(sides["head"])
    in_both = len(states[0].keys() & states[1].keys())
    apart = {part for other in others for part in likeness.apart(first, other)}
    of_other_things = {rule for folder in (first, *others) for part in apart for rule in states_of(folder, part)}
    changes = compare_states(*states, of_other_things)
    return Comparison(ratios, changes, in_both, saturated, unlike, marked)


def worst_states(folders: Sequence[RunFolder]) -> dict[str, str]:
    """Return the state of each rule and objective over several runs of one side, the worst of them."""
    order = ("fail", "harness_error", "could_not_judge")
    found: dict[str, str] = {}
    for folder in folders:
        for rule, state in (states_of(folder, "conformance") | states_of(folder, "load")).items():
            found[rule] = min(
                (found.get(rule, state), state), key=lambda one: order.index(one) if one in order else len(order)
            )
    return found


def compare_states(
    base: Mapping[str, str], head: Mapping[str, str], of_other_things: Collection[str] = ()
) -> tuple[Change, ...]:
    """Return the rules whose states differ, those that got worse first; some may not mean the same in both."""
    rules = [rule for rule in dict.fromkeys((*head, *base)) if base.get(rule) != head.get(rule)]
    changes = [Change(rule, base.get(rule), head.get(rule), rule not in of_other_things) for rule in rules]
    return tuple(sorted(changes, key=lambda change: not change.is_worse))


def states_of(folder: RunFolder, part: likeness.Part) -> dict[str, str]:
    """Return the state of each rule of a run's check, or of each objective of its load."""
    if part == "load":
        return {one["rule"]: one["verdict"] for one in (folder.load["objectives"] if folder.load else [])}
    results, strict = (folder.conformance[key] for key in ("results", "strict")) if folder.conformance else ([], False)
    return {one["rule"]: verdict.state(one, strict=strict) for one in results}


def bootstrap(values: Values, quantiles: npt.NDArray[np.float64], rng: np.random.Generator) -> Values:
    """Return `DRAWS` resampled quantiles each (draws x quantiles) of values in order of arrival, by blocks.

    Many values are first counted on at most `MOST_LEVELS` levels taken from their own quantiles, dense at both
    ends; with few values each is a level of its own and nothing is rounded.
    """
    levels = _levels(values)
    counts = _block_counts(np.searchsorted(levels, values), len(levels))
    picks = rng.multinomial(len(counts), np.full(len(counts), 1 / len(counts)), size=DRAWS).astype(float)
    cumulative = np.cumsum(picks @ counts, axis=1)
    ranks = np.ceil(quantiles * cumulative[:, -1:])
    return np.column_stack([levels[(cumulative < rank[:, None]).sum(axis=1)] for rank in ranks.T])


def _is_saturated(folder: RunFolder) -> bool:
    return bool(folder.load and folder.load["generator"]["saturated"])


def _compare_kind(kind: str, base: Values, head: Values, tolerance: float, rng: np.random.Generator) -> Iterator[Ratio]:
    if not head.size:
        yield from (_absent(kind, name, base, quantile) for name, quantile in QUANTILES.items())
        return
    wanted = np.array(list(QUANTILES.values()))
    before, after = (np.quantile(values, wanted) for values in (base, head))
    enough = min(base.size, head.size) >= FEWEST_SAMPLES
    with np.errstate(divide="ignore", invalid="ignore"):  # of latencies of 0; told as too little to say
        drawn = bootstrap(head, wanted, rng) / bootstrap(base, wanted, rng) if enough else None
    for column, (name, quantile) in enumerate(QUANTILES.items()):
        beyond = min(base.size, head.size) * (1 - quantile)
        ends = interval(drawn[:, column]) if drawn is not None and beyond >= FEWEST_BEYOND - 1e-9 else None
        old, new = float(before[column]), float(after[column])
        ratio = new / old if old else float("nan")
        yield Ratio(kind, name, old, new, base.size, head.size, ratio, ends, *_judge(ends, new - old, tolerance))


def _absent(kind: str, name: str, base: Values, quantile: float) -> Ratio:
    nothing = float("nan")
    measured = float(np.quantile(base, quantile))
    return Ratio(kind, name, measured, nothing, base.size, 0, nothing, None, "cannot_tell", "absent from the head run")


def _judge(ends: tuple[float, float] | None, change_ms: float, tolerance: float) -> tuple[str, str]:
    """Return the verdict and its note."""
    if ends is None or not np.isfinite(ends).all():
        return "cannot_tell", "too few samples"
    low, high = ends
    least, most = 1 / (1 + tolerance), 1 + tolerance
    if least <= low and high <= most:
        return "same", ""
    if abs(change_ms) < RESOLUTION_MS:
        return "same", f"differs < {RESOLUTION_MS:g} ms"
    return ("worse", "") if low > most else ("better", "") if high < least else ("cannot_tell", "within the noise")


def interval(draws: Values) -> tuple[float, float]:
    """Return the ends of the interval that holds `CONFIDENCE` of the draws."""
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(draws, [tail, 1 - tail])
    return float(low), float(high)


def arrivals(frame: pd.DataFrame, kind: str) -> Values:
    """Return the values of one kind, in the order in which they came."""
    rows = frame.loc[frame["kind"] == kind, ["at_ms", "value"]].dropna()
    values: Values = rows.sort_values("at_ms", kind="stable")["value"].to_numpy()
    return values


def apart(frame: pd.DataFrame, kind: str) -> int:
    """Return how many samples of a kind say something of their own.

    Readers who were there at different times, and were all told their first event at once, waited for that one event:
    together they say what one does.
    """
    rows = frame.loc[frame["kind"] == kind, ["at_ms", "value"]].dropna().sort_values("at_ms", kind="stable")
    if kind != "first_event" or rows.empty:
        return len(rows)
    at, value = rows["at_ms"].to_numpy(), rows["value"].to_numpy()
    first = np.concatenate(([0], np.flatnonzero(np.diff(at) > TOGETHER_MS) + 1))
    told_ms, begun_ms = _spread(at, first), _spread(at - value, first)
    is_one = begun_ms > np.maximum(LEAST_SPREAD_MS, 3 * told_ms)
    return int(np.where(is_one, 1, np.diff(np.append(first, len(at)))).sum())


def _spread(values: Values, first: npt.NDArray[np.intp]) -> Values:
    """Return how far the values of each group lie apart, of groups that begin at these places."""
    spread: Values = np.maximum.reduceat(values, first) - np.minimum.reduceat(values, first)
    return spread


def _levels(values: Values) -> Values:
    distinct: Values = np.unique(values)
    if distinct.size <= MOST_LEVELS:
        return distinct
    body = np.linspace(0, 1, MOST_LEVELS // 2)
    tail = 1 - np.geomspace(0.05, 1e-6, MOST_LEVELS // 2)
    levels: Values = np.unique(np.quantile(values, np.concatenate([body, tail]), method="higher"))
    return levels


def _block_counts(levels: npt.NDArray[Any], width: int) -> npt.NDArray[np.float64]:
    blocks = max(2, min(MOST_BLOCKS, int(levels.size ** (2 / 3))))
    block = np.arange(levels.size) * blocks // levels.size
    counts = np.bincount(block * width + levels, minlength=blocks * width)
    return counts.reshape(blocks, width).astype(
        float
    )  # as floats, so that the product of draws and counts is one BLAS call
