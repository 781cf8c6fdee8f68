"""Rules on how much a server bears at once."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby

from ssegauge.conformance.rules.reading.answers import no_room
from ssegauge.conformance.rules.reading.crowds import (
    Crowd,
    answered_in_turn,
    ended_ms,
    opened_ms,
    waited_ms,
    waited_too_long,
)
from ssegauge.conformance.rules.reading.newcomers import first_events_ms
from ssegauge.conformance.rules.reading.replaced import TWICE, ends_for, tried
from ssegauge.conformance.rules.reading.sharing import readers, together
from ssegauge.conformance.rules.reading.silence import OPENING_MS
from ssegauge.conformance.rules.reading.tempo import slowed
from ssegauge.conformance.rules.reading.thrown_out import thrown_out
from ssegauge.conformance.rules.reading.told import refused_by_an_event
from ssegauge.conformance.rules.rule import profile, rule
from ssegauge.conformance.seen import Mark, Message, Seen, View
from ssegauge.conformance.words import lasted

PROMPT_MS, LATER_MS = 1000.0, 500.0
LONG_MS = 3000.0
# The kernel asks again after 1 s for a connection that the server's queue of new ones had no room for (RFC 6298): many
# at once are then late, and served all the same.
ASKED_AGAIN_MS = 900.0
SOON_MS = 300.0  # after the end of one that had a place
LEAST_GREETED = 3
LEAST_LATE, TIMES_LATER = 3, 8.0
EARLIER_MS = 50.0  # a place may be free, and the next answered, a little before the last byte has come


@rule("capacity/serves-few-at-once", "must", profile("E7.3"), rests_on=("errors/stops-listening",))
def serves_few_at_once(seen: Seen) -> Iterator[Mark]:
    """Streams that are asked for at once are served at once.

    Why: Every open page holds a stream for as long as it is open: the next reader waits, with an empty page, until
    somebody leaves.

    Mend: Give streams no worker, thread, database connection or place in a queue each: serve them from an event loop or
    from many threads (`flask run --with-threads`, gunicorn with gevent or many `--threads`, PHP with enough workers, a
    larger `maxThreads`), and give back the place of a client that has gone. Where calls wait too: block no event loop
    (`time.sleep`, a driver without `await`), and hold no lock or session while a stream is open.

    Example: (16 requests at once; 4 are answered, or told events, the others when these have ended)
    """
    crowds = _crowds(seen)
    for crowd in crowds:
        breach = _untold(seen, crowd) or _in_turn(seen, crowd)
        yield from [breach] if breach else _served(crowd)
    if crowds and (alone := _alone(seen)):
        yield alone
    if behind := _behind_streams(seen):
        yield behind
    if crowds and (out := thrown_out(seen)):
        some = f"{len(out.ended)} of {out.of} streams were ended"
        yield out.ended[0].bad(f"{some}, each as soon as {out.places} newer ones were open")
    yield from _replaced(seen)
    yield from _slowed(seen) if crowds else ()


def _slowed(seen: Seen) -> Iterator[Mark]:
    """Judge the pace of streams beside others."""
    for group in readers(seen):
        if found := slowed(together(seen, group)):
            paces = f"an event each {lasted(found.alone_ms)} while alone, each {lasted(found.beside_ms)} beside others"
            yield found.reader.view.bad(f"told {paces}: the more read, the slower for all", level="should")


def _replaced(seen: Seen) -> Iterator[Mark]:
    """Judge streams that were alone for long until another came."""
    pairs = list(tried(seen))
    ended = [(first, other) for first, other in pairs if ends_for(first, other)]
    if len(ended) == TWICE:
        first, other = ended[0]
        alone, soon = (opened_ms(other) - opened_ms(first), ended_ms(first) - opened_ms(other))
        yield first.bad(f"ended {lasted(soon)} after another came, having been alone for {lasted(alone)}; so twice")
    elif len(ended) < len(pairs):
        yield pairs[0][0].good()


def _crowds(seen: Seen) -> list[list[View]]:
    """Return the streams that were asked for at once, by the probe that did."""
    came = [view for view in seen.role("stream") if view.facts.nth is not None and _came(view)]
    by_probe = sorted(came, key=_probe)
    return [list(crowd) for _, crowd in groupby(by_probe, key=_probe)]


def _came(view: View) -> bool:
    """Whether the request reached the server at once."""
    connected_ms = view.head.connected_ms if view.head else None
    return view.transcript.end is not None and (connected_ms or 0.0) < ASKED_AGAIN_MS


def _probe(view: View) -> str:
    return view.transcript.probe


def _served(crowd: Sequence[View]) -> Iterator[Mark]:
    answered = sorted((view for view in crowd if _is_answered(view)), key=waited_ms)
    prompt = [view for view in answered if waited_ms(view) < max(PROMPT_MS, waited_ms(answered[0]) + LATER_MS)]
    turned_away = list(_turned_away(answered))
    refused = [view for view in crowd if no_room(view)]
    late = [view for view in crowd if view not in prompt and (view.head is None or _is_answered(view))]
    if answered and refused:
        status = refused[0].head.status if refused[0].head else 0
        some = f"{len(answered)} of {len(crowd)} streams asked for at once were answered"
        yield refused[0].bad(f"{some}, {len(refused)} were refused with {status}", "status")
    elif turned_away:
        yield _bad_turn(crowd, turned_away)
    elif len(prompt) > 1 and len(prompt) == len(crowd):
        yield crowd[0].good()
    elif prompt and (waiting := _for_want_of_room(prompt, late)):
        some = f"{len(crowd) - len(waiting)} of {len(crowd)} streams asked for at once were answered"
        until = "until those had ended" if any(view.head for view in waiting) else "in vain"
        yield waiting[0].bad(f"{some}, the others waited {until}, up to {lasted(max(map(waited_ms, waiting)))}")


def _untold(seen: Seen, views: Sequence[View]) -> Mark | None:
    """Return the breach where all were answered and some are told nothing until others have left."""
    crowd = Crowd.of(views)
    if not crowd.are_places_few or not (crowd.waits_in_vain or (crowd.greets_some and _greets_whoever_comes(seen))):
        return None
    some = f"{len(crowd.told)} of {len(views)} streams open at once were told events"
    waited = lasted(crowd.until_ms - max(view.epoch_ms(view.head.at_ms) for view in crowd.silent if view.head))
    return crowd.relieved[0].bad(f"{some}, the others nothing for {waited}, until those had left")


def _in_turn(seen: Seen, crowd: Sequence[View]) -> Mark | None:
    """Return the breach where each waited for its turn, and one that was alone was answered at once."""
    alone_ms = min((_answered_after_ms(view) for view in seen.role("hello") if _is_answered(view)), default=PROMPT_MS)
    answered = answered_in_turn(crowd)
    if not answered or alone_ms >= PROMPT_MS:
        return None
    last = answered[-1]
    some = f"{len(answered)} streams asked for at once were answered one after the other"
    return last.bad(f"{some}, the last after {lasted(waited_ms(last))}; one alone was at once", "status")


def _answered_after_ms(view: View) -> float:
    """Return how long an answer took once there was a connection."""
    return waited_ms(view) - ((view.head.connected_ms if view.head else None) or 0.0)


def _greets_whoever_comes(seen: Seen) -> bool:
    """Whether whoever comes alone is told something at once: then those who are not wait for a place."""
    waited = first_events_ms([view for view in seen.streams if view.facts.situation != "crowd"])
    return len(waited) >= LEAST_GREETED and max(waited) <= OPENING_MS


def _turned_away(answered: Sequence[View]) -> Iterator[tuple[View, Message]]:
    """Yield those that were told an error alone while others were told what they asked for.

    Where another GET ends the one before, by an event that says so, it is one reader at a time on purpose.
    """
    refused = [(view, error) for view in answered if (error := refused_by_an_event(view))]
    served = [view for view in answered if view.messages and not refused_by_an_event(view)]
    if len(served) > any(view.transcript.request.method == "GET" for view in served):
        for view, error in refused:
            at_ms = view.epoch_ms(error.item.at_ms)
            if any(one.transcript.started_ms <= at_ms <= ended_ms(one) for one in served):
                yield view, error


def _bad_turn(crowd: Sequence[View], turned_away: Sequence[tuple[View, Message]]) -> Mark:
    view, error = turned_away[0]
    some = f"{len(turned_away)} of {len(crowd)} streams asked for at once were told an error and nothing else"
    return view.bad(f"{some}, while others were answered", error, "should")


def _is_answered(view: View) -> bool:
    return view.head is not None and view.head.status == 200


def _for_want_of_room(prompt: Sequence[View], late: Sequence[View]) -> list[View]:
    """Return those that were answered when others had gone, or never; one alone may be late by chance."""
    ends = {view.transcript.name: ended_ms(view) for view in (*prompt, *late) if view.head}
    since_ms = min(ends.values()) - EARLIER_MS
    waiting = [view for view in late if view.head is None or opened_ms(view) >= since_ms]
    answered = {view.transcript.name: opened_ms(view) for view in waiting if view.head}
    # One may have got the place of the very first stream, once the server saw that its reader had left.
    if len(waiting) < len(late) and (len(waiting) < len(late) - 1 or not 1 < len(answered) <= len(prompt) + 1):
        return []
    if any(view.ended_by_server for view in prompt):
        usual_ms = max(SOON_MS, 1.5 * max(map(waited_ms, prompt)))
        return waiting if len(answered) > 1 and _each_takes_a_place(answered, ends, usual_ms) else []
    return waiting if len(waiting) > 1 and all(waited_ms(view) >= LONG_MS for view in waiting) else []


def _each_takes_a_place(heads: Mapping[str, float], ends: Mapping[str, float], usual_ms: float) -> bool:
    """Whether each was answered when another had ended, no two for the same: a stall ends for all of them together."""
    free = sorted(ends.items(), key=lambda end: end[1])
    for name, head_ms in sorted(heads.items(), key=lambda head: head[1]):
        found = [one for one in free if one[0] != name and -EARLIER_MS <= head_ms - one[1] <= usual_ms]
        if not found:
            return False
        free.remove(found[0])
    return True


def _behind_streams(seen: Seen) -> Mark | None:
    """Return the breach where calls beside open streams are answered late or never, and at once when none is open."""
    calls = seen.role("update")
    alone = [view for view in calls if view.facts.situation == "again" and view.head]
    beside = [view for view in calls if view.facts.situation != "again" and (view.head or waited_too_long(view))]
    late = [view for view in beside if waited_too_long(view)]
    soon_ms = min(map(waited_ms, alone), default=0.0)
    often = len(late) >= max(LEAST_LATE, len(beside) / 2)
    # More than calls that wait for each other would: there are never more than a few at once.
    if not alone or not often or TIMES_LATER * soon_ms > min(map(waited_ms, late)):
        return None
    longest = lasted(max(map(waited_ms, late)))
    never = f", {unanswered} of them in vain" if (unanswered := sum(view.head is None for view in late)) else ""
    some = f"{len(late)} of {len(beside)} calls made while streams were open waited for up to {longest}{never}"
    return late[0].bad(f"{some}; one made when none was had its answer after {lasted(soon_ms)}")


def _alone(seen: Seen) -> Mark | None:
    """Return the breach where the very first request was answered at once, and after it none was, ever."""
    first = [view for view in seen.role("hello") if _is_answered(view) and waited_ms(view) < PROMPT_MS]
    streams = seen.role("stream")
    unanswered = [view for view in streams if view.head is None and waited_ms(view) >= LONG_MS]
    if not first or len(unanswered) < len(streams):
        return None
    longest = lasted(max(map(waited_ms, unanswered)))
    return unanswered[0].bad(f"one stream was answered at once; after it none of {len(streams)} was, within {longest}")
