"""What a hop adds, in time: a run directly and one through it, by differences of quantiles with intervals. Pure.

A hop is whatever stands between a generator and a server: a gateway, a proxy. Unlike `compare`, which asks whether a
ratio matters, this gives milliseconds: what stands between adds about as much to a fast answer as to a slow one. The
intervals are those of `compare`, blocks of consecutive samples drawn with replacement. Every hop adds something, so
what is added fails nothing by itself; `--fail-on "first_token_p99 adds 20ms"` says how much may be.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ssegauge.reports import compare, likeness
from ssegauge.reports.errors import BadRunFolder
from ssegauge.reports.folder import Document, RunFolder
from ssegauge.reports.summarize import LATENCIES, Values

QUANTILES = {"p50": 0.5, "p95": 0.95, "p99": 0.99}
KINDS = tuple(kind for kind in LATENCIES if kind != "existing")
GRAMMAR = re.compile(r"\s*(\w+)_(p50|p95|p99)\s+adds\s+(\d+(?:\.\d+)?)\s*(ms|s)\s*")
ANOTHER_PATH = "stream: "  # behind a gateway a stream may have another address
SHARE = 0.02  # of tokens, of answers: more through the hop by so much is no chance
WORST = ("damaged", "held")
UNANSWERED = ("answer", "streams")  # nothing came through it that could be compared
EXPLAINED = "`ssegauge rules CODE` says what each asks for; the report of the run through the hop has the bytes."


@dataclass(frozen=True, slots=True)
class Added:
    """One quantile of one kind of time on both ways (ms), what the hop adds, and the 95 % interval of that.

    ``verdict``: adds; takes, less through it, which no hop does, so that something else differed; nothing, less than
    can be told from none; cannot_tell.
    """

    kind: str
    quantile: str
    direct: float
    through: float
    samples: tuple[int, int]
    added: float
    interval: tuple[float, float] | None
    verdict: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Hop:
    """What a hop adds, holds back, damages and changes; ``told`` holds kind, what, summary, mend, streams, of.

    ``checked``, ``loaded``: whether both runs have streams that were recorded, and samples.
    """

    added: tuple[Added, ...]
    told: tuple[Document, ...]
    checked: bool
    loaded: bool
    unlike: tuple[str, ...] = ()
    saturated: tuple[str, ...] = ()

    @property
    def verdict(self) -> str:
        """Fail where it damages or holds back; could_not_judge where nothing was compared; else pass."""
        if any(one["kind"] in WORST for one in self.told):
            return "fail"
        compared = self.checked or any(one.verdict != "cannot_tell" for one in self.added)
        compared = compared and not any(one["kind"] == "unclear" and one["what"] in UNANSWERED for one in self.told)
        return "pass" if compared and not self.unlike else "could_not_judge"


def between(direct: compare.Run, through: compare.Run, told: Sequence[Document], *, checked: bool) -> Hop:
    """Put together what two runs show of a hop.

    Args:
        direct: the documents and samples of the run without it.
        through: those of the run through it.
        told: what it does to recorded streams, each with kind, what, summary, mend, streams, of.
        checked: whether any were recorded on both ways.
    """
    (before, base), (after, head) = direct, through
    unlike = tuple(one for one in likeness.refused(before, after) if not one.startswith((ANOTHER_PATH, "only the ")))
    sides = {"direct": before, "through": after}
    saturated = tuple(name for name, one in sides.items() if one.load and one.load["generator"]["saturated"])
    note = "the runs are unlike" if unlike else "the generator was the limit" if saturated else ""
    added = tuple(_added(base, head, note))
    whole = (*told, *_under_load(before.load, after.load), *_rules(before, after))
    return Hop(added, whole, checked, bool(len(base) and len(head)), unlike, saturated)


def _added(base: pd.DataFrame, head: pd.DataFrame, note: str) -> Iterator[Added]:
    rng = np.random.default_rng(205)
    for kind in KINDS:
        before, after = compare.arrivals(base, kind), compare.arrivals(head, kind)
        if before.size and after.size:
            yield from _of_kind(kind, before, after, note, rng)


def _of_kind(kind: str, before: Values, after: Values, note: str, rng: np.random.Generator) -> Iterator[Added]:
    wanted = np.array(list(QUANTILES.values()))
    old, new = (np.quantile(values, wanted) for values in (before, after))
    fewest = min(before.size, after.size)
    drawn = None
    if fewest >= compare.FEWEST_SAMPLES:
        drawn = compare.bootstrap(after, wanted, rng) - compare.bootstrap(before, wanted, rng)
    for column, (name, quantile) in enumerate(QUANTILES.items()):
        enough = drawn is not None and fewest * (1 - quantile) >= compare.FEWEST_BEYOND - 1e-9
        ends = compare.interval(drawn[:, column]) if drawn is not None and enough else None
        values = (float(old[column]), float(new[column]))
        more = values[1] - values[0]
        told = ("cannot_tell", note) if note else _judged(ends, more)
        yield Added(kind, name, *values, (before.size, after.size), more, ends, *told)


def _judged(ends: tuple[float, float] | None, more_ms: float) -> tuple[str, str]:
    if ends is None:
        return "cannot_tell", "too few samples"
    low, high = ends
    told = low > 0 or high < 0 or max(abs(low), abs(high)) < compare.RESOLUTION_MS
    if told and abs(more_ms) < compare.RESOLUTION_MS:
        return "nothing", f"less than {compare.RESOLUTION_MS:g} ms"
    return ("adds", "") if low > 0 else ("takes", "") if high < 0 else ("cannot_tell", "within the noise")


def _under_load(before: Document | None, after: Document | None) -> Iterator[Document]:
    """Yield what many answers show: those that do not finish, and tokens that come together."""
    direct, through = ((one or {}).get("requests") for one in (before, after))
    if not direct or not through:
        return
    broken = [_share(one["cut"] + one["failed"], one["asked"] - one["unfinished"]) for one in (direct, through)]
    if broken[1] > broken[0] + SHARE:
        most = max(through["reasons"].items(), key=lambda item: item[1], default=("", 0))
        summary = f"{broken[0]:.1%} of the answers do not finish directly, {broken[1]:.1%} through it: {most[0]}"
        yield _row("damaged", "answers under load", summary)
    merged = [_together(one.get("tokens")) for one in (direct, through)]
    if merged[1] > merged[0] + 10 * SHARE:
        summary = (
            f"{merged[0]:.0%} of the tokens come together with the one before directly, {merged[1]:.0%} through it"
        )
        yield _row("held", "tokens under load", summary, "Switch response buffering off, and flush each event.")


def _together(tokens: Document | None) -> float:
    return _share(tokens["read_together"], tokens["pieces"]) if tokens else 0.0


def _share(part: float, whole: float) -> float:
    return part / whole if whole > 0 else 0.0


def _rules(before: RunFolder, after: RunFolder) -> Iterator[Document]:
    """Yield the rules that are broken through the hop and pass directly."""
    if not (before.conformance and after.conformance):
        return
    base, head = (compare.states_of(one, "conformance") for one in (before, after))
    worse = {rule: state for rule, state in head.items() if base.get(rule) == "pass"}
    for kind, state in (("damaged", "fail"), ("changed", "warning")):
        codes = [rule for rule, found in worse.items() if found == state]
        if codes:
            yield _row(kind, "rules", f"pass directly, and are broken through it: {', '.join(codes)}", EXPLAINED)


def _row(kind: str, what: str, summary: str, mend: str = "") -> Document:
    return {"kind": kind, "what": what, "summary": summary, "mend": mend, "streams": 0, "of": 0}


@dataclass(frozen=True, slots=True)
class Gate:
    """How much may be added to a figure, in ms."""

    kind: str
    quantile: str
    most_ms: float

    def judge(self, found: Hop) -> str:
        """Return pass, fail, or could_not_judge where the interval holds the limit or there is none."""
        one = next((one for one in found.added if (one.kind, one.quantile) == (self.kind, self.quantile)), None)
        if one is None or one.interval is None or found.unlike or found.saturated:
            return "could_not_judge"
        low, high = one.interval
        return "pass" if high <= self.most_ms else "fail" if low > self.most_ms else "could_not_judge"


def gate(text: str) -> Gate:
    """Return the gate that a text means; raises BadRunFolder, with what there is, for any other."""
    found = GRAMMAR.fullmatch(text)
    if not found or found[1] not in KINDS:
        raise BadRunFolder(
            f"--fail-on {text!r}: with --hop write NAME_p99 adds 20ms; NAME is one of {', '.join(KINDS)}"
        )
    return Gate(found[1], found[2], float(found[3]) * (1000 if found[4] == "s" else 1))


def document(found: Hop) -> dict[str, Any]:
    """Return it as plain values, for JSON."""
    added = [{name: getattr(one, name) for name in Added.__slots__} for one in found.added]
    return {
        "schema": "ssegauge/hop/1",
        "verdict": found.verdict,
        "added": added,
        "told": list(found.told),
        **{name: getattr(found, name) for name in ("checked", "loaded", "unlike", "saturated")},
    }
