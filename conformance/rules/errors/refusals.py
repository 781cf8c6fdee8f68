"""Rules on requests that a server must refuse or bear: unknown and malformed tasks, odd methods, queries and fields."""

from collections.abc import Iterator
from urllib.parse import urlsplit

from ssegauge.conformance.facts import Role
from ssegauge.conformance.rules.reading.answers import hangs, no_room
from ssegauge.conformance.rules.rule import profile, rfc, rule
from ssegauge.conformance.seen import Mark, Seen, View

NO_5XX_NO_HANG = profile("E7.1")
ALL_ARE_HELD = ("capacity/serves-few-at-once", "delivery/held-to-the-end")  # odd requests and others alike
ODD_REQUESTS: tuple[Role, ...] = ("malformed-id", "query", "large-header", "method", "malformed-request")
NOT_TAKEN = frozenset({501, 505})  # words for what a server does not speak: a transfer coding, a version


def _not_5xx(view: View) -> Iterator[Mark]:
    if view.head and not no_room(view):
        status = view.head.status
        yield view.bad(f"answered {status}", "status") if status >= 500 else view.good()


@rule("errors/query-garbage-5xx", "should", NO_5XX_NO_HANG, over="query")
def query_garbage_5xx(view: View) -> Iterator[Mark]:
    """A query string that makes no sense is not a failure of the server.

    Why: Links get mangled by mailers and trackers; a stream that fails for that fails for users.

    Mend: Ignore parameters that are not known, or answer 400.

    Example: HTTP/1.1 500 Internal Server Error, for ?%00=%ff&&=;%zz
    """
    yield from _not_5xx(view)


@rule(
    "errors/large-header-5xx",
    "should",
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


@rule("errors/malformed-request-5xx", "should", NO_5XX_NO_HANG, rests_on=("response/status-not-200",))
def malformed_request_5xx(seen: Seen) -> Iterator[Mark]:
    """A request that is no proper HTTP, whose body is not what it says, or of any origin, is no failure of the server.

    Why: Anyone can send one, and scanners do all day; each 5xx wakes somebody, and behind it stands code that was
    entered with what it never expected.

    Mend: Answer 400, 413, 414, 415, 417 or 431, or close the connection; catch what undoing a `Content-Encoding` and
    decoding a path raise. Answer a page of another origin as others, or 403; its browser refuses what lets no origin in
    (Express' `cors`: `callback(null, false)`, and no error).

    Example: HTTP/1.1 500 Internal Server Error, for Content-Encoding: gzip before a body that is no gzip
    """
    for role in ("malformed-request", "origin", "preflight"):
        for view in seen.role(role):
            if view.head and not no_room(view):
                status = view.head.status
                failed = status >= 500 and status not in NOT_TAKEN
                yield view.bad(f"answered {status} to {_odd(view)}", "status") if failed else view.good()


def _odd(view: View) -> str:
    request, origin = view.transcript.request, view.facts.origin
    asked = "" if request.method == "GET" else f" ({request.method} {urlsplit(request.url).path})"
    return f"{f'the origin {origin}' if origin else view.facts.case}{asked}"


@rule("errors/odd-request-hangs", "should", NO_5XX_NO_HANG, rests_on=ALL_ARE_HELD)
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
    "should",
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

    Mend: Name in `Allow` the methods that this address answers, as in `Allow: GET`.

    Example: HTTP/1.1 405 Method Not Allowed (no Allow)
    """
    if view.head and view.head.status == 405:
        allow = view.head.header("allow")
        yield view.bad("405 without Allow", "allow") if allow is None else view.good()


@rule(
    "errors/head-hangs",
    "should",
    rfc(9110, "9.1", "All general-purpose servers MUST support the methods GET and HEAD."),
    rests_on=(*ALL_ARE_HELD, "response/status-not-200"),
)
def head_hangs(seen: Seen) -> Iterator[Mark]:
    """HEAD is answered, and no failure of the server.

    Why: Monitors and link checkers ask with HEAD; a handler that runs the stream for it never returns, or fails where
    it has nothing to write to.

    Mend: Answer HEAD with the head of the stream and end there, or with 405.

    Example: (no response to HEAD within 2 s), or HTTP/1.1 500 Internal Server Error
    """
    for view in seen.role("head"):
        status = view.head.status if view.head else 0
        if hangs(seen, view):
            yield view.bad("no answer to HEAD")
        elif status >= 500 and status not in NOT_TAKEN and not no_room(view):
            yield view.bad(f"answered {status} to HEAD", "status")
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
