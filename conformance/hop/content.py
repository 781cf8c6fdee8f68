"""What a hop does to what a stream says: its end, its bytes, its text, and the shape of its events."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, Final

from ssegauge.conformance.hop.model import Pair, Side, Told, is_steady
from ssegauge.conformance.seen import is_number
from ssegauge.conformance.seen.view import HOW_IT_ENDED
from ssegauge.conformance.sse import Comment, ReplacedBytes
from ssegauge.conformance.words import shown

LOST: Final = "\N{REPLACEMENT CHARACTER}"
AROUND: Final = 12  # characters about a difference that are shown
CUTS: Final = "Pass bytes on as they are, or decode UTF-8 with a decoder that keeps half a character."
OTHERS: Final = "the server says another text each time, so texts are not compared; ask with a seed, or temperature 0"
ALONE: Final = "another text, and but one answer directly: whether the server says the same each time is not known"
WHOLE: Final = "Pass events on whole, each with the empty line that ends it, whatever pieces they come in."


def ends(pair: Pair, _: list[Pair]) -> Iterator[Told]:
    """Tell of an end that is missing through it."""
    direct, through = pair.direct, pair.through
    if direct.has_marker and not through.has_marker:
        ending = through.view.transcript.end
        how = HOW_IT_ENDED[ending.how] if ending else "not ended"
        summary = f"the end marker comes directly, and never through it ({how})"
        yield Told("damaged", "end marker", summary, "Pass every event on, the last one too, before closing.")
    elif direct.view.ended_by_server and through.has_marker and not through.view.ended_by_server:
        ending = through.view.transcript.end
        if ending and ending.how == "error":
            summary = f"the response ends properly directly, and breaks off through it: {ending.detail}"
            yield Told("damaged", "end of the response", summary, "End the response as HTTP has it: the last chunk.")


def bytes_differ(pair: Pair, _: list[Pair]) -> Iterator[Told]:
    """Tell of what cannot be read through it, and could be directly."""
    torn = _count(pair, lambda side: sum(1 for one in side.said if one.error))
    if torn[1] > torn[0]:
        where = next(one for one in pair.through.said if one.error)
        summary = f"{torn[1]} of its events are no JSON ({torn[0]} directly), such as {shown(where.event.data)}"
        if pair.direct.said and not all(one.error for one in pair.direct.said):
            yield Told("damaged", "events", summary, WHOLE)
    bad = _count(pair, lambda side: sum(1 for _ in side.view.of(ReplacedBytes)))
    if bad[1] > bad[0]:
        yield Told("damaged", "bytes", f"bytes that are no UTF-8 in {bad[1]} places ({bad[0]} directly)", CUTS)


def texts(pair: Pair, pairs: list[Pair]) -> Iterator[Told]:
    """Tell of a text that is another one through it."""
    direct, through = pair.direct.text, pair.through.text
    if direct == through or not pair.direct.is_whole:
        return
    lost = through.count(LOST)
    if lost and LOST not in direct:
        at = max(0, through.index(LOST) - AROUND)
        summary = f"{lost} characters are lost (U+FFFD) through it, none directly: {shown(through[at:][: 2 * AROUND])}"
        yield Told("damaged", "text", summary, CUTS)
    elif not is_steady(pairs):
        yield Told("unclear", "text", OTHERS if sum(one.direct.is_whole for one in pairs) > 1 else ALONE)
    elif not through:
        yield Told("damaged", "text", f"{len(direct):,} characters directly, none through it", WHOLE)
    elif direct.startswith(through):
        summary = f"{len(direct):,} characters directly, the first {len(through):,} of them through it"
        yield Told("damaged", "text", summary, "Pass events on until the server ends the stream; look for time limits.")
    else:
        yield Told("damaged", "text", _difference(direct, through), WHOLE)


def shapes(pair: Pair, pairs: list[Pair]) -> Iterator[Told]:
    """Tell of names, ids, comments and members of events that are others through it."""
    if not (pair.direct.said and pair.through.said):
        return
    yield from _names(pair)
    if any(one.event.id for one in pair.direct.said) and not any(one.event.id for one in pair.through.said):
        yield Told("damaged", "ids", "events have ids directly, none through it", "Pass `id` on: readers resume by it.")
    if _comments(pair.direct) and not _comments(pair.through):
        yield Told("changed", "comments", "comments come directly, none through it: they keep connections alive")
    if pair.direct.is_whole and pair.through.is_whole:
        yield from _members(pair, pairs)


def _names(pair: Pair) -> Iterator[Told]:
    direct, through = ({one.event.type for one in side.said} for side in (pair.direct, pair.through))
    if missing := sorted(direct - through - {"message"}):
        named = ", ".join(missing[:3]) + ", …" * (len(missing) > 3)
        summary = f"events of type {named} come directly, none through it"
        yield Told("damaged", "event names", summary, "Pass `event` on: clients listen by it.")


def _members(pair: Pair, pairs: list[Pair]) -> Iterator[Told]:
    """Tell of members that each whole direct answer has, and this one has not; and of values that never change."""
    sets = [_values(one.direct) for one in pairs if one.direct.is_whole]
    now = _values(pair.through)
    always = set.intersection(*(set(one) for one in sets))
    if lost := sorted(always - set(now)):
        yield Told("changed", "members", f"left out through it: {_listed(lost)}")
    fixed = {path for path in always & set(now) if len({frozenset(one[path]) for one in sets}) == 1}
    others = sorted(path for path in fixed if len(sets) > 1 and _is_changed(sets[0][path], now[path], pair.through))
    if others:
        example = others[0]
        before, after = (shown(next(iter(found[example]))) for found in (sets[0], now))
        yield Told("changed", "values", f"{example} is {before} directly, {after} through it{_more(others)}")


def _is_changed(before: Counter[Any], after: Counter[Any], through: Side) -> bool:
    """Whether a member that has one value in all of an answer has one other, which is no time of day."""
    if not len(before) == len(after) == 1 or set(before) == set(after):
        return False
    value, day_ms = next(iter(after)), 86_400_000
    began_ms = through.view.transcript.started_ms
    is_small = is_number(value) and abs(value) < 1e15  # what is larger is no time, and perhaps no float
    return not (is_small and any(abs(value * unit - began_ms) < day_ms for unit in (1, 1000)))


def _values(side: Side) -> dict[str, Counter[Any]]:
    """Return the values by path of all events; those of lists by one path."""
    found: dict[str, Counter[Any]] = {}
    for one in side.said:
        for path, value in _flat(one.value, ""):
            found.setdefault(path, Counter())[value] += 1
    return found


def _flat(value: Any, path: str) -> Iterator[tuple[str, Any]]:  # noqa: ANN401 - any JSON value
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _flat(inner, f"{path}/{name}")
    elif isinstance(value, list):
        for inner in value:
            yield from _flat(inner, f"{path}/-")
    elif value is not None:
        yield path, value


def _comments(side: Side) -> int:
    return sum(1 for _ in side.view.of(Comment))


def _count(pair: Pair, count: Callable[[Side], int]) -> tuple[int, int]:
    return count(pair.direct), count(pair.through)


def _difference(direct: str, through: str) -> str:
    at = next((n for n, (one, other) in enumerate(zip(direct, through, strict=False)) if one != other), len(direct))
    start = max(0, at - AROUND)
    before, after = (shown(text[start : at + AROUND]) for text in (direct, through))
    return f"from character {at:,} on another text: {before} directly, {after} through it"


def _listed(paths: list[str]) -> str:
    return ", ".join(paths[:4]) + (f" and {len(paths) - 4} more" if len(paths) > 4 else "")


def _more(paths: list[str]) -> str:
    return f", and {len(paths) - 1} more members" if len(paths) > 1 else ""
