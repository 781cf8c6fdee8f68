"""Whether a reader of a stream is told nothing while others, who came at the same time, are told what happens."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from ssegauge.conformance.facts import Facts
from ssegauge.conformance.rules.reading.heartbeat import names_heartbeat
from ssegauge.conformance.rules.reading.returns import newcomers
from ssegauge.conformance.rules.reading.sharing import Said, said
from ssegauge.conformance.seen import Message, Seen, View

OPENING_MS = 500.0  # what comes this soon after the head may be kept events, or a state, told to newcomers alone
TOGETHER_MS = 1000.0
AT_ONCE_MS = 300.0
GRACE_MS = 1000.0  # between one reader's being told and another's
LEAST_BEATS, LEAST_NEWS = 3, 3


def is_silenced(seen: Seen, view: View) -> bool:
    """Whether a reader was told nothing while newcomers were."""
    return bool(told_meanwhile(seen, view))


def is_so_alone(seen: Seen, view: View) -> bool:
    """Whether a reader who was told nothing would not have been told either with nobody else there.

    Where it, or others with ids of its sort, were asked again so, they say; else it is taken for so.
    """
    asked = seen.role("stream", Facts(task_id=view.facts.task_id, resume=view.facts.resume, situation="again"))
    beats = _beats(view, _beside(seen, view))
    told = [one for one in asked if any(message.words not in beats for message in one.messages)]
    if any(one.facts.last_event_id == view.facts.last_event_id for one in told):
        return False
    return not told or any(is_silenced(seen, one) for one in asked)


def told_meanwhile(seen: Seen, view: View) -> list[Message]:
    """Return the events that newcomers were told while this reader had to be told them too; empty if it was.

    An event counts that happened while both read, and after which this one was waited for. Newcomers are those who came
    together with it: what is gathered on the way reaches each when its own buffer is full.
    """
    if not view.timed or not view.is_event_stream:
        return []
    until_ms = _read_until_ms(view) - GRACE_MS
    beside = _beside(seen, view)
    beats = _beats(view, beside)
    if any(message.words not in beats for message in view.messages):
        return []
    happened = _happened(seen, view) if beside else {}
    found = [
        (at_ms, message)
        for other in beside
        for message in other.messages
        if not (message.words in beats or names_heartbeat(message))
        and (at_ms := other.epoch_ms(message.item.at_ms)) <= until_ms
        and (_is_later(other, view, at_ms) or _happened_at(happened.get(said(message), ()), at_ms, _opened_ms(view)))
    ]
    return [message for _, message in sorted(found, key=lambda one: one[0])]


def told_after_its_opening(seen: Seen, view: View) -> list[Message]:
    """Return the events that newcomers were told when this reader, who was told some on coming, was told none any more.

    Empty where it was told any later. As many as may be lost by chance, or by a machine that is busy, are none.
    """
    opened_ms = _opened_ms(view) + OPENING_MS
    if not view.timed or any(view.epoch_ms(item.at_ms) > opened_ms for item in view.events):
        return []
    until_ms, beats = _read_until_ms(view) - GRACE_MS, _beats(view, [])
    found = [
        [
            message
            for message in other.messages
            if message.words not in beats
            and not names_heartbeat(message)
            and _is_later(other, view, at_ms := other.epoch_ms(message.item.at_ms))
            and at_ms <= until_ms
        ]
        for other in _beside(seen, view)
    ]
    most = max(found, key=len, default=[])
    return most if len(most) >= LEAST_NEWS else []


def _beside(seen: Seen, view: View) -> list[View]:
    return [one for one in newcomers(seen, view) if abs(_opened_ms(one) - _opened_ms(view)) < TOGETHER_MS]


def _beats(view: View, beside: Sequence[View]) -> set[tuple[str, str]]:
    """Return in which words a reader is told no more than that the stream is alive, as newcomers are too."""
    named = {message.words for message in view.messages if names_heartbeat(message)}
    other = [message.words for message in view.messages if message.words not in named]
    same = len(set(other)) == 1 and len(other) >= LEAST_BEATS
    told = all(any(message.words in other for message in one.messages) for one in beside)
    return named | {*other} if same and told else named


def _is_later(other: View, view: View, at_ms: float) -> bool:
    """Whether it came when the opening of both was over."""
    return at_ms > max(_opened_ms(other), _opened_ms(view)) + OPENING_MS


def _happened(seen: Seen, view: View) -> Mapping[Said, list[float]]:
    """Return when events came to readers who had been there for a while: so they happened then."""
    found: dict[Said, list[float]] = defaultdict(list)
    for one in seen.streams:
        if one.facts.resume is None and one.facts.task_id == view.facts.task_id:
            for message in one.messages:
                at_ms = one.epoch_ms(message.item.at_ms)
                if at_ms > _opened_ms(one) + OPENING_MS:
                    found[said(message)].append(at_ms)
    return found


def _happened_at(times: Sequence[float], at_ms: float, since_ms: float) -> bool:
    return bool(times) and all(one > since_ms and abs(one - at_ms) < AT_ONCE_MS for one in times)


def _opened_ms(view: View) -> float:
    return view.epoch_ms(view.head.at_ms if view.head else 0.0)


def _read_until_ms(view: View) -> float:
    """Return until when a reader was there; one whose stream the server ended is told nothing for ever."""
    if view.ended_by_server:
        return float("inf")
    return view.epoch_ms(view.transcript.end.at_ms) if view.transcript.end else 0.0
