"""Causes and effects: what we made a stream say, and the events that showed it to one of its readers.

What was published is shown by the event whose data holds its marker. An update of a task is shown by its message's
text, or else by its status and progress; there an event also shows every earlier update, because a server may leave out
states that were overtaken. Times are in Unix epoch milliseconds on the harness's clock, for cause and effect alike.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from ssegauge.conformance.facts import Facts
from ssegauge.conformance.seen import ENDED, Message, Seen, View

# A reader of any stream may be connected a little later than the head arrives; from then on all must reach it.
CONNECTED_MS = 500.0
BESIDE_SLOW: Final = "beside-slow"
AROUND_MS = 1000.0  # what was sent this soon before or after may be held up as well
READ_THROUGHOUT = frozenset({None, "steady"})  # the situations in which a reader takes what comes, and nothing is odd


@dataclass(frozen=True, slots=True)
class Effect:
    """What became of one accepted update in one stream.

    Attributes:
        update: the update.
        sent_ms: when its request was begun.
        terminal: whether it ended the task.
        shown: the first event that shows it or, of a task, a later one; None without one.
        shown_ms: when that had arrived.
        own: whether that event shows this very update.
    """

    update: View
    sent_ms: float
    terminal: bool
    shown: Message | None
    shown_ms: float
    own: bool

    @property
    def latency_ms(self) -> float | None:
        """From cause to effect, None where the effect was not seen."""
        return self.shown_ms - self.sent_ms if self.shown else None

    @property
    def answered_ms(self) -> float:
        """When the server had taken the update."""
        return self.update.epoch_ms(self.update.head.at_ms if self.update.head else 0.0)


def told_streams(seen: Seen) -> Iterator[View]:
    """Yield the ordinary streams that we made say something: their readers are to be told all of it in time."""
    for view in seen.streams:
        if view.timed and view.facts.resume in {None, "known"} and _is_ordinary(view):
            yield view


def _is_ordinary(view: View) -> bool:
    if view.facts.kind == "manual":
        return view.facts.situation is None and bool(view.events)
    return view.facts.kind == "plain" and view.facts.situation in READ_THROUGHOUT


def effects(seen: Seen, view: View, since_ms: float | None = None) -> list[Effect]:
    """Return what became of the updates made since a time, by default since the stream was connected.

    What was made while one reader did not read is of the stream that was read beside it alone: whether the others are
    told it late on that account is a matter of its own.
    """
    since_ms = connected_ms(view) if since_ms is None else since_ms
    updates = accepted_for(seen, view)
    showing = list(showings(view, updates))
    stalled = [] if view.facts.situation == BESIDE_SLOW else stalls(seen, view)
    return [
        _effect(view, update, number, showing)
        for number, update in enumerate(updates)
        if (sent_ms := update.transcript.started_ms) >= since_ms and not within(stalled, sent_ms)
    ]


def stalls(seen: Seen, view: View) -> list[tuple[float, float]]:
    """Return when a reader of the same stream did not read, or had just left."""
    beside = seen.role("stream", Facts(situation=BESIDE_SLOW, task_id=view.facts.task_id))
    times = [
        (one.transcript.started_ms, one.epoch_ms(one.transcript.end.at_ms if one.transcript.end else 0.0))
        for one in beside
    ]
    return [(start_ms - AROUND_MS, end_ms + AROUND_MS) for start_ms, end_ms in times]


def within(spans: Iterable[tuple[float, float]], at_ms: float) -> bool:
    """Whether a time lies within one of some spans."""
    return any(start_ms <= at_ms <= end_ms for start_ms, end_ms in spans)


def connected_ms(view: View) -> float:
    """Return from when on a reader is to be told everything."""
    if view.facts.kind == "plain":
        return view.epoch_ms(view.head.at_ms) + CONNECTED_MS if view.head else float("inf")
    return view.epoch_ms(view.events[0].at_ms) if view.events else float("inf")


def accepted_for(seen: Seen, view: View) -> list[View]:
    """Return the updates that the server took of what a stream tells, in the order in which they were sent."""
    facts = view.facts
    taken = accepted_updates(seen, facts.task_id)
    return [one for one in taken if (one.facts.task_id, one.facts.subject) == (facts.task_id, facts.subject)]


def accepted_updates(seen: Seen, task_id: str | None) -> list[View]:
    """Return the updates of a task that the server took, in the order in which they were sent."""
    taken = [
        view for view in seen.role("update", Facts(task_id=task_id)) if view.head and 200 <= view.head.status < 300
    ]
    return sorted(taken, key=lambda view: view.transcript.started_ms)


def waited_ms(view: View, since_ms: float) -> float:
    """Return for how long after a time the stream was still open and read."""
    end = view.transcript.end
    return view.epoch_ms(end.at_ms) - since_ms if end and end.how in {"cut", "timeout"} else 0.0


def _effect(view: View, update: View, number: int, showing: list[tuple[int, Message]]) -> Effect:
    sent_ms, terminal = update.transcript.started_ms, update.facts.status in ENDED
    covers = number if view.facts.task_id is None else float("inf")
    for shows, message in showing:
        at_ms = view.epoch_ms(message.item.at_ms)
        if number <= shows <= covers and at_ms >= sent_ms:
            return Effect(update, sent_ms, terminal, message, at_ms, shows == number)
    return Effect(update, sent_ms, terminal, None, 0.0, own=False)


def showings(view: View, updates: list[View]) -> Iterator[tuple[int, Message]]:
    """Yield the events that show updates, each with the number of the update that it shows."""
    if view.facts.task_id is not None:
        yield from ((_shows(message, updates), message) for message in view.progress)
        return
    numbers = {update.facts.marker: number for number, update in enumerate(updates) if update.facts.marker}
    known = re.compile("|".join(map(re.escape, filter(None, numbers))))
    for message in view.messages if numbers else ():
        yield from ((numbers[marker], message) for marker in dict.fromkeys(known.findall(message.event.data)))


def _shows(message: Message, updates: list[View]) -> int:
    """Return the number of the latest update that the message may show, -1 for none."""
    state = message.progress
    for keys in (("message",), ("status", "progress")):
        told = [state.get(key) for key in keys]
        if None in told or told == [""]:
            continue
        for number in reversed(range(len(updates))):
            if told == [getattr(updates[number].facts, key) for key in keys]:
                return number
    return -1


def plain_state(message: Message) -> frozenset[tuple[str, object]]:
    """Return the task's state without what is nested in it, for comparison."""
    return frozenset((key, value) for key, value in message.progress.items() if isinstance(value, str | int | float))
