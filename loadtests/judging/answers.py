"""What requests and their answers come to: load.json's ``requests``, and the objectives of such a run. Pure.

A request is known by the number of its stream, which all its samples bear. It began its connect time before its head
came; it is good when its answer finished and every stated objective that can be asked of one request holds for it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from ssegauge.conformance.target import Limits, Promises
from ssegauge.loadtests.judging.objectives import OFFERED, Objective, percentile_below
from ssegauge.loadtests.judging.remedies import ON_THE_WAY, with_remedy
from ssegauge.loadtests.judging.turns import Kind, Turns, most_under_way
from ssegauge.loadtests.measuring.answers import Tally
from ssegauge.loadtests.measuring.samples import Floats

FINISHED: Final = "performance/answers-finished"
EMPTY: Final = "performance/answers-empty"
ENDLESS: Final = "no answer has ended: watch a stream without an end by --scenario watch, without --arrivals"
LATE_SHARE: Final = 0.01  # of gaps that could not be told apart: from then on a p99 of the others says nothing
MOST_REASONS: Final = 5
_REMEDIES: Final = (
    *ON_THE_WAY,
    (("401", "403"), "give credentials: headers = { Authorization = 'Bearer ${TOKEN}' }, or -H"),
    (("404", "405"), "check base_url, stream.path and the model's name"),
    (("429", "503"), "the server takes no more: ask it less often, or later"),
    (("400", "422"), "check the body that is sent: stream.json, or --requests"),
    (("content type application/json",), 'it answers without streaming: is "stream": true in the body?'),
    (("timed out",), "no head came in time; is something else using the server?"),
)


@dataclass(frozen=True, slots=True)
class Requests:
    """What a run of requests knows beside its samples; ``arrivals`` is empty where users ask."""

    tally: Tally
    arrivals: str = ""
    think_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Answered:
    """Everything that is known of a run's requests; ``kinds`` by the names of samples."""

    requests: Requests
    kinds: Mapping[str, Kind]
    promises: Promises
    turns: Turns | None = None

    @property
    def tally(self) -> Tally:
        """What became of the requests."""
        return self.requests.tally

    @property
    def settled(self) -> int:
        """Requests of which it is known what became of them."""
        return self.tally.finished + self.tally.cut + self.tally.failed

    @property
    def unmatched(self) -> str:
        """Return why there are no tokens although some are promised; empty where there are, or no event came."""
        at, tally = self.promises.token, self.tally
        if at is None or tally.pieces or not tally.events:
            return ""
        if tally.events == tally.markers:
            return f"no answer has a text: the {tally.events:,} events that came are end markers alone"
        if tally.blank:
            return f"no answer has a text: what stands at promises.token = {at!r} is empty wherever there is something"
        return (
            f"promises.token = {at!r} matches nothing in {tally.events:,} events; see an event with: ssegauge init URL"
        )

    @property
    def blurred(self) -> str:
        """Return why gaps between tokens cannot be judged: too many were read together, late."""
        late, known = self.kinds["token_gap_late"].value.size, self.kinds["token_gap"].value.size
        return _listed_late(late, late + known, "gaps between tokens") if late > LATE_SHARE * (late + known) else ""

    @property
    def late_first(self) -> str:
        """Return why a first token may not be called too late: too many were read late, with others behind them."""
        late, known = self.kinds["first_token_late"].value.size, self.kinds["first_token"].value.size
        return _listed_late(late, known, "first tokens") if late > LATE_SHARE * known else ""


def _listed_late(late: int, of: int, what: str) -> str:
    return f"{late:,} of {of:,} {what} were read late, several at once; use a quieter machine"


def unanswered(reasons: Counter[str], wait_s: float = 0.0) -> str:
    """Return in one line that no request was answered, why, and what to do about it.

    ``wait_s``: for how long the server wants to be left alone.
    """
    told = ", ".join(f"{reason} x {count}" for reason, count in reasons.most_common(MOST_REASONS)) or "no reply came"
    told += f"; it wants to be left alone for {wait_s:g} s (Retry-After)" if wait_s else ""
    return f"no request was answered by a stream: {with_remedy(told, ways=_REMEDIES)}"


def in_vain(tally: Tally) -> str:
    """Return why nothing can be judged of requests: another profile's answers, or none; empty where something can."""
    if tally.foreign:
        return next(iter(tally.foreign))
    if not tally.failed or tally.finished or tally.cut or tally.unfinished:
        return ""
    return unanswered(tally.failures, tally.told_to_wait_s)


def judge(seen: Answered, limits: Limits) -> list[Objective]:
    """Return the objectives that need no stating."""
    found = [finished(seen)]
    if seen.tally.empty and not seen.unmatched:
        found.append(with_text(seen))
    if seen.turns:
        found.append(at_a_time(seen.turns, limits, max(seen.turns.wanted, most_under_way(seen.kinds))))
    if seen.requests.arrivals:
        found.append(arrived(seen.tally))
    for rule, kind, limit_s in (
        ("performance/first-event", "first_event", seen.promises.first_event_s),
        ("performance/gap", "gap", seen.promises.gap_s),
    ):
        if limit_s is not None:
            found.append(percentile_below(rule, seen.kinds[kind].value, limit_s * 1e3))
    if seen.unmatched:
        values = ("performance/tokens", 1, None, "tokens", "seen", 0)
        found.append(Objective(*values, "could_not_judge", at_least=True, note=seen.unmatched))
    return found


def finished(seen: Answered) -> Objective:
    """Every answer was read to its end, without an error in it."""
    tally = seen.tally
    share = tally.finished / seen.settled if seen.settled else None
    values = (FINISHED, 1.0, share, "share", "read to their end", seen.settled)
    counted = tally.failures + tally.cuts
    told = ", ".join(f"{reason} x {count}" for reason, count in counted.most_common(MOST_REASONS))
    notes = [told] if told else []
    notes += [f"{tally.unfinished} were not over when the run was"] if tally.unfinished else []
    notes += [ENDLESS] if tally.unfinished and not tally.finished else []
    note = "; ".join(notes)
    if share is None:
        note = note or "no request was made; run longer"
        return Objective(*values, "could_not_judge", at_least=True, note=note)
    return Objective(*values, "pass" if share == 1.0 else "fail", at_least=True, note=note)


def with_text(seen: Answered) -> Objective:
    """No answer was empty, where a text is promised."""
    empty, finished_ones = seen.tally.empty, seen.tally.finished
    values = (EMPTY, 0, empty, "answers", "finished without a token", finished_ones)
    note = f"{empty} of {finished_ones} finished without a text at promises.token = {seen.promises.token!r}"
    return Objective(*values, "fail", note=f"{note}, a call of a tool, or a refusal")


def at_a_time(turns: Turns, limits: Limits, under_way: int) -> Objective:
    """As many are answered at once as are promised, or as were asked."""
    limit = min(limits.concurrent, under_way)
    values = ("performance/answers-at-once", limit, turns.streams, "answers", "at a time", under_way)
    return Objective(*values, "pass" if turns.streams >= limit else "fail", at_least=True, note=turns.told)


def arrived(tally: Tally) -> Objective:
    """The requests that were planned were made."""
    share = tally.asked / tally.planned if tally.planned else None
    values = ("performance/offered-load", OFFERED, share, "share", "made of the planned requests", tally.planned)
    if share is not None and share >= OFFERED:
        return Objective(*values, "pass")
    return Objective(*values, "could_not_judge", note="fewer requests were made than planned; use more processes")


def document(seen: Answered, good: int | None) -> dict[str, Any]:
    """Return load.json's ``requests``; ``good`` is how many met every objective, None where nothing was settled."""
    tally, head = seen.tally, seen.kinds["connect"]
    ends = seen.kinds["duration"].at
    began = float((head.at - head.value).min()) if head.at.size else 0.0
    span_s = (float(ends.max()) - began) / 1e3 if ends.size else 0.0
    counts = ("planned", "asked", "finished", "cut", "failed", "unfinished", "events")
    whole = {name: getattr(tally, name) for name in counts}
    return whole | {
        "arrivals": seen.requests.arrivals or "users",
        "think_s": seen.requests.think_s,
        "most_under_way": most_under_way(seen.kinds),
        "reasons": dict((tally.failures + tally.cuts).most_common()),
        "told_to_wait_s": tally.told_to_wait_s,
        "finished_per_s": _rate(tally.finished, span_s),
        "good": good,
        "goodput": good / seen.settled if good is not None and seen.settled else None,
        "good_per_s": _rate(good, span_s) if good is not None else None,
        "at_a_time": seen.turns.document() if seen.turns else None,
        "tokens": _tokens(seen, span_s) if seen.promises.token is not None else None,
    }


def good_requests(seen: Answered, tests: Mapping[tuple[str, str], Any]) -> int:
    """Return how many finished requests meet every test; of (kind, percentile, "mean" or "max"): does a value do?

    Where tokens come, an answer without one is not good. Of one that has no sample of a kind, such as gaps of an answer
    of one token, nothing of that kind can be asked.
    """
    done = seen.kinds["duration"].stream
    good = np.isin(done, seen.kinds["first_token"].stream) if seen.tally.pieces else np.ones(done.size, dtype=bool)
    for (kind, part), holds in tests.items():
        streams, values = of_each(seen.kinds[kind], part)
        good &= ~np.isin(done, streams[~holds(values)])
    return int(good.sum())


def of_each(kind: Kind, part: str) -> tuple[Floats, Floats]:
    """Return the streams that have samples of a kind, and of each its percentile, mean, least or most."""
    order = np.lexsort((kind.value, kind.stream))
    stream, value = kind.stream[order], kind.value[order]
    streams, first, count = np.unique(stream, return_index=True, return_counts=True)
    if part == "mean" and streams.size:
        return streams, np.add.reduceat(value, first) / count
    rank = (count - 1) * (float(part[1:]) / 100 if part.startswith("p") else float(part == "max"))
    low = np.floor(rank).astype(int)
    high = np.minimum(low + 1, count - 1)
    return streams, value[first + low] + (rank - low) * (value[first + high] - value[first + low])


def _tokens(seen: Answered, span_s: float) -> dict[str, Any]:
    tally, kinds = seen.tally, seen.kinds
    rate, output = kinds["token_rate"].value, kinds["output_tokens"].value
    return {
        "pointer": seen.promises.token,
        "pieces": tally.pieces,
        "read_together": tally.together,
        "gaps_read_late": int(kinds["token_gap_late"].value.size),
        "first_read_late": int(kinds["first_token_late"].value.size),
        "answers_without": tally.empty,
        "per_s": _rate(int(output.sum()), span_s),
        "per_s_of_a_stream": _spread(rate),
        "input": _spread(kinds["input_tokens"].value),
        "output": _spread(output),
    }


def _spread(values: Floats) -> dict[str, Any] | None:
    if not values.size:
        return None
    p5, p50, p95 = (round(float(value), 4) for value in np.percentile(values, (5, 50, 95)))
    return {"p5": p5, "p50": p50, "p95": p95, "sum": round(float(values.sum()), 3), "samples": int(values.size)}


def _rate(count: int, span_s: float) -> float | None:
    return round(count / span_s, 4) if span_s > 0 else None
