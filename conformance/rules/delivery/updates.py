"""Rules on the way of an update to its readers: in time, one by one, and not held by anything."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from statistics import median

from ssegauge.conformance.facts import Facts
from ssegauge.conformance.rules.reading.effects import Effect, effects, told_streams, waited_ms
from ssegauge.conformance.rules.reading.stamps import Series, Stamped, series
from ssegauge.conformance.rules.reading.states import left_out
from ssegauge.conformance.rules.rule import profile, rule
from ssegauge.conformance.seen import Mark, Seen, View
from ssegauge.conformance.words import lasted

AS_THEY_HAPPEN = profile("E2.1")
UPDATES = ("update",)
HELD = ("delivery/held-to-the-end", "delivery/one-event-late")
APART_MS = 80.0  # updates sent closer together than this may share a packet for good reasons
COLLAPSED = 0.2  # a gap between arrivals this small a part of the gap between the updates
LEAST_GAPS = 5
MOST_COLLAPSED = 0.75  # one short stall of either side collapses several gaps in a row, but not this many of all
FRESH_MS = 2000.0
LEAST_STAMPED, LEAST_LUMPS, LEAST_IN_LUMP, LUMP_MS = 12, 3, 3, 1000.0
LARGE, ENOUGH_LARGE = 12, 2  # of what was made since we came
AS_MADE = 0.5
LEAST_TOLD, LEAST_STEPS = 12, 4  # updates and, where they are polled, arrivals
LEAST_PERIOD_MS = 400.0  # nobody sees a shorter one
MOST_OFTEN = 0.75  # updates must come more often than they are looked for, or a step is just an update
REGULAR = 0.8  # of the steps; one stall of either side breaks two
TOGETHER_MS = 50.0
LOST_AFTER = 2.0  # times the update latency: from then on an update is not late but lost


@rule(
    "delivery/update-late",
    "must",
    profile("E2.5"),
    needs=UPDATES,
    rests_on=("capacity/serves-few-at-once", "delivery/update-lost", "delivery/readers-differ", *HELD),
)
def update_late(seen: Seen) -> Iterator[Mark]:
    """An update reaches every subscriber in time.

    Why: Users take a bar that stands still for a hung task. The time is taken from our update to the arrival of the
    event that shows it; the server's own timestamps would hide a delay before sending.

    Mend: Push an update when it happens (the code that changes the task wakes its streams) instead of polling for it on
    a timer; and look for what holds it: a queue, a proxy.

    Example: (an update at 0 ms, the event that shows it at 2,300 ms)
    """
    limit_ms = seen.limits.update_s * 1000
    for view in told_streams(seen):
        told = effects(seen, view)
        overtaken = left_out(seen, told)
        for effect in (one for number, one in enumerate(told) if number not in overtaken):
            yield from _in_time(view, effect, limit_ms)


def _in_time(view: View, effect: Effect, limit_ms: float) -> Iterator[Mark]:
    latency_ms = effect.latency_ms
    if latency_ms is not None:
        late = f"an update arrived after {lasted(latency_ms)}, later than {lasted(limit_ms)}"
        yield view.bad(late, effect.shown) if latency_ms > limit_ms else view.good()
    elif not effect.terminal and limit_ms < (waited := waited_ms(view, effect.sent_ms)) < LOST_AFTER * limit_ms:
        yield view.bad(f"an update had not arrived after {lasted(waited)}")


@rule("delivery/batched", "must", AS_THEY_HAPPEN, needs=UPDATES, rests_on=HELD)
def batched(seen: Seen) -> Iterator[Mark]:
    """Updates arrive with the pauses with which they happened.

    Why: Events that were gathered on the way come in bursts: progress stands still and jumps, though each single
    update may still be within its time.

    Mend: Push every event when it happens instead of collecting what a timer or a poll finds; flush after each one; and
    switch off output buffering in the framework and in every proxy on the way.

    Example: (updates at 0, 100, 200 and 300 ms; their events all at 1,000 ms)
    """
    for view in told_streams(seen):
        gaps = [(one, next_one) for one, next_one in pairwise(effects(seen, view)) if _comparable(one, next_one)]
        collapsed = [next_one for one, next_one in gaps if _collapsed(one, next_one)]
        if len(gaps) < LEAST_GAPS:
            continue
        together = f"{len(collapsed)} of {len(gaps)} updates arrived together with the one before"
        summary = f"{together}, though they were sent apart"
        many = len(collapsed) >= MOST_COLLAPSED * len(gaps)
        yield view.bad(summary, collapsed[0].shown) if many else view.good()
    for view in seen.streams:
        if view.timed and view.facts.situation in {None, "idle"} and (stamped := series(view, LEAST_STAMPED)):
            yield from _in_lumps(view, stamped)


def _in_lumps(view: View, stamped: Series) -> Iterator[Mark]:
    """Judge by the events' own time stamps: whether they are made one by one and come many at once, again and again.

    What is gathered comes no faster than it is made, and the newest of it has just been made. Else it is history, or
    news of what happened long before, which come to the server together.
    """
    lumps = [lump for lump in _lumps(stamped) if len(lump) >= LEAST_IN_LUMP and _span_ms(lump) >= LUMP_MS]
    live = [one for one in stamped.events if one.made_ms >= view.transcript.started_ms]
    gathered = sum(map(len, lumps))
    every_ms = median(after[0].came_ms - one[0].came_ms for one, after in pairwise(lumps)) if len(lumps) > 1 else 0.0
    span_ms = median(map(_span_ms, lumps)) if lumps else 0.0
    least = ENOUGH_LARGE if all(len(one) >= LARGE and one[0] in live for one in lumps) else LEAST_LUMPS
    old_ms = median(one[-1].came_ms - one[-1].made_ms for one in lumps) if lumps else 0.0
    again_and_again = len(lumps) >= least and every_ms >= AS_MADE * span_ms and old_ms <= max(FRESH_MS, every_ms)
    if again_and_again and gathered >= MOST_COLLAPSED * len(stamped.events):
        summary = f"{gathered} events, by their own time stamps made one by one, came {len(lumps[0])} and more at once"
        told = f"{summary} every {lasted(every_ms)}: those of {lasted(span_ms)} together"
        yield view.bad(told, lumps[0][0].message, level="should")
    elif len(live) >= LEAST_STAMPED and not lumps:
        yield view.good()


def _lumps(stamped: Series) -> Iterator[list[Stamped]]:
    """Yield the events that came at once, by different stamps each."""
    lump: list[Stamped] = []
    for one in stamped.events:
        if lump and one.came_ms - lump[-1].came_ms > TOGETHER_MS:
            yield lump
            lump = []
        if not lump or one.made_ms > lump[-1].made_ms:
            lump.append(one)
    yield lump


def _span_ms(lump: Sequence[Stamped]) -> float:
    return lump[-1].made_ms - lump[0].made_ms


def _comparable(one: Effect, next_one: Effect) -> bool:
    """Whether both updates were sent apart and each is shown by an event of its own."""
    return one.own and next_one.own and next_one.sent_ms - one.sent_ms >= APART_MS


def _collapsed(one: Effect, next_one: Effect) -> bool:
    return next_one.shown_ms - one.shown_ms < COLLAPSED * (next_one.sent_ms - one.sent_ms)


@rule("delivery/polled", "advice", AS_THEY_HAPPEN, needs=UPDATES, patient=True)
def polled(seen: Seen) -> Iterator[Mark]:
    """Updates arrive when they happen, not when a timer comes round.

    Why: A server that looks at the task every so often tells each update late by up to that time, passes over what came
    and went between, and works for every stream though nothing happens.

    Mend: Let the code that changes the task wake its streams (an emitter, a condition, LISTEN/NOTIFY, a pub/sub
    channel) instead of polling. Where updates are held back on purpose, so that readers are not flooded, leave it.

    Example: (updates at irregular times; their events at 2.0, 4.0, 6.0 and 8.0 s)
    """
    for view in seen.role("stream", Facts(situation="steady")):
        told = [one for one in effects(seen, view) if one.shown] if view.is_event_stream and view.timed else []
        if len(told) >= LEAST_TOLD:
            every_ms = _period_ms(told)
            summary = f"{len(told)} updates, sent at irregular times, arrived in steps of {lasted(every_ms or 0)}"
            yield view.bad(summary, told[0].shown) if every_ms else view.good()


def _period_ms(told: list[Effect]) -> float | None:
    """Return the period in which updates arrived, None where they arrived when they were sent or queued up."""
    arrivals = sorted({one.shown_ms for one in told})
    gaps = [after - before for before, after in pairwise(arrivals) if after - before > TOGETHER_MS]
    pauses = [after.sent_ms - before.sent_ms for before, after in pairwise(told)]
    if len(gaps) < LEAST_STEPS:
        return None
    period_ms = median(gaps)
    regular = [gap for gap in gaps if _is_multiple(gap, period_ms)]
    longest_ms = max(one.shown_ms - one.sent_ms for one in told)
    rare = period_ms >= max(LEAST_PERIOD_MS, median(pauses) / MOST_OFTEN)
    return period_ms if rare and len(regular) >= REGULAR * len(gaps) and longest_ms <= 1.5 * period_ms else None


def _is_multiple(gap: float, period_ms: float) -> bool:
    return abs(gap - period_ms * max(1, round(gap / period_ms))) <= max(TOGETHER_MS, 0.1 * period_ms)
