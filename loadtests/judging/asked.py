"""Objectives that the user states: ``update_p99 < 500ms``, ``tokens_per_second_p5 > 20``, ``goodput > 95%``.

A statistic is a kind of sample with a percentile, ``max`` or ``mean``, or one of ``COUNTS``. A percentile of too few
samples is not judged: at least one has to lie beyond it. ``goodput`` is the share of the requests that meet all other
objectives that can be asked of one request: those on kinds that ``PER_REQUEST`` names.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from ssegauge.conformance.errors import CannotJudge
from ssegauge.conformance.target.file import meant
from ssegauge.loadtests.judging.objectives import FEWEST, Measured, Objective, Verdict
from ssegauge.loadtests.measuring.samples import Floats

PER_REQUEST: Final = ("first_event", "first_token", "token_gap", "time_per_token", "duration", "connect", "gap")
TIMES: Final = (
    *("connect", "first_event", "update", "gap", "first_token", "token_gap", "time_per_token", "duration"),
    "recover",
)
SPEED: Final = "tokens_per_second"
ALIASES: Final = {"head": "connect", "time_per_output_token": "time_per_token"}
SAMPLES: Final = {SPEED: "token_rate"}  # the kinds of samples that have another name
COUNTS: Final = ("lost_ratio", "refused_ratio", "failed", "dropped", "goodput")
AT_LEAST: Final = (SPEED, "goodput")  # more of it is better
OF_ANSWERS: Final = ("first_token", "token_gap", "time_per_token", "duration", SPEED, "goodput")
OF_TOKENS: Final = ("first_token", "token_gap", "time_per_token", SPEED)
OF_FEEDS: Final = ("update", "lost_ratio", "refused_ratio")
OF_HERDS: Final = ("recover",)
SHARES: Final = ("lost_ratio", "refused_ratio", "goodput")
KNOWN: Final = (*TIMES, SPEED, *ALIASES, *COUNTS)
_NAME: Final = re.compile(r"_p\d|_(?:max|mean|min)\b|[\s<>=]")
UNITS: Final = {"ms": 1.0, "s": 1000.0}
GRAMMAR: Final = (
    f"write KIND_pNN, KIND_max or KIND_mean < 500ms (KIND: {', '.join((*TIMES, *ALIASES))}), failed or dropped < 1, "
    f"lost_ratio or refused_ratio < 1%, {SPEED}_p5 > 20, or goodput > 95%"
)
_WORDS: Final = re.compile(
    r"\s*([a-z_]+?)(?:_(p\d{1,2}(?:\.\d{1,3})?|max|mean|min))?\s*(<|>)(=?)\s*(\d+(?:\.\d+)?)\s*(ms|s|%)?\s*", re.ASCII
)


@dataclass(frozen=True, slots=True)
class Asked:
    """One stated objective: ``limit`` in ms, as a share, or as a count; ``part`` is empty for a count."""

    name: str
    part: str
    limit: float
    unit: str
    at_least: bool = False
    inclusive: bool = False  # stated by <= or >=

    def met_by(self, value: Any) -> Any:  # noqa: ANN401 - a number, or an array of them
        """Return whether a value meets it."""
        if self.inclusive:
            return value >= self.limit if self.at_least else value <= self.limit
        return value > self.limit if self.at_least else value < self.limit

    def judged(self, objective: Objective) -> Objective:
        """Return the objective with the side of its limit on which a value is to be."""
        return replace(objective, at_least=self.at_least, exclusive=not self.inclusive)

    @property
    def kind(self) -> str:
        """Return the kind of samples that it is about."""
        return SAMPLES.get(self.name, self.name)

    def holds(self, values: Floats) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """Return which values meet it."""
        found: np.ndarray[Any, np.dtype[np.bool_]] = self.met_by(values)
        return found

    @property
    def rule(self) -> str:
        """Return its code."""
        return "asked/" + "-".join(filter(None, (self.name, self.part))).replace("_", "-").replace(".", "-")


def parse(text: str, option: str = "--objective") -> Asked:
    """Return the objective that a text states; raises CannotJudge where it states none, or what no run can meet."""
    one = _stated(text)
    if one is None:
        raise CannotJudge(f"{option} {text!r}: no objective; {GRAMMAR}{_meant(text)}")
    if remedy := _impossible(one):
        raise CannotJudge(f"{option} {text!r}: no run can meet it; {remedy}")
    return one


def _stated(text: str) -> Asked | None:
    found = _WORDS.fullmatch(text)
    name, part, sign, equal, number, unit = found.groups() if found else ("", "", "", "", "", "")
    name, at_least, inclusive = ALIASES.get(name, name), sign == ">", bool(equal)
    if not found or at_least != (name in AT_LEAST):
        return None
    if name in TIMES and part and unit in UNITS:
        return Asked(name, part, float(number) * UNITS[unit], "ms", at_least, inclusive)
    if name == SPEED and part and unit is None:
        return Asked(name, part, float(number), "tokens/s", at_least, inclusive)
    if name in COUNTS and not part and (unit is None or (unit == "%" and name in SHARES)):
        unit_of = "share" if name in SHARES else "streams"
        return Asked(name, "", float(number) / (100.0 if unit else 1.0), unit_of, at_least, inclusive)
    return None


def _impossible(one: Asked) -> str:
    """Return what to write in place of an objective that no run can meet; empty for any other."""
    remedies = {
        "p0 is the least of all; write min": one.part.startswith("p") and not float(one.part[1:]),
        "its limit is too large a number": math.isinf(one.limit),
        "nothing is below 0; write <= 0, or a larger limit": not (one.at_least or one.inclusive or one.limit),
        "no share is above 100 %; write >= 100%, or a smaller limit": (
            one.at_least and one.name in SHARES and not one.met_by(1.0)
        ),
    }
    return next((remedy for remedy, wrong in remedies.items() if wrong), "")


def _meant(text: str) -> str:
    """Return the question for what is nearly the name of a statistic."""
    name = _NAME.split(text.strip(), maxsplit=1)[0]
    return "" if name in KNOWN else meant(name, KNOWN)


def check(text: str, *, asks: bool, herds: bool, tokens: bool, option: str = "--objective") -> None:
    """Raise CannotJudge for an objective that no run of such a scenario can have, with the remedy.

    ``asks``: its streams are answers to requests, and ``tokens`` of them are known; ``herds``: readers are cut.
    """
    name = parse(text, option).name
    remedies = {
        "answers to requests have it: use --scenario requests": not asks and name in OF_ANSWERS,
        "a feed has it: use another scenario than requests": asks and name in OF_FEEDS,
        "readers who are cut have it: use --scenario herd": not herds and name in OF_HERDS,
        "the target does not say where tokens are: add token to its [promises]": not tokens and name in OF_TOKENS,
    }
    if remedy := next((remedy for remedy, wrong in remedies.items() if wrong), ""):
        raise CannotJudge(f"{option} {text!r}: this run has no {name}; {remedy}, or leave it out")


def tests(objectives: Iterable[Asked]) -> dict[tuple[str, str], Callable[[Floats], Any]]:
    """Return what is to hold of each request, by kind and part: see ``answers.good_requests``."""
    per_request = (*PER_REQUEST, SPEED)
    return {(one.kind, one.part): one.holds for one in objectives if one.name in per_request}


def judge(asked: Asked, measured: Measured, latency: Mapping[str, Floats]) -> Objective:
    """Return a stated objective, judged; ``latency`` is the values by kind, in ms."""
    if asked.part:
        return of_samples(asked, latency[asked.kind])
    value, samples = _COUNTED[asked.name](measured)
    fixed = (asked.rule, asked.limit, value, asked.unit, asked.name.replace("_", " "), samples)
    if value is None or not samples:
        note = "nothing of it was measured"
        return asked.judged(Objective(*fixed, "could_not_judge", note=note))
    return asked.judged(Objective(*fixed, _verdict(asked, value)))


def of_samples(asked: Asked, values: Floats) -> Objective:
    """Return an objective on samples, judged by their values."""
    value = _statistic(asked.part, values) if values.size else None
    fixed = (asked.rule, asked.limit, value, asked.unit, asked.part, int(values.size))
    fewest = _fewest(asked.part)
    if value is None or values.size < fewest:
        note = f"{values.size} samples, at least {fewest} are needed; run longer or with more users"
        return asked.judged(Objective(*fixed, "could_not_judge", note=note))
    return asked.judged(Objective(*fixed, _verdict(asked, value)))


def _verdict(asked: Asked, value: float) -> Verdict:
    return "pass" if asked.met_by(value) else "fail"


def _statistic(part: str, values: Floats) -> float:
    if part.startswith("p"):
        return float(np.percentile(values, float(part[1:])))
    return float(_PARTS[part](values))


_PARTS: Final[Mapping[str, Callable[[Floats], Any]]] = {"max": np.max, "min": np.min, "mean": np.mean}


def _fewest(part: str) -> int:
    share = float(part[1:]) / 100 if part.startswith("p") else 0.5
    beyond = min(share, 1 - share) or 1.0
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
    "goodput": lambda measured: (measured.goodput, measured.users),
}
