"""Streams that end when another comes: a server that knows one reader at a time, or one for each address."""

from collections.abc import Iterator

from ssegauge.conformance.facts import Facts
from ssegauge.conformance.rules.reading.crowds import ended_ms, opened_ms
from ssegauge.conformance.seen import Seen, View

TWICE = 2
LEAST_ENDED, MOST_OF_ALL = 5, 0.5
TIMES, LEAST_MS, MOST_MS = 2.0, 3000.0, 10_000.0  # the longest that any of them lived
SOON_MS = 2000.0


def alone_for_ms(seen: Seen) -> float | None:
    """Return for how long one is to be alone so that its end is no matter of age; None where too few ended."""
    opened = [view for view in _opened(seen) if view.facts.situation != "again"]
    ended = [view for view in opened if _is_over(view)]
    beside = [view for view in ended if any(opened_ms(view) < opened_ms(one) < ended_ms(view) for one in opened)]
    if len(beside) < max(LEAST_ENDED, MOST_OF_ALL * len(opened)):
        return None
    for_ms = max(LEAST_MS, TIMES * max(ended_ms(view) - opened_ms(view) for view in ended))
    return for_ms if for_ms <= MOST_MS else None


def tried(seen: Seen) -> Iterator[tuple[View, View]]:
    """Yield the streams that were alone for that long, each with the one that came then."""
    least_ms = alone_for_ms(seen)
    firsts, nexts = (_again(seen, joined) for joined in ("start", "late"))
    for first, following in zip(firsts, nexts, strict=False):
        if least_ms is not None and opened_ms(following) - opened_ms(first) >= least_ms:
            yield first, following


def ends_for(first: View, following: View) -> bool:
    """Whether the one ended as the other came, without a word: an event that says so is a custom of the stream's."""
    soon = 0 <= ended_ms(first) - opened_ms(following) <= SOON_MS
    says_so = any(first.epoch_ms(one.at_ms) >= opened_ms(following) for one in first.events[-1:])
    told_before = {message.event.type for message in first.messages[:-1]}
    return _is_over(first) and soon and not (says_so and first.messages[-1].event.type not in told_before)


def _opened(seen: Seen) -> list[View]:
    return [view for view in seen.role("stream", Facts(kind="plain")) if view.timed and view.is_event_stream]


def _again(seen: Seen, joined: str) -> list[View]:
    found = [one for one in _opened(seen) if (one.facts.situation, one.facts.joined) == ("again", joined)]
    return sorted(found, key=opened_ms)


def _is_over(view: View) -> bool:
    """Whether the server ended it, in whatever way."""
    return view.transcript.end is not None and view.transcript.end.how in {"eof", "error"}
