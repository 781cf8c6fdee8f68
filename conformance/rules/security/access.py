"""Rules on who may read a stream: pages of other origins, readers without credentials, readers of another task."""

from collections.abc import Iterator

from ssegauge.conformance.facts import Facts
from ssegauge.conformance.rules.reading.sharing import form
from ssegauge.conformance.rules.rule import profile, rule
from ssegauge.conformance.seen import Level, Mark, Seen, View
from ssegauge.conformance.words import shown

ALLOW_LIST = profile("E8.1")
GIVEN = (
    "the stream was given without credentials",
    "the stream was given for wrong credentials: of the same length and form, with other characters",
)
NOT_ALLOWED = {
    "foreign": "an origin that nobody allowed is named",
    "prefix": "{} is named, which only ends like an origin that is allowed",
    "suffix": "{} is named, which only begins like an origin that is allowed",
    "null": "the origin `{}` is named, which any page can have",
}


def _cross_origin(seen: Seen) -> tuple[View, ...]:
    """Return the answers to requests that named an origin."""
    return tuple(view for view in (*seen.role("origin"), *seen.role("preflight")) if view.head)


def _allowed(view: View) -> str | None:
    return view.head.header("access-control-allow-origin") if view.head else None


def _credentials(view: View) -> bool:
    """Whether pages may send the user's credentials."""
    value = view.head.header("access-control-allow-credentials") if view.head else None
    return (value or "").strip() == "true"


@rule("security/cors-star-with-credentials", "must", ALLOW_LIST)
def cors_star_with_credentials(seen: Seen) -> Iterator[Mark]:
    """The origin `*` is not combined with credentials.

    Why: Browsers refuse the answer, so the page cannot read the stream; and whoever wrote it meant to let every page
    read with the user's cookies.

    Mend: Name the one origin that asked, if it is on the allow-list, and add `Vary: Origin`.

    Example: Access-Control-Allow-Origin: *, and Access-Control-Allow-Credentials: true
    """
    for view in _cross_origin(seen):
        both = _allowed(view) == "*" and _credentials(view)
        name = "access-control-allow-credentials"
        yield view.bad("`*` together with credentials", name) if both else view.good()


@rule("security/cors-star", "advice", ALLOW_LIST)
def cors_star(seen: Seen) -> Iterator[Mark]:
    """Cross-origin access is given to named origins.

    Why: With `*` every page that a user opens can read the streams whose ids it knows or guesses.

    Mend: Keep a list of origins, and name the one that asked if it is on the list; for the own pages send nothing.

    Example: Access-Control-Allow-Origin: *
    """
    for view in _cross_origin(seen):
        any_page = _allowed(view) == "*"
        yield view.bad("every origin may read", "access-control-allow-origin") if any_page else view.good()


@rule("security/cors-reflects-origin", "should", ALLOW_LIST)
def cors_reflects_origin(seen: Seen) -> Iterator[Mark]:
    """An origin that is not on the list is not allowed.

    Why: A server that allows whoever asks has no list: any page reads with the user's cookies. Nor has one that looks
    at the end or at the beginning of an origin alone: whoever registers such a name is let in; and any page can be
    `null`, in a sandboxed frame.

    Mend: Compare the origin with a list, exactly and whole, before naming it: no `endsWith`, no `startsWith`, no
    pattern that lacks an anchor or has dots that stand for anything; and leave `null` off the list.

    Example: Origin: https://foreign.example, and Access-Control-Allow-Origin: https://foreign.example
    """
    for case, which in NOT_ALLOWED.items():
        for view in seen.role("origin", Facts(case=case)):
            if view.head and not _is_of_an_open_domain(seen, view):
                is_named = _allowed(view) == view.facts.origin
                how = ", with credentials" if _credentials(view) else ""
                summary = which.format(view.facts.origin) + how
                yield view.bad(summary, "access-control-allow-origin", _weight(view)) if is_named else view.good()


def _weight(view: View) -> Level | None:
    if _credentials(view):
        return "must"
    return "advice" if view.facts.origin == "null" else None


def _is_of_an_open_domain(seen: Seen, view: View) -> bool:
    """Whether every name of a domain that the origin is of is let in, as its owner may well do."""
    siblings = [one for one in seen.role("origin", Facts(case="sibling")) if _allowed(one) == one.facts.origin]
    return any((view.facts.origin or "").endswith(f".{_domain(one)}") for one in siblings)


def _domain(view: View) -> str:
    return (view.facts.origin or "").partition(".")[2]


@rule("security/allowed-origin-shut-out", "must", profile("E8.5"), needs=("origin",))
def allowed_origin_shut_out(seen: Seen) -> Iterator[Mark]:
    """A page of the origin that may read the stream can read it.

    Why: Without its origin in the stream's own answer, and once alone, the browser keeps every event from the page;
    that the preflight was answered well does not help.

    Mend: Send `Access-Control-Allow-Origin` with the stream as with its preflight, in one place: where a proxy adds it
    too, browsers find two values and refuse.

    Example: Origin: https://app.example, and no Access-Control-Allow-Origin
    """
    for view in seen.role("origin", Facts(case="allowed")):
        if view.head and view.head.status == 200:
            allowed = _allowed(view)
            what = f"Access-Control-Allow-Origin is {shown(allowed)}" if allowed else "no Access-Control-Allow-Origin"
            shut_out = f"a page of {view.facts.origin} may not read it: {what}"
            good = allowed in {view.facts.origin, "*"}
            yield view.good() if good else view.bad(shut_out, "access-control-allow-origin")


@rule(
    "security/vary-origin-missing",
    "should",
    profile("E8.2"),
)
def vary_origin_missing(seen: Seen) -> Iterator[Mark]:
    """An answer that depends on Origin says so.

    Why: A cache would give one origin the answer that was made for another, and its page may not read it.

    Mend: Send `Vary: Origin` on every answer of that address, with and without CORS fields.

    Example: Access-Control-Allow-Origin: https://app.example (no Vary)
    """
    answers = [view for view in (*seen.role("origin"), *seen.streams) if view.head and view.head.status == 200]
    named = [view for view in answers if _allowed(view) not in {None, "*"}]
    if len({_allowed(view) for view in answers}) < 2:
        return  # always the same answer: it does not depend on Origin
    for view in named:
        vary = {part.strip().lower() for part in ((view.head and view.head.header("vary")) or "").split(",")}
        yield view.good() if vary & {"origin", "*"} else view.bad("an origin is named without `Vary: Origin`", "vary")


@rule(
    "security/stream-without-auth",
    "must",
    profile("E8.3"),
    needs=("stream.headers",),
)
def stream_without_auth(seen: Seen) -> Iterator[Mark]:
    """A stream that needs credentials is not given without them, nor for others.

    Why: Task ids travel in links and logs; whoever finds one reads the analysis.

    Mend: Check credentials on the stream's route as on all others: what they are, not whether there are any, and of a
    signed token the signature. EventSource can send cookies, but no fields.

    Example: HTTP/1.1 200 OK, without Authorization
    """
    told = {form(message) for view in seen.streams for message in view.messages}
    for view in seen.role("no-token"):
        if view.is_event_stream and any(message.type != "error" for message in view.messages):
            refused = (
                bool(told) and view.ended_by_server and not any(form(message) in told for message in view.messages)
            )
            how = "refused by an event, not by a status" if refused else GIVEN[view.facts.case == "wrong"]
            yield view.bad(how, "status", level="advice" if refused else None)
        elif view.head and view.head.status == 200 and not view.is_event_stream:
            what = f"refused with 200 ({view.media_type or 'no media type'}), which says that all is well"
            yield view.bad(what, "status", level="should")
        elif view.head and 400 <= view.head.status < 500:
            yield view.good()
