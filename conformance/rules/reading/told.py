"""What streams say of errors."""

from collections.abc import Iterator

from ssegauge.conformance.seen import Message, Seen, View


def told_errors(seen: Seen) -> Iterator[tuple[View, Message]]:
    """Yield the events that tell an error, with their streams."""
    for view in (*seen.streams, *(one for one in seen.role("unknown-task") if one.is_event_stream)):
        yield from ((view, message) for message in view.messages if tells_an_error(message))


def tells_an_error(message: Message) -> bool:
    """Whether an event tells an error: by its type, by the JSON in it, or by the state of a task."""
    if "error" in {message.event.type, message.type if isinstance(message.type, str) else ""}:
        return True
    return bool(message.fields.get("error")) or message.progress.get("status") == "failed"


# What comes before anything is said, in the wire forms of language models.
OPENINGS = ("response.created", "response.queued", "response.in_progress", "message_start", "ping")
MARKER = "[DONE]"


def refused_by_an_event(view: View) -> Message | None:
    """Return the error that a stream tells in place of all that it was asked for; None where it tells anything else."""
    told = [one for one in view.messages if one.event.data.strip() != MARKER and not _opens(one)]
    refuses = all(tells_an_error(one) or one.type == "response.failed" for one in told)
    return told[0] if told and refuses else None


def _opens(message: Message) -> bool:
    return message.event.type in OPENINGS or message.type in OPENINGS
