"""Rules on tasks that never were, and on ids that make no sense."""

from collections.abc import Iterator

from ssegauge.conformance.rules.reading.answers import hangs, no_room, waited_long
from ssegauge.conformance.rules.reading.texts import texts
from ssegauge.conformance.rules.rule import profile, rule
from ssegauge.conformance.seen import Mark, Seen, View
from ssegauge.conformance.sse import Comment
from ssegauge.conformance.words import lasted

NOT_5XX_NOT_SILENCE = profile(
    "S7.2", "It MUST NOT be answered with a 5xx, with silence, or with a stream that looks alive."
)


NO_5XX_NO_HANG = profile("S7.5", "No request, however malformed, MUST be answered with a 5xx or hang.")


def _not_5xx(view: View) -> Iterator[Mark]:
    if view.head and not no_room(view):
        status = view.head.status
        yield view.bad(f"answered {status}", "status") if status >= 500 else view.good()


@rule("errors/unknown-task-hangs", "must", NOT_5XX_NOT_SILENCE)
def unknown_task_hangs(seen: Seen) -> Iterator[Mark]:
    """A request for an unknown task is answered, and the answer ends.

    Why: A client with a mistyped or outdated id waits for ever, and holds a connection on both sides.

    Mend: Look the task up before the stream starts: answer 404 with a JSON body, or one `error` event and the end.

    Example: (no response within 2 s), or a silent stream
    """
    for view in seen.role("unknown-task"):
        if hangs(seen, view):
            yield view.bad("no answer for an unknown task")
        elif view.is_event_stream and not view.ended_by_server:
            yield from _stays_open(view) if waited_long(seen, view) else ()
        elif view.head and waited_long(seen, view):
            yield view.bad("the answer for an unknown task does not end")
        elif view.head:
            yield view.good()


def _stays_open(view: View) -> Iterator[Mark]:
    """Judge a stream that did not end; one that looks alive is for liveness/heartbeats-without-a-task."""
    said = {message.type if isinstance(message.type, str) else "" for message in view.messages}
    if "error" in said:
        yield view.bad("the stream goes on after its `error` event")
    elif said <= {"connected"} and not any(view.of(Comment)):
        waited_ms = view.transcript.end.at_ms if view.transcript.end else 0.0
        yield view.bad(f"a stream without a task stays open, and told nothing of it within {lasted(waited_ms)}")


@rule("errors/unknown-task-5xx", "must", NOT_5XX_NOT_SILENCE, over="unknown-task")
def unknown_task_5xx(view: View) -> Iterator[Mark]:
    """An unknown task is not a failure of the server.

    Why: Clients and proxies retry on 5xx, and alarms go off for a link that is merely old.

    Mend: Answer 404 with a JSON body.

    Example: HTTP/1.1 500 Internal Server Error
    """
    yield from _not_5xx(view)


@rule(
    "errors/unknown-task-body",
    "must",
    profile(
        "S7.1",
        "An unknown task MUST be answered with 404 and a JSON body before the stream starts, or with a stream of one"
        " `error` message that then ends.",
    ),
    over="unknown-task",
)
def unknown_task_body(view: View) -> Iterator[Mark]:
    """An unknown task is refused with words that a client can read.

    Why: Without them the page can only say that something went wrong.

    Mend: Answer 404 and `{"error": "unknown_task", "message": "This task does not exist; start a new one."}`.

    Example: HTTP/1.1 404 Not Found, with an HTML page
    """
    if not view.head or view.head.status >= 500 or view.head.status in {301, 302, 303, 307, 308, 401, 429}:
        return
    end = view.transcript.end
    if end and end.how == "error" and not any(message.type == "error" for message in view.messages):
        yield view.bad(f"answered {view.head.status}, and the answer broke off")
    elif view.is_event_stream:
        yield from _error_stream(view)
    elif end and end.how == "timeout":
        return  # judged by errors/unknown-task-hangs
    elif view.head.status < 400:
        yield view.bad(f"answered {view.head.status}, neither 404 nor an event stream", "status")
    else:
        says = _says_something(view.json)
        yield view.good() if says else view.bad(f"answered {view.head.status} without JSON that says what is wrong")


def _error_stream(view: View) -> Iterator[Mark]:
    if any(message.type == "error" for message in view.messages):
        yield view.good()
    elif view.ended_by_server:
        yield view.bad("the stream of an unknown task ends without an `error` message")


def _says_something(value: object) -> bool:
    """Whether the JSON value holds words, at whatever depth a framework puts them."""
    return any(char.isalpha() for text in texts(value) for char in text)


@rule("errors/malformed-id-5xx", "must", NO_5XX_NO_HANG)
def malformed_id_5xx(seen: Seen) -> Iterator[Mark]:
    """A task id that makes no sense is not a failure of the server.

    Why: A 5xx for rubbish means that the rubbish reached code that did not expect it: a path, a query, a parser.

    Mend: Check the id's form first, and answer 400 or 404.

    Example: HTTP/1.1 500 Internal Server Error, for /progress/a%00b
    """
    if not any(view.head and view.head.status >= 500 for view in seen.role("unknown-task")):  # one defect, one rule
        for view in seen.role("malformed-id"):
            yield from _not_5xx(view)
