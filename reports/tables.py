"""A run folder as tidy pandas frames, for analyses of one's own: one row an observation, dtypes fixed, units in names.

`load` gives a `Run`; docs/analysis.md shows what to do with it. Every frame has its columns also where the run has no
such rows, so that an analysis of many runs needs no special cases.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from ssegauge.reports.errors import BadRunFolder
from ssegauge.reports.folder import Document, open_run, shown
from ssegauge.reports.frames import read_samples

VERDICTS = ["pass", "fail", "could_not_judge", "not_judged", "not_observed", "not_applicable", "harness_error"]
LEVELS = ["advice", "should", "must"]
RULES = {
    "rule": "str",
    "group": "str",
    "level": pd.CategoricalDtype(LEVELS, ordered=True),
    "kind": "str",
    "verdict": pd.CategoricalDtype(VERDICTS),
    "observations": "int64",
    "known": "bool",
    "summary": "str",
}
EVIDENCE = {"rule": "str", "transcript": "str", "chunk": "Int64", "byte": "Int64", "at_ms": "float64", "excerpt": "str"}
OBJECTIVES = {
    "rule": "str",
    "value": "float64",
    "limit": "float64",
    "unit": "str",
    "statistic": "str",
    "samples": "int64",
    "low": "float64",
    "high": "float64",
    "verdict": pd.CategoricalDtype(VERDICTS),
    "note": "str",
}
TYPES = {
    "type": "str",
    "stage": "str",
    "events": "int64",
    "bytes": "int64",
    **dict.fromkeys(("p50", "p95", "p99", "max"), "float64"),
    "samples": "Int64",
}
WAVES = {
    "at_s": "float64",
    "streams": "int64",
    "back": "int64",
    "half_s": "float64",
    "recover_s": "float64",
    "refused": "int64",
    "worst_connect_ms": "float64",
}
PHASES = {"name": "str", "start_s": "float64", "end_s": "float64", "streams": "bool"}


@dataclass(frozen=True, slots=True)
class Run:
    """A run: its documents as they are (None where it has none), and its rows.

    rules       one row a rule: rule, group, level, kind, verdict, observations, known, summary
    evidence    one row a piece of evidence: rule, transcript, chunk, byte, at_ms (since the exchange began), excerpt
    objectives  one row an objective: rule, value, limit, unit, statistic, samples, low, high (interval), verdict, note
    phases      one row a phase of the load run: name, start_s, end_s, streams (whether streams were open)
    types       one row a type and stage of events: events, bytes, and of those that were timed p50, p95, p99, max (ms),
                samples
    waves       one row a cut of a herd: at_s, streams, back, half_s, recover_s, refused, worst_connect_ms
    samples     one row a sample: at_ms (since the load run began), kind, value (ms; for "open" +1, -1), delay_ms, phase
                and, of an event, type and stage
    """

    path: Path
    run: Document | None
    conformance: Document | None
    load: Document | None
    rules: pd.DataFrame
    evidence: pd.DataFrame
    objectives: pd.DataFrame
    phases: pd.DataFrame
    types: pd.DataFrame
    waves: pd.DataFrame
    samples: pd.DataFrame


def load(run_dir: Path | str) -> Run:
    """Read a run folder whole.

    Raises:
        BadRunFolder: it cannot be read, or a part of its samples cannot.
    """
    folder = open_run(Path(run_dir))
    samples = read_samples(folder.path / "samples", labels=True)
    if samples.unreadable:
        raise BadRunFolder(f"{shown(folder.path)}: {', '.join(samples.unreadable)} cannot be read; run it again")
    results = folder.conformance["results"] if folder.conformance else []
    return Run(
        path=folder.path,
        run=folder.run,
        conformance=folder.conformance,
        load=folder.load,
        rules=_frame(({"known": False} | result for result in results), RULES),
        evidence=_frame(({"rule": one["rule"]} | seen for one in results for seen in one["evidence"]), EVIDENCE),
        objectives=_frame(map(_bounded, folder.load["objectives"] if folder.load else ()), OBJECTIVES),
        phases=_frame(folder.load["phases"] if folder.load else (), PHASES),
        types=_frame(({**one, **(one["latency_ms"] or {})} for one in _rows(folder.load, "types")), TYPES),
        waves=_frame(_rows((folder.load or {}).get("herd"), "waves"), WAVES),
        samples=samples.frame,
    )


def _rows(document: Document | None, name: str) -> Iterable[Mapping[str, Any]]:
    return (document or {}).get(name) or ()


def _bounded(objective: Mapping[str, Any]) -> dict[str, Any]:
    low, high = objective.get("interval") or (None, None)
    return {"note": "", **objective, "low": low, "high": high}


def _frame(rows: Iterable[Mapping[str, Any]], dtypes: Mapping[str, Any]) -> pd.DataFrame:
    kept = [{name: row.get(name) for name in dtypes} for row in rows]
    return pd.DataFrame(kept, columns=list(dtypes)).astype(dict(dtypes))
