"""``compare --fail-on``: what of a comparison fails a build, as ``update_p99 worse 10%`` or ``rules worse``. Pure."""

import difflib
import re
from dataclasses import dataclass

from ssegauge.reports.compare import QUANTILES, Comparison
from ssegauge.reports.errors import BadRunFolder
from ssegauge.reports.summarize import LATENCIES

FIGURES = {f"{kind}_{quantile}": (kind, quantile) for kind in LATENCIES for quantile in QUANTILES}
RULES = "rules"
GRAMMAR = re.compile(r"\s*(\w+)\s+worse(?:\s+(\d+(?:\.\d+)?)\s*%)?\s*")


@dataclass(frozen=True, slots=True)
class Gate:
    """A figure, or `rules`, that may not get worse by more than `tolerance` (0.1 is 10 %)."""

    what: str
    tolerance: float = 0.0

    def judge(self, found: Comparison) -> str:
        """Return pass, fail, or could_not_judge where the comparison does not tell."""
        if self.what == RULES:
            gone = found.unlike or any(one.is_gone or one.is_new for one in found.changes) or not found.in_both
            worse = any(one.is_worse for one in found.changes)
            return "fail" if worse else "could_not_judge" if gone else "pass"
        ratio = next((one for one in found.ratios if (one.kind, one.quantile) == FIGURES[self.what]), None)
        if ratio is None or ratio.interval is None or found.unlike or found.saturated:
            return "could_not_judge"
        low, high = ratio.interval
        most = 1 + self.tolerance
        if high <= most or ratio.note.startswith("differs"):
            return "pass"
        return "fail" if low > most else "could_not_judge"


def _meant(text: str) -> str:
    """Return the question for a name that is nearly one of ours; nothing where it is one, or near none."""
    named = text.strip().partition(" ")[0]
    close = difflib.get_close_matches(named, (RULES, *FIGURES), 1)
    return f"did you mean {close[0]!r}? Or " if close and close[0] != named else ""


def parsed(text: str) -> Gate:
    """Return the gate that a text means; raises BadRunFolder, with what there is, for any other."""
    found = GRAMMAR.fullmatch(text)
    if not found or found[1] not in {RULES, *FIGURES} or (found[1] == RULES and found[2]):
        known = ", ".join((RULES, *FIGURES))
        write = f"write NAME worse N%, or rules worse; NAME is one of {known}"
        raise BadRunFolder(f"--fail-on {text!r}: {_meant(text)}{write}")
    return Gate(found[1], float(found[2] or 0) / 100)
