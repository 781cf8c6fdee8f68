"""Whether whoever comes later is told what those were told who came before."""

from collections.abc import Sequence

from ssegauge.conformance.facts import MARKER, Facts
from ssegauge.conformance.seen import Seen, View

LEAST_BEFORE, LEAST_AFTER = 3, 2
TIMES, MORE_MS = 4.0, 1000.0  # the longest that anybody waited for the first event
MOST_MS = 10_000.0
LONG_MS, MANY_TIMES = 3000.0, 3


def enough_ms(views: Sequence[View]) -> float | None:
    """Return after which time without an event a newcomer is told nothing, from what those were told who came before.

    None where too few were, or where their first events came so late that nobody waits for that long.
    """
    waited = first_events_ms(views)
    enough = TIMES * max(waited, default=0.0) + MORE_MS
    return enough if len(waited) >= LEAST_BEFORE and enough <= MOST_MS else None


def first_events_ms(views: Sequence[View]) -> list[float]:
    """Return how long newcomers waited for their first events, of those that were told one that was not ours."""
    told = (view for view in _newcomers(views) if _speaks_by_itself(view))
    return [view.events[0].at_ms - (view.head.at_ms if view.head else 0.0) for view in told]


def told_nothing(views: Sequence[View]) -> list[View]:
    """Return the newcomers from one on who were told nothing, while all before were; empty where it is not so."""
    enough = enough_ms(views)
    if enough is None:
        return []
    told = [view.transcript.started_ms for view in _newcomers(views) if _speaks_by_itself(view)]
    silent = [view for view in _newcomers(views) if not view.events and read_ms(view) >= enough]
    turned = silent and min(view.transcript.started_ms for view in silent) > max(told)
    return silent if turned and len(silent) >= LEAST_AFTER else []


def never_greeted(seen: Seen) -> list[View]:
    """Return those of many that came at once who were told nothing, even when the others had left.

    All others, whenever they came, were told something on coming: so it is no matter of chance, nor of room.
    """
    crowd = [view for view in seen.role("stream", Facts(situation="crowd")) if view.timed and view.is_event_stream]
    told = [view for view in crowd if view.events]
    never = [view for view in crowd if not view.events and read_ms(view) >= LONG_MS]
    later = first_events_ms(seen.streams)
    waited = [*(view.events[0].at_ms - (view.head.at_ms if view.head else 0.0) for view in told), *later]
    all_else = len(told) + len(never) == len(crowd) and len(later) >= LEAST_BEFORE
    few = LEAST_AFTER <= len(never) <= len(told) / MANY_TIMES
    return never if all_else and few and TIMES * max(waited) + MORE_MS <= LONG_MS else []


def _newcomers(views: Sequence[View]) -> list[View]:
    """Return those who came to a stream of no task without an id, and were let in."""
    ordinary = {None, "after-storm"}
    return [
        view
        for view in views
        if view.timed
        and view.is_event_stream
        and (view.facts.kind, view.facts.last_event_id) == ("plain", None)
        and view.facts.situation in ordinary
    ]


def _speaks_by_itself(view: View) -> bool:
    """Whether the first event is none that we made the stream tell: of these there are some at times alone."""
    return bool(view.events) and not MARKER.search(view.messages[0].event.data)


def read_ms(view: View) -> float:
    """Return for how long a stream was read that was still open then."""
    end = view.transcript.end
    return end.at_ms - view.head.at_ms if end and view.head and end.how in {"cut", "timeout"} else 0.0
