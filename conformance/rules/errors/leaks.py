"""What an error may show of the server's inside."""

import html
import re
from collections.abc import Iterator
from urllib.parse import unquote

from ssegauge.conformance.facts import Role
from ssegauge.conformance.rules.reading.texts import texts
from ssegauge.conformance.rules.reading.told import told_errors
from ssegauge.conformance.rules.rule import profile, rule
from ssegauge.conformance.seen import Mark, Seen, View
from ssegauge.conformance.words import excerpt

REFUSALS: tuple[Role, ...] = (
    "unknown-task",
    "malformed-id",
    "method",
    "query",
    "large-header",
    "malformed-request",
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


def _shown(text: str) -> str:
    return excerpt(text.encode("utf-8", "backslashreplace"))  # JSON may hold half a surrogate pair


@rule(
    "errors/error-leaks-internals",
    "should",
    profile("E7.2"),
)
def error_leaks_internals(seen: Seen) -> Iterator[Mark]:
    """An error shows nothing of the server's inside.

    Why: Paths, versions and statements tell an attacker where to strike; users can do nothing with them.

    Mend: Log the exception with an id, and tell the client what it can do, with the same id.

    Example: data: {"type":"error","message":"ENOENT: open '/srv/app/data/tasks.db'"}
    """
    for view, message in told_errors(seen):
        leaks = [leak for text in texts(message.value) for leak in _leaks(text, view)]
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
