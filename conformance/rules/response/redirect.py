"""The rule on addresses that lead elsewhere; its code is of the group ``response``."""

from collections.abc import Iterator

from ssegauge.conformance.rules.rule import rule, whatwg
from ssegauge.conformance.seen import Mark, View

REDIRECTS = frozenset({301, 302, 303, 307, 308})


@rule(
    "response/redirected",
    "advice",
    whatwg(
        "server-sent-events-intro",
        "Event stream requests can be redirected using HTTP 301 and 307 redirects as with normal HTTP requests.",
    ),
    over="hello",
)
def redirected(view: View) -> Iterator[Mark]:
    """A stream is at the address that is asked for.

    Why: Whoever comes back asks the first address again: each reconnect, of all readers at once after a restart, is two
    requests. Clients that do not follow (curl without `-L`, Go's and Rust's libraries by choice) see no stream.

    Mend: Give the page the address to which it is led; often a slash at the end is all.

    Example: GET /events, answered with 307 and Location: /events/
    """
    if view.head and view.head.status in REDIRECTS:
        place = view.head.header("location")
        yield view.bad(f"{view.said()}, to {place}", "location")
    elif view.head:
        yield view.good()
