"""Rules on errors that are told in mid-stream."""

from collections.abc import Iterator

from ssegauge.conformance.profiles.messages.rules.ending import DONE
from ssegauge.conformance.profiles.messages.told import inner, kind, text
from ssegauge.conformance.rules.reading.heartbeat import names_heartbeat
from ssegauge.conformance.rules.rule import profile, rule
from ssegauge.conformance.seen import Mark, Message, View
from ssegauge.conformance.words import events, shown


def errors(view: View) -> list[Message]:
    """Return the events that are errors by their name or by their type."""
    return [one for one in view.messages if "error" in {kind(one), one.event.type}]


@rule("messages/error-shape", "should", profile("M6.1"), over="streams", rests_on=("wire",))
def error_shape(view: View) -> Iterator[Mark]:
    """An error in mid-stream has the shape that clients read.

    Why: From `error.type` clients know whether to try again (`overloaded_error`) or to give up, and `error.message` is
    what they show; in another shape it is an unknown error.

    Mend: Send `event: error` with {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}.

    Example: data: {"type": "error", "message": "Overloaded"}
    """
    for message in errors(view):
        wrong = _wrong(message)
        yield view.bad(wrong, message) if wrong else view.good()


def _wrong(message: Message) -> str:
    if message.error:
        return f"the error is no JSON: {shown(message.event.data)}"
    if message.type not in ("error", None):
        return ""  # judged by messages/name-differs
    said = inner(message, "error")
    missing = [f"error.{name}" for name in ("type", "message") if not text(said.get(name))]
    return f"the error has no {' and no '.join(missing)}" if missing else ""


@rule("messages/goes-on-after-error", "should", profile("M6.2"), over="streams", rests_on=("wire",))
def goes_on_after_error(view: View) -> Iterator[Mark]:
    """An error ends the stream.

    Why: Clients raise at it and read no further: what follows is paid for and lost.

    Mend: Send nothing after `event: error`; what can be mended without the reader is no error to tell.

    Example: event: error, and then event: content_block_delta
    """
    found = errors(view)
    if not found:
        return
    rest = [one for one in view.messages if one.event.start > found[0].event.start]
    more = [one for one in rest if not names_heartbeat(one) and one.event.data != DONE]
    if more:
        yield view.bad(f"{events(len(more))} after an error", more[0])
    elif view.ended_by_server:
        yield view.good()
