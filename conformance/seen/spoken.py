"""The wire forms in which language models stream, known by what their events look like."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ssegauge.conformance.seen.messages import Message
from ssegauge.conformance.target import EVENT_STREAM

FEW = 8  # events: what an intermediary says first, such as a ping, is of no form


@dataclass(frozen=True, slots=True)
class Spoken:
    """One wire form. ``is_one`` tells the JSON object of one of its events, ``token`` where its text stands."""

    profile: str
    name: str
    is_one: Callable[[Mapping[str, Any]], bool]
    token: str


def _is_chat(document: Mapping[str, Any]) -> bool:
    choices = document.get("choices")
    has_deltas = isinstance(choices, list) and any(isinstance(one, dict) and "delta" in one for one in choices)
    return document.get("object") == "chat.completion.chunk" or has_deltas


def _is_response(document: Mapping[str, Any]) -> bool:
    return str(document.get("type")).startswith("response.")


def _is_message(document: Mapping[str, Any]) -> bool:
    return document.get("type") in ("message_start", "content_block_start", "content_block_delta")


FORMS = (
    Spoken("chat-completions", "Chat Completions", _is_chat, "/choices/0/delta/content"),
    Spoken("responses", "Responses", _is_response, "/delta"),
    Spoken("messages", "Messages", _is_message, "/delta/text"),
)


def spoken(messages: Iterable[Message]) -> Spoken | None:
    """Return the form of the first event that has one, among the first few; None where it is none of these."""
    told = [message.fields for _, message in zip(range(FEW), messages, strict=False) if message.fields]
    return next(filter(None, map(form_of, told)), None)


def form_of(fields: Mapping[str, Any]) -> Spoken | None:
    """Return the form of an event by its JSON object; None where it has none of these."""
    return next((form for form in FORMS if form.is_one(fields)), None)


def foreign(form: Spoken | None, profile: str) -> str:
    """Say which wire form a stream has, where the profile is of another one; any stream may have any form."""
    if form is None or profile in {form.profile, EVENT_STREAM}:
        return ""
    return f"this is a {form.name} stream: --profile {form.profile}"
