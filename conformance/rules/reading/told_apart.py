"""What ids and counts tell of readers: events of one id that say something else to each, and counts that leave out."""

from bisect import bisect
from collections.abc import Sequence

from ssegauge.conformance.rules.reading.sharing import OPENING_MS, Telling, numbers
from ssegauge.conformance.rules.reading.stamps import UNITS_MS, timeless
from ssegauge.conformance.seen import Message

IN_STEP_MS = 200.0
NEAR_MS = 3e10  # about a year: an id that is a time is that of all that is made then
MOST_ALIKE = 0.5  # small numbers agree by chance
AT_ONCE_MS, MOST_COUNTED = 50.0, 1e8  # larger numbers may be times
LEAST_LEFT_OUT = 2

Pair = tuple[Message, Message]


def told_by_one_id(one: Telling, other: Telling) -> list[Pair]:
    """Return what two who came at different times were told by the same id in the same moment."""
    if one.view.transcript.request.method != "GET" or abs(one.came_ms - other.came_ms) < OPENING_MS:
        return []
    theirs = {message.event.id: message for message in other.messages}
    both = [(mine, theirs[mine.event.id]) for mine in one.messages if mine.event.id and mine.event.id in theirs]
    same_sort = [(mine, its) for mine, its in both if mine.event.type == its.event.type and not _is_time(one, mine)]
    return [(mine, its) for mine, its in same_sort if abs(one.at_ms(mine) - other.at_ms(its)) <= IN_STEP_MS]


def say_nothing_alike(told: Sequence[Pair]) -> bool:
    """Whether all that changes from event to event is another for each reader: nothing tells that it is one event."""
    parts = [(_parts(mine), _parts(its)) for mine, its in told]
    names = {name for mine, its in parts for name in mine.keys() & its.keys()}
    changing = [name for name in names if len({mine.get(name) for mine, _ in parts}) > 1]
    alike = [sum(mine.get(name) == its.get(name) for mine, its in parts) for name in changing]
    stamped = any(timeless(mine) == timeless(its) for mine, its in told)
    return bool(alike) and not stamped and max(alike) <= MOST_ALIKE * len(told)


def counted_alike(one: Telling, other: Telling) -> int:
    """Return how many events two who came at different times were told in the same moments, and with the same count.

    A count is a small number that is another in each, and says of all of them which it is, whatever else is each
    reader's own. 0 where one of them had no such event beside it.
    """
    since_ms, until_ms = max(one.came_ms, other.came_ms), min(one.left_ms, other.left_ms)
    if abs(one.came_ms - other.came_ms) < OPENING_MS:
        return 0
    told = [(mine, _nearest(other, one.at_ms(mine))) for mine in one.between(since_ms, until_ms - AT_ONCE_MS)]
    counts = [(_counts(mine), _counts(its)) for mine, its in told if its]
    names = {name for mine, its in counts for name in mine.keys() & its.keys()}
    alike = [name for name in names if all(mine.get(name) == its.get(name) for mine, its in counts)]
    rising = any(len({mine.get(name) for mine, _ in counts}) == len(counts) for name in alike)
    return len(counts) if rising and len(counts) == len(told) else 0


def leaves_out(one: Telling, told: Sequence[Message]) -> bool:
    """Whether a count of what one was told leaves out just these: so they are of the stream that it is told of."""
    mine, theirs = [_counts(message) for message in one.messages], [_counts(message) for message in told]
    for name in set[str].intersection(*map(set, theirs)) if theirs else ():
        known, others = ({found[name] for found in some if name in found} for some in (mine, theirs))
        inner = [number for number in others if number < max(known, default=0)]
        all_fit = all({number - 1, number + 1} <= known | others for number in inner)
        if len(inner) >= LEAST_LEFT_OUT and all_fit and not known & others:
            return True
    return False


def _nearest(reader: Telling, at_ms: float) -> Message | None:
    place = bisect(reader.times, at_ms - AT_ONCE_MS)
    return reader.messages[place] if place < len(reader.times) and reader.times[place] <= at_ms + AT_ONCE_MS else None


def _counts(message: Message) -> dict[str, int]:
    return {name: value for name, value in numbers(message).items() if abs(value) < MOST_COUNTED}


def _parts(message: Message) -> dict[str, str]:
    """Return the members of an event's JSON, or its words, but for those that are its id once more.

    Texts are left out as well: each reader may be told in a language of its own.
    """
    told = message.fields or {str(place): word for place, word in enumerate(message.event.data.split())}
    texts = {name for name, value in told.items() if isinstance(value, str) and any(map(str.isalpha, value))}
    return {name: repr(told[name]) for name in told.keys() - texts if str(told[name]) != message.event.id}


def _is_time(one: Telling, message: Message) -> bool:
    digits = "".join(letter for letter in message.event.id or "" if letter.isdecimal())[:19]
    return any(abs(int(digits or 0) * unit - one.at_ms(message)) < NEAR_MS for unit in UNITS_MS)
