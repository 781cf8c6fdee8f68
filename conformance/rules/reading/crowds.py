"""Streams that were asked for at once: who of them was told events, and who only when others had left."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from ssegauge.conformance.rules.reading.newcomers import MORE_MS, TIMES
from ssegauge.conformance.rules.reading.silence import OPENING_MS
from ssegauge.conformance.seen import View

LEAST_NEWS, TOGETHER_MS = 3, 50.0
LEAST_SILENT = 2
EARLIER_MS = 50.0  # a place may be free, and the next be told, a little before we have noted that somebody left
LONG_WAIT_MS = 2000.0
LEAST_IN_TURN, LEAST_STEP_MS, OF_USUAL_STEP, MOST_UNEVEN, MOST_TOLD_ON = 6, 100.0, 1 / 3, 1 / 8, 1 / 4


@dataclass(frozen=True, slots=True)
class Crowd:
    """Those who were told events until some moment, in Unix epoch ms, and those who were open and told nothing."""

    told: Sequence[View]
    silent: Sequence[View]
    until_ms: float

    @classmethod
    def of(cls, views: Sequence[View], until_ms: float | None = None) -> "Crowd":
        """Return it as it was when the first who had been told something left, or at the given moment."""
        served = [view for view in views if view.timed and view.is_event_stream]
        left_ms = min((ended_ms(view) for view in served if view.events), default=0.0) if until_ms is None else until_ms
        told = [view for view in served if _first_ms(view) <= left_ms]
        silent = [view for view in served if _first_ms(view) > left_ms and ended_ms(view) > left_ms]
        return cls(told, silent, left_ms)

    @property
    def relieved(self) -> list[View]:
        """Those who were told something as soon as the others had left."""
        return [view for view in self.silent if view.events]

    @property
    def waits_in_vain(self) -> bool:
        """Whether each who was told anything was told of several moments of which the silent ought to have been too."""
        since_ms = max((opened_ms(view) for view in self.silent), default=0.0) + OPENING_MS
        news = [_moments(view, since_ms, self.until_ms) for view in self.told]
        return self._some_are_silent and min(news) >= LEAST_NEWS

    @property
    def greets_some(self) -> bool:
        """Whether each who was told anything was told it on coming, and the silent, for long, were not."""
        waited = [_first_ms(view) - opened_ms(view) for view in self.told]
        if not self._some_are_silent or max(waited) > OPENING_MS:
            return False
        since_ms = max(opened_ms(view) for view in self.silent)
        return self.until_ms - since_ms >= TIMES * max(waited) + MORE_MS

    @property
    def are_places_few(self) -> bool:
        """Whether the silent were told something when others had left, each when another had."""
        ends = sorted(map(ended_ms, (*self.told, *self.silent)))
        firsts = sorted(map(_first_ms, self.relieved))
        in_turn = all(first >= end - EARLIER_MS for first, end in zip(firsts, ends, strict=False))
        return in_turn and len(firsts) >= min(LEAST_SILENT, len(self.told)) > 0

    @property
    def _some_are_silent(self) -> bool:
        return bool(self.told) and len(self.silent) >= LEAST_SILENT


def answered_in_turn(views: Sequence[View]) -> list[View]:
    """Return those that were answered, where that was one after the other in even steps; empty where it was not so.

    So does a server that stands still for each of them, or several such processes. Meanwhile nobody is told more: one
    that lets in a few at a time on purpose goes on telling these.
    """
    answered = sorted((view for view in views if view.timed and view.is_event_stream), key=opened_ms)
    heads = _apart(map(opened_ms, answered))
    if len(heads) < LEAST_IN_TURN or heads[-1] - heads[0] < LONG_WAIT_MS:
        return []
    steps = [later - one for one, later in pairwise(heads)]
    told_on = sum(max(0, _moments(view, 0.0, heads[-1]) - 1) for view in answered)
    least_ms = max(LEAST_STEP_MS, OF_USUAL_STEP * sum(steps) / len(steps))
    even = sum(step < least_ms for step in steps) <= MOST_UNEVEN * len(steps)
    return answered if even and told_on <= MOST_TOLD_ON * len(answered) else []


def _apart(times_ms: Iterable[float]) -> list[float]:
    """Return the times, in order, of what is taken for one moment only the first."""
    found: list[float] = []
    for at_ms in times_ms:
        if not found or at_ms > found[-1] + TOGETHER_MS:
            found.append(at_ms)
    return found


def waited_too_long(view: View) -> bool:
    """Whether a call had no answer for so long that something stood in its way."""
    return waited_ms(view) >= LONG_WAIT_MS


def waited_ms(view: View) -> float:
    """Return for how long a request had no answer."""
    end_ms = view.transcript.end.at_ms if view.transcript.end else 0.0
    return view.head.at_ms if view.head else end_ms


def ended_ms(view: View) -> float:
    """Return when it ended, whoever ended it; infinity while it is open."""
    return view.epoch_ms(view.transcript.end.at_ms) if view.transcript.end else float("inf")


def opened_ms(view: View) -> float:
    """Return when its head came."""
    return view.epoch_ms(view.head.at_ms if view.head else 0.0)


def _first_ms(view: View) -> float:
    return view.epoch_ms(view.events[0].at_ms) if view.events else float("inf")


def _moments(view: View, since_ms: float, until_ms: float) -> int:
    """Return at how many moments between two a reader was told something."""
    times_ms = (view.epoch_ms(item.at_ms) for item in view.events)
    return len(_apart(at_ms for at_ms in times_ms if since_ms < at_ms <= until_ms))
