"""What updates that were lost have in common, and those that arrived have not: where to look for the cause."""

from collections.abc import Collection, Iterator, Sequence
from itertools import pairwise
from statistics import median

from ssegauge.conformance.rules.reading.effects import Effect
from ssegauge.conformance.seen import View
from ssegauge.conformance.words import lasted

CANARIES = {
    "lf": "line feeds",
    "cr": "carriage returns",
    "crlf": "CRLF",
    "nul": "a NUL",
    "separator": "U+2028, U+2029 and U+0085",
    "quote": "quotes and backslashes",
    "code": "quotes, backslashes, a tab and runs of blanks",
    "letters": "letters that are not ASCII",
    "controls": "control characters",
}
LEAST_IN_HASTE = 2


def peculiar(told: Sequence[Effect], lost: Collection[int]) -> str:
    """Return, as a clause to be added, what sets the updates at some places apart; nothing where nothing is known."""
    gone, came = [told[number].update for number in lost], [one.update for one in told if one.shown]
    said = next(_in_texts(gone, came), "") or _in_haste(told, lost)
    return f"; {said}" if said else ""


def what_is_in(update: View) -> str:
    """Return what is odd about a text that was to be told, its length if nothing else, as "with a NUL"."""
    odd = CANARIES.get(update.facts.canary or "")
    return f"with {odd}" if odd else f"of {_length(update):,} characters"


def _in_texts(gone: Sequence[View], came: Sequence[View]) -> Iterator[str]:
    which = "the lost one" if len(gone) == 1 else "each of the lost"
    shortest, longest = min(map(_length, gone)), max(map(_length, came), default=0)
    if came and shortest > longest:
        more = "" if len(gone) == 1 else " or more"
        yield f"{which} had {shortest:,} characters{more}, no other more than {longest:,}"
    cases = {one.facts.canary or "" for one in gone}
    if cases <= CANARIES.keys() and not cases & {one.facts.canary for one in came}:
        yield f"{which} had {' or '.join(CANARIES[one] for one in sorted(cases))} in it"


def _in_haste(told: Sequence[Effect], lost: Collection[int]) -> str:
    """Say how soon the next was sent behind each that is lost, where that is sooner than behind most others."""
    pauses = {number: after.sent_ms - one.sent_ms for number, (one, after) in enumerate(pairwise(told))}
    lost_ms = [pauses[number] for number in lost if number in pauses]
    came_ms = [ms for number, ms in pauses.items() if told[number].shown]
    apart = len(lost_ms) >= LEAST_IN_HASTE and came_ms and max(lost_ms) < median(came_ms)
    return f"each of the lost was followed by another within {lasted(max(lost_ms))}" if apart else ""


def _length(update: View) -> int:
    return len(update.facts.message or "")
