"""Rules on what holds events back on their way: until the end, or until the next one.

Events say by their own time stamps when they were made; and what we made a stream say we know the time of.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from statistics import median

from ssegauge.conformance.facts import Facts
from ssegauge.conformance.rules.reading.effects import Effect, effects, told_streams
from ssegauge.conformance.rules.reading.stamps import Series, Stamped, series
from ssegauge.conformance.rules.rule import profile, rule
from ssegauge.conformance.seen import Mark, Message, Seen, View
from ssegauge.conformance.words import lasted

AS_THEY_HAPPEN = profile("E2.1")
LEAST_EVENTS = 3
SPREAD_MS = 1000.0
TOLD_SPREAD_MS = 3000.0  # of what we said: what is gathered for a shorter time is `delivery/batched`
AT_ONCE_MS = 60.0
AT_ONCE = 0.05  # of the time in which the events were made
END_MS = 500.0
SKEW_MS = 500.0
# Without time stamps only a burst after a long silence shows it, every time anew.
SILENT_MS, LEAST_IN_BURST = 2000.0, 5
# Of a language model's text; the quickest write some 3000 tokens a second, several an event.
MOST_OPENING, LEAST_TEXTS, QUICKEST = 4, 20, 2.0  # the last: events a ms
GAP_MS = 300.0
CLOSE_MS, CLOSE = 100.0, 0.1  # to the next event's making; a part of the gap
MOST = 0.8  # of the events
MOST_TOLD = 0.6  # of what we said: something else may come between


@rule("delivery/held-to-the-end", "should", AS_THEY_HAPPEN)
def held_to_the_end(seen: Seen) -> Iterator[Mark]:
    """Events are not held back until the stream ends.

    Why: What was to be seen as it happens is seen when it is over; whoever waits for the first event gives up.

    Mend: Exempt text/event-stream from what collects a response first (ETag and Content-Length middleware, caches,
    serverless adapters, `proxy_buffering` of nginx), and flush after every event. A gateway that asks a language model
    for the whole answer, and cuts it in pieces then, is to ask for a stream.

    Example: (five events, stamped 0.7 s apart; all arrive 3.5 s after the request, and the stream ends)
    """
    yield from _told_at_the_end(seen)
    reads = _plain_reads(seen)
    bursts = [
        view for view in reads if _in_one_burst(view) or (seen.promises.token and _in_one_but_for_its_opening(view))
    ]
    for view in seen.streams:
        if not view.timed or not view.ended_by_server:
            continue
        stamped = series(view, LEAST_EVENTS)
        if stamped and stamped.made_in_ms >= SPREAD_MS + stamped.step_ms:
            yield _held(view, stamped)
        elif view in bursts and len(bursts) == len(reads) > 1:
            first = view.events[_opening(view)]
            some = f"all but {_opening(view)} of " if _opening(view) else "all "
            summary = f"{some}{len(view.events)} events came in one piece, {lasted(first.at_ms)} after the request"
            yield view.bad(summary, first)


def _held(view: View, stamped: Series) -> Mark:
    first, last = stamped.events[0], stamped.events[-1]
    at_once = stamped.came_in_ms <= max(AT_ONCE_MS, AT_ONCE * stamped.made_in_ms)
    slack_ms = stamped.step_ms + (AT_ONCE_MS if stamped.one_clock else SKEW_MS)
    meanwhile = first.made_ms >= view.transcript.started_ms - slack_ms
    if not at_once or not meanwhile or not _ends_with(view, last.message):
        return view.good()
    made = f"{len(stamped.events)} events, made over {lasted(stamped.made_in_ms)} by their own time stamps"
    return view.bad(f"{made}, arrived in one piece when the stream ended", first.message)


def _ends_with(view: View, message: Message) -> bool:
    end = view.transcript.end
    return end is not None and end.at_ms - message.item.at_ms <= END_MS


def _plain_reads(seen: Seen) -> list[View]:
    """Return the streams that were read from their start to the end that the server made, and had events enough."""
    plain = seen.role("stream", Facts(kind="plain", joined="start"))
    whole = [one for one in plain if one.is_event_stream and one.timed and one.ended_by_server]
    return [one for one in whole if one.facts.last_event_id is None and len(one.events) >= LEAST_IN_BURST]


def _in_one_burst(view: View) -> bool:
    first, last = view.events[0].at_ms, view.events[-1].at_ms
    silent = view.chunks[0][0] >= SILENT_MS
    return silent and last - first <= AT_ONCE_MS and last - view.chunks[0][0] <= AT_ONCE_MS and _ends_soon(view, last)


def _opening(view: View) -> int:
    """Return how many events had come when the longest silence began."""
    times = [0.0, *(event.at_ms for event in view.events)]
    return max(range(len(view.events)), key=lambda at: times[at + 1] - times[at])


def _in_one_but_for_its_opening(view: View) -> bool:
    """Whether a text came at once, after a silence behind what only opens it, and faster than any model writes."""
    at = _opening(view)
    rest = view.events[at:]
    silent_ms = rest[0].at_ms - (view.events[at - 1].at_ms if at else 0.0)
    gaps = sorted(after.at_ms - one.at_ms for one, after in pairwise(rest))
    is_text = at <= MOST_OPENING and len(rest) >= LEAST_TEXTS
    one_by_one = 2 * len({event.chunk for event in rest}) > len(rest)  # not gathered in a few packets
    stall_ms = gaps[-1] if is_text and one_by_one else 0.0
    at_once = is_text and sum(gaps) <= AT_ONCE_MS and sum(gaps) - stall_ms <= len(rest) / QUICKEST
    return at_once and silent_ms >= SILENT_MS and _ends_soon(view, rest[-1].at_ms)


def _ends_soon(view: View, last_ms: float) -> bool:
    return view.transcript.end is not None and view.transcript.end.at_ms - last_ms <= END_MS


def _told_at_the_end(seen: Seen) -> Iterator[Mark]:
    """Judge what we made streams say over a while, where they ended."""
    for view, told in _told(seen):
        if not view.ended_by_server or len(told) < LEAST_EVENTS or told[-1].sent_ms - told[0].sent_ms < TOLD_SPREAD_MS:
            continue
        arrived_in = max(one.shown_ms for one in told) - min(one.shown_ms for one in told)
        shown = told[-1].shown
        if arrived_in <= AT_ONCE_MS and shown and _ends_with(view, shown):
            over = lasted(told[-1].sent_ms - told[0].sent_ms)
            summary = f"{len(told)} updates, made over {over}, arrived in one piece when the stream ended"
            yield view.bad(summary, told[0].shown, level="must")
        else:
            yield view.good()


def _told(seen: Seen) -> Iterator[tuple[View, list[Effect]]]:
    """Yield streams with the updates that they showed, each by an event of its own."""
    steady = [one for one in seen.role("stream", Facts(situation="steady")) if one.is_event_stream and one.timed]
    for view in dict.fromkeys([*told_streams(seen), *steady]):
        yield view, [one for one in effects(seen, view) if one.own and not one.terminal]


@rule("delivery/one-event-late", "should", AS_THEY_HAPPEN)
def one_event_late(seen: Seen) -> Iterator[Mark]:
    """An event is not held back until the next one is written.

    Why: The reader is always one event behind, and the last, mostly the one that matters, comes at the end or never.

    Mend: Flush after the blank line that ends an event, not before the next: look for a writer, a line-splitting filter
    or a middleware that passes on only what is followed by something.

    Example: (events stamped 1.0 s apart, and each arrives when the next one is stamped)
    """
    for view in seen.streams:
        stamped = series(view, LEAST_EVENTS + 1) if view.timed else None
        if stamped:
            yield from _one_late(view, stamped)
    for view, told in _told(seen):
        yield from _told_one_late(view, told)


def _one_late(view: View, stamped: Series) -> Iterator[Mark]:
    least_ms = max(GAP_MS, 2.5 * stamped.step_ms if stamped.step_ms > 1 else 0.0)
    pairs = [(one, after) for one, after in stamped.pairs if after.made_ms - one.made_ms >= least_ms]
    if len(pairs) < LEAST_EVENTS or _are_windows(stamped) or not _can_compare(stamped, pairs):
        return
    late = [one for one, after in pairs if _came_with(one, after, stamped.step_ms)]
    if len(late) < MOST * len(pairs):
        yield view.good()
        return
    usual = lasted(median(one.late_ms for one in late))
    told = f"{len(late)} of {len(pairs)} events arrived when the next one was made"
    yield view.bad(f"{told}, {usual} late by their own time stamps", late[0].message)


def _came_with(one: Stamped, after: Stamped, step_ms: float) -> bool:
    """Whether an event arrived when the next was made, and hardly before."""
    gap_ms = after.made_ms - one.made_ms
    behind_ms = one.came_ms - after.made_ms
    return -AT_ONCE_MS <= behind_ms <= max(CLOSE_MS, CLOSE * gap_ms) + (step_ms if step_ms > 1 else 0.0)


def _can_compare(stamped: Series, pairs: Sequence[tuple[Stamped, Stamped]]) -> bool:
    """Whether it cannot be a clock that goes wrong: it is our own, or the gaps differ."""
    gaps = [after.made_ms - one.made_ms for one, after in pairs]
    return stamped.one_clock or max(gaps) - min(gaps) >= GAP_MS


def _are_windows(stamped: Series) -> bool:
    """Whether the stamps are the starts of windows, which are told when they are over."""
    gaps = {round(after.made_ms - one.made_ms) for one, after in stamped.pairs}
    (gap_ms, *others) = gaps
    return not others and gap_ms > 0 and all(round(one.made_ms) % gap_ms == 0 for one in stamped.events)


def _told_one_late(view: View, told: list[Effect]) -> Iterator[Mark]:
    """Judge what we made a stream say at irregular times: whether each arrives when the next is said, however late."""
    pairs = [(one, after) for one, after in pairwise(told) if after.sent_ms - one.sent_ms >= AT_ONCE_MS]
    gaps = [after.sent_ms - one.sent_ms for one, after in pairs]
    if len(pairs) < 2 * LEAST_EVENTS or max(gaps) - min(gaps) < GAP_MS / 2:
        return
    with_next = [one for one, after in pairs if -1.0 <= one.shown_ms - after.sent_ms <= AT_ONCE_MS]
    if len(with_next) >= MOST_TOLD * len(pairs):
        summary = f"{len(with_next)} of {len(pairs)} updates arrived when the next one was made, at irregular times"
        yield view.bad(summary, with_next[0].shown, level="must")
    else:
        yield view.good()
