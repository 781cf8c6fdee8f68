"""Rules on streams that stay open and tell nothing more."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

from ssegauge.conformance.rules.reading.endings import is_like
from ssegauge.conformance.rules.reading.sharing import OPENING_MS, Telling, in_common, pairs, readers, said
from ssegauge.conformance.rules.rule import profile, rule
from ssegauge.conformance.seen import Mark, Message, Seen
from ssegauge.conformance.words import lasted

LEAST_TOLD, LEAST_NEWS = 3, 3
MUCH_NEWS = 5  # where the other was never told anything
LEAST_SILENCE_MS = 2000.0
TOGETHER_MS = 50.0


@rule("liveness/goes-deaf", "must", profile("E3.3"), patient=True, rests_on=("capacity/serves-few-at-once",))
def goes_deaf(seen: Seen) -> Iterator[Mark]:
    """A stream that is open tells its reader what newcomers are told.

    Why: The connection looks well, so neither EventSource nor its user does anything: the page stands still for good.

    Mend: Look at what writing returns: when a write fails or its deadline has passed (Go's `WriteTimeout`, a broken
    pipe, a full buffer), end the response, so that the client comes back. Keep every connection subscribed: not only
    the last one of a user, and again after the source has been reconnected.

    Example: (events for 8 s, then nothing, on a connection that stays open; a newcomer is told them)
    """
    for group in readers(seen):
        for one, other in pairs(group):
            yield from _hears(group, one, other)
            yield from _hears(group, other, one)


def _hears(group: Sequence[Telling], one: Telling, other: Telling) -> Iterator[Mark]:
    fell_ms = one.at_ms(one.messages[-1]) if one.messages else one.came_ms
    till_ms = min(one.left_ms, other.left_ms)
    news = _news(one, other, fell_ms, till_ms)
    silence_ms = till_ms - max(fell_ms, other.came_ms if not one.messages else fell_ms)
    if (
        one.left_by_us
        and silence_ms >= max(LEAST_SILENCE_MS, 3 * _longest_ms(one))
        and _is_deaf(group, one, other, news)
    ):
        heard = f"told nothing for {lasted(silence_ms)}, while another reader was told {len(news)} new events"
        yield one.view.bad(
            heard if one.messages else f"never told anything: {heard}", one.messages[-1] if one.messages else None
        )
    elif _told_together(one, other):
        yield one.view.good()


def _news(one: Telling, other: Telling, since_ms: float, till_ms: float) -> list[Message]:
    """Return what another was told that this one never was, later than its opening, each moment once."""
    since_ms = max(since_ms, other.came_ms + OPENING_MS)
    told = [message for message in other.between(since_ms, till_ms) if said(message) not in one.counts]
    news = told[:1]
    for message in told[1:]:
        if other.at_ms(message) - other.at_ms(news[-1]) > TOGETHER_MS:
            news.append(message)
    return news


def _longest_ms(one: Telling) -> float:
    times = [one.at_ms(message) for message in one.messages]
    return max((after - before for before, after in pairwise(times)), default=0.0)


def _is_deaf(group: Sequence[Telling], one: Telling, other: Telling, news: Sequence[Message]) -> bool:
    """Whether silence is a fault: the stream is known to be shared, or no end of what was told is in sight."""
    if len(news) < LEAST_NEWS:
        return False
    if any(len(in_common(one, another)) > 1 for another in group if another is not one):
        return True
    asked_again = one.view.transcript.request.method == "GET" and not other.view.ended_by_server
    if not asked_again or _any_byte_since(one) or _same_course(one, other):
        return False
    if not one.messages:
        return len(news) >= MUCH_NEWS
    return len(one.messages) >= LEAST_TOLD and is_like(one.messages[-1], one.messages[:-1])


def _same_course(one: Telling, other: Telling) -> bool:
    """Whether each was told the same from its beginning, but for a date or the like: a course that each has for itself.

    Then some part of the events changes from one to the next, and at each place it is the same for both.
    """
    told = [[_parts(message) for message in telling.messages] for telling in (one, other)]
    both = list(zip(*told, strict=False))
    common = set.intersection(*(left.keys() & right.keys() for left, right in both)) if both else set()
    return any(
        len({left[name] for left, _ in both}) >= LEAST_NEWS and all(left[name] == right[name] for left, right in both)
        for name in common
    )


def _parts(message: Message) -> dict[str | int, str]:
    """Return what an event says in parts: the members of its JSON, or its words."""
    if message.fields:
        return {name: repr(value) for name, value in message.fields.items()}
    return dict(enumerate(message.event.data.split()))


def _any_byte_since(one: Telling) -> bool:
    """Whether anything came since the last event: who says that the stream is alive may have nothing to tell."""
    last_ms = one.messages[-1].item.at_ms if one.messages else 0.0
    return any(at_ms > last_ms + TOGETHER_MS for at_ms, _ in one.view.chunks)


def _told_together(one: Telling, other: Telling) -> bool:
    """Whether both were told events while both read."""
    since_ms, till_ms = max(one.came_ms, other.came_ms) + OPENING_MS, min(one.left_ms, other.left_ms)
    return bool(one.between(since_ms, till_ms)) and bool(other.between(since_ms, till_ms))
