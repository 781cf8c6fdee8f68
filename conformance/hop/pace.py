"""What a hop does to the time between events: it merges them, or keeps them until the stream is over.

A check reads from user space, so it tells only of what no busy machine does: nearly all of a text in one moment, where
directly it takes its time; and of nothing where its own delay may be why.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ssegauge.conformance.hop.model import Pair, Side, Told
from ssegauge.conformance.words import lasted

LEAST_SPAN_MS: Final = 300.0  # directly; what is shorter may come at once by itself
LEAST_PIECES: Final = 4
AT_ONCE: Final = 0.2  # of the direct span
APART: Final = 0.6  # the share of pieces that come by themselves directly
TOGETHER: Final = 0.5  # ... and through it, at most
OURS: Final = 0.5  # of the direct span, that the reader itself may have been late by
FLUSH: Final = "Pass each event on as it comes: switch response buffering off (nginx: proxy_buffering off), and flush."


def held(pair: Pair, _: list[Pair]) -> Iterator[Told]:
    """Tell of a stream that is kept to its end, or whose events come in fewer pieces."""
    direct, through = pair.direct, pair.through
    if not through.pieces or not direct.pieces:
        return
    if through.text == direct.text and 2 * len(through.pieces) <= len(direct.pieces):
        summary = f"the text comes in {len(direct.pieces)} events directly, in {len(through.pieces)} through it"
        yield Told("held", "merged events", summary, "Pass each event on by itself.")
    before, after = _span_ms(direct), _span_ms(through)
    if before < LEAST_SPAN_MS or len(direct.pieces) < LEAST_PIECES or through.own_ms > OURS * before:
        return
    if after <= AT_ONCE * before:
        summary = f"the text comes over {lasted(before)} directly, within {lasted(after)} through it"
        yield Told("held", "held to the end", summary, FLUSH)
    elif _comes_in_batches(direct, through):
        shares = (f"{_apart(side):.0%}" for side in (direct, through))
        summary = "{} of the pieces of text come by themselves directly, {} through it".format(*shares)
        yield Told("held", "batches", summary, FLUSH)


def _comes_in_batches(direct: Side, through: Side) -> bool:
    """Whether pieces come together, and the reader was not later than the pieces are apart."""
    late = through.own_ms >= _span_ms(direct) / len(direct.pieces)
    return not late and _apart(direct) >= APART and _apart(through) <= TOGETHER and len(through.pieces) >= LEAST_PIECES


def _span_ms(side: Side) -> float:
    return side.pieces[-1][0] - side.pieces[0][0]


def _apart(side: Side) -> float:
    """Return the share of pieces that did not come in one moment with the one before."""
    times = [at_ms for at_ms, _ in side.pieces]
    return len(set(times)) / len(times)
