"""The words and figures that every rendering shares: pure functions of documents, results are plain text.

Text from a server comes back through `visible`/`prose` of `render.visible`, so it is safe to print; the escaping
of a format's own markup is left to that format.
"""

import json
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

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
# The four figures of the specification: rule -> (title, how the limit bounds the value).
OBJECTIVES = {
    "performance/concurrent-streams": ("Concurrent streams", "≥"),
    "performance/connect-time": ("Connection time", "<"),
    "performance/update-latency": ("Update latency", "<"),
    "performance/degradation": ("Impact on existing endpoint", "<"),
}
TRENDS = {"server_memory": ("server memory", "MiB"), "server_descriptors": ("server descriptors", "files")}
CONCURRENT = "performance/concurrent-streams"
STALL_MS, STALL = 1000.0, 20.0  # a gap so long, and so many times the usual one, is a stall worth a word
ANY_OTHER = {"performance/capacity": "≥", "performance/offered-load": "≥"}  # and "≤" for the rest, unless at_least


def specified(load: Document) -> dict[str, Document | None]:
    """Return the objectives of the specification's four figures by rule; None where the run did not measure one."""
    measured = {one["rule"]: one for one in load["objectives"]}
    return {rule: measured.get(rule) for rule in OBJECTIVES}


def title(objective: Mapping[str, Any]) -> str:
    """Return an objective's name for people."""
    rule: str = objective["rule"]
    spelled = rule.partition("/")[2].replace("-", " ").capitalize()
    return OBJECTIVES.get(rule, (spelled, ""))[0]


def measured(objective: Mapping[str, Any], load: Document) -> str:
    """Return what was measured, with its unit; of streams that did not last, how many did."""
    if objective["rule"] == CONCURRENT and objective["verdict"] == "fail":
        return refused(objective, load) or lasted(load)
    return quantity(objective["value"], objective["unit"])


def refused(objective: Mapping[str, Any], load: Document) -> str:
    """Return what failed where enough streams were open at once nevertheless; nothing where they were not."""
    counts = load["connections"]
    enough = (objective["value"] or 0) >= objective["limit"] and not counts["dropped"]
    return f"{counts['failed']:,} attempts to open one failed" if enough and counts["failed"] else ""


def lasted(load: Document) -> str:
    """Return how many of the streams that were asked for stayed open as long as they should."""
    counts = load["connections"]
    # Users who are refused come again, and each time counts: then those never served are whom the peak leaves.
    again = counts["failed"] > counts["requested"]
    failed = counts["requested"] - counts["peak_open"] if again else counts["failed"]
    good = max(0, counts["requested"] - failed - counts["dropped"])
    return f"{good:,} of {counts['requested']:,} lasted"


def limit(objective: Mapping[str, Any]) -> str:
    """Return an objective's limit with its comparison, such as ``< 1 s``."""
    rule = objective["rule"]
    usual = ANY_OTHER.get(rule, "≥" if objective.get("at_least") else "≤")
    usual = {"≥": ">", "≤": "<"}[usual] if objective.get("exclusive") else usual
    sign = OBJECTIVES[rule][1] if rule in OBJECTIVES else usual
    return f"{sign} {quantity(objective['limit'], objective['unit'])}"


def interval(measured: Mapping[str, Any]) -> str:
    """Return an objective's 95 % confidence interval for people, such as ``5.1 to 6.9 ms``, or nothing."""
    low, high = (quantity(end, measured["unit"]) for end in measured.get("interval") or (None, None))
    number, _, unit = low.rpartition(" ")
    return "" if high == ABSENT else f"{number if high.endswith(f' {unit}') else low} to {high}"


def quantity(value: float | None, unit: str) -> str:
    """Return a value with its unit at three significant digits; a dash when there is no value."""
    if value is None or value != value:  # noqa: PLR0124 - NaN is the one value unlike itself
        return ABSENT
    if unit == "ratio":  # a change is easier to read: 1.0314 is +3.14 %
        return f"{round(100 * (value - 1), 2):+g} %"
    if unit == "share":
        return f"{round(100 * value, 2):g} %"
    if unit == "ms" and abs(value) >= 1000:
        return f"{significant(value / 1000)} s"
    return f"{significant(value)} {unit}".rstrip()


def significant(value: float) -> str:
    """Return a number at three significant digits (small ones at two) or whole, with thousands separated."""
    if float(value).is_integer() or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}" if abs(value) >= 1 else f"{value:.2g}"


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
    for label, key in (("Why", "why"), ("Mend", "mend"), ("Add", "needs")):
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


LATE_MS: Final = 2000  # one reader after the other: worth a word where nobody has promised that all are told the same


def kind(name: str) -> str:
    """Return the name of a kind of latency for people."""
    return KINDS.get(name, prose(name))


def load_facts(load: Document) -> Iterator[tuple[str, str]]:
    """Yield (label, text) for what a load run counted: connections, integrity, the generator's own part."""
    connections, integrity, generator = load["connections"], load["integrity"], load["generator"]
    yield "connections", _counted(connections, "requested", "peak_open", "failed", "dropped")
    if left := connections.get("left"):
        yield "left", f"{left['fin']:,} by FIN, {left['rst']:,} by RST"
    yield from _trouble_facts(load)
    yield from _request_facts(load.get("requests"))
    yield from _stall_facts(load)
    if integrity and integrity["sent"]:  # a stream that we do not drive has its events, but no updates of ours
        yield "updates", _counted(integrity, "sent", "received", "lost", "duplicated", "reordered")
    if seen := load.get("witnesses"):
        spread = seen["events_per_stream"]
        yield "events a stream", f"{spread['least']:,} to {spread['most']:,}, median {spread['median']:g}"
        if seen["shared"] is False:
            yield "", "no two streams had an event in common: each has its own feed, or they take from one queue"
        yield from _late_facts(load, seen.get("late_ms", 0))
    if process := load.get("server"):
        yield "server", ", ".join(_server_words(process))
    yield from _trend_facts(load.get("trends") or {})
    yield "generator", ", ".join(_generator_words(generator))
    if generator.get("note") and prose(generator["note"]) not in notes(load):
        yield "", prose(generator["note"])


def _late_facts(load: Document, late_ms: float) -> Iterator[tuple[str, str]]:
    if late_ms > LATE_MS and not any(item["rule"] == "performance/readers-apart" for item in load["objectives"]):
        late = f"one event in a hundred came {late_ms / 1e3:.1f} s or more after the first who was told it"
        yield "", f"{late}: late, or each reader has a clock of its own; shared = true in [promises] has it judged"


def _trouble_facts(load: Document) -> Iterator[tuple[str, str]]:
    connections = load["connections"]
    if reasons := connections.get("drop_reasons"):
        yield "because of", ", ".join(f"{prose(reason)} {count:,}" for reason, count in reasons.items())
        if asks_for_credentials(load):
            yield "", 'give credentials in the target file: headers = { Authorization = "Bearer ${TOKEN}" }'
    if refusals := (load.get("updates") or {}).get("refusals"):
        yield "refused", ", ".join(f"{prose(reason)} {count:,}" for reason, count in refusals.items())


def _request_facts(asked: Mapping[str, Any] | None) -> Iterator[tuple[str, str]]:
    if not asked:
        return
    arrivals = asked["arrivals"]
    how = "by users" if arrivals == "users" else f"arriving {prose(arrivals)}"
    counts = _counted(asked, "asked", "finished", "cut", "failed", "unfinished")
    yield "requests", f"{counts}; {how}, {asked['most_under_way']:,} under way at most"
    if asked["finished_per_s"] is not None:
        good = "" if asked["good_per_s"] is None else f", good {significant(asked['good_per_s'])}"
        yield "a second", f"{significant(asked['finished_per_s'])} finished{good}"
    if asked["told_to_wait_s"]:
        yield "", f"the server wanted to be left alone for up to {significant(asked['told_to_wait_s'])} s (Retry-After)"
    if at_a_time := asked["at_a_time"]:
        waited = f"the others waited up to {at_a_time['waited_s']:.1f} s for their {at_a_time['for']}"
        yield "at once", f"answers {at_a_time['streams']:,} at a time; {waited}"
    if tokens := asked["tokens"]:
        yield from _token_facts(tokens)


def _stall_facts(load: Document) -> Iterator[tuple[str, str]]:
    """Yield that one gap was far longer than the usual one, where no objective bounds it."""
    found = load["latency_ms"].get("token_gap")
    bounded = any("gap" in one["rule"] for one in load["objectives"])
    if found and not bounded and found["max"] > max(STALL_MS, STALL * found["p50"]):
        longest, usual = (quantity(found[name], "ms") for name in ("max", "p50"))
        yield "longest gap", f"{longest} between tokens, {usual} usually; to bound it: --objective 'token_gap_max < 1s'"


def _token_facts(tokens: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    together = f"{tokens['read_together']:,} came together with an earlier one" if tokens["read_together"] else ""
    late = f"{tokens['gaps_read_late']:,} gaps were read late and not counted" if tokens["gaps_read_late"] else ""
    first = tokens.get("first_read_late")
    firsts = f"{first:,} first tokens may have come earlier than they were read" if first else ""
    yield "tokens", "; ".join(filter(None, (f"{tokens['pieces']:,} events with text", together, late, firsts)))
    if tokens["per_s"] is not None and tokens["pieces"]:
        speed = tokens["per_s_of_a_stream"]
        each = f"; of a stream p5 {significant(speed['p5'])}, p50 {significant(speed['p50'])}" if speed else ""
        yield "tokens a second", f"{significant(tokens['per_s'])} in all{each}"
    lengths = [
        f"{name} p50 {significant(found['p50'])}, p95 {significant(found['p95'])}"
        for name in ("input", "output")
        if (found := tokens[name])
    ]
    if lengths:
        yield "tokens long", "; ".join(lengths)


def asks_for_credentials(load: Document) -> bool:
    """Return whether streams were refused for want of credentials."""
    return any(re.search(r"\b40[13]\b", reason) for reason in load["connections"].get("drop_reasons", ()))


def _counted(counts: Mapping[str, int], *names: str) -> str:
    return ", ".join(f"{counts[name]:,} {name.replace('_', ' ')}" for name in names)


def _trend_facts(trends: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield by how much things grow, such as ``server memory +12 MiB (95 %: +8.1 to +16)``."""
    for name, slope in trends.items():
        what, unit = TRENDS.get(name, (kind(name), "ms"))
        low, high = (f"{end + 0.0:+.3g}" for end in slope["interval"])  # no -0
        yield "in an hour", f"{what} {slope['per_hour'] + 0.0:+.3g} {unit} (95 %: {low} to {high})"


def _server_words(process: Mapping[str, Any]) -> Iterator[str]:
    if cpu := process["cpu_percent"]:
        yield f"CPU {significant(cpu['mean'])} %, at most {significant(cpu['max'])} % of a core"
    memory = process["memory_mib"]
    first, last, most = (significant(memory[name]) for name in ("first", "last", "max"))
    yield f"memory {first} to {last} MiB, at most {most}"
    yield f"at most {process['descriptors']:,} descriptors"


def _generator_words(generator: Mapping[str, Any]) -> Iterator[str]:
    delay = generator["delay_ms"]
    yield f"own delay p50 {quantity(delay['p50'], 'ms')}, p99 {quantity(delay['p99'], 'ms')}"
    yield f"CPU {quantity(generator['cpu_percent'], '%')}"
    yield {"kernel": "arrivals stamped by the kernel", "user": "arrivals stamped in user space"}[generator["clock"]]
    if generator["saturated"]:
        yield "SATURATED: the figures are its own, not the server's"


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
    """Yield (name, percentiles) per kind of latency, and of the generator's own delay where it is known."""
    yield from ((kind(name), found) for name, found in latencies.items())
    if delay.samples:
        yield "generator's own delay", delay


def existing_rows(existing: Mapping[bool, Percentiles]) -> Iterator[tuple[str, Percentiles]]:
    """Yield (name, percentiles) of the existing endpoint without and with open streams."""
    yield from ((f"{'with' if held else 'without'} streams", found) for held, found in existing.items())
