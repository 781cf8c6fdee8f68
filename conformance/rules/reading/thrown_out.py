"""Whether the oldest streams end as others come: a server that keeps so many of them open, and no more."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

from ssegauge.conformance.facts import Facts
from ssegauge.conformance.rules.reading.crowds import ended_ms, opened_ms
from ssegauge.conformance.seen import Seen, View

LEAST_ENDED, LEAST_PROBES, LEAST_PLACES = 5, 2, 2
MOST_ODD = 0.1  # of the streams: of those that come together nobody knows which the server had first
TIMES_OLDER = 3.0  # than the first that was ended: so it is no matter of age
MOST_STREAMS = 400


@dataclass(frozen=True)
class ThrownOut:
    """How many streams stay open, those that the server ended for more, and how many there were in all."""

    places: int
    ended: Sequence[View]
    of: int


def thrown_out(seen: Seen) -> ThrownOut | None:
    """Return the streams that ended once so many newer ones were open; None where another reason explains them too."""
    opened = [view for view in seen.role("stream", Facts(kind="plain")) if view.timed and view.is_event_stream]
    ended = [view for view in opened if view.ended_by_server]
    stayed = [view for view in opened if not view.ended_by_server]
    probes = {view.transcript.probe for view in ended}
    if not stayed or len(ended) < LEAST_ENDED or len(probes) < LEAST_PROBES or len(opened) > MOST_STREAMS:
        return None
    newer = {view.name: _newer(view, opened) for view in opened}
    places = min(range(LEAST_PLACES, len(opened)), key=lambda n: _odd(n, ended, stayed, newer))
    oldest_ms, soonest_ms = max(map(_age_ms, stayed)), min(map(_age_ms, ended))
    if _odd(places, ended, stayed, newer) > MOST_ODD * len(opened) or oldest_ms < TIMES_OLDER * soonest_ms:
        return None
    return ThrownOut(places, ended, len(opened))


def _newer(view: View, opened: Sequence[View]) -> int:
    """Return how many that came later were open at once while this one was, at most."""
    later = [one for one in opened if opened_ms(view) < opened_ms(one) < ended_ms(view)]
    steps = sorted(chain(((opened_ms(one), 1) for one in later), ((ended_ms(one), -1) for one in later)))
    most = many = 0
    for _, step in steps:
        many += step
        most = max(most, many)
    return most


def _odd(places: int, ended: Sequence[View], stayed: Sequence[View], newer: dict[str, int]) -> int:
    """Return how many streams do not behave as with so many places."""
    return sum(newer[one.name] < places for one in ended) + sum(newer[one.name] >= places for one in stayed)


def _age_ms(view: View) -> float:
    return ended_ms(view) - opened_ms(view)
