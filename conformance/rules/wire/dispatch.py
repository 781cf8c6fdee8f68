"""The rule on streams that say much and dispatch nothing; its code is of the group ``wire``."""

from collections.abc import Iterator

from ssegauge.conformance.rules.rule import rule, whatwg
from ssegauge.conformance.seen import Mark, View
from ssegauge.conformance.sse import UnfinishedTail, decode

GOING_ON_MS = 1000.0


@rule(
    "wire/nothing-dispatched",
    "must",
    whatwg("event-stream-interpretation", "If the line is empty (a blank line) Dispatch the event, as defined below."),
    over="streams",
)
def nothing_dispatched(view: View) -> Iterator[Mark]:
    r"""What a stream sends becomes events.

    Why: Without the blank line behind them, fields pile up in the client for ever and no listener is called: the stream
    looks alive in every tool that shows bytes, and no page ever hears of it.

    Mend: End every event with an empty line: two line breaks in all, real ones and not the characters `\` and `n`.

    Example: data: 1\ndata: 2\ndata: 3\n
    """
    if view.events:
        yield view.good()
        return
    held = [item for item in decode(view.body) if isinstance(item, UnfinishedTail) and item.loses_fields]
    if held and _goes_on(view):
        yield view.bad(f"{len(view.body)} bytes of fields, and no event: the blank line is missing")


def _goes_on(view: View) -> bool:
    """Whether the event is not just one that was about to end: its pieces came over a second, or in many lines."""
    if not view.timed:
        return view.body.count(b"data") > 1
    return len(view.chunks) > 1 and view.chunks[-1][0] - view.chunks[0][0] >= GOING_ON_MS
