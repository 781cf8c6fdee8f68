"""Rules on responses in HTTP/2; their codes are of the group ``response``."""

from collections.abc import Iterator

from ssegauge.conformance.facts import Role
from ssegauge.conformance.rules.rule import rfc, rule
from ssegauge.conformance.seen import Level, Mark, Seen, View
from ssegauge.conformance.words import shown

MALFORMED = "malformed HTTP/2: "  # begins the detail of an end for which the client's HTTP/2 gave up
AS_IN_HTTP1 = 6  # connections that browsers open to an origin
OF_THE_CONNECTION = frozenset({"connection", "proxy-connection", "keep-alive", "transfer-encoding", "upgrade"})
JUDGED: tuple[Role, ...] = ("hello", "stream", "head", "query", "method", "origin", "compressed")


def _in_http2(seen: Seen) -> Iterator[View]:
    return (view for role in JUDGED for view in seen.role(role) if view.head and view.head.http_version == "HTTP/2")


@rule(
    "response/connection-field-in-http2",
    "must",
    rfc(
        9113,
        "8.2.2",
        "An endpoint MUST NOT generate an HTTP/2 message containing connection-specific header fields.",
    ),
)
def connection_field_in_http2(seen: Seen) -> Iterator[Mark]:
    """A response in HTTP/2 has no header fields of an HTTP/1.1 connection.

    Why: Such a response is malformed. Chrome and Firefox overlook it, Safari and other clients do not load it: the
    stream works for some readers alone.

    Mend: Leave out Connection, Keep-Alive, Proxy-Connection, Transfer-Encoding and Upgrade; many examples set
    `Connection: keep-alive` by hand, which HTTP/1.1 does not need either.

    Example: HTTP/2 200, and connection: keep-alive
    """
    for view in _in_http2(seen):
        named = [name for name, _ in view.head.headers if name.lower() in OF_THE_CONNECTION] if view.head else []
        yield view.bad(f"{named[0]} in HTTP/2", named[0]) if named else view.good()


@rule(
    "response/few-streams-in-http2",
    "advice",
    rfc(
        9113,
        "6.5.2",
        "It is recommended that this value be no smaller than 100, so as to not unnecessarily limit parallelism.",
    ),
)
def few_streams_in_http2(seen: Seen) -> Iterator[Mark]:
    """A connection of HTTP/2 has room for more than its streams.

    Why: Browsers use one connection for all that a page asks of an origin: an event stream holds one place of it for as
    long as the page is open, and what finds no place waits, however many connections the server could serve.

    Mend: Set SETTINGS_MAX_CONCURRENT_STREAMS to 100 or more (`http2_max_concurrent_streams` of nginx,
    `max_concurrent_streams` of Envoy, `settings.maxConcurrentStreams` in Node).

    Example: SETTINGS with MAX_CONCURRENT_STREAMS = 1
    """
    for view in _in_http2(seen):
        most = view.head.most_streams if view.head else None
        if most is not None and most <= AS_IN_HTTP1:
            # What is asked beside a stream is not answered at all while it is open.
            level: Level | None = "should" if most <= 1 else None
            yield view.bad(f"SETTINGS_MAX_CONCURRENT_STREAMS is {most}", "status", level)
        else:
            yield view.good()


@rule(
    "response/malformed-http2",
    "must",
    rfc(
        9113,
        "8.1.1",
        "A malformed request or response is one that is an otherwise valid sequence of HTTP/2 frames but is invalid due"
        " to the presence of extraneous frames, prohibited fields or pseudo-header fields, the absence of mandatory"
        " pseudo-header fields, the inclusion of uppercase field names, or invalid field names and/or values",
    ),
)
def malformed_http2(seen: Seen) -> Iterator[Mark]:
    """A response in HTTP/2 is well formed.

    Why: Clients must take a malformed response for a stream error: they end the stream, and often the connection with
    everything else on it.

    Mend: Let the HTTP library frame the response: no Content-Length on a stream, field names in lower case.

    Example: HTTP/2 200, content-length: 20, and more than 20 bytes
    """
    broken = [view for role in JUDGED for view in seen.role(role) if _gave_up(view)]
    for view in broken:
        yield view.bad(f"the client's HTTP/2 gave up: {_gave_up(view)}")
    for view in _in_http2(seen):
        upper = next((name for name, _ in view.head.headers if name != name.lower()), "") if view.head else ""
        if upper:
            yield view.bad(f"the field name {shown(upper)} has upper case", upper)
        elif not _gave_up(view):
            yield view.good()


def _gave_up(view: View) -> str:
    """Return why the client took the response for malformed, nothing where it did not."""
    end = view.transcript.end
    return end.detail.removeprefix(MALFORMED) if end and end.detail.startswith(MALFORMED) else ""
