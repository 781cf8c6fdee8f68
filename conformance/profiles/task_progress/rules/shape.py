"""Rules on the shape of messages: JSON objects that say what they are, whose they are and when they were made.

Each judges one thing and leaves a message that is broken before that to the rule on what broke it, so that one
defect is one finding. The canary's stream is left to the rules on injection.
"""

from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise
from typing import Any

from ssegauge.conformance.rules.reading.heartbeat import HEARTBEAT_NAMES
from ssegauge.conformance.rules.reading.json_texts import json_texts
from ssegauge.conformance.rules.reading.torn import torn
from ssegauge.conformance.rules.rule import profile, rule
from ssegauge.conformance.seen import Mark, Message, View, is_number
from ssegauge.conformance.words import lasted, shown

TYPES = frozenset({"connected", "progress", "error"})
# Milliseconds between 1973 and 5138: seconds, microseconds and nanoseconds of this century lie outside.
LEAST_MS, MOST_MS = 10**11, 10**14
MOST_SKEW_MS = 5000.0
ONE_OBJECT = profile(
    "S1.3",
    "The data of every event MUST be one JSON object with a `type` of `connected`, `progress` or `error`,"
    " and the `taskId` of the stream.",
)
TIMESTAMP = profile(
    "S1.4",
    "Every message MUST carry a `timestamp`: an integer, milliseconds since the Unix epoch, taken when the event was"
    " made.",
)
STRICT_JSON = profile(
    "S1.6", "Keys MUST NOT be repeated in an object, and numbers MUST be numbers of JSON (no NaN, no Infinity)."
)


def each(view: View, messages: Iterable[Message], wrong: Callable[[Message], str]) -> Iterator[Mark]:
    """Yield a mark for each message: a violation where ``wrong`` says what is wrong, support where it says nothing."""
    for message in messages:
        summary = wrong(message)
        yield view.bad(summary, message) if summary else view.good()


def messages(view: View) -> tuple[Message, ...]:
    """Return the messages that shape rules judge."""
    if view.facts.situation == "canary":
        return ()
    return tuple(one for one in view.messages if not is_heartbeat(one))


def objects(view: View) -> Iterator[Message]:
    """Yield the messages that are JSON objects."""
    return (one for one in messages(view) if isinstance(one.value, dict))


def known(view: View) -> Iterator[Message]:
    """Yield the messages of a type that the specification knows."""
    return (one for one in objects(view) if isinstance(one.type, str) and one.type in TYPES)


def made_ms(message: Message) -> float | None:
    """Return a message's timestamp, None where it has none that counts milliseconds."""
    value = message.fields.get("timestamp")
    if is_number(value) and LEAST_MS <= value < MOST_MS and value == int(value):
        return float(value)
    return None


def own_task_id(view: View) -> str | None:
    """Return the stream's task id: the one asked for or, in a capture, the first one told."""
    asked = view.facts.task_id
    if isinstance(asked, str):
        return asked
    told = (one.fields.get("taskId") for one in known(view))
    return next((value for value in told if isinstance(value, str)), None)


def is_heartbeat(message: Message) -> bool:
    """Whether an event is but a sign of life: S6.2 and its rule are for these."""
    names = (message.event.type, message.type)
    return any(isinstance(name, str) and name.lower() in HEARTBEAT_NAMES for name in names)


@rule("shape/not-json", "must", ONE_OBJECT, over="streams")
def not_json(view: View) -> Iterator[Mark]:
    """The data of every event is JSON.

    Why: The ticket's client calls JSON.parse on it; what cannot be parsed ends in an exception and is lost.

    Mend: Write the data with a JSON library, never by formatting text.

    Example: data: {'type': 'progress'}
    """
    others = {id(one) for one, _ in torn(view)}  # judged by wire/unprefixed-data, and wire/two-values-in-one
    events = (one for one in messages(view) if id(one) not in others and json_texts(one.event.data) < 2)
    yield from each(view, events, lambda one: f"not JSON: {one.error}" if one.error else "")


@rule("shape/not-an-object", "must", ONE_OBJECT, over="streams")
def not_an_object(view: View) -> Iterator[Mark]:
    """The data of every event is a JSON object.

    Why: Clients read fields by name; a list, a text or null has none.

    Mend: Send one object an event.

    Example: data: [{"type": "progress"}]
    """
    events = (one for one in messages(view) if not one.error)
    yield from each(view, events, lambda one: "" if isinstance(one.value, dict) else f"{shown(one.value)} is no object")


@rule("shape/duplicate-keys", "must", STRICT_JSON, over="streams")
def duplicate_keys(view: View) -> Iterator[Mark]:
    """No key comes twice in an object.

    Why: Which of the two counts is up to each parser, so two clients read two messages.

    Mend: Build the message as a map and let a JSON library write it.

    Example: data: {"type": "progress", "type": "error"}
    """
    yield from each(
        view,
        objects(view),
        lambda one: f"{shown(one.duplicate_keys[0])} comes twice in an object" if one.duplicate_keys else "",
    )


@rule("shape/not-a-json-number", "must", STRICT_JSON, over="streams")
def not_a_json_number(view: View) -> Iterator[Mark]:
    """Numbers are numbers of JSON: no NaN, no Infinity.

    Why: Python writes and reads them; JSON.parse in browsers throws, and the message is lost.

    Mend: Send null or leave the field out; have the library refuse (Python: `allow_nan=False`).

    Example: data: {"type": "progress", "score": NaN}
    """
    events = (one for one in messages(view) if not one.error)
    yield from each(view, events, lambda one: f"{one.constants[0]} is no number of JSON" if one.constants else "")


@rule("shape/type-missing", "must", ONE_OBJECT, over="streams")
def type_missing(view: View) -> Iterator[Mark]:
    """Every message says its type.

    Why: The ticket's client switches on it, and passes over a message without one.

    Mend: Add `type`: connected, progress or error.

    Example: data: {"taskId": "7", "progress": {}}
    """
    yield from each(view, objects(view), lambda one: "" if "type" in one.fields else "a message without type")


@rule("shape/type-unknown", "must", ONE_OBJECT, over="streams")
def type_unknown(view: View) -> Iterator[Mark]:
    """A message's type is connected, progress or error.

    Why: The ticket's client passes over all others, so what they say never reaches the user.

    Mend: Use the three types, and put more detail in added fields.

    Example: data: {"type": "status", "taskId": "7"}
    """
    typed = (one for one in objects(view) if "type" in one.fields)
    known_types = set(map(id, known(view)))
    yield from each(view, typed, lambda one: "" if id(one) in known_types else f"the type is {shown(one.type)}")


@rule("shape/task-id-mismatch", "must", ONE_OBJECT, over="streams")
def task_id_mismatch(view: View) -> Iterator[Mark]:
    """Every message carries the task id of its stream, as a string.

    Why: Clients that follow several tasks assign messages by it, and show one task's progress as another's.

    Mend: Set `taskId` to the id that the stream was asked for, unchanged.

    Example: data: {"type": "progress", "taskId": "another-task"}
    """
    expected = own_task_id(view)
    yield from each(view, known(view), lambda one: _wrong_id(one.fields.get("taskId"), expected))


def _wrong_id(value: Any, expected: str | None) -> str:  # noqa: ANN401 - whatever the server sent
    if isinstance(value, str) and value and value == expected:
        return ""
    return "no taskId" if value is None else f"taskId is {shown(value)}, the stream is of {shown(expected)}"


@rule("shape/inner-task-id-mismatch", "must", profile("S3.2", "`taskId` MUST be that of the stream."), over="streams")
def inner_task_id_mismatch(view: View) -> Iterator[Mark]:
    """The task's state carries the task id of the stream, as a string.

    Why: Clients keep the state without its envelope; with another id in it they file it under another task.

    Mend: Set `progress.taskId` to the id that the stream was asked for, unchanged.

    Example: data: {"type": "progress", "taskId": "7", "progress": {"taskId": "8"}}
    """
    expected = own_task_id(view)
    reports = (one for one in known(view) if one.progress)
    yield from each(view, reports, lambda one: _wrong_id(one.progress.get("taskId"), expected))


@rule("shape/named-event", "must", profile("S1.2", "Events MUST carry no `event` field"), over="streams")
def named_event(view: View) -> Iterator[Mark]:
    """No event has a name.

    Why: The ticket's client listens with `onmessage`, which named events never reach.

    Mend: Leave the `event:` line out; the message's `type` says what it is.

    Example: event: progress
    """
    yield from each(
        view, messages(view), lambda one: "" if one.event.type == "message" else f"named {shown(one.event.type)}"
    )


@rule("shape/timestamp-missing", "must", TIMESTAMP, over="streams")
def timestamp_missing(view: View) -> Iterator[Mark]:
    """Every message carries a timestamp.

    Why: Without it a reader cannot tell a fresh report from one that was held somewhere on the way.

    Mend: Add `timestamp`, taken when the event is made.

    Example: data: {"type": "connected", "taskId": "7"}
    """
    yield from each(view, known(view), lambda one: "no timestamp" if one.fields.get("timestamp") is None else "")


@rule("shape/timestamp-not-ms", "must", TIMESTAMP, over="streams")
def timestamp_not_ms(view: View) -> Iterator[Mark]:
    """A timestamp is an integer: milliseconds since the Unix epoch.

    Why: Clients pass it to `new Date()`; seconds show a day in 1970, and text shows "Invalid Date" in some browsers.

    Mend: Send `Date.now()`, or in Python `time.time_ns() // 1_000_000`.

    Example: data: {"type": "connected", "taskId": "7", "timestamp": 1760000000}
    """
    stamped = (one for one in known(view) if one.fields.get("timestamp") is not None)
    yield from each(
        view, stamped, lambda one: f"timestamp is {shown(one.fields['timestamp'])}" if made_ms(one) is None else ""
    )


@rule("shape/timestamp-skewed", "should", profile("S1.5", "The server's clock SHOULD be right to 5 s."), over="streams")
def timestamp_skewed(view: View) -> Iterator[Mark]:
    """The server's clock agrees with ours to 5 s.

    Why: Clients show how old a report is by their own clock; with a wrong one it is from the future, or hours old.

    Mend: Run NTP on the server (and on the machine that judges), and stamp in UTC.

    Example: data: {"type": "connected", "taskId": "7", "timestamp": (an hour ahead)}
    """
    if view.timed:
        stamped = (one for one in known(view) if made_ms(one) is not None)
        yield from each(view, stamped, lambda one: _wrong_clock(view, one))


def _wrong_clock(view: View, message: Message) -> str:
    """Say by how much a timestamp is off: made after it arrived or, being made for this stream, before the request."""
    made = made_ms(message) or 0.0
    ahead = made - view.epoch_ms(message.item.at_ms)
    behind = view.transcript.started_ms - made if message.type == "connected" else 0.0
    if max(ahead, behind) <= MOST_SKEW_MS:
        return ""
    return f"stamped {lasted(ahead)} after its arrival" if ahead > 0 else f"stamped {lasted(behind)} too early"


@rule(
    "shape/timestamp-regresses",
    "must",
    profile("S1.5", "Timestamps MUST NOT fall within a stream."),
    over="streams",
)
def timestamp_regresses(view: View) -> Iterator[Mark]:
    """The timestamps of a stream's reports do not fall.

    Why: Clients that keep the newest report by its timestamp throw a later one away.

    Mend: Stamp events in the order in which they are made, with a clock that does not step back.

    Example: data: {"type": "progress", "timestamp": 1760000000000} after one with 1760000000700
    """
    # `connected` is made when a client comes, the current state it is told next was made before.
    stamped = [(made, one) for one in known(view) if one.type == "progress" and (made := made_ms(one)) is not None]
    for (before, _), (after, message) in pairwise(stamped):
        fallen = before - after
        yield (
            view.bad(f"stamped {lasted(fallen)} before the report ahead of it", message) if fallen > 0 else view.good()
        )
