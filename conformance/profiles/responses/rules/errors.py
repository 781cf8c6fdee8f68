"""Rules on errors that are told in mid-stream."""

from collections.abc import Iterator

from ssegauge.conformance.profiles.responses.rules.ending import DONE
from ssegauge.conformance.profiles.responses.told import inner, kind, string
from ssegauge.conformance.rules.reading.heartbeat import names_heartbeat
from ssegauge.conformance.rules.rule import profile, rule
from ssegauge.conformance.seen import Mark, Message, View
from ssegauge.conformance.words import events, shown


def errors(view: View) -> list[Message]:
    """Return the events that are errors by their name or by their type."""
    return [one for one in view.messages if "error" in {kind(one), one.event.type}]


@rule("responses/error-shape", "should", profile("R6.1"), over="streams", rests_on=("wire",))
def error_shape(view: View) -> Iterator[Mark]:
    """An error in mid-stream says what went wrong, where clients look for it.

    Why: The message is what clients show and log, and from the code they know whether to try again.

    Mend: Send {"type": "error", "code": "server_error", "message": "...", "param": null, "sequence_number": 7};
    OpenAI's own servers put code and message into `error`, and clients bear either.

    Example: event: error, and data: {"type": "error", "detail": "Overloaded"}
    """
    for message in errors(view):
        wrong = _wrong(message)
        yield view.bad(wrong, message) if wrong else view.good()


def _wrong(message: Message) -> str:
    if message.error:
        return f"the error is no JSON: {shown(message.event.data)}"
    said = string(message.fields.get("message")) or string(inner(message, "error").get("message"))
    return "" if said else "the error has no message"


@rule("responses/goes-on-after-error", "should", profile("R6.2"), over="streams", rests_on=("wire",))
def goes_on_after_error(view: View) -> Iterator[Mark]:
    """After an error comes at most `response.failed`.

    Why: Clients that stop at an error lose what follows, though it is paid for; others show an answer that failed.

    Mend: Send `response.failed` after the error, and nothing else; what can be mended without the reader is no error.

    Example: event: error, and then event: response.output_text.delta
    """
    found = errors(view)
    if not found:
        return
    rest = [one for one in view.messages if one.event.start > found[0].event.start]
    more = [
        one for one in rest if not names_heartbeat(one) and one.event.data != DONE and kind(one) != "response.failed"
    ]
    if more:
        yield view.bad(f"{events(len(more))} after an error, the first {kind(more[0])}", more[0])
    elif view.ended_by_server:
        yield view.good()
