"""Rules on what users are told when a task fails."""

import re
from collections.abc import Iterator, Mapping

from ssegauge.conformance.rules.rule import profile, rule
from ssegauge.conformance.seen import Mark, Message, Seen, View
from ssegauge.conformance.words import excerpt

# What comes out when an error has no words of its own, or the wrong thing was made a string.
SAYS_NOTHING = frozenset(
    {
        "",
        "error",
        "exception",
        "failed",
        "failure",
        "nan",
        "none",
        "null",
        "[object object]",
        "undefined",
        "unknown",
        "unknown error",
    }
)


# What a program says of its own defects; to its users that is nothing.
PROGRAMMERS_WORDS = re.compile(
    r"Cannot read propert(?:y '[^']*'|ies) of (?:undefined|null)\b|\b(?:undefined|null) is not \w"
    r"|'\w+' object (?:is not \w|has no attribute )|[\w$]\.[\w$]+ is not a function\b"
    r"|\bTypeError: [\w$.]+ is not \w|\bReferenceError: [\w$]+ is not defined\b"
)


@rule(
    "errors/failed-task-silent",
    "must",
    profile("S7.6", "A failed task MUST be told on its stream."),
    needs=("task.create_failing",),
)
def failed_task_silent(seen: Seen) -> Iterator[Mark]:
    """The stream of a task tells that the task failed.

    Why: Users of a failed task otherwise wait for a result that will never come.

    Mend: Send a `progress` event with status `failed` and the reason in `error`, then end the stream.

    Example: (the stream ends after "running", 40 %)
    """
    gone_wrong: dict[object, float] = {}
    for view in filter(_reports_failure, seen.role("snapshot")):
        gone_wrong.setdefault(view.facts.task_id, view.transcript.started_ms)
    for view in seen.streams:
        if view.facts.kind != "failing" or view.facts.situation is not None:
            continue
        if _tells_failure(view):
            yield view.good()
        elif not view.terminal and (view.ended_by_server or _open_since(seen, view, gone_wrong)):
            yield view.bad("the task failed without a word on its stream")


def _open_since(seen: Seen, view: View, gone_wrong: Mapping[object, float]) -> bool:
    """Whether the stream was still read long after the polling endpoint knew; else the task may just be slow."""
    known_ms, end = gone_wrong.get(view.facts.task_id), view.transcript.end
    return (
        known_ms is not None and end is not None and view.epoch_ms(end.at_ms) - known_ms > seen.limits.update_s * 1000
    )


def _tells_failure(view: View) -> bool:
    failed = view.terminal is not None and view.terminal.progress["status"] == "failed"
    return failed or any(message.type == "error" for message in view.messages)


def _reports_failure(view: View) -> bool:
    return isinstance(view.json, dict) and view.json.get("status") == "failed"


@rule(
    "errors/error-without-guidance",
    "must",
    profile(
        "S7.3",
        "`error` messages are for the stream's own failures; their `message` MUST help the reader: a string that is"
        " not empty.",
    ),
)
def error_without_guidance(seen: Seen) -> Iterator[Mark]:
    """An error says what went wrong.

    Why: "Error" and "[object Object]" leave users with nothing to do but to guess.

    Mend: Say what failed and what the reader can do: try again, start anew, whom to ask.

    Example: data: {"type":"error","message":"undefined"}
    """
    for view, message, text in _told_errors(seen):
        if not isinstance(text, str):
            yield view.bad("an `error` message without a text in `message`", message)
        else:
            summary = f"the error says nothing to its reader: {_shown(text)}"
            yield view.bad(summary, message) if _says_nothing(text) else view.good()


def _shown(text: str) -> str:
    return excerpt(text.encode("utf-8", "backslashreplace"))  # JSON may hold half a surrogate pair


def _says_nothing(text: str) -> bool:
    return text.strip().rstrip(".!").lower() in SAYS_NOTHING or bool(PROGRAMMERS_WORDS.search(text))


def _told_errors(seen: Seen) -> Iterator[tuple[View, Message, object]]:
    """Yield what streams say of errors; whether a failed task has an `error` at all is a rule on shape."""
    for view in (*seen.streams, *(one for one in seen.role("unknown-task") if one.is_event_stream)):
        for message in view.messages:
            if message.type == "error":
                yield view, message, message.fields.get("message")
            elif message.progress.get("status") == "failed":
                error = message.progress.get("error")
                if isinstance(error, str) and error.strip():
                    yield view, message, error
