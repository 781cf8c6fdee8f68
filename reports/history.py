"""Figures over the runs of a folder, in the order of time, with changes marked. Pure but for `history`, which reads.

A figure is marked when it lies further from the median of the earlier runs that are alike (see `likeness`) than three
robust standard deviations (1.4826 times their median absolute deviation), by 5 % and 1 ms at least; five such runs are
needed. A verdict is marked when it is not that of the last run before that is alike.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from ssegauge.reports import likeness, verdict
from ssegauge.reports.errors import BadRunFolder
from ssegauge.reports.folder import RunFolder, open_run, shown
from ssegauge.reports.words import quantity

FEWEST = 5
DEVIATIONS = 3 * 1.4826
LEAST_CHANGE = 0.05
LEAST_MS = 1.0
QUANTILES = ("p50", "p99")


@dataclass(frozen=True, slots=True)
class Entry:
    """A run: when, of which commit, its verdict, its findings that count, its latencies (ms); and what changed."""

    name: str
    started: str
    commit: str
    verdict: str
    broken: int
    latencies: Mapping[str, float]
    changes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class History:
    """The runs in order of time, and why others of the folder could not be read, a line each."""

    entries: tuple[Entry, ...]
    unread: tuple[str, ...] = ()


@dataclass(slots=True)
class _Seen:
    """A run and what it was, while later ones are compared with it."""

    folder: RunFolder
    entry: Entry = field(kw_only=True)


def history(folder: Path) -> History:
    """Read the documents of each run in a folder; raises `BadRunFolder` where it has none."""
    if not folder.is_dir():
        raise BadRunFolder(f"{shown(folder)}: no such folder; give one that holds run folders, such as runs")
    runs, unread = [], []
    for path in sorted(one for one in folder.iterdir() if one.is_dir()):
        try:
            runs.append(open_run(path))
        except BadRunFolder as error:
            unread.append(str(error))
    if not runs:
        raise BadRunFolder(f"{shown(folder)}: no run in it can be read" + f" ({unread[0]})" * bool(unread))
    return History(tuple(_marked(sorted(runs, key=_started))), tuple(unread))


def _started(run: RunFolder) -> str:
    return str((run.run or run.load or {}).get("started", ""))


def _marked(runs: Sequence[RunFolder]) -> Iterator[Entry]:
    seen: list[_Seen] = []
    for run in runs:
        alike = [one.entry for one in seen if not likeness.refused(one.folder, run)]
        bare = _entry(run)
        changes = (*_verdicts(bare, alike[-1] if alike else None), *_latencies(bare, alike))
        entry = _entry(run, changes)
        seen.append(_Seen(run, entry=entry))
        yield entry


def _entry(run: RunFolder, changes: tuple[str, ...] = ()) -> Entry:
    measured = run.load["latency_ms"] if run.load else {}
    figures = {f"{kind}_{name}": found.get(name) for kind, found in measured.items() for name in QUANTILES}
    latencies = {name: value for name, value in figures.items() if value is not None}
    broken = verdict.states(run.conformance)["fail"] if run.conformance else 0
    under_load = verdict.findings(run.load, run.conformance) if run.load else ()
    broken += sum(verdict.severity(one, strict=False) == "fail" for one in under_load)
    commit = shown((run.run or {}).get("commit") or "")[:10]
    return Entry(shown(run.path.name), _started(run), commit, verdict.overall(run), broken, latencies, changes)


def _verdicts(entry: Entry, former: Entry | None) -> Iterator[str]:
    if former and entry.verdict != former.verdict:
        yield f"verdict was {former.verdict.replace('_', ' ')}"
    if former and entry.broken != former.broken:
        yield f"{quantity(entry.broken, 'rules')} broken, before {former.broken}"


def _latencies(entry: Entry, alike: Sequence[Entry]) -> Iterator[str]:
    for name, value in entry.latencies.items():
        earlier = [one.latencies[name] for one in alike if name in one.latencies]
        if len(earlier) < FEWEST:
            continue
        usual = median(earlier)
        spread = DEVIATIONS * median(abs(one - usual) for one in earlier)
        if abs(value - usual) > max(spread, LEAST_CHANGE * usual, LEAST_MS):
            yield f"{name} {value / usual - 1:+.0%}" if usual else f"{name} was 0"
