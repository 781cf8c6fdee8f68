"""How streams end: the event that says so, as it is promised or as a protocol that they speak has it."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ssegauge.conformance.rules.reading.heartbeat import names_heartbeat
from ssegauge.conformance.seen import Message, Seen, View
from ssegauge.conformance.sse import BlockWithoutData

END_WORDS = frozenset(
    {"complete", "completed", "done", "end", "ended", "eof", "finish", "finished", "close", "closed", "stop", "[done]"}
)
ERROR_WORDS = frozenset({"error", "failed", "failure", "exception"})
SOON_MS, LATER_MS = 2000.0, 10_000.0
ITEM_EVENTS = ("response.output_item.added", "response.output_item.done")
FEW = 5  # events: some APIs begin with a ping
CHAT_CHUNKS = ("chat.completion.chunk", "text_completion")  # no set: what is looked up may be an object


@dataclass(frozen=True, slots=True)
class Protocol:
    """A protocol whose streams end with a marker: ``marker`` says in words what that is.

    ``pings``: it has events that keep a stream alive.
    """

    name: str
    marker: str
    speaks: Callable[[Sequence[Message]], bool]
    is_marker: Callable[[Message], bool]
    pings: bool = False


def _speaks_chat(messages: Sequence[Message]) -> bool:
    told = [message for message in messages if message.fields]
    return bool(told) and told[0].fields.get("object") in CHAT_CHUNKS


def _speaks_graphql(messages: Sequence[Message]) -> bool:
    types = {message.event.type for message in messages}
    results = [message for message in messages if message.event.type == "next"]
    told = all({"data", "errors"} & {*one.fields} for one in results)
    return bool(results) and told and types <= {"next", "complete"}


def _speaks_messages(messages: Sequence[Message]) -> bool:
    return any(one.type in ("message_start", "content_block_start") for one in messages[:FEW])  # of any type


def _speaks_responses(messages: Sequence[Message]) -> bool:
    return bool(messages) and messages[0].event.type == messages[0].type == "response.created"


PROTOCOLS = (
    Protocol("chat completions", "[DONE]", _speaks_chat, lambda one: one.event.data.strip() == "[DONE]"),
    Protocol(
        "GraphQL over SSE",
        "an event of type 'complete'",
        _speaks_graphql,
        lambda one: one.event.type == "complete" and not one.fields.get("id"),  # one with an id ends one of several
    ),
    Protocol(
        "messages",
        "an event of type 'message_stop'",
        _speaks_messages,
        lambda one: "message_stop" in (one.event.type, one.type),
        pings=True,
    ),
    Protocol(
        "responses",
        "an event of type 'response.completed', '.failed' or '.incomplete'",
        _speaks_responses,
        lambda one: one.event.type in {"response.completed", "response.failed", "response.incomplete"},
        pings=True,
    ),
)


def protocol(view: View) -> Protocol | None:
    """Return the protocol with an end marker that a stream speaks, by what its events look like."""
    return next((one for one in PROTOCOLS if one.speaks(view.messages)), None)


def end_marker(seen: Seen, view: View) -> Message | None:
    """Return the first event that says that the stream is over, by promise or by protocol."""
    ends = seen.promises.ends
    if ends:
        return next((one for one in view.messages if ends.is_marker(one.event.type, one.event.data)), None)
    spoken = protocol(view)
    return next((one for one in view.messages if spoken.is_marker(one)), None) if spoken else None


def finished_since_ms(view: View) -> float | None:
    """Return for how long an answer has to be silent to be known for one that has finished, without its marker.

    A chat completion, or a message, that has given its reason is followed by the marker alone. A response is not
    followed by much else when all its items are done: where it thinks on, it soon says so. None: it may go on.
    """
    if any(_gives_reason(message) for message in view.messages):
        return SOON_MS
    items = Counter(message.type for message in view.messages if message.type in ITEM_EVENTS)
    last = next((one for one in reversed(view.messages) if not names_heartbeat(one)), None)
    all_done = len(set(items.values())) == 1 and len(items) == len(ITEM_EVENTS)
    return LATER_MS if last and all_done and last.type == ITEM_EVENTS[-1] else None


def _gives_reason(message: Message) -> bool:
    delta = message.fields.get("delta") if message.type == "message_delta" else None
    told = [(one, "finish_reason") for one in _choices(message)] + [(delta, "stop_reason")]
    return any(isinstance(one, dict) and isinstance(one.get(key), str) for one, key in told)


def _choices(message: Message) -> Sequence[object]:
    found = message.fields.get("choices")
    return found if isinstance(found, list) else ()


def is_left_by_its_connection(view: View) -> bool:
    """Whether an HTTP/2 connection was closed in order, and the stream with it (RFC 9113 section 6.8)."""
    return view.transcript.end is not None and view.transcript.end.detail.endswith("GOAWAY with NO_ERROR")


def tells_an_error(message: Message) -> bool:
    """Whether an event is an error by its type or its JSON: that ends a stream as well."""
    return bool(message.fields.get("error")) or bool(ERROR_WORDS & {message.event.type.lower(), _word(message.type)})


def ends_without_data(view: View) -> str:
    """Return the name of an event that was to say that the stream is over, and has no data: clients never see it."""
    blocks = [what for item, what in view.of(BlockWithoutData) if what.type.lower() in END_WORDS]
    return blocks[-1].type if blocks else ""


def is_like(message: Message, others: Sequence[Message]) -> bool:
    """Whether an event is another of the same sort as those before it, and does not say that it is the last."""
    if _word(message.event.data) in END_WORDS or not others:
        return False
    return any(_form(message) == _form(other) for other in others)


def _form(message: Message) -> object:
    """Return what events of one sort have in common: their type, and the form of their JSON."""
    return message.event.type, _shape(message.value) if not message.error else "text"


NAMES_A_STATE = frozenset({"type", "event", "kind", "status", "state", "object", "finish_reason", "op"})


def _shape(value: object) -> object:
    if isinstance(value, dict):
        return frozenset((key, value[key] if _is_state(key, value[key]) else _shape(value[key])) for key in value)
    return value if isinstance(value, bool) else type(value).__name__.replace("int", "float")


def _is_state(key: str, value: object) -> bool:
    return key in NAMES_A_STATE and isinstance(value, str)


def _word(value: object) -> str:
    return value.strip().strip("\"'").lower() if isinstance(value, str) else ""
