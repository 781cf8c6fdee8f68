"""Causes and effects: the updates we made of a task, and the events that showed them to one stream.

An event shows an update by its message's text, or else by its status and progress; it also shows every earlier
update, because a server may leave out states that were overtaken. Times are in Unix epoch milliseconds on the
harness's clock, for cause and effect alike.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from ssegauge.conformance.facts import Facts
from ssegauge.conformance.seen import ENDED, Message, Seen, View


@dataclass(frozen=True, slots=True)
class Effect:
    """What became of one accepted update in one stream.

    Attributes:
        sent_ms: when the update's request was begun.
        terminal: whether the update ended the task.
        shown: the first event that shows it or a later update, None without one.
        shown_ms: when that had arrived.
        own: whether that event shows this very update.
    """

    sent_ms: float
    terminal: bool
    shown: Message | None
    shown_ms: float
    own: bool

    @property
    def latency_ms(self) -> float | None:
        """From cause to effect, None where the effect was not seen."""
        return self.shown_ms - self.sent_ms if self.shown else None


def told_streams(seen: Seen) -> Iterator[View]:
    """Yield the ordinary streams of tasks that we moved: they are to be told every update in time."""
    for view in seen.streams:
        ordinary = view.facts.kind == "manual" and view.facts.situation is None
        if ordinary and view.timed and view.events and view.facts.resume in {None, "known"}:
            yield view


def effects(seen: Seen, view: View, since_ms: float | None = None) -> list[Effect]:
    """Return what became of the updates made since a time, by default since the stream's first event."""
    if since_ms is None:
        since_ms = view.epoch_ms(view.events[0].at_ms) if view.events else float("inf")
    updates = accepted_updates(seen, view.facts.task_id)
    showing = [(_shows(message, updates), message) for message in view.progress]
    return [
        _effect(view, update, number, showing)
        for number, update in enumerate(updates)
        if update.transcript.started_ms >= since_ms
    ]


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
    for shows, message in showing:
        at_ms = view.epoch_ms(message.item.at_ms)
        if shows >= number and at_ms >= sent_ms:
            return Effect(sent_ms, terminal, message, at_ms, shows == number)
    return Effect(sent_ms, terminal, None, 0.0, own=False)


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
