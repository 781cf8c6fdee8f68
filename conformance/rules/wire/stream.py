"""Rules on the bytes of an event stream, whatever they mean."""

import json
import re
from collections.abc import Iterator

import httpx
import httpx_sse

from ssegauge.conformance.rules.reading.endings import is_left_by_its_connection
from ssegauge.conformance.rules.reading.torn import CANARY
from ssegauge.conformance.rules.rule import rfc, rule, whatwg
from ssegauge.conformance.seen import Item, Level, Mark, View
from ssegauge.conformance.sse import (
    ByteOrderMark,
    IgnoredField,
    Oversized,
    ReplacedBytes,
    UnfinishedTail,
    decode,
)
from ssegauge.conformance.words import excerpt, lasted

# Line ends between two lines, of which neither is blank.
LF_CR, CR_LF = re.compile(rb"[^\r\n]\n\r(?=[^\r\n])"), re.compile(rb"[^\r\n]\r\n(?=[^\r\n])")
CR_CR_LF, BLANK = re.compile(rb"[^\r\n]\r\r\n(?=data:)"), re.compile(rb"[^\r]\n\n|\r\n\r\n|\r\n\r\r\n")
LEAST_LF_CR = 3
ONE_BOM = whatwg(
    "event-stream-interpretation",
    "The UTF-8 decode algorithm strips one leading UTF-8 Byte Order Mark (BOM), if any.",
)
MOST_EVENT_BYTES = 1 << 16  # the line limit that asyncio and aiohttp readers start with

HTTP_2 = "HTTP/2"
SHOWN_OF_A_PAGE = 60
ERROR_PAGE = re.compile(
    rb"\s*(?:<!doctype html|<html|<\?xml|internal server error|traceback \(most recent call last\)|bad gateway)",
    re.IGNORECASE,
)


def none_of(view: View, found: Iterator[tuple[Item, str]]) -> Iterator[Mark]:
    """Yield a violation for each thing found, or the stream's support when it has bytes and nothing was found."""
    marks = [view.bad(summary, item) for item, summary in found]
    if marks:
        yield from marks
    elif view.body:
        yield view.good()


def _spoiling_marks(view: View, summary: str, *, repeated: bool) -> Iterator[Mark]:
    """Judge the marks that clients do not strip: the one right behind the first mark, or those further on.

    Where one spoils a field of an event, clients lose that.
    """
    marks = list(view.of(ByteOrderMark))
    second = 3 if any(mark.stripped for _, mark in marks) else None
    found = [item for item, mark in marks if not mark.stripped and (mark.start == second) is repeated]
    spoiled = {what.start: what.meant for _, what in view.of(IgnoredField)}
    for item in found:
        lost = spoiled.get(item.what.start) or ""
        level: Level | None = "must" if lost in {"data", "event", "id"} else None
        yield view.bad(f"{summary}: clients lose the `{lost}` line that it opens" if lost else summary, item, level)
    if view.body and not found:
        yield view.good()


@rule(
    "wire/invalid-utf8",
    "must",
    whatwg("parsing-an-event-stream", "Event streams in this format must always be encoded as UTF-8."),
    over="streams",
)
def invalid_utf8(view: View) -> Iterator[Mark]:
    r"""The stream is UTF-8.

    Why: Clients put U+FFFD for what is not, and the text is lost for good.

    Mend: Encode text as UTF-8 before writing, and never cut a character where data is split or truncated.

    Example: data: caf\xe9
    """
    yield from none_of(view, ((item, "bytes that are not UTF-8") for item, _ in view.of(ReplacedBytes)))


@rule(
    "wire/truncated-event",
    "must",
    whatwg("parsing-an-event-stream", "event = *( comment / field ) end-of-line"),
    over="streams",
    rests_on=("errors/stops-listening",),
)
def truncated_event(view: View) -> Iterator[Mark]:
    r"""The last event is finished by a blank line.

    Why: Without it clients drop the event, and it is usually the one that says how the task ended.

    Mend: End every event, the last one too, with an empty line before closing. Where an error page was appended, the
    handler threw after the head had gone out: catch that inside the stream, and tell it as an event.

    Example: data: {"status":"completed"}\n
    """
    if view.ended_by_server and view.body:
        tails = [item for item, what in view.of(UnfinishedTail) if what.loses_fields]
        if end := next(filter(None, (_page_at_the_end(view), *tails)), None):
            yield view.bad(_how_it_ends(view, end), end)
        else:
            yield view.good()


def _page_at_the_end(view: View) -> Item | None:
    """Return where a page begins behind the last event, whose lines may all be finished."""
    behind = view.events[-1].what.end if view.events else 0
    ignored = (item for item, what in view.of(IgnoredField) if what.start >= behind)
    first = next(ignored, None)
    return first if first and _is_page(view.body[first.what.start :]) else None


def _how_it_ends(view: View, end: Item) -> str:
    text = view.body[end.what.start :]
    return (
        f"an error page was appended to the stream{_names(text)}"
        if _is_page(text)
        else "the stream ends inside an event"
    )


def _is_page(text: bytes) -> bool:
    """Whether this is what a framework answers to a request that failed: JSON, HTML or a status in words."""
    if ERROR_PAGE.match(text):
        return True
    try:
        return isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        return False


def _names(text: bytes) -> str:
    return f": {excerpt(text[:SHOWN_OF_A_PAGE])}"


@rule(
    "wire/truncated-chunked-body",
    "must",
    rfc(
        9112,
        "8",
        "A message body that uses the chunked transfer coding is incomplete if the zero-sized chunk that terminates"
        " the encoding has not been received. [...] A response that has neither chunked transfer coding nor"
        " Content-Length is [...] considered complete unless an error was indicated by the underlying connection",
    ),
    over="streams",
    rests_on=("response/malformed-http2", "end/cut-by-timeout", "errors/stops-listening"),
)
def truncated_chunked_body(view: View) -> Iterator[Mark]:
    r"""A stream that the server ends is ended as HTTP ends a body, not by dropping the connection.

    Why: A connection that just drops looks like a network failure: clients report an error instead of an end, and the
    event that was under way is lost.

    Mend: Finish the response (in most frameworks: return from the handler) instead of closing the socket; where it
    drops in the midst, look in the server's log for what was thrown after the head had gone out, and for a worker or a
    proxy that gave up.

    Example: 5\r\nhello\r\n and then FIN, without 0\r\n\r\n
    """
    end = view.transcript.end
    if view.head and end and end.how == "error" and view.head.http_version != HTTP_2:
        yield view.bad(f"the connection {_broke(end.detail)}{_inside_an_event(view)} before the body had ended")
    elif view.ended_by_server and view.head and view.head.header("transfer-encoding"):
        yield view.good()


@rule(
    "wire/reset-in-http2",
    "must",
    rfc(
        9113,
        "8.1",
        "The last frame in the sequence bears an END_STREAM flag, noting that a HEADERS frame with the END_STREAM flag"
        " set can be followed by CONTINUATION frames that carry any remaining fragments of the field block.",
    ),
    over="streams",
    rests_on=("response/malformed-http2", "end/cut-by-timeout", "errors/stops-listening"),
)
def reset_in_http2(view: View) -> Iterator[Mark]:
    """A stream in HTTP/2 that the server ends is ended by END_STREAM, not by a reset or with the connection.

    Why: A reset (RST_STREAM), and a connection that is closed under its streams (GOAWAY with an error), look like a
    failure: clients report an error instead of an end, and the event that was under way is lost.

    Mend: Return from the handler, so that the last frame says END_STREAM. What resets streams by the clock are limits
    on a request or on a connection: `WriteTimeout` of Go, `timeout` and `max_stream_duration` of an Envoy route,
    `max_connection_duration`, a session's timeout in Node. A connection that is to close says so by GOAWAY with
    NO_ERROR and lets its streams end (RFC 9113 section 6.8).

    Example: RST_STREAM with INTERNAL_ERROR, 6 s after the head
    """
    end = view.transcript.end
    if not (view.head and end and view.head.http_version == HTTP_2):
        return
    if end.how == "error":
        # Our client reads no further behind a GOAWAY, and it may be that streams go on.
        level: Level | None = "advice" if is_left_by_its_connection(view) else None
        when = f"{_inside_an_event(view)} after {lasted(end.at_ms)}"
        yield view.bad(f"{_reset(end.detail)}{when}, and without END_STREAM", level=level)
    elif view.ended_by_server:
        yield view.good()


def _reset(detail: str) -> str:
    frame = re.search(r"(?:GOAWAY|RST_STREAM) with \w+", detail)
    return f"the stream was ended by {frame[0]}" if frame else f"the connection {_broke(detail)}"


def _broke(detail: str) -> str:
    return "was closed" if "incomplete" in detail else "broke"


def _inside_an_event(view: View) -> str:
    tails = (item for item in decode(view.body) if isinstance(item, UnfinishedTail))
    return ", inside an event," if any(tail.loses_fields for tail in tails) else ""


@rule("wire/repeated-bom", "advice", ONE_BOM, over="streams")
def repeated_bom(view: View) -> Iterator[Mark]:
    r"""At most one byte order mark opens the stream.

    Why: The second becomes part of the first field's name, and that field is ignored.

    Mend: Write no byte order mark at all.

    Example: \xef\xbb\xbf\xef\xbb\xbfdata: 1
    """
    yield from _spoiling_marks(view, "a second byte order mark", repeated=True)


@rule("wire/mid-stream-bom", "advice", ONE_BOM, over="streams")
def mid_stream_bom(view: View) -> Iterator[Mark]:
    r"""No line after the first starts with a byte order mark.

    Why: It becomes part of the field's name, and the field is ignored; the mark itself cannot be seen.

    Mend: Encode with "utf-8", not with a codec that adds a mark to every piece ("utf-8-sig").

    Example: data: 1\n\n\xef\xbb\xbfdata: 2\n\n
    """
    yield from _spoiling_marks(view, "a byte order mark inside the stream", repeated=False)


@rule(
    "wire/mixed-line-endings",
    "advice",
    whatwg(
        "parsing-an-event-stream",
        "block buffering or line buffering with different expected line endings can cause delays in event dispatch.",
    ),
    over="streams",
    rests_on=("wire/truncated-event",),
)
def mixed_line_endings(view: View) -> Iterator[Mark]:
    r"""One stream uses one kind of line ending.

    Why: All three kinds are legal, but readers that settle on the first one they see get mixed ones wrong.

    Mend: End every line with LF.

    Example: data: 1\r\ndata: 2\n\n
    """
    if view.facts.situation == "canary" or CANARY.search(view.body):  # judged by security/injection-cr and its like
        return
    if len(LF_CR.findall(view.body)) >= LEAST_LF_CR and not CR_LF.search(view.body):
        torn = "lines end with LF CR: CR is a line end of its own, so that every line is an event by itself"
        yield view.bad(torn, view.items[0] if view.items else None, level="must")
        return
    if len(CR_CR_LF.findall(view.body)) >= LEAST_LF_CR and BLANK.search(view.body):
        torn = "lines of data end with CR CRLF: CR is a line end of its own, so that a blank line cuts each event"
        yield view.bad(torn, view.items[0] if view.items else None, level="must")
        return
    counts = dict(view.decoder.line_endings)
    if not view.ended_by_server and view.body.endswith(b"\r"):
        counts["\r"] -= 1  # its LF may have been on the way
    used = [ending for ending, count in counts.items() if count > 0]
    if len(used) > 1:
        names = " and ".join({"\n": "LF", "\r": "CR", "\r\n": "CRLF"}[ending] for ending in used)
        yield view.bad(f"{names} in one stream", _first_that_differs(view))
    elif used:
        yield view.good()


def _first_that_differs(view: View) -> Item | None:
    """Return the first item whose lines do not end like those of the very first one."""
    kinds = [set(re.findall(rb"\r\n|\r|\n", view.body[item.what.start : item.what.end])) for item in view.items]
    odd = (item for item, kind in zip(view.items, kinds, strict=True) if kind != kinds[0])
    return next(odd, view.items[0] if view.items else None)


@rule(
    "wire/oversized-event",
    "advice",
    whatwg("parsing-an-event-stream", "UAs should ensure that appropriate buffering is used."),
    over="streams",
)
def oversized_event(view: View) -> Iterator[Mark]:
    """An event is smaller than 64 KiB.

    Why: Readers bound their lines (asyncio and aiohttp at 64 KiB) and give up on the stream, not on the event.

    Mend: Send a reference to large results and let the client fetch them.

    Example: data: (1 MB of JSON)
    """
    large = [
        (item, f"{item.what.end - item.what.start} bytes") for item in view.events if _size(item) > MOST_EVENT_BYTES
    ]
    large += [(item, "more than the decoder's bound of 1 MiB") for item, _ in view.of(Oversized)]
    if view.items:
        yield from none_of(view, iter(large))


@rule(
    "wire/misread-by-common-clients",
    "advice",
    whatwg("event-stream-interpretation", "Streams must be decoded using the UTF-8 decode algorithm."),
    over="streams",
    rests_on=("wire/mid-stream-bom", "wire/repeated-bom"),
)
def misread_by_common_clients(view: View) -> Iterator[Mark]:
    r"""Common client libraries read the stream as browsers do.

    Why: httpx-sse, one of the most used Python clients, keeps a byte order mark and takes a signed retry; a stream that
    leans on such corners is read in two ways.

    Mend: Keep to LF, UTF-8 without byte order mark, and plain digits.

    Example: \xef\xbb\xbfdata: 1\n\n
    """
    ours = [message for message in view.messages if message.event.data]
    if ours:
        theirs = [(event.event, event.data) for event in _read_by_httpx_sse(view)]
        differs = next((one for one, other in zip(ours, theirs, strict=False) if one.words != other), None)
        alike = [one.words for one in ours] == theirs
        yield view.good() if alike else view.bad("httpx-sse reads other events", differs or ours[-1])


def _read_by_httpx_sse(view: View) -> list[httpx_sse.ServerSentEvent]:
    """Return what httpx-sse dispatches with data; that it also dispatches blocks without data is left out."""
    whole = view.body[: view.items[-1].what.end + 1]
    response = httpx.Response(200, headers={"content-type": "text/event-stream"}, content=whole)
    return [event for event in httpx_sse.EventSource(response).iter_sse() if event.data]


def _size(item: Item) -> int:
    return item.what.end - item.what.start
