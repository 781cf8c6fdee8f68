"""What a short look at a stream shows of it: its events, its end, its heartbeat, and the profile that it resembles."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Self

from ssegauge.conformance.rules.reading.heartbeat import names_heartbeat
from ssegauge.conformance.seen import FORMS, View
from ssegauge.conformance.sse import Comment, Event
from ssegauge.conformance.target import KNOWN, Ends, pointer

LONGEST_MARKER = 40  # characters
ENDINGS = ("completed", "complete", "done", "finished", "failed", "error", "cancelled", "end", "succeeded", "success")
STATES = ("/status", "/state", "/progress/status", "/type", "/event", "/data/status")


@dataclass(frozen=True, slots=True)
class Glimpse:
    """What was seen. Times in s; None where there was nothing to see.

    ``ends`` is how the stream ended, ``token`` where the text of a language model stands.
    """

    looked_s: float
    types: Mapping[str, int]
    json_events: int
    ids: int
    first_event_s: float | None
    gap_s: float | None
    comments: int
    heartbeat_s: float | None
    ended: bool
    ends: Ends | None
    profile: str
    token: str | None

    @classmethod
    def of(cls, view: View) -> Self:
        """Return what an exchange shows."""
        events = [item.what for item in view.events if isinstance(item.what, Event)]
        times = [message.item.at_ms / 1000 for message in view.messages if not names_heartbeat(message)]
        beats = [item.at_ms / 1000 for item, _ in view.of(Comment)]
        documents = [_document(event.data) for event in events]
        profile, token = _resembles(documents)
        end = view.transcript.end
        return cls(
            looked_s=end.at_ms / 1000 if end else 0.0,
            types=Counter(event.type for event in events),
            json_events=sum(document is not None for document in documents),
            ids=sum(event.id is not None for event in events),
            first_event_s=times[0] if times else None,
            gap_s=_longest(times),
            comments=len(beats),
            heartbeat_s=_longest(beats),
            ended=view.ended_by_server,
            ends=_ends(events, ended=view.ended_by_server),
            profile=profile,
            token=token,
        )

    @property
    def events(self) -> int:
        """How many events there were."""
        return sum(self.types.values())


def _document(data: str) -> dict[str, Any] | None:
    """Return the JSON object of an event's data; None when it is none."""
    try:
        found = json.loads(data)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _longest(times: list[float]) -> float | None:
    return max((later - earlier for earlier, later in pairwise(times)), default=None)


def _ends(events: list[Event], *, ended: bool) -> Ends | None:
    """Return what an owner would name as the end: the last event's data, its type, its state, or the end itself."""
    if not events:
        return Ends(how="close") if ended else None
    last, document = events[-1], _document(events[-1].data)
    if last.data == "[DONE]":
        return Ends(data="[DONE]")
    if not ended:
        return None
    if document is None and last.data.isprintable() and len(last.data) <= LONGEST_MARKER:
        return Ends(data=last.data) if _is_once(events, lambda event: event.data == last.data) else Ends(how="close")
    if last.type != "message" and _is_once(events, lambda event: event.type == last.type):
        return Ends(event=last.type)
    return _state(document) or Ends(how="close")


def _is_once(events: list[Event], like: Callable[[Event], bool]) -> bool:
    return len(events) > 1 and sum(map(like, events)) == 1


def _state(document: dict[str, Any] | None) -> Ends | None:
    for place in STATES:
        try:
            value = pointer(document, place)
        except LookupError:
            continue
        if isinstance(value, str) and value.lower() in ENDINGS:
            return Ends(pointer=place, in_=(value,))
    return None


def _is_progress(document: dict[str, Any]) -> bool:
    return document.get("type") in ("connected", "progress") and "timestamp" in document


# Profile, how one of its events is known, and where its text stands.
_RESEMBLE: tuple[tuple[str, Callable[[dict[str, Any]], bool], str | None], ...] = (
    *((form.profile, form.is_one, form.token) for form in FORMS),
    ("task-progress", _is_progress, None),
)


def _resembles(documents: list[dict[str, Any] | None]) -> tuple[str, str | None]:
    """Return the profile that a stream resembles, event-stream where it is none of ours, and where its text stands."""
    for profile, like, token in _RESEMBLE:
        if any(document is not None and like(document) for document in documents):
            return profile if profile in KNOWN else "event-stream", token
    return "event-stream", None
