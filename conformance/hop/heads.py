"""What a hop does to the response's head: no stream at all, and header fields that readers or caches go by."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from ssegauge.conformance.hop.model import Kind, Pair, Side, Told
from ssegauge.conformance.words import shown

# What belongs to a connection or to one response, or is a hop's to set: RFC 9110 sections 7.6.1 to 7.6.3 and 6.6.1.
ITS_OWN: Final = frozenset(
    (
        *("connection", "keep-alive", "transfer-encoding", "te", "trailer", "upgrade", "proxy-connection"),
        *("date", "server", "via", "age", "alt-svc"),
    )
)
UNSTORED: Final = frozenset({"no-store", "no-cache", "private"})
UTF8: Final = re.compile(r";\s*charset=\"?utf-8\"?", re.IGNORECASE)  # says what holds of any event stream
ALLOWS: Final = "access-control-allow-origin"


class Change(NamedTuple):
    """A field's value on both sides, empty where it is not there."""

    direct: str
    through: str
    is_get: bool


def answered(pair: Pair, _: list[Pair]) -> Iterator[Told]:
    """Tell of an answer that is no stream; one that never came, or a refusal, may be a mistake in how it was asked."""
    view = pair.through.view
    status = view.head.status if view.head else 0
    if view.is_event_stream:
        return
    if status == 200:
        summary = f"Content-Type is {shown(view.media_type or 'missing')} through it, text/event-stream directly"
        yield Told("damaged", "content-type", summary, "Pass the Content-Type on as it is: readers refuse any other.")
    elif status >= 500:
        yield Told("damaged", "answer", f"a stream directly, through it: {view.said()}", "Look into the hop's own log.")
    else:
        mend = "Check the hop's address, the key for it, and what it calls the model; then check again."
        yield Told("unclear", "answer", f"a stream directly, through it: {view.said()}", mend)


def differ(pair: Pair, pairs: list[Pair]) -> Iterator[Told]:
    """Tell of fields that every direct answer has alike, and this one has not."""
    steady, now = _steady(pairs), _fields(pair.through)
    others = []
    for name in dict.fromkeys((*steady, *now)):
        change = Change(steady.get(name, ""), now.get(name, ""), pair.direct.view.transcript.request.method == "GET")
        if change.direct == change.through or not (name in steady or _is_new_to_all(name, pairs)):
            continue
        if judge := JUDGED.get(name):
            kind, why = judge(change)
            yield Told(kind, name, _words(change), why)
        else:
            others.append(f"{name} ({'another value' if change.through else 'missing'})")
    if others:
        yield Told("changed", "header fields", f"through it: {', '.join(others)}")


def _words(change: Change) -> str:
    before, after = (shown(value) if value else "missing" for value in (change.direct, change.through))
    return f"{before} directly, {after} through it"


def _caching(change: Change) -> tuple[Kind, str]:
    before, after = ({part.strip().lower() for part in value.split(",")} for value in (change.direct, change.through))
    if change.is_get and before & UNSTORED and not after & UNSTORED:  # caches store no answer to a POST by themselves
        return (
            "damaged",
            "Pass Cache-Control on: without it what comes next may answer readers with what was told before.",
        )
    lost = "no-transform" in before - after
    return (
        "changed",
        "Pass `no-transform` on: what comes next may compress the stream, and so hold it back." if lost else "",
    )


def _coding(change: Change) -> tuple[Kind, str]:
    mend = "Compress no event streams, or flush after each event: a coder keeps events until it has enough of them."
    return "changed", mend if change.through else ""


def _length(change: Change) -> tuple[Kind, str]:
    mend = "Pass the answer on as it comes: who knows a stream's length has waited for its end."
    return ("held", mend) if change.through else ("changed", "")


def _origin(change: Change) -> tuple[Kind, str]:
    mend = "Let either the server or the hop allow origins: browsers refuse a field with two values."
    if "," in change.through or not change.through:
        return "damaged", mend if change.through else "Pass it on: without it browsers refuse the answer to pages."
    return "changed", ""


def _hint(change: Change) -> tuple[Kind, str]:
    return "changed", "" if change.through else "nginx takes it out where it obeys it; another hop before it sees none."


JUDGED: Final = {
    "cache-control": _caching,
    "content-encoding": _coding,
    "content-length": _length,
    ALLOWS: _origin,
    "x-accel-buffering": _hint,
}


def _fields(side: Side) -> dict[str, str]:
    headers = side.view.head.headers if side.view.head else ()
    found: dict[str, str] = {}
    for name, value in headers:
        key = name.lower()
        if key not in ITS_OWN:
            told = UTF8.sub("", value) if key == "content-type" else value
            found[key] = f"{found[key]}, {told}" if key in found else told
    return found


def _steady(pairs: list[Pair]) -> Mapping[str, str]:
    """Return the fields that all direct answers have with one value: any other is an id, a time, a count."""
    first, *others = (_fields(pair.direct) for pair in pairs)
    return {name: value for name, value in first.items() if all(one.get(name) == value for one in others)}


def _is_new_to_all(name: str, pairs: list[Pair]) -> bool:
    return name in JUDGED and not any(name in _fields(pair.direct) for pair in pairs)
