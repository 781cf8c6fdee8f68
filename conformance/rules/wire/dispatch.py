"""The rule on streams that say much and dispatch nothing; its code is of the group ``wire``."""

from collections.abc import Iterator

from ssegauge.conformance.rules.rule import rule, whatwg
from ssegauge.conformance.seen import Mark, View
from ssegauge.conformance.sse import IgnoredField, UnfinishedTail, decode
from ssegauge.conformance.words import shown

GOING_ON_MS = 1000.0
LEAST_LINES = 3


@rule(
    "wire/nothing-dispatched",
    "must",
    whatwg("event-stream-interpretation", "If the line is empty (a blank line) Dispatch the event, as defined below."),
    over="streams",
)
def nothing_dispatched(view: View) -> Iterator[Mark]:
    r"""What a stream sends becomes events.

    Why: Without the blank line behind them, fields pile up in the client for ever and no listener is called: the stream
    looks alive in every tool that shows bytes, and no page ever hears of it. So does one whose lines are no fields.

    Mend: End every event with an empty line: two line breaks in all, real ones and not the characters `\` and `n`; and
    begin each line of its data with `data: `, at the very start of the line.

    Example: data: 1\ndata: 2\ndata: 3\n
    """
    if view.events:
        yield view.good()
        return
    items = list(decode(view.body))
    held = [item for item in items if isinstance(item, UnfinishedTail) and item.loses_fields]
    ignored = [item for item in items if isinstance(item, IgnoredField) and item.reason == "unknown-field"]
    if held and _goes_on(view):
        yield view.bad(f"{len(view.body)} bytes of fields, and no event: the blank line is missing")
    elif not held and len(ignored) >= LEAST_LINES:
        first = shown(ignored[0].name)
        yield view.bad(f"{len(ignored)} lines that are no fields of an event stream, the first {first}, and no event")


def _goes_on(view: View) -> bool:
    """Whether the event is not just one that was about to end: its pieces came over a second, or in many lines."""
    if not view.timed:
        return view.body.count(b"data") > 1
    return len(view.chunks) > 1 and view.chunks[-1][0] - view.chunks[0][0] >= GOING_ON_MS
