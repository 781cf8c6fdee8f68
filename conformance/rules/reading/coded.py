"""Whether readers who offer compression are told the same stream as those who do not, at the same time."""

from collections.abc import Iterator, Sequence

from ssegauge.conformance.rules.reading.heartbeat import names_heartbeat
from ssegauge.conformance.rules.reading.sharing import Telling, in_common, pairs, readers
from ssegauge.conformance.rules.reading.stamps import timeless
from ssegauge.conformance.seen import Message, Seen, View

LEAST_TOLD, ENOUGH_IN_COMMON = 3, 3
GRACE_MS = 500.0  # what comes at the edges may reach one of them alone


def beside_others(seen: Seen) -> Iterator[tuple[View, Message | None]]:
    """Yield what was told in a coding beside readers who agree; its first event, if none was theirs."""
    for view in seen.role("compressed"):
        coded = _telling(view)
        group = next((some for some in readers(seen) if _is_of(view, some)), [])
        beside = [one for one in group if len(_meanwhile(one, coded)) >= LEAST_TOLD]
        if view.timed and view.is_event_stream and len(coded.messages) >= LEAST_TOLD and beside and _agree(group):
            told = {key for one in group for message in one.messages for key in _keys(message)}
            strange = all(told.isdisjoint(_keys(message)) for message in coded.messages)
            yield view, coded.messages[0] if strange else None


def _telling(view: View) -> Telling:
    return Telling(view, tuple(message for message in view.messages if not names_heartbeat(message)))


def _is_of(view: View, group: Sequence[Telling]) -> bool:
    facts = group[0].view.facts
    return (facts.task_id, facts.subject, facts.kind) == (view.facts.task_id, view.facts.subject, "plain")


def _meanwhile(one: Telling, other: Telling) -> list[Message]:
    return one.between(max(one.came_ms, other.came_ms) + GRACE_MS, min(one.left_ms, other.left_ms) - GRACE_MS)


def _agree(group: Sequence[Telling]) -> bool:
    return any(len(in_common(one, other)) >= ENOUGH_IN_COMMON for one, other in pairs(group))


def _keys(message: Message) -> tuple[object, object]:
    """Return by what an event is known again: its id, or what it says but for its times."""
    kind, event_id, words = timeless(message)
    return ("id", event_id) if event_id else (kind, words), (kind, words)
