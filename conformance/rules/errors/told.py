"""Rules on what users are told when something fails; their codes are of the group ``errors``."""

import html
import re
from collections.abc import Iterator, Mapping
from urllib.parse import unquote

from ssegauge.conformance.facts import Role
from ssegauge.conformance.rules.errors.refusals import texts
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
REFUSALS: tuple[Role, ...] = (
    "unknown-task",
    "malformed-id",
    "method",
    "query",
    "large-header",
    "no-token",
    "update",
    "snapshot",
)
# Files of these kinds are served at URLs, so a bare path to one is a leak only where no URL has that root.
_SERVED = r"(?:js|mjs|cjs|ts|tsx|jsx|php)"
_UNSERVED = r"(?:py|java|kt|scala|go|rb|cs|rs|ex|c|cc|cpp|h)"
_PROGRAM = rf"(?:{_SERVED}|{_UNSERVED})"
_DATA = r"(?:db|sqlite3?|sql|env|conf|ini|log|sock|pem|key|pid)"
INTERNALS = {
    "a stack trace": (
        r"Traceback \(most recent call last\)",
        r'File "[^"\n]+", line \d+',
        r"\bat [\w$.<>]+\([\w$]+\.(?:java|kt|scala|groovy):\d+\)",  # JVM
        r"\bat (?:[^\n()]{1,200} \()?(?:file://|node:|webpack|/|[A-Za-z]:\\)[^\s()]*:\d+:\d+\)?",  # V8
        r"\bgoroutine \d+ \[\w+",
        rf"(?:^|[\s(\"'])[\w./\\:-]+\.{_PROGRAM}:(?:line )?\d+(?::in `)?",
        r"\bin /[^\s:]+\.php(?: on line |:)\d+",
        r"\b(?:java|javax|org|com)(?:\.[\w$]+)+(?:Exception|Error)\b",
    ),
    "a path in the server's file system": (
        rf"(?<![\w./:~-])/(?:[\w.@-]+/)+[\w.@-]+\.(?:{_UNSERVED}|{_DATA})\b",
        rf"(?<![\w./:~-])/(?:home|Users|mnt|tmp)/(?:[\w.@-]+/)+[\w.@-]+\.{_SERVED}\b",
        r"(?<![\w./:~-])/(?:opt|srv|root)/(?:[\w.@-]+/)+[\w.@-]+\.\w+",
        r"(?<![\w./:~-])/(?:usr|var|etc|proc)/[\w.@-]+/[\w./@-]*\w",
        r"(?<![\w./:~-])/etc/(?:passwd|shadow|hosts)\b",
        r"\bCannot find (?:module|package) ['\"]/",
        r"\b[A-Za-z]:\\(?:[\w .@-]+\\)+[\w.@-]+",
        r"/(?:node_modules|site-packages|dist-packages)/",
    ),
    "a database statement or error": (
        r"\bSELECT\s.{1,300}?\sFROM\s",
        r"\bINSERT INTO\s+\S",
        r"\bUPDATE\s+\S+\s+SET\s",
        r"\bDELETE FROM\s+\S",
        r"\bSQLSTATE\b|\bORA-\d{5}\b|\bSQLITE_[A-Z]+\b|\bER_[A-Z]+_[A-Z]+\b",
        r"\b(?:sqlite3|psycopg2?|asyncpg|pymysql|sqlalchemy)\.[\w.]+|\bPrismaClient\w+",
        r"syntax error at or near|error in your SQL syntax|violates \w+(?: \w+)? constraint",
        r"\b(?:postgres(?:ql)?|mysql|mongodb(?:\+srv)?|redis|amqps?)://\S+",
    ),
}
_PATTERNS = {kind: tuple(re.compile(one, re.DOTALL) for one in patterns) for kind, patterns in INTERNALS.items()}
_LINKS = re.compile(r"""\b(?:src|href|action)\s*=\s*(?:"[^"]*"|'[^']*'|[^\s>"']+)""", re.IGNORECASE)
MOST_SCANNED = 1 << 16


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


@rule(
    "errors/error-leaks-internals",
    "must",
    profile("S7.4", "No message and no body MUST leak internals: stack traces, file paths, statements of a database."),
)
def error_leaks_internals(seen: Seen) -> Iterator[Mark]:
    """An error shows nothing of the server's inside.

    Why: Paths, versions and statements tell an attacker where to strike; users can do nothing with them.

    Mend: Log the exception with an id, and tell the client what it can do, with the same id.

    Example: data: {"type":"error","message":"ENOENT: open '/srv/app/data/tasks.db'"}
    """
    for view, message, _ in _told_errors(seen):
        told = (message.fields.get("message"), message.progress.get("error"), message.progress.get("message"))
        leaks = [leak for text in told if isinstance(text, str) for leak in _leaks(text, view)]
        yield view.bad(leaks[0], message) if leaks else view.good()
    for role in REFUSALS:
        for view in seen.role(role):
            if view.head and view.head.status >= 400 and view.body:
                leaks = [leak for text in _body_texts(view) for leak in _leaks(text, view)]
                yield view.bad(leaks[0]) if leaks else view.good()


def _body_texts(view: View) -> Iterator[str]:
    if isinstance(view.json, dict | list | str):
        yield from texts(view.json)
    else:
        page = view.body[:MOST_SCANNED].decode("utf-8", "replace")
        yield html.unescape(_LINKS.sub("", page))  # what a page loads and links to is public


def _leaks(text: str, view: View) -> Iterator[str]:
    """Yield what the text shows of the inside. What only repeats the request shows nothing."""
    request = view.transcript.request
    asked = unquote(request.url) + unquote(request.body or "")
    for kind, patterns in _PATTERNS.items():
        for pattern in patterns:
            found = pattern.search(text[:MOST_SCANNED])
            if found and found[0].strip(" \"'(") not in asked:
                yield f"an error shows {kind}: {_shown(found[0])}"
