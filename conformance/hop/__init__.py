"""What a hop does to streams: the same requests recorded directly and through it, side by side. Pure.

A hop is whatever stands between: a gateway, a proxy, a CDN. `told` returns what it damages, what it holds back, and
what it changes, each once with how many streams showed it, the worst first. Exchanges are paired by their names, which
are the same in every check of a profile. A text is compared only where it has to be the same: where all that was told
directly has one text. Where it has not, that is told, and only what cannot come from the server is called damage.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from ssegauge.conformance.hop import content, heads, pace
from ssegauge.conformance.hop.model import KINDS, Pair, Side, Told
from ssegauge.conformance.recording.transcript import Transcript
from ssegauge.conformance.seen import Seen
from ssegauge.conformance.target import Promises

__all__ = ["KINDS", "Told", "pairs_of", "told"]
NOTHING = Told("unclear", "streams", "none was asked for in both runs and answered directly; check both alike")
LOOKS = (heads.answered, heads.differ, content.ends, content.bytes_differ, content.texts, content.shapes, pace.held)


def told(direct: Iterable[Transcript], through: Iterable[Transcript], promises: Promises) -> tuple[Told, ...]:
    """Return what the hop does to the streams of two checks; nothing where it passes them on as they are.

    Args:
        direct: what was recorded without it.
        through: what was recorded of the same requests, through it.
        promises: what the streams promise: their end marker, and where their text stands.
    """
    pairs = pairs_of(direct, through, promises)
    if not pairs:
        return (NOTHING,)
    found = Counter(one for pair in pairs for one in _of(pair, pairs))
    first: dict[tuple[str, str], Told] = {}
    counts: Counter[tuple[str, str]] = Counter()
    for one, count in found.items():
        first.setdefault((one.kind, one.what), one)
        counts[one.kind, one.what] += count
    whole = [one.seen_in(min(counts[key], len(pairs)), len(pairs)) for key, one in first.items()]
    return tuple(sorted(whole, key=lambda one: KINDS.index(one.kind)))


def pairs_of(direct: Iterable[Transcript], through: Iterable[Transcript], promises: Promises) -> list[Pair]:
    """Return the streams that were asked for in both runs, and answered with a stream directly."""
    before, after = (_sides(Seen.of(one), promises) for one in (direct, through))
    return [Pair(one, after[name]) for name, one in before.items() if one.view.is_event_stream and name in after]


def _sides(seen: Seen, promises: Promises) -> dict[str, Side]:
    return {view.name: Side(view, promises, 1000 * seen.own_delay_s) for view in seen.role("stream")}


def _of(pair: Pair, pairs: list[Pair]) -> Iterator[Told]:
    for look in LOOKS:
        found = list(look(pair, pairs))
        yield from found
        if look is heads.answered and found:  # no stream: nothing more is to be said of it
            return
