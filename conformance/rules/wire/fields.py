"""Rules on the fields of an event stream: their names, ids and reconnection times."""

import re
from collections.abc import Iterator

from ssegauge.conformance.rules.reading.heartbeat import HEARTBEAT_NAMES
from ssegauge.conformance.rules.reading.torn import CANARY, orphans, torn
from ssegauge.conformance.rules.rule import rfc, rule, whatwg
from ssegauge.conformance.rules.wire.stream import none_of
from ssegauge.conformance.seen import Item, Mark, View
from ssegauge.conformance.sse import BlockWithoutData, Event, IgnoredField, Retry
from ssegauge.conformance.words import shown

FIELD_NAMES = whatwg(
    "event-stream-interpretation", "Field names must be compared literally, with no case folding performed."
)
MOST_ID_BYTES = 128
LEAST_RETRY_MS, MOST_RETRY_MS = 100, 3_600_000


def _ignored(view: View, reason: str) -> Iterator[tuple[Item, IgnoredField]]:
    return ((item, what) for item, what in view.of(IgnoredField) if what.reason == reason)


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
    ignored = _ignored(view, "retry-not-digits")
    wrong = [view.bad(f"a retry of {shown(what.value)} is ignored", item) for item, what in ignored]
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
        yield view.good() if sane else view.bad(f"clients come back after {what.ms:,} ms", item)


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
    yield from none_of(view, ((item, "an id with NUL is ignored") for item, _ in _ignored(view, "id-with-nul")))


@rule("wire/field-case", "should", FIELD_NAMES, over="streams", rests_on=("wire/nothing-dispatched",))
def field_case(view: View) -> Iterator[Mark]:
    """Field names are written data, event, id and retry, in lower case and without spaces.

    Why: Names that only resemble them are ignored without a word.

    Mend: Write the name exactly, then a colon.

    Example: Data: 1
    """
    found = (
        (item, f"{shown(what.name)} is ignored; {what.meant!r} is meant")
        for item, what in _ignored(view, "unknown-field")
        if what.meant and not what.name.startswith("\ufeff")
    )
    yield from none_of(view, found)


@rule(
    "wire/unknown-field",
    "advice",
    whatwg("event-stream-interpretation", "Otherwise The field is ignored."),
    over="streams",
    rests_on=("wire/nothing-dispatched", "wire/truncated-event"),
)
def unknown_field(view: View) -> Iterator[Mark]:
    r"""Every line is a known field or a comment.

    Why: Other lines are ignored: what they say reaches nobody.

    Mend: Start every line of the data with `data: `, and put remarks behind a colon. What a framework or an interpreter
    prints of an error (`<b>Warning</b>: ...`) belongs into its log: switch off that it is shown (`display_errors`).
    Leave it to the server's HTTP library to write in chunks.

    Example: time: now
    """
    if view.facts.situation == "canary":  # judged by security/injection-lf and its like
        return
    others = {id(item) for _, lost in torn(view) for item in lost}  # judged by wire/unprefixed-data, as these are
    others |= {id(item) for _, item in orphans(view)}
    found = [
        (item, what)
        for item, what in _ignored(view, "unknown-field")
        if not (what.meant or id(item) in others or CANARY.search(view.body, item.what.start, item.what.end))
    ]
    for item, what in found:
        if what.name.startswith("<"):  # and no field that somebody may know
            yield view.bad("a line of HTML among the fields is ignored", item, "should")
        elif _is_chunk_size(view, what):
            chunked = f"{shown(what.name)} is the length of what follows: the body is chunked twice"
            yield view.bad(f"{chunked}, and where a chunk ends in a line, that line is lost", item, "should")
        else:
            yield view.bad(f"the field {shown(what.name)} is ignored", item)
    if view.body and not found:
        yield view.good()


def _is_chunk_size(view: View, what: IgnoredField) -> bool:
    """Whether a line says in hexadecimal how long the piece of the body is that it precedes (RFC 9112 section 7.1)."""
    end = view.body[what.end : what.end + 2] == b"\r\n" and re.fullmatch(r"[0-9A-Fa-f]{1,8}", what.name)
    since = what.end + 2 + (int(what.name, 16) if end else 0)
    return bool(end) and view.body[since : since + 2] == b"\r\n"


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

    Why: A block with an event type but no data line is not dispatched: listeners never hear of it. Where a heartbeat's
    blank line comes between an event's type and its data, the data goes to listeners of `message`.

    Mend: Add a data line, be it empty: `data:`. Write an event whole, by one call, and a heartbeat never in its midst.

    Example: event: done
    """
    typed = [(item, what) for item, what in view.of(BlockWithoutData) if what.type]
    # Heartbeats without data are not meant to be heard of, perhaps.
    named = [(item, what) for item, what in typed if what.type.lower() not in HEARTBEAT_NAMES]
    for item, what in named:
        if _is_torn_off(view, what):
            torn_off = f"a blank line between event {shown(what.type)} and its data, which has lost its type"
            yield view.bad(torn_off, item, "must")
        else:
            yield view.bad(f"event {shown(what.type)} has no data and is not dispatched", item)
    if view.body and not typed:
        yield view.good()


def _is_torn_off(view: View, what: BlockWithoutData) -> bool:
    """Whether other events are of this type, and the data of this one follows without any."""
    after = next((message for message in view.messages if message.item.what.start >= what.end), None)
    known = any(message.event.type == what.type for message in view.messages)
    return known and after is not None and after.event.type == "message"


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
        (item, f"the event is named {shown(item.what.type)}")
        for item in view.events
        if isinstance(item.what, Event) and item.what.type in {"open", "error"}
    )
    # EventSource reads no other streams; of a capture nobody knows how it was asked for.
    if view.events and view.transcript.request.method == "GET" and not view.facts.capture:
        yield from none_of(view, found)


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
        yield from none_of(view, ((one.item, "the id is longer than 128 bytes") for one in long))
