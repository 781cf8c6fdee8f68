"""What a load run did, and what came of it, in words: its shape, its herd, what came each second, events by type. Pure.

Every function takes load.json's document and yields nothing where the run has nothing of the kind.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ssegauge.reports import words
from ssegauge.reports.folder import Document
from ssegauge.reports.render.visible import prose

MOST_POINTS = 12  # of a shape, in words
WAVES = ("cut at", "streams", "back", "half back", "all back", "refused", "worst connect")
TYPES = ("events", "bytes")
TIMED = ("p50", "p95", "p99", "max", "timed")


def facts(load: Document, *, with_herd: bool = True) -> Iterator[tuple[str, str]]:
    """Yield (label, text) for what a run was told to do and what it did to the server."""
    if shape := load.get("shape"):
        yield "shape", _shape(shape)
    if ended := load["connections"].get("ended"):
        yield "ended", _ended(ended)
    if told := load["connections"].get("told_to_wait"):
        yield "Retry-After", _told_to_wait(told, waits=words.arrivals(load) is None)
    if came := load.get("throughput"):
        yield "came", _came(came)
    if with_herd and (herd := load.get("herd")):
        yield from _herd(herd)


def throughput(load: Document) -> Iterator[tuple[str, str]]:
    """Yield (label, text) for how much came in the usual second, where that is known."""
    if came := load.get("throughput"):
        yield "events in the usual second", words.quantity(came["events_per_s"]["p50"], "")
        yield "data in the usual second", size(came["bytes_per_s"]["p50"])


def size(count: float) -> str:
    """Return a number of bytes for people: ``9.76 kB``."""
    for factor, unit in ((1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if count >= factor:
            return words.quantity(count / factor, unit)
    return words.quantity(count, "B")


def wave_rows(herd: Document) -> Iterator[tuple[str, ...]]:
    """Yield a row of text for each cut of a herd: the columns of ``WAVES``."""
    for wave in herd["waves"]:
        seconds = [words.quantity(wave[name], "s") for name in ("half_s", "recover_s")]
        counts = [f"{wave[name]:,}" for name in ("streams", "back")]
        worst = words.quantity(wave["worst_connect_ms"], "ms")
        yield (words.quantity(wave["at_s"], "s"), *counts, *seconds, f"{wave['refused']:,}", worst)


def herd_notes(herd: Document) -> Iterator[str]:
    """Yield what there is to say of a herd besides its waves, a sentence each."""
    who = "as the server told them by retry" if herd["told"] else "as Chromium does where a server sends no retry"
    yield f"Readers waited {words.quantity(herd['retry_s'], 's')} before they came back, {who}."
    if herd["returns"]:
        yield _missed(herd)
    if refused := sum(wave["refused"] for wave in herd["waves"]):
        yield f"{refused:,} attempts got no stream and were made again; a browser refused by a status gives up."
    if herd["stopped"]:
        yield f"{herd['stopped']:,} were told by 204 not to come back."


def type_columns(load: Document) -> Sequence[str]:
    """Return the columns of ``type_rows`` after the name: times where any event was timed."""
    return (*TYPES, *TIMED) if any(one["latency_ms"] for one in load.get("types") or ()) else TYPES


def type_heading(load: Document) -> str:
    """Return the name of the column of types, with what their times are where that is no latency of every event."""
    return "type of event, by its first in an answer" if load.get("requests") else "type of event"


def type_rows(load: Document) -> Sequence[tuple[str, ...]]:
    """Return a row of text for each type (and stage) of events: its name and ``type_columns``.

    Empty where there is but one: then it is what the other tables tell.
    """
    found = load.get("types") or ()
    columns = 1 + len(type_columns(load))
    return [_type_row(one)[:columns] for one in found] if len(found) > 1 else []


def _type_row(one: Mapping[str, Any]) -> tuple[str, ...]:
    name = " · ".join(filter(None, (prose(one["type"]), prose(one["stage"]))))
    timed = one["latency_ms"]
    times = [words.quantity(timed[key], "ms") if timed else words.ABSENT for key in ("p50", "p95", "p99", "max")]
    return (name, f"{one['events']:,}", size(one["bytes"]), *times, f"{timed['samples']:,}" if timed else words.ABSENT)


def _shape(shape: Document) -> str:
    points = [f"{at_s:g}s:{users:g}" for at_s, users in shape["points"][:MOST_POINTS]]
    more = " …" * (len(shape["points"]) > MOST_POINTS)
    least = shape["least"]
    worst = f"; at worst {least['held']:,} of {least['wanted']:,} open, {least['at_s']:g} s into it" if least else ""
    if least and least["held"] >= least["wanted"]:
        worst = "; held at each moment"
    return f"{' '.join(points)}{more}{worst}"


def _ended(ended: Document) -> str:
    least, most = (words.quantity(ended[name], "s") for name in ("least_s", "most_s"))
    streams = _many(ended["streams"], "stream")
    told = f"the server ended {streams} after {least} to {most}, and they were opened again"
    if not ended["resumed"]:
        return told
    known = f"{ended['missed']:,} of {_many(ended['away'], 'event')} told meanwhile were missed"
    return f"{told}, {ended['resumed']:,} with the last id; {known if ended['away'] else 'not judged what was missed'}"


def _many(count: int, thing: str) -> str:
    return f"{count:,} {thing}{'s' * (count != 1)}"


def _told_to_wait(told: Document, *, waits: bool) -> str:
    longest = words.quantity(told["longest_s"], "s")
    kept = (
        f"; {told['shortened']:,} of them longer than the minute that is kept to" if told["shortened"] else ", kept to"
    )
    kept = kept if waits else "; arrivals are other people each, and none of them waits"
    return f"{told['refusals']:,} refusals named a time to stay away, up to {longest}{kept}"


def _came(came: Document) -> str:
    events, rate = came["events_per_s"], came["bytes_per_s"]
    most = f"at most {words.quantity(events['max'], 'events/s')} and {size(rate['max'])}/s"
    counted = f"{came['events']:,} events, {size(came['bytes'])}"
    return f"{counted}; {words.quantity(events['mean'], 'events/s')} and {size(rate['mean'])}/s on average, {most}"


def _herd(herd: Document) -> Iterator[tuple[str, str]]:
    for number, wave in enumerate(herd["waves"], 1):
        back = f"all back after {words.quantity(wave['recover_s'], 's')}"
        if wave["recover_s"] is None:
            back = f"{wave['back']:,} came back"
        half = f"half after {words.quantity(wave['half_s'], 's')}, " if wave["half_s"] is not None else ""
        worst = f", worst connect {words.quantity(wave['worst_connect_ms'], 'ms')}"
        refused = f", {wave['refused']:,} attempts refused" if wave["refused"] else ""
        yield f"cut {number}", f"{wave['streams']:,} streams: {half}{back}{refused}{worst}"
    for note in herd_notes(herd):
        yield "", note


def _missed(herd: Document) -> str:
    promise = "" if herd["promised"] else " (no resume is promised, so that is not judged)"
    told = f"{herd['away']:,} events were told while they were away"
    twice = f", {herd['doubled']:,} came twice" if herd["doubled"] else ""
    return f"Of {herd['returns']:,} returns: {told}, {herd['missed']:,} never reached them{twice}{promise}."
