"""The words and figures that every rendering shares: pure functions of documents, results are plain text.

Text from a server comes back through `visible`/`prose` of `render.visible`, so it is safe to print; the escaping
of a format's own markup is left to that format.
"""

import json
import math
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from ssegauge.reports import verdict
from ssegauge.reports.folder import Document
from ssegauge.reports.render.visible import prose, visible
from ssegauge.reports.values import Percentiles

LABELS = {
    "fail": "failed",
    "harness_error": "harness error",
    "warning": "warning",
    "known": "known",
    "note": "advice",
    "not_judged": "not judged",
    "not_observed": "not observed",
    "not_applicable": "not applicable",
    "pass": "passed",
    "could_not_judge": "could not judge",
}
ABSENT = "–"
DIGITS = 3
MOST_DIGITS = FIGURES = 13  # more than floating point is good for where figures were reckoned
# The four figures of the specification: rule -> (title, how the limit bounds the value).
OBJECTIVES = {
    "performance/concurrent-streams": ("Concurrent streams", "≥"),
    "performance/connect-time": ("Connection time", "<"),
    "performance/update-latency": ("Update latency", "<"),
    "performance/degradation": ("Impact on existing endpoint", "<"),
}
MOST_CARDS = 4  # beside the four
PERCENTILE = re.compile(r"p\d+(?:\.\d+)?")
FRACTION = re.compile(r"(-p\d+)-(\d+)$")  # of a percentile, in a rule's code
PLURAL = re.compile(r"([\w ]{3,})s")  # of a unit that counts
CONCURRENT = "performance/concurrent-streams"
ANY_OTHER = {"performance/capacity": "≥", "performance/offered-load": "≥"}  # and "≤" for the rest, unless at_least


def specified(load: Document) -> dict[str, Document | None]:
    """Return the objectives of the specification's four figures by rule; None where the run did not measure one."""
    measured = {one["rule"]: one for one in load["objectives"]}
    return {rule: measured.get(rule) for rule in OBJECTIVES}


def cards(load: Document) -> dict[str, Document | None]:
    """Return the objectives that a page shows large, by rule, the worst first: the specification's, and missed ones."""
    missed = (one for one in load["objectives"] if one["verdict"] == "fail" and one["rule"] not in OBJECTIVES)
    shown = {one["rule"]: one for one in islice(missed, MOST_CARDS)} | specified(load)
    return dict(sorted(shown.items(), key=lambda pair: verdict.rank(pair[1])))


def unmeasured(load: Document) -> dict[str, str]:
    """Return why objectives of the target were not measured, by rule."""
    return {rule: prose(why) for rule, why in (load.get("unmeasured") or {}).items()}


def title(objective: Mapping[str, Any]) -> str:
    """Return an objective's name for people."""
    rule: str = objective["rule"]
    spelled = FRACTION.sub(r"\1.\2", rule.partition("/")[2]).replace("-", " ").capitalize()
    return OBJECTIVES.get(rule, (spelled, ""))[0]


def named(objective: Mapping[str, Any]) -> str:
    """Return an objective's name in a table: with the percentile that is judged, where the name does not tell it."""
    statistic = prose(objective["statistic"])
    tells = not PERCENTILE.fullmatch(statistic) or statistic in title(objective)
    return title(objective) if tells else f"{title(objective)} {statistic}"


def arrivals(load: Document) -> str | None:
    """Return how requests arrived, None where users asked for them, or held streams."""
    told: str | None = (load.get("requests") or {}).get("arrivals")
    return None if told in {None, "users"} else prose(told)


def crowd(load: Document) -> str:
    """Return who the load was: so many users, or arrivals at a rate."""
    told = arrivals(load)
    return f"arrivals {told}" if told else f"{load['users']:,} users"


def measured(objective: Mapping[str, Any], load: Document) -> str:
    """Return what was measured, with its unit; of streams that did not last, how many did."""
    if objective["rule"] == CONCURRENT and objective["verdict"] == "fail":
        return refused(objective, load) or lasted(load)
    return quantity(objective["value"], objective["unit"], _digits(objective))


def refused(objective: Mapping[str, Any], load: Document) -> str:
    """Return what failed where enough streams were open at once nevertheless; nothing where they were not."""
    counts = load["connections"]
    enough = (objective["value"] or 0) >= objective["limit"] and not counts["dropped"]
    return f"{counts['failed']:,} attempts to open one failed" if enough and counts["failed"] else ""


def turns(streams: float, at_a_time: Mapping[str, Any] | None) -> str:
    """Return how many a server answers at once, and that it refuses the rest, where it does."""
    refused = (at_a_time or {}).get("refused")
    if refused:
        return f"answered {streams:,.0f} at once and refused the rest ({refused})"
    return f"answers {streams:,.0f} at a time"


def lasted(load: Document) -> str:
    """Return how many of the streams that were asked for stayed open as long as they should."""
    counts = load["connections"]
    # Users who are refused come again, and each time counts: no more were never served than the peak leaves.
    failed = min(counts["failed"], max(0, counts["requested"] - counts["peak_open"]))
    good = max(0, counts["requested"] - failed - counts["dropped"])
    return f"{good:,} of {counts['requested']:,} lasted"


def limit(objective: Mapping[str, Any]) -> str:
    """Return an objective's limit with its comparison, such as ``< 1 s``."""
    rule = objective["rule"]
    usual = ANY_OTHER.get(rule, "≥" if objective.get("at_least") else "≤")
    usual = {"≥": ">", "≤": "<"}[usual] if objective.get("exclusive") else usual
    sign = OBJECTIVES[rule][1] if rule in OBJECTIVES else usual
    return f"{sign} {quantity(objective['limit'], objective['unit'], _digits(objective))}"


def _digits(objective: Mapping[str, Any]) -> int:
    """Return how many digits tell an objective's figures from its limit: three, unless that hides which is larger."""
    bound, unit = objective["limit"], objective["unit"]
    figures = (objective["value"], *(objective.get("interval") or ()))
    apart = [value for value in figures if value is not None and value not in {bound, math.inf} and value == value]  # noqa: PLR0124
    enough = (most for most in range(DIGITS, MOST_DIGITS) if all(_differ(value, bound, unit, most) for value in apart))
    return next(enough, DIGITS)


def _differ(value: float, bound: float, unit: str, digits: int) -> bool:
    """Whether two figures look different, in ms as in s: 999.7 ms is not to look like 1,000 ms beside 1 s."""
    return all(
        quantity(value, name, digits) != quantity(bound, name, digits) for name in (unit, unit.removeprefix("ms"))
    )


def interval(measured: Mapping[str, Any]) -> str:
    """Return an objective's 95 % confidence interval for people, such as ``5.1 to 6.9 ms``, or nothing."""
    digits = _digits(measured)
    low, high = (quantity(end, measured["unit"], digits) for end in measured.get("interval") or (None, None))
    number, _, unit = low.rpartition(" ")
    return "" if high == ABSENT else f"{number if high.endswith(f' {unit}') else low} to {high}"


def quantity(value: float | None, unit: str, digits: int = DIGITS) -> str:
    """Return a value with its unit at three significant digits; a dash when there is no value."""
    if value is None or value != value:  # noqa: PLR0124 - NaN is the one value unlike itself
        return ABSENT
    if unit == "ratio":  # a change is easier to read: 1.0314 is +3.14 %
        return f"{round(100 * (value - 1), digits - 1) + 0.0:+.{FIGURES}g} %"  # no -0
    if unit == "share":
        return f"{round(100 * value, digits - 1):.{FIGURES}g} %"
    if unit == "ms" and abs(value) >= 1000:
        return f"{significant(value / 1000, digits)} s"
    one_of_many = value == 1 and PLURAL.fullmatch(unit)
    return f"{significant(value, digits)} {one_of_many[1] if one_of_many else unit}".rstrip()


def significant(value: float, digits: int = DIGITS) -> str:
    """Return a number at three significant digits (small ones at two) or whole, with thousands separated."""
    if float(value).is_integer() or abs(value) >= 10 ** (digits - 1):
        return f"{value:,.0f}"
    return f"{value:,.{digits if abs(value) >= 1 else digits - 1}g}"


def place(evidence: Mapping[str, Any]) -> str:
    """Return where a piece of evidence was seen: ``happy-path, chunk 3, byte 120, after 812 ms``."""
    named = [f"{key} {evidence[key]}" for key in ("chunk", "byte") if evidence.get(key) is not None]
    if evidence.get("at_ms") is not None:
        named.append(f"after {quantity(evidence['at_ms'], 'ms')}")
    return ", ".join([prose(evidence["transcript"]), *named])


ENDS = {"eof": "the server ended it", "cut": "ssegauge ended it", "timeout": "nothing more came", "error": "it broke"}


def ended(end: Mapping[str, Any]) -> str:
    """Return how an exchange ended: ``the server ended it``, with what is known besides."""
    how, detail = str(end.get("how")), end.get("detail")
    return ENDS.get(how, prose(how)) + (f": {prose(str(detail))}" if detail else "")


def says(finding: Mapping[str, Any]) -> str:
    """Return what was seen, or for a rule that has nothing to tell what it asks for, on one line."""
    return prose(finding["summary"] or finding.get("title", ""))


def because(result: Mapping[str, Any]) -> str:
    """Return why a rule was not judged: the findings that leave nothing to judge it by."""
    return f"not judged, because of {', '.join(result['because'])}"


def dragged(rules: Sequence[str]) -> str:
    """Return what a finding drags along: the rules that were not judged because of it."""
    return f"because of it not judged: {', '.join(rules)}"


def but_for_known(conformance: Document) -> str:
    """Return how many findings the baseline keeps from breaking the check, such as ``, but for 2 known findings``."""
    many = len(verdict.known(conformance))
    return f", but for {quantity(many, 'known findings')}" if many else ""


def looked(conformance: Document) -> str:
    """Return how much was looked at, such as ``looked at 12 streams, the longest for 16.5 s``, or nothing."""
    if not (seen := conformance.get("looked")):
        return ""
    streams, events = seen["streams"], seen["events"]
    counted = f"{streams:,} {'stream' if streams == 1 else 'streams'}"
    longest = f", {'for' if streams == 1 else 'the longest for'} {significant(seen['longest_s'])} s" * (streams > 0)
    return f"looked at {counted}{longest}, {events:,} {'event' if events == 1 else 'events'}"


def plain(finding: Mapping[str, Any], most_evidence: int = 5) -> str:
    """Return a finding as plain text of several lines: what, evidence, why, how to mend, source."""
    return "\n".join(_plain_lines(finding, most_evidence))


def _plain_lines(finding: Mapping[str, Any], most_evidence: int) -> Iterator[str]:
    yield says(finding)
    for evidence in finding.get("evidence", ())[:most_evidence]:
        yield f"Evidence: {place(evidence)}"
        yield from (f"    {line}" for line in visible(evidence["excerpt"]).splitlines())
    if finding.get("because"):
        yield because(finding).capitalize()
    for label, key in (("Why", "why"), ("Mend", "mend"), ("Not observed", "needs")):
        if finding.get(key):
            yield f"{label}: {prose(finding[key])}"
    if source := finding.get("source"):
        yield f"Source: {prose(source['title'])} {prose(source['url'])}"


def objective(one: Mapping[str, Any], load: Document) -> str:
    """Return an objective's outcome as one line: title, statistic, value, limit, samples, interval."""
    statistic = prose(one["statistic"])
    told = "" if statistic.lower() in title(one).lower() else f"{statistic} "
    within = f", 95 % interval {interval(one)}" if one.get("interval") else ""
    rests_on = f"limit {limit(one)}, {one['samples']:,} samples{within}"
    return f"{title(one)}: {told}{measured(one, load)} ({rests_on})"


def notes(load: Document) -> dict[str, str]:
    """Return what there is to say of the objectives, each note once: note -> which objectives it is about."""
    told: dict[str, list[str]] = {}
    for one in load["objectives"]:
        if one.get("note"):
            told.setdefault(prose(one["note"]), []).append(title(one))
    every = len(load["objectives"])
    return {note: "All objectives" if len(about) == every > 1 else ", ".join(about) for note, about in told.items()}


KINDS = {
    "connect": "connect until open",
    "first_event": "request to first event",
    "update": "update",
    "gap": "gap between events",
    "first_token": "request to first token",
    "token_gap": "gap between tokens",
    "time_per_token": "time per output token",
    "duration": "request to end of answer",
    "existing": "existing endpoint",
    "recover": "back after a cut",
}


def kind(name: str) -> str:
    """Return the name of a kind of latency for people."""
    return KINDS.get(name, prose(name))


def asks_for_credentials(load: Document) -> bool:
    """Return whether streams were refused for want of credentials."""
    return any(re.search(r"\b40[13]\b", reason) for reason in load["connections"].get("drop_reasons", ()))


def moment(stamp: str) -> str:
    """Return an ISO 8601 UTC stamp for people: ``2025-11-24 09:30:00 UTC``."""
    when = _time(stamp)
    return f"{when:%Y-%m-%d %H:%M:%S} UTC" if when else prose(stamp)


def _time(stamp: str) -> datetime | None:
    try:
        when = datetime.fromisoformat(stamp)
    except ValueError:
        return None
    return when if when.tzinfo else when.replace(tzinfo=UTC)


def elapsed(started: str, finished: str) -> str:
    """Return the time between two ISO 8601 stamps; a dash where one is none."""
    seconds = seconds_between(started, finished)
    if seconds is None:
        return ABSENT
    return f"{seconds:.1f} s" if seconds < 120 else f"{seconds / 60:.1f} min"


def seconds_between(started: str, finished: str) -> float | None:
    """Return the seconds between two ISO 8601 stamps; None where one is none."""
    since, until = _time(started), _time(finished)
    return None if since is None or until is None else (until - since).total_seconds()


DEFAULT_TARGET = "ssegauge.toml"


def target_file(run: Document | None) -> str:
    """Return the target file that a run's command named, as a path in a repository; else the one it takes by itself."""
    spelled = (word.rpartition("=")[2] for word in (run["command"] if run else ()))
    named = next((word for word in spelled if word.endswith(".toml")), DEFAULT_TARGET)
    return named.removeprefix("./").lstrip("/")


def address(run: Document) -> str:
    """Return what was asked: the server's address and the stream's path, as far as the run says."""
    target = run["target"]
    stream = target.get("stream")
    path = stream.get("path", "") if isinstance(stream, dict) else ""
    return f"{str(target.get('base_url') or '').rstrip('/')}{path}"


def run_facts(run: Document) -> Iterator[tuple[str, str]]:
    """Yield (label, text) for when, where and how a run was made."""
    machine = run["machine"]
    yield "started", moment(run["started"])
    yield "finished", moment(run["finished"]) if run["finished"] else "not"
    yield "command", prose(shlex.join(run["command"]))
    yield "commit", prose(run["commit"] or "not in a repository")
    memory = f"{machine['memory_bytes'] / 2**30:.1f} GiB"
    yield "machine", prose(f"{machine['platform']}, {machine['cpus']} CPUs, {memory}, kernel {machine['kernel']}")
    yield "Python", prose(machine["python"])


def pretty(document: Document) -> str:
    """Return a document as indented JSON for people; secrets were redacted by its writer."""
    return json.dumps(document, indent=2, ensure_ascii=False)


def latency_rows(latencies: Mapping[str, Percentiles], delay: Percentiles) -> Iterator[tuple[str, Percentiles]]:
    """Yield (name, percentiles) per kind of latency, and of how late samples were read, where it is known."""
    yield from ((kind(name), found) for name, found in latencies.items())
    if delay.samples:
        yield "samples read late by", delay


def existing_rows(existing: Mapping[bool, Percentiles]) -> Iterator[tuple[str, Percentiles]]:
    """Yield (name, percentiles) of the existing endpoint without and with open streams."""
    yield from ((f"{'with' if held else 'without'} streams", found) for held, found in existing.items())
