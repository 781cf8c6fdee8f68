"""Rules on the response head of an event stream."""

import math
from collections.abc import Iterator, Sequence
from email.utils import parsedate_to_datetime
from statistics import median

from ssegauge.conformance.facts import Role
from ssegauge.conformance.rules.reading.stamps import timeless
from ssegauge.conformance.rules.rule import fetch, rfc, rule, whatwg
from ssegauge.conformance.seen import Mark, Seen, View
from ssegauge.conformance.words import lasted, shown

# https://www.iana.org/assignments/http-parameters, content codings, read 2026-11.
CONTENT_CODINGS = frozenset(
    [
        "aes128gcm",
        "br",
        "compress",
        "dcb",
        "dcz",
        "deflate",
        "exi",
        "gzip",
        "identity",
        "pack200-gzip",
        "x-compress",
        "x-gzip",
        "zstd",
    ]
)
FAIL_THE_CONNECTION = whatwg(
    "the-eventsource-interface",
    "if res's status is not 200, or if res's `Content-Type` is not `text/event-stream`, then fail the connection.",
)


MANY = frozenset({"crowd", "storm"})  # so many at once that each may have to wait
ASKS_FOR_A_STREAM: tuple[Role, ...] = ("hello", "stream", "http10", "compressed")
SELDOM = 0.2  # of the streams
WAITED_MS, IN_ONE_MS, TOGETHER_MS, LEAST_NEWS, MOSTLY = 150.0, 5.0, 50.0, 4, 0.8
LEAST_LATE, MUCH_SOONER = 3, 0.25


CLOSED = ("reset by peer", "disconnected", "broken pipe")  # in what ended an exchange


def _fresh(view: View) -> bool:
    """Whether this is an ordinary first connection: coming back, late or in a situation have rules of their own."""
    ordinary = view.facts.resume is None and view.facts.situation is None
    return view.head is not None and ordinary and view.facts.joined != "after-end"


def _is_dropped(seen: Seen, view: View) -> bool:
    """Whether an ordinary request ended with the connection, though the server was there before and afterwards."""
    end, started = view.transcript.end, view.transcript.started_ms
    ordinary = view.facts.resume is None and view.facts.situation is None
    closed = end is not None and end.how == "error" and any(words in end.detail.lower() for words in CLOSED)
    if view.head or not ordinary or not closed:
        return False
    answered = [one.transcript.started_ms for one in seen.streams]
    return any(at < started for at in answered) and any(at > started for at in answered)


@rule("response/status-not-200", "must", FAIL_THE_CONNECTION, rests_on=("errors/stops-listening",))
def status_not_200(seen: Seen) -> Iterator[Mark]:
    """A stream is answered with status 200.

    Why: On any other status EventSource fails the connection for good and never comes back.

    Mend: Answer 200 and start the stream; say "not now" with 503 only where the client is meant to give up.

    Example: HTTP/1.1 202 Accepted
    """
    for view in seen.role("stream"):
        if _is_dropped(seen, view):
            yield view.bad(f"no answer: {view.said()}, while others were answered, before and after")
    for view in filter(_fresh, seen.role("stream")):
        status = view.head.status if view.head else 0
        if status == 200:
            yield view.good()
        elif status != 429 and not (status == 503 and seen.streams):  # no room beside the others: found under load
            yield view.bad(f"answered {status}, not 200{_how_often(seen, status)}", "status")


def _how_often(seen: Seen, status: int) -> str:
    """Say how many of the requests for a stream were answered so, where it comes and goes."""
    asked = [view.head.status for role in ASKS_FOR_A_STREAM for view in seen.role(role) if view.head]
    some = f"{asked.count(status)} of {len(asked)} requests for the stream were"
    return f", as {some}: it comes and goes" if 200 in asked else ""


@rule("response/content-type", "must", FAIL_THE_CONNECTION, over="stream")
def content_type(view: View) -> Iterator[Mark]:
    """A stream's media type is text/event-stream.

    Why: With any other type EventSource fails the connection for good, and intermediaries buffer or transform.

    Mend: Send `Content-Type: text/event-stream`.

    Example: Content-Type: text/plain
    """
    if view.head and _fresh(view) and view.head.status == 200:
        right = view.media_type == "text/event-stream"
        wrong = f"the media type is {view.media_type or 'missing'}, not text/event-stream"
        yield view.good() if right else view.bad(wrong, "content-type")


@rule(
    "response/charset-not-utf8",
    "must",
    whatwg("text/event-stream", 'The charset parameter may be provided. The parameter\'s value must be "utf-8".'),
    over="streams",
)
def charset_not_utf8(view: View) -> Iterator[Mark]:
    """Where a charset is given it is utf-8.

    Why: Browsers decode as UTF-8 whatever the label says; clients that obey the label read something else.

    Mend: Leave the parameter out, or send `text/event-stream; charset=utf-8`.

    Example: Content-Type: text/event-stream; charset=iso-8859-1
    """
    if not view.head:
        return
    parameters = (view.head.header("content-type") or "").lower().split(";")[1:]
    given = [part.partition("=")[2].strip(' "') for part in parameters if part.strip().startswith("charset=")]
    wrong = [charset for charset in given if charset not in {"utf-8", "utf8"}]
    yield view.bad(f"the charset is {wrong[0]}", "content-type") if wrong else view.good()


@rule(
    "response/date-missing",
    "should",
    rfc(
        9110,
        "6.6.1",
        "An origin server with a clock MUST generate a Date header field in all 2xx (Successful), 3xx (Redirection),"
        " and 4xx (Client Error) responses",
    ),
    over="streams",
)
def date_missing(view: View) -> Iterator[Mark]:
    """The response is dated.

    Why: Without Date a cache dates the response itself, and nobody can compare the server's clock with the events'.

    Mend: Let the HTTP library add `Date`.

    Example: (a response head without Date)
    """
    if view.head:
        dated = view.head.header("date")
        yield view.good() if dated else view.bad("no Date header field", "date")


@rule(
    "response/cacheable",
    "should",
    rfc(
        9111,
        "5.2.2.4",
        "The no-cache response directive, in its unqualified form (without an argument), indicates that the response"
        " MUST NOT be used to satisfy any other request without forwarding it for validation and receiving a"
        " successful response",
    ),
    over="streams",
)
def cacheable(view: View) -> Iterator[Mark]:
    """A stream tells caches not to reuse it.

    Why: A 200 without Cache-Control may be stored by heuristics: a second client is then shown the first one's stream.

    Mend: Send `Cache-Control: no-cache` or `no-store`.

    Example: (no Cache-Control), or Cache-Control: max-age=60
    """
    # Caches do not store what other methods are answered; of a capture the method is not known.
    if view.head and view.transcript.request.method == "GET" and not view.facts.capture:
        right = {"no-cache", "no-store", "max-age=0"} & _directives(view) or _has_expired(view)
        yield view.good() if right else view.bad("caches may reuse this stream", "cache-control")


def _has_expired(view: View) -> bool:
    """Whether `Expires` alone says how long the stream is fresh, and that is over (RFC 9111 section 5.3)."""
    head = view.head
    expires = head.header("expires") if head else None
    if head is None or expires is None or any("max-age" in one or "s-maxage" in one for one in _directives(view)):
        return False
    sent_s = _moment(head.header("date") or "") or view.transcript.started_ms / 1000
    return (_moment(expires) or 0.0) <= sent_s  # no date at all, "especially the value 0", is a time in the past


def _moment(date: str) -> float | None:
    try:
        return parsedate_to_datetime(date).timestamp()
    except ValueError:
        return None


@rule(
    "response/transformable",
    "advice",
    rfc(
        9111,
        "5.2.2.6",
        "The no-transform response directive indicates that an intermediary (regardless of whether it implements a"
        " cache) MUST NOT transform the content",
    ),
    over="streams",
)
def transformable(view: View) -> Iterator[Mark]:
    """A stream tells intermediaries not to transform it.

    Why: Proxies and development servers compress what they pass on, and hold events until a block is full.

    Mend: Add `no-transform` to Cache-Control.

    Example: Cache-Control: no-cache
    """
    if view.head:
        right = "no-transform" in _directives(view)
        yield view.good() if right else view.bad("Cache-Control has no no-transform", "cache-control")


@rule(
    "response/proxy-buffering-hint",
    "advice",
    whatwg(
        "authoring-notes",
        "HTTP chunking can have unexpected negative effects on the reliability of this protocol, in particular if the"
        " chunking is done by a different layer unaware of the timing requirements.",
    ),
    over="streams",
)
def proxy_buffering_hint(view: View) -> Iterator[Mark]:
    """A stream asks nginx-like proxies not to buffer it.

    Why: nginx buffers responses unless told otherwise (`proxy_buffering`), and events come late and in bursts.

    Mend: Send `X-Accel-Buffering: no`, or switch buffering off in the proxy.

    Example: (no X-Accel-Buffering)
    """
    if view.head:
        right = (view.head.header("x-accel-buffering") or "").strip().lower() == "no"
        yield view.good() if right else view.bad("no `X-Accel-Buffering: no`", "x-accel-buffering")


@rule(
    "response/unregistered-coding",
    "should",
    rfc(
        9110,
        "8.4.1",
        'All content codings are case-insensitive and ought to be registered within the "HTTP Content Coding Registry"',
    ),
    over="streams",
)
def unregistered_coding(view: View) -> Iterator[Mark]:
    """Content-Encoding names a registered coding.

    Why: A client that does not know the coding cannot read one event.

    Mend: Leave streams uncompressed; `Content-Encoding: none` is no coding either, leave the field out.

    Example: Content-Encoding: none
    """
    if view.head:
        given = (view.head.header("content-encoding") or "identity").lower().split(",")
        odd = [coding.strip() for coding in given if coding.strip() not in CONTENT_CODINGS]
        yield view.bad(f"{shown(odd[0])} is no registered coding", "content-encoding") if odd else view.good()


@rule(
    "response/no-nosniff",
    "advice",
    fetch(
        "x-content-type-options-header",
        "The `X-Content-Type-Options` response header can be used to require checking of a response's `Content-Type`"
        " header against the destination of a request.",
    ),
    over="streams",
)
def no_nosniff(view: View) -> Iterator[Mark]:
    """A stream forbids its use as a script.

    Why: Browsers run a script of almost any type: a page elsewhere that loads the stream as one runs what users wrote
    into it. With `nosniff` only JavaScript's own types are run.

    Mend: Send `X-Content-Type-Options: nosniff`.

    Example: (no X-Content-Type-Options)
    """
    if view.head:
        right = (view.head.header("x-content-type-options") or "").strip().lower() == "nosniff"
        yield view.good() if right else view.bad("no `nosniff`", "x-content-type-options")


@rule(
    "response/head-held-until-first-event",
    "should",
    whatwg(
        "the-eventsource-interface",
        "Otherwise, announce the connection and interpret res's body line by line.",
    ),
    rests_on=("capacity/serves-few-at-once", "delivery/held-to-the-end"),
)
def head_held_until_first_event(seen: Seen) -> Iterator[Mark]:
    """The response head is sent at once, not with the first event.

    Why: EventSource opens when the head arrives: until then `onopen` does not fire and users see "connecting".

    Mend: Flush the head as soon as the request is accepted; a comment line is enough to make frameworks do so.

    Example: (a head that arrives in the same moment as an event 3 s later, or 4 s after every request for a stream)
    """
    limit_ms = seen.limits.connect_s * 1000
    timed = [view for view in seen.streams if view.head and view.chunks and view.timed]
    streams = [view for view in timed if view.facts.situation not in MANY]
    slow = [view for view in streams if _is_held(view, limit_ms) and not _all_was_slow(seen, view, limit_ms)]
    by_chance = len(slow) < SELDOM * len(streams)  # a moment of a busy machine
    held = [] if by_chance else slow
    held += [view for view in _come_with_news(streams, WAITED_MS + 1000 * seen.own_delay_s) if view not in held]
    refused_ms = _refused_ms(seen) if _all_are_late(streams, limit_ms) else math.inf
    for view in streams:
        late_ms = view.head.at_ms if view.head else 0.0
        if view in held:
            yield view.bad(f"the head came after {lasted(late_ms)}, together with the first bytes", "status")
        elif refused_ms <= MUCH_SOONER * late_ms:
            others = f"as late as for every stream; refusals took {lasted(refused_ms)}"
            yield view.bad(f"the head came after {lasted(late_ms)}, {others}", "status")
        elif not _is_held(view, limit_ms):
            yield view.good()


def _all_are_late(streams: Sequence[View], limit_ms: float) -> bool:
    """Whether every stream that is asked for by GET has its head late, whatever else is asked at the time."""
    heads = [view.head.at_ms for view in streams if view.head and view.transcript.request.method == "GET"]
    return LEAST_LATE <= len(heads) == len(streams) and min(heads) > limit_ms


def _refused_ms(seen: Seen) -> float:
    """Return how long a refusal usually takes; infinity where there are too few."""
    took = [view.head.at_ms for view in seen.views if view.head and view.head.status >= 400]
    return median(took) if len(took) >= LEAST_LATE else math.inf


def _come_with_news(streams: Sequence[View], late_ms: float) -> list[View]:
    """Return the streams whose heads waited for an event, which others were told in the same moment.

    However short the wait: it is as long as the pauses of the stream, and these may be long at night. On a busy machine
    a head and an event may come together by chance; where one head came before, none was held.
    """
    told = [view for view in streams if view.messages]
    if any(view.head and view.messages[0].item.at_ms - view.head.at_ms > IN_ONE_MS for view in told):
        return []
    waited = [view for view in told if view.head and view.head.at_ms > late_ms]
    beside = {view.name: [other for other in streams if _was_there(other, view)] for view in waited}
    news = [view for view in waited if any(_tells_the_same(other, view) for other in beside[view.name])]
    seen_by_others = sum(map(bool, beside.values()))
    return news if len(news) >= max(LEAST_NEWS, MOSTLY * seen_by_others) else []


def _was_there(other: View, view: View) -> bool:
    """Whether another had its head when this one asked, and went on to read until this one had its own."""
    if not (view.head and other.head and other.transcript.end):
        return False
    left_ms = other.epoch_ms(other.transcript.end.at_ms)
    return other.epoch_ms(other.head.at_ms) < view.transcript.started_ms and view.epoch_ms(view.head.at_ms) < left_ms


def _tells_the_same(other: View, view: View) -> bool:
    """Whether the other was told, in that moment, what came with this head."""
    first = view.messages[0]
    at_ms, said = view.epoch_ms(first.item.at_ms), timeless(first)
    near = (one for one in other.messages if abs(other.epoch_ms(one.item.at_ms) - at_ms) < TOGETHER_MS)
    return any(timeless(one) == said for one in near)


def _is_held(view: View, limit_ms: float) -> bool:
    head_ms = view.head.at_ms if view.head else 0.0
    return head_ms > limit_ms and view.chunks[0][0] - head_ms < 100


def _all_was_slow(seen: Seen, view: View, limit_ms: float) -> bool:
    """Whether other answers that were awaited meanwhile were slow too: then this head was late, but not held.

    What is a stream as well, whatever it was asked for, may be held as well.
    """
    start, end = view.transcript.started_ms, view.epoch_ms(view.head.at_ms if view.head else 0.0)
    others = [one for one in seen.views if one.transcript.role != "stream" and not (one.is_event_stream and one.chunks)]
    slow = [one for one in others if one.head and one.head.at_ms > limit_ms / 2]
    return any(one.transcript.started_ms < end and one.epoch_ms(one.head.at_ms) > start for one in slow if one.head)


def _directives(view: View) -> set[str]:
    value = (view.head.header("cache-control") if view.head else None) or ""
    return {part.strip().lower() for part in value.split(",")}
