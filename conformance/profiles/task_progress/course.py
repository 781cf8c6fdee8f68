"""A task's course as far as we know it: what rules on lifecycle and resuming ask of what was seen.

A stream in a ``situation`` is none of the ordinary ones. Times are in Unix epoch milliseconds on our own clock.
"""

from collections.abc import Iterable, Iterator

from ssegauge.conformance.facts import Facts
from ssegauge.conformance.profiles.task_progress.rules.progress import STATUSES
from ssegauge.conformance.profiles.task_progress.rules.shape import TYPES, is_heartbeat
from ssegauge.conformance.rules.reading.effects import accepted_updates
from ssegauge.conformance.seen import ENDED, Message, Seen, View, is_number
from ssegauge.conformance.words import lasted


def ordinary(seen: Seen) -> Iterator[View]:
    """Yield the event streams that are not in a situation."""
    return (view for view in seen.streams if view.facts.situation is None)


def in_time(seen: Seen) -> Iterator[View]:
    """Yield the ordinary streams that were opened before their task had ended."""
    return (view for view in ordinary(seen) if view.facts.joined != "after-end")


def came_after_end(seen: Seen) -> Iterator[View]:
    """Yield the streams asked for after the end of a task, of which we know that it had ended; answered or not."""
    for view in (*seen.role("stream", Facts(joined="after-end")), *seen.role("stream", Facts(situation="race"))):
        over_ms = ended_ms(seen, view.facts.task_id)
        if over_ms is not None and over_ms <= view.transcript.started_ms:
            yield view


def ended_ms(seen: Seen, task_id: str | None) -> float | None:
    """Return the first moment at which we knew that a task had ended, None if we never did."""
    told = [
        view.epoch_ms(view.terminal.item.at_ms)
        for view in seen.streams
        if view.terminal and view.facts.task_id == task_id
    ]
    asked = [view.transcript.started_ms for view in seen.role("snapshot", Facts(task_id=task_id)) if _tells_end(view)]
    made = [
        view.epoch_ms(view.head.at_ms)
        for view in accepted_updates(seen, task_id)
        if view.head and view.facts.status in ENDED
    ]
    return min([*told, *asked, *made], default=None)


def _tells_end(view: View) -> bool:
    status = view.json.get("status") if isinstance(view.json, dict) else None
    return isinstance(status, str) and status in ENDED


def readable(view: View) -> bool:
    """Whether every event says what it is; if not, what is missing here may be in an event that others judge."""
    return all(_says_what_it_is(message) for message in view.messages if not is_heartbeat(message))


def _says_what_it_is(message: Message) -> bool:
    if not isinstance(message.type, str) or message.type not in TYPES:
        return False
    status = message.progress.get("status")
    return message.type != "progress" or (isinstance(status, str) and status in STATUSES)


def percent(message: Message) -> float | None:
    """Return a report's progress where it is one."""
    value = message.progress.get("progress")
    return value if is_number(value) and 0 <= value <= 100 else None


def percents(views: Iterable[View]) -> list[float]:
    """Return the progress that updates asked for."""
    return [value for view in views if (value := view.facts.progress) is not None]


def told_state(seen: Seen, view: View) -> bool | None:
    """Whether a stream told the current state at once: within the connection time, from its first event on.

    None where the stream was not observed for that long.
    """
    until_ms = _begun_ms(view) + seen.limits.connect_s * 1000
    told_ms = _state_told_ms(seen, view)
    if told_ms is not None and told_ms <= until_ms:
        return True
    end = view.transcript.end
    observed = view.timed and end is not None and (view.ended_by_server or end.at_ms >= until_ms)
    return False if observed else None


def how_untold(seen: Seen, view: View) -> str:
    """Say of a stream that did not tell the current state at once when it did, or for how long it did not."""
    told_ms, end = _state_told_ms(seen, view), view.transcript.end
    if told_ms is not None:
        return f"the current state was told only after {lasted(told_ms - _begun_ms(view))}"
    waited_ms = end.at_ms - _begun_ms(view) if end else 0.0
    return "the current state was not told" + ("" if view.ended_by_server else f" within {lasted(waited_ms)}")


def _begun_ms(view: View) -> float:
    return view.events[0].at_ms if view.events else view.head.at_ms if view.head else 0.0


def _state_told_ms(seen: Seen, view: View) -> float | None:
    """Return when a stream told the state in which the task was when it was opened, or a later one."""
    before = [
        one
        for one in accepted_updates(seen, view.facts.task_id)
        if one.head and one.epoch_ms(one.head.at_ms) <= view.transcript.started_ms
    ]
    least = max(percents(before), default=0)
    return next((one.item.at_ms for one in view.progress if _is_current(one, least)), None)


def _is_current(message: Message, least: float) -> bool:
    told = percent(message)
    return message.ends_task or told is None or told >= least
