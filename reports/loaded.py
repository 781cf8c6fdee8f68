"""What a load run counted, in words: connections, integrity, requests, trends, and the generator's own part."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from ssegauge.reports.folder import Document
from ssegauge.reports.render.visible import prose
from ssegauge.reports.words import (
    arrivals,
    asks_for_credentials,
    kind,
    notes,
    quantity,
    significant,
    title,
    turns,
    unmeasured,
)

TRENDS = {"server_memory": ("server memory", "MiB"), "server_descriptors": ("server descriptors", "files")}
STALL_MS, STALL = 1000.0, 20.0  # a gap so long, and so many times the usual one, is a stall worth a word
LATE_MS: Final = 2000  # one reader after the other: worth a word where nobody has promised that all are told the same


def facts(load: Document) -> Iterator[tuple[str, str]]:
    """Yield (label, text) for what a load run counted: connections, integrity, the generator's own part."""
    connections, integrity, generator = load["connections"], load["integrity"], load["generator"]
    yield "connections", _counted(connections, "requested", "peak_open", "failed", "dropped")
    if left := connections.get("left"):
        yield "left", f"{left['fin']:,} by FIN, {left['rst']:,} by RST"
    yield from _trouble_facts(load)
    yield from _request_facts(load)
    yield from _stall_facts(load)
    if integrity and integrity["sent"]:  # a stream that we do not drive has its events, but no updates of ours
        yield "updates", _counted(integrity, "sent", "received", "lost", "duplicated", "reordered")
    if seen := load.get("witnesses"):
        spread = seen["events_per_stream"]
        yield "events a stream", f"{spread['least']:,} to {spread['most']:,}, median {spread['median']:g}"
        if seen["shared"] is False:
            yield "", "no two streams had an event in common: each has its own feed, or they take from one queue"
        yield from _late_facts(load, seen.get("late_ms", 0))
    yield from _left_out(load)
    if process := load.get("server"):
        yield "server", ", ".join(_server_words(process))
    yield from _trend_facts(load.get("trends") or {})
    yield "generator", ", ".join(_generator_words(generator))
    if generator.get("note") and prose(generator["note"]) not in notes(load):
        yield "", prose(generator["note"])


def _left_out(load: Document) -> Iterator[tuple[str, str]]:
    update = load["latency_ms"].get("update", {})
    is_judged = any(item["rule"] == "performance/update-latency" for item in load["objectives"])
    if untimed := update.get("untimed"):
        yield "not timed", f"time stamps that latency cannot count from: {prose(untimed)}"
    elif update and not (update["samples"] or is_judged):
        yield (
            "not timed",
            "update latency: no event tells when it was made (a time in its JSON, such as timestamp or ts)",
        )
    for rule, why in unmeasured(load).items():
        yield "not measured", f"{title({'rule': rule})}: {why}"


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


def _request_facts(load: Document) -> Iterator[tuple[str, str]]:
    asked = load.get("requests")
    if not asked:
        return
    told = arrivals(load)
    how = f"arriving {told}" if told else "by users"
    counts = _counted(asked, "asked", "finished", "cut", "failed", "unfinished")
    yield "requests", f"{counts}; {how}, {asked['most_under_way']:,} under way at most"
    if asked["finished_per_s"] is not None:
        good = "" if asked["good_per_s"] is None else f", good {significant(asked['good_per_s'])}"
        yield "a second", f"{significant(asked['finished_per_s'])} finished{good}"
    if asked["told_to_wait_s"]:
        yield (
            "",
            f"the server wanted to be left alone for up to {significant(asked['told_to_wait_s'])} s (Retry-After)",
        )
    if at_a_time := asked["at_a_time"]:
        waited = "; the others waited up to {waited_s:.1f} s for their {for}"
        told = "" if "refused" in at_a_time else waited.format(**at_a_time)
        yield "at once", turns(at_a_time["streams"], at_a_time) + told
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
