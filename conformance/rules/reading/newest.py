"""Whether only the reader who came last is told what happens: a server that knows one connection, the newest."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from ssegauge.conformance.rules.reading.heartbeat import names_heartbeat
from ssegauge.conformance.rules.reading.sharing import OPENING_MS, Telling, numbers
from ssegauge.conformance.seen import Message

LEAST_TOLD, LEAST_LATE, LEAST_TELLERS, LEAST_SILENT = 5, 3, 3, 2
TOGETHER_MS = 500.0  # of those who come together nobody knows who was the last
JUST_NOW_MS = 100.0
LONG_MS, TIMES = 3000.0, 2.0  # the longest that anybody who was told something waited for it
NEXT = 0.5  # of the steps of a count


@dataclass(frozen=True)
class Newest:
    """What was told to whoever had come last alone, and who was there for long and never told anything.

    ``counted``: by what the events are numbered in the order in which they were told; None where nothing numbers them.
    """

    told: Sequence[Message]
    silent: Sequence[Telling]
    counted: str | None


def told_to_the_newest(everybody: Sequence[Telling]) -> Newest | None:
    """Return what only the newest of several readers was told, each time; None where that was not so."""
    told = sorted(((one.at_ms(it), one, it) for one in everybody for it in _news(one)), key=lambda found: found[0])
    older = {id(one): [other.left_ms for other in everybody if other.came_ms < one.came_ms] for one in everybody}
    newer = {id(one): _newer(everybody, one) for one in everybody}
    beside = []
    for at_ms, one, message in told:
        if any(at_ms < left_ms for left_ms in older[id(one)]):
            if any(came_ms + JUST_NOW_MS < at_ms < left_ms for came_ms, left_ms in newer[id(one)]):
                return None
            beside.append((at_ms, one, message))
    late = [at_ms for at_ms, one, _ in beside if at_ms > one.came_ms + OPENING_MS]
    if len(beside) < LEAST_TOLD or len(late) < LEAST_LATE or _batches([one for _, one, _ in beside]) < LEAST_TELLERS:
        return None
    waited = max(one.at_ms(_news(one)[0]) - one.came_ms for _, one, _ in beside)
    enough_ms = max(LONG_MS, TIMES * waited)
    silent = [one for one in everybody if not _news(one) and one.left_by_us and one.left_ms - one.came_ms >= enough_ms]
    messages = [message for _, _, message in beside]
    found = Newest(messages, sorted(silent, key=lambda one: one.came_ms - one.left_ms), _counted(messages))
    return found if _batches(silent) >= LEAST_SILENT else None


def _news(one: Telling) -> list[Message]:
    return [message for message in one.messages if not names_heartbeat(message)]


def _newer(everybody: Sequence[Telling], one: Telling) -> list[tuple[float, float]]:
    """Return when those were there who had come later."""
    return [(other.came_ms, other.left_ms) for other in everybody if other.came_ms > one.came_ms + TOGETHER_MS]


def _batches(some: Sequence[Telling]) -> int:
    """Return how many came, those who came together for one."""
    came = sorted(one.came_ms for one in some)
    return min(1, len(came)) + sum(after - before > TOGETHER_MS for before, after in pairwise(came))


def _counted(messages: Sequence[Message]) -> str | None:
    """Return the name of a number that says which event it is, whomever it was told."""
    found = [numbers(message) for message in messages]
    for name in set.intersection(*(set(one) for one in found)):
        steps = [after[name] - before[name] for before, after in pairwise(found)]
        if min(steps) > 0 and steps.count(1) >= NEXT * len(steps):
            return name
    return None
