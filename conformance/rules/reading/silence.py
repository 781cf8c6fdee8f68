"""Whether a reader of a stream is told nothing while others, who came at the same time, are told what happens."""

from collections.abc import Iterator

from ssegauge.conformance.rules.reading.returns import newcomers
from ssegauge.conformance.seen import Message, Seen, View

OPENING_MS = 500.0  # what comes this soon after the head may be kept events, or a state, told to newcomers alone
TOGETHER_MS = 1000.0
GRACE_MS = 1000.0  # between one reader's being told and another's


def told_meanwhile(seen: Seen, view: View) -> list[Message]:
    """Return the events that newcomers were told while this reader had to be told them too; empty if it was.

    An event counts that happened while both read, and after which this one was waited for. Newcomers are those who came
    together with it: what is gathered on the way reaches each when its own buffer is full.
    """
    if not view.timed or not view.is_event_stream or view.messages:
        return []
    until_ms = _read_until_ms(view) - GRACE_MS
    found = [
        (other.epoch_ms(message.item.at_ms), message)
        for other in newcomers(seen, view)
        if abs(_opened_ms(other) - _opened_ms(view)) < TOGETHER_MS
        for message in _live(other)
        if _opened_ms(view) + OPENING_MS < other.epoch_ms(message.item.at_ms) <= until_ms
    ]
    return [message for _, message in sorted(found, key=lambda one: one[0])]


def _live(view: View) -> Iterator[Message]:
    start_ms = (view.head.at_ms if view.head else 0.0) + OPENING_MS
    return (message for message in view.messages if message.item.at_ms > start_ms)


def _opened_ms(view: View) -> float:
    return view.epoch_ms(view.head.at_ms if view.head else 0.0)


def _read_until_ms(view: View) -> float:
    """Return until when a reader was there; one whose stream the server ended is told nothing for ever."""
    if view.ended_by_server:
        return float("inf")
    return view.epoch_ms(view.transcript.end.at_ms) if view.transcript.end else 0.0
