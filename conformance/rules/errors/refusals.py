"""Rules on requests that a server must refuse or bear: unknown and malformed tasks, odd methods, queries and fields."""

from collections.abc import Iterator

from ssegauge.conformance.facts import Role
from ssegauge.conformance.rules.reading.answers import hangs, no_room, waited_long
from ssegauge.conformance.rules.rule import profile, rfc, rule
from ssegauge.conformance.seen import Mark, Seen, View
from ssegauge.conformance.sse import Comment
from ssegauge.conformance.words import lasted

NOT_5XX_NOT_SILENCE = profile(
    "S7.2", "It MUST NOT be answered with a 5xx, with silence, or with a stream that looks alive."
)
NO_5XX_NO_HANG = profile("S7.5", "No request, however malformed, MUST be answered with a 5xx or hang.")
ODD_REQUESTS: tuple[Role, ...] = ("malformed-id", "query", "large-header", "method")


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
    if view.is_event_stream:
        yield from _error_stream(view)
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


def texts(value: object) -> Iterator[str]:
    """Yield the strings in a JSON value; the stack is ours, since a hostile value may be nested deeply."""
    left = [value]
    while left:
        one = left.pop()
        if isinstance(one, str):
            yield one
        elif isinstance(one, dict | list):
            left += one.values() if isinstance(one, dict) else one


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


@rule("errors/query-garbage-5xx", "must", NO_5XX_NO_HANG, over="query")
def query_garbage_5xx(view: View) -> Iterator[Mark]:
    """A query string that makes no sense is not a failure of the server.

    Why: Links get mangled by mailers and trackers; a stream that fails for that fails for users.

    Mend: Ignore parameters that are not known, or answer 400.

    Example: HTTP/1.1 500 Internal Server Error, for ?%00=%ff&&=;%zz
    """
    yield from _not_5xx(view)


@rule(
    "errors/large-header-5xx",
    "must",
    rfc(
        9110,
        "5.4",
        "A server that receives a request header field line, field value, or set of fields larger than it wishes to"
        " process MUST respond with an appropriate 4xx (Client Error) status code.",
    ),
    over="large-header",
)
def large_header_5xx(view: View) -> Iterator[Mark]:
    """A header field that is too large is not a failure of the server.

    Why: Cookies pile up; a 5xx sends operators looking for a fault that is not there, and clients into retries.

    Mend: Answer 431 (or 400), or accept the field.

    Example: HTTP/1.1 500 Internal Server Error, for a field of 16 kB
    """
    yield from _not_5xx(view)


@rule("errors/odd-request-hangs", "must", NO_5XX_NO_HANG)
def odd_request_hangs(seen: Seen) -> Iterator[Mark]:
    """An odd request is answered.

    Why: A request that hangs holds a connection on both sides, and anyone can make many of them.

    Mend: Answer 4xx for what you do not take; put a limit on how long a request may stay unanswered.

    Example: (no response to BREW within 2 s)
    """
    unknown_hang = any(hangs(seen, view) for view in seen.role("unknown-task"))  # a malformed id is unknown too
    for role in ODD_REQUESTS:
        for view in () if role == "malformed-id" and unknown_hang else seen.role(role):
            if hangs(seen, view):
                yield view.bad(f"no answer to an odd request ({view.facts.case or role})")
            elif view.head:
                yield view.good()


@rule(
    "errors/method-not-allowed",
    "should",
    rfc(
        9110,
        "9.1",
        "An origin server that receives a request method that is unrecognized or not implemented SHOULD respond with"
        " the 501 (Not Implemented) status code.",
    ),
)
def method_not_allowed(seen: Seen) -> Iterator[Mark]:
    """A method that is not the stream's own is not answered with the stream.

    Why: A stream for a PUT is held for nobody: EventSource asks with GET alone, and the client that sent the PUT
    believes that it did something.

    Mend: Route GET and HEAD alone; answer 405 with Allow to others, 501 to methods that you do not know.

    Example: HTTP/1.1 200 OK and Content-Type: text/event-stream, for BREW
    """
    usual = {view.transcript.request.method for view in seen.streams}
    for view in seen.role("method"):
        method = view.transcript.request.method
        if view.head and method not in usual:
            summary = f"{method} was answered with an event stream"
            yield view.bad(summary, "content-type") if view.is_event_stream else view.good()


@rule(
    "errors/405-without-allow",
    "must",
    rfc(
        9110,
        "15.5.6",
        "The origin server MUST generate an Allow header field in a 405 response containing a list of the target"
        " resource's currently supported methods.",
    ),
    over="method",
)
def not_allowed_without_allow(view: View) -> Iterator[Mark]:
    """A 405 names the methods that are allowed.

    Why: The field is what tells a client, and whoever debugs it, what to use instead.

    Mend: Add `Allow: GET, HEAD`.

    Example: HTTP/1.1 405 Method Not Allowed (no Allow)
    """
    if view.head and view.head.status == 405:
        allow = view.head.header("allow")
        yield view.bad("405 without Allow", "allow") if allow is None else view.good()


@rule(
    "errors/head-hangs",
    "should",
    rfc(9110, "9.1", "All general-purpose servers MUST support the methods GET and HEAD."),
)
def head_hangs(seen: Seen) -> Iterator[Mark]:
    """HEAD is answered.

    Why: Monitors and link checkers ask with HEAD; a handler that runs the stream for it never returns.

    Mend: Answer HEAD with the head of the stream and end there.

    Example: (no response to HEAD within 2 s)
    """
    for view in seen.role("head"):
        if hangs(seen, view):
            yield view.bad("no answer to HEAD")
        elif view.head:
            yield view.good()


CHALLENGE = rfc(
    9110,
    "15.5.2",
    "The server generating a 401 response MUST send a WWW-Authenticate header field (Section 11.6.1) containing at"
    " least one challenge applicable to the target resource.",
)


@rule("errors/401-without-challenge", "must", CHALLENGE, over="no-token", needs=("stream.headers",))
def unauthorized_without_challenge(view: View) -> Iterator[Mark]:
    """A 401 says how to authenticate.

    Why: Without the challenge generic clients cannot tell which credentials are wanted.

    Mend: Add `WWW-Authenticate`, for example `Bearer realm="progress"`.

    Example: HTTP/1.1 401 Unauthorized (no WWW-Authenticate)
    """
    if view.head and view.head.status == 401:
        given = view.head.header("www-authenticate")
        yield view.good() if given else view.bad("401 without a challenge", "www-authenticate")
