"""Objectives that the user states: ``update_p99 < 500ms``, ``gap_max < 3s``, ``lost_ratio < 0.1%``.

A statistic is a kind of latency with a percentile, ``max`` or ``mean``, or one of ``COUNTS``; all have an upper bound.
A percentile of too few samples is not judged: at least one has to lie beyond it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from ssegauge.conformance.errors import CannotJudge
from ssegauge.loadtests.judging.objectives import FEWEST, Measured, Objective
from ssegauge.loadtests.measuring.samples import Floats

KINDS: Final = ("connect", "first_event", "update", "gap")
COUNTS: Final = ("lost_ratio", "refused_ratio", "failed", "dropped")
UNITS: Final = {"ms": 1.0, "s": 1000.0}
_WORDS: Final = re.compile(
    r"\s*([a-z_]+?)(?:_(p\d{1,2}(?:\.\d{1,3})?|max|mean))?\s*<=?\s*(\d+(?:\.\d+)?)\s*(ms|s|%)?\s*"
)


@dataclass(frozen=True, slots=True)
class Asked:
    """One stated objective: ``limit`` in ms, as a ratio, or as a count; ``part`` is empty for a count."""

    name: str
    part: str
    limit: float
    unit: str

    @property
    def rule(self) -> str:
        """Return its code."""
        return "asked/" + "-".join(filter(None, (self.name, self.part))).replace("_", "-").replace(".", "-")


def parse(text: str) -> Asked:
    """Return the objective that a text states; raises CannotJudge with what it may be."""
    found = _WORDS.fullmatch(text)
    name, part, number, unit = found.groups() if found else ("", "", "", "")
    if found and name in KINDS and part and unit in UNITS:
        return Asked(name, part, float(number) * UNITS[unit], "ms")
    if found and name in COUNTS and not part and unit in {None, "%"}:
        share = name.endswith("_ratio")
        if share or unit is None:
            return Asked(name, "", float(number) / (100.0 if unit else 1.0), "ratio" if share else "streams")
    kinds, counts = ", ".join(KINDS), ", ".join(COUNTS)
    grammar = f"write KIND_pNN, KIND_max or KIND_mean (KIND: {kinds}) < 500ms, or {counts} < 1 (ratios: 1%)"
    raise CannotJudge(f"--objective {text!r}: no objective; {grammar}")


def judge(asked: Asked, measured: Measured, latency: Mapping[str, Floats]) -> Objective:
    """Return a stated objective, judged; ``latency`` is the values by kind, in ms."""
    if asked.part:
        return _of_samples(asked, latency[asked.name])
    value, samples = _COUNTED[asked.name](measured)
    fixed = (asked.rule, asked.limit, value, asked.unit, asked.name.replace("_", " "), samples)
    if value is None:
        return Objective(*fixed, "could_not_judge", note="nothing of it was measured")
    return Objective(*fixed, "pass" if value < asked.limit else "fail")


def _of_samples(asked: Asked, values: Floats) -> Objective:
    value = _statistic(asked.part, values) if values.size else None
    fixed = (asked.rule, asked.limit, value, asked.unit, asked.part, int(values.size))
    fewest = _fewest(asked.part)
    if value is None or values.size < fewest:
        note = f"{values.size} samples, at least {fewest} are needed; run longer or with more users"
        return Objective(*fixed, "could_not_judge", note=note)
    return Objective(*fixed, "pass" if value < asked.limit else "fail")


def _statistic(part: str, values: Floats) -> float:
    if part.startswith("p"):
        return float(np.percentile(values, float(part[1:])))
    return float(values.max() if part == "max" else values.mean())


def _fewest(part: str) -> int:
    beyond = 1 - float(part[1:]) / 100 if part.startswith("p") else 1.0
    return max(FEWEST, math.ceil(round(1 / beyond, 6)))


def _lost_ratio(measured: Measured) -> tuple[float | None, int]:
    seen, account = measured.witnessed, measured.account
    lost, of = (account.lost, account.sent) if measured.driven else (seen.lost, seen.expected) if seen else (0, 0)
    return (lost / of if of else None), of


def _refused_ratio(measured: Measured) -> tuple[float | None, int]:
    return (measured.refused / measured.planned if measured.planned else None), measured.planned


_COUNTED: Final[Mapping[str, Callable[[Measured], tuple[float | None, int]]]] = {
    "lost_ratio": _lost_ratio,
    "refused_ratio": _refused_ratio,
    "failed": lambda measured: (float(measured.failed), measured.users),
    "dropped": lambda measured: (float(measured.dropped), measured.users),
}
