"""Rules on the bytes of an event stream, whatever they mean."""

import re
from collections.abc import Iterator

import httpx
import httpx_sse

from conformance.rules.rule import fetch, rfc, rule, whatwg
from conformance.seen import Item, Mark, Message, View
from conformance.sse import (
    BlockWithoutData,
    ByteOrderMark,
    Event,
    IgnoredField,
    Oversized,
    ReplacedBytes,
    Retry,
    UnfinishedTail,
)

ONE_BOM = whatwg(
    "event-stream-interpretation",
    "The UTF-8 decode algorithm strips one leading UTF-8 Byte Order Mark (BOM), if any.",
)
FIELD_NAMES = whatwg(
    "event-stream-interpretation", "Field names must be compared literally, with no case folding performed."
)
MOST_ID_BYTES = 128
# https://fetch.spec.whatwg.org/#cors-unsafe-request-header-byte
CORS_UNSAFE = re.compile(rb'[\x00-\x08\x0a-\x1f"():<>?@[\\\]{}\x7f]')
MOST_EVENT_BYTES = 1 << 16  # the line limit that asyncio and aiohttp readers start with
LEAST_RETRY_MS, MOST_RETRY_MS = 100, 3_600_000


def _none_of(view: View, found: Iterator[tuple[Item, str]]) -> Iterator[Mark]:
    """Yield a violation for each thing found, or the stream's support when it has bytes and nothing was found."""
    marks = [view.bad(summary, item) for item, summary in found]
    if marks:
        yield from marks
    elif view.body:
        yield view.good()


def _ignored(view: View, reason: str) -> Iterator[tuple[Item, IgnoredField]]:
    return ((item, what) for item, what in view.of(IgnoredField) if what.reason == reason)


def _spoiling_marks(view: View, *, repeated: bool) -> Iterator[tuple[Item, ByteOrderMark]]:
    """Yield the marks that clients do not strip: the one right behind the first mark, or those further on."""
    marks = list(view.of(ByteOrderMark))
    second = 3 if any(mark.stripped for _, mark in marks) else None
    return ((item, mark) for item, mark in marks if not mark.stripped and (mark.start == second) is repeated)


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
    yield from _none_of(view, ((item, "bytes that are not UTF-8") for item, _ in view.of(ReplacedBytes)))


@rule(
    "wire/truncated-event",
    "must",
    whatwg(
        "event-stream-interpretation",
        "If the file ends in the middle of an event, before the final empty line, the incomplete event is not"
        " dispatched.",
    ),
    over="streams",
)
def truncated_event(view: View) -> Iterator[Mark]:
    r"""The last event is finished by a blank line.

    Why: Without it clients drop the event, and it is usually the one that says how the task ended.

    Mend: End every event, the last one too, with an empty line before closing.

    Example: data: {"status":"completed"}\n
    """
    if view.ended_by_server and view.body:
        tails = [item for item, what in view.of(UnfinishedTail) if what.loses_fields]
        yield view.bad("the stream ends inside an event", tails[0]) if tails else view.good()


@rule(
    "wire/truncated-chunked-body",
    "must",
    rfc(
        9112,
        "8",
        "A message body that uses the chunked transfer coding is incomplete if the zero-sized chunk that terminates"
        " the encoding has not been received.",
    ),
    over="streams",
)
def truncated_chunked_body(view: View) -> Iterator[Mark]:
    r"""A stream that the server ends is ended by the last chunk.

    Why: A connection that just drops looks like a network failure: clients report an error instead of an end.

    Mend: Finish the response (in most frameworks: return from the handler) instead of closing the socket.

    Example: 5\r\nhello\r\n and then FIN, without 0\r\n\r\n
    """
    end = view.transcript.end
    if end and end.how == "error" and "incomplete" in end.detail:
        yield view.bad("the connection was closed in the middle of the chunked body")
    elif view.ended_by_server and view.head and view.head.header("transfer-encoding"):
        yield view.good()


@rule("wire/repeated-bom", "advice", ONE_BOM, over="streams")
def repeated_bom(view: View) -> Iterator[Mark]:
    r"""At most one byte order mark opens the stream.

    Why: The second becomes part of the first field's name, and that field is ignored.

    Mend: Write no byte order mark at all.

    Example: \xef\xbb\xbf\xef\xbb\xbfdata: 1
    """
    found = ((item, "a second byte order mark") for item, _ in _spoiling_marks(view, repeated=True))
    yield from _none_of(view, found)


@rule("wire/mid-stream-bom", "advice", ONE_BOM, over="streams")
def mid_stream_bom(view: View) -> Iterator[Mark]:
    r"""No line after the first starts with a byte order mark.

    Why: It becomes part of the field's name, and the field is ignored; the mark itself cannot be seen.

    Mend: Encode with "utf-8", not with a codec that adds a mark to every piece ("utf-8-sig").

    Example: data: 1\n\n\xef\xbb\xbfdata: 2\n\n
    """
    found = ((item, "a byte order mark inside the stream") for item, _ in _spoiling_marks(view, repeated=False))
    yield from _none_of(view, found)


@rule(
    "wire/mixed-line-endings",
    "advice",
    whatwg(
        "parsing-an-event-stream",
        "block buffering or line buffering with different expected line endings can cause delays in event dispatch.",
    ),
    over="streams",
)
def mixed_line_endings(view: View) -> Iterator[Mark]:
    r"""One stream uses one kind of line ending.

    Why: All three kinds are legal, but readers that settle on the first one they see get mixed ones wrong.

    Mend: End every line with LF.

    Example: data: 1\r\ndata: 2\n\n
    """
    used = [ending for ending, count in view.decoder.line_endings.items() if count]
    if len(used) > 1:
        names = " and ".join({"\n": "LF", "\r": "CR", "\r\n": "CRLF"}[ending] for ending in used)
        yield view.bad(f"{names} in one stream", view.items[0] if view.items else None)
    elif used:
        yield view.good()


@rule(
    "wire/retry-not-digits",
    "should",
    whatwg(
        "event-stream-interpretation",
        "If the field value consists of only ASCII digits, then interpret the field value as an integer in base ten"
        " [...] Otherwise, ignore the field.",
    ),
    over="streams",
)
def retry_not_digits(view: View) -> Iterator[Mark]:
    """A retry field is made of ASCII digits: milliseconds.

    Why: Anything else is ignored without a word, and the reconnection time stays the browser's own.

    Mend: Send whole milliseconds without unit, sign or fraction.

    Example: retry: 3s
    """
    wrong = [view.bad(f"retry: {what.value} is ignored", item) for item, what in _ignored(view, "retry-not-digits")]
    right = [view.good() for _ in view.of(Retry)]
    yield from wrong or right


@rule(
    "wire/retry-extreme",
    "advice",
    whatwg("sse-processing-model", "Wait a delay equal to the reconnection time of the event source."),
    over="streams",
)
def retry_extreme(view: View) -> Iterator[Mark]:
    """The reconnection time is between 100 ms and an hour.

    Why: Next to nothing makes all clients storm a server that restarts; more than an hour is a dead page.

    Mend: Send 1,000 to 10,000.

    Example: retry: 0
    """
    for item, what in view.of(Retry):
        sane = LEAST_RETRY_MS <= what.ms <= MOST_RETRY_MS
        yield view.good() if sane else view.bad(f"clients come back after {what.ms} ms", item)


@rule(
    "wire/id-with-nul",
    "should",
    whatwg(
        "event-stream-interpretation",
        "If the field value does not contain U+0000 NULL, then set the last event ID buffer to the field value."
        " Otherwise, ignore the field.",
    ),
    over="streams",
)
def id_with_nul(view: View) -> Iterator[Mark]:
    r"""No id holds a NUL.

    Why: Such an id is ignored: the client keeps the one before and resumes from there.

    Mend: Make ids of printable ASCII.

    Example: id: 4\x00
    """
    yield from _none_of(view, ((item, "an id with NUL is ignored") for item, _ in _ignored(view, "id-with-nul")))


@rule("wire/field-case", "should", FIELD_NAMES, over="streams")
def field_case(view: View) -> Iterator[Mark]:
    """Field names are written data, event, id and retry, in lower case and without spaces.

    Why: Names that only resemble them are ignored without a word.

    Mend: Write the name exactly, then a colon.

    Example: Data: 1
    """
    found = (
        (item, f"{what.name!r} is ignored; {what.meant!r} is meant")
        for item, what in _ignored(view, "unknown-field")
        if what.meant and not what.name.startswith("\ufeff")
    )
    yield from _none_of(view, found)


@rule(
    "wire/unknown-field",
    "advice",
    whatwg("event-stream-interpretation", "Otherwise The field is ignored."),
    over="streams",
)
def unknown_field(view: View) -> Iterator[Mark]:
    r"""Every line is a known field or a comment.

    Why: Other lines are ignored; most often they are the rest of data whose line breaks were not split.

    Mend: Start every line of the data with `data: `, and put remarks behind a colon.

    Example: data: {\n  "type": "progress"\n}\n
    """
    found = (
        (item, f"the field {what.name[:40]!r} is ignored")
        for item, what in _ignored(view, "unknown-field")
        if not what.meant
    )
    yield from _none_of(view, found)


@rule(
    "wire/block-without-data",
    "advice",
    whatwg(
        "event-stream-interpretation",
        "If the data buffer is an empty string, set the data buffer and the event type buffer to the empty string and"
        " return.",
    ),
    over="streams",
)
def block_without_data(view: View) -> Iterator[Mark]:
    """An event that is named has data.

    Why: A block with an event type but no data line is not dispatched: listeners never hear of it.

    Mend: Add a data line, be it empty: `data:`.

    Example: event: done
    """
    found = (
        (item, f"event {what.type!r} has no data and is not dispatched")
        for item, what in view.of(BlockWithoutData)
        if what.type
    )
    yield from _none_of(view, found)


@rule(
    "wire/event-named-open-or-error",
    "should",
    whatwg(
        "the-eventsource-interface",
        "The following are the event handlers (and their corresponding event handler event types) that must be"
        " supported [...] onopen [...] onerror",
    ),
    over="streams",
)
def event_named_open_or_error(view: View) -> Iterator[Mark]:
    """No event is named open or error.

    Why: EventSource fires events of these names itself: the page takes the server's event for a lost connection.

    Mend: Choose another name, or say it in the data.

    Example: event: error
    """
    found = (
        (item, f"the event is named {item.what.type!r}")
        for item in view.events
        if isinstance(item.what, Event) and item.what.type in {"open", "error"}
    )
    if view.events:
        yield from _none_of(view, found)


@rule(
    "wire/id-too-long",
    "advice",
    rfc(
        9110,
        "5.4",
        "HTTP does not place a predefined limit on the length of each field line, field value, or on the length of a"
        " header or trailer section as a whole",
    ),
    over="streams",
)
def id_too_long(view: View) -> Iterator[Mark]:
    """An id is at most 128 bytes long.

    Why: It comes back as a request header field on every reconnect, and servers and proxies bound those.

    Mend: Send a position or a key, not a state.

    Example: id: (4 kB of base64)
    """
    given = [message for message in view.messages if message.event.id]
    long = [message for message in given if len((message.event.id or "").encode()) > MOST_ID_BYTES]
    if given:
        yield from _none_of(view, ((one.item, "the id is longer than 128 bytes") for one in long))


@rule(
    "wire/id-not-cors-safe",
    "advice",
    fetch(
        "cors-safelisted-request-header",
        "If value contains a CORS-unsafe request-header byte, then return false.",
    ),
    over="streams",
)
def id_not_cors_safe(view: View) -> Iterator[Mark]:
    r"""An id is made of bytes that may be sent to other origins freely.

    Why: It comes back in `Last-Event-ID`; with such bytes in it, Fetch asks by a preflight first, and filters between
    client and server are wary of it.

    Mend: Make ids of letters, digits, dots and hyphens.

    Example: id: <task>:4
    """
    given = [message for message in view.messages if message.event.id]
    unsafe = [one for one in given if CORS_UNSAFE.search((one.event.id or "").encode())]
    if given:
        yield from _none_of(view, ((one.item, "the id has a CORS-unsafe byte") for one in unsafe))


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
        yield from _none_of(view, iter(large))


@rule(
    "wire/misread-by-common-clients",
    "advice",
    whatwg("event-stream-interpretation", "Streams must be decoded using the UTF-8 decode algorithm."),
    over="streams",
)
def misread_by_common_clients(view: View) -> Iterator[Mark]:
    r"""Common client libraries read the stream as browsers do.

    Why: httpx-sse, one of the most used Python clients, keeps a byte order mark and takes a signed retry; a stream that
    leans on such corners is read in two ways.

    Mend: Keep to LF, UTF-8 without byte order mark, and plain digits.

    Example: \xef\xbb\xbfdata: 1\n\n
    """
    ours = [(one.event.type, one.event.data) for one in view.messages]
    if ours:
        theirs = [(event.event, event.data) for event in _read_by_httpx_sse(view)]
        differs = next((one for one, other in zip(view.messages, theirs, strict=False) if _pair(one) != other), None)
        alike = ours == theirs
        yield view.good() if alike else view.bad("httpx-sse reads other events", differs or view.messages[-1])


def _pair(message: Message) -> tuple[str, str]:
    return message.event.type, message.event.data


def _read_by_httpx_sse(view: View) -> list[httpx_sse.ServerSentEvent]:
    """Return what httpx-sse dispatches with data; that it also dispatches blocks without data is known and left out."""
    whole = view.body[: view.items[-1].what.end + 1]
    response = httpx.Response(200, headers={"content-type": "text/event-stream"}, content=whole)
    return [event for event in httpx_sse.EventSource(response).iter_sse() if event.data]


def _size(item: Item) -> int:
    return item.what.end - item.what.start
