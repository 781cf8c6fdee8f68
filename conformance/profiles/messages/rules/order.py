"""Rules on what events are called, and on how a message begins."""

from collections.abc import Iterator

from ssegauge.conformance.profiles.messages.told import inner, kind, told
from ssegauge.conformance.rules.rule import profile, rule
from ssegauge.conformance.seen import Mark, View
from ssegauge.conformance.words import shown


@rule("messages/name-differs", "must", profile("M1.1"), over="streams", rests_on=("wire",))
def name_differs(view: View) -> Iterator[Mark]:
    """An event's name is the type in its data.

    Why: Clients choose by the name what an event is, and parse by the type: where the two differ, or one is missing,
    the event is skipped or read as another. The official Python package never sees an event without a name.

    Mend: Write `event: TYPE` before the data, with the very type that the data has; look at what rebuilds events on the
    way and passes on the data alone.

    Example: data: {"type": "content_block_delta", ...}, without `event: content_block_delta` before it
    """
    for message in told(view):
        name, said = message.event.type, message.type
        if name == said or (name == "ping" and said is None):
            yield view.good()
        elif said is None:
            yield view.bad(f"the event is named {shown(name)}, and its data has no type", message)
        else:
            called = "has no name" if name == "message" else f"is named {shown(name)}"
            yield view.bad(f"an event {called}, and the type in its data is {shown(said)}", message)


@rule("messages/start-not-first", "must", profile("M2.1"), over="streams", rests_on=("wire",))
def start_not_first(view: View) -> Iterator[Mark]:
    """The first event is `message_start`.

    Why: It holds the message to which all others add; the official packages raise at anything that comes before it.

    Mend: Send `message_start` before anything else, also where the model has said nothing yet.

    Example: event: content_block_start, as the first event
    """
    first = next((one for one in told(view) if kind(one) not in {"ping", "error"}), None)
    if first:
        right = kind(first) == "message_start"
        yield view.good() if right else view.bad(f"the first event is {kind(first)}", first)


@rule("messages/start-repeated", "must", profile("M2.1"), over="streams", rests_on=("wire",))
def start_repeated(view: View) -> Iterator[Mark]:
    """`message_start` comes once.

    Why: Clients differ: some begin anew at a second one, and what was told before is gone, the official Python package
    skips it; what its user sees is two answers in one.

    Mend: Send one message a stream; look for a retry upstream that replays the beginning.

    Example: event: message_start, a second time
    """
    starts = told(view, "message_start")
    if starts:
        yield view.bad(f"message_start came {len(starts)} times", starts[1]) if starts[1:] else view.good()


@rule("messages/start-with-content", "must", profile("M2.2"), over="streams", rests_on=("wire", "shape"))
def start_with_content(view: View) -> Iterator[Mark]:
    """The message in `message_start` has no content yet.

    Why: Clients put each block that starts behind the content that is there: every index is then wrong, and deltas are
    added to the wrong block.

    Mend: Send `"content": []` in `message_start`, and the content as blocks.

    Example: {"type": "message_start", "message": {"content": [{"type": "text", "text": "Hello"}], ...}}
    """
    for message in told(view, "message_start"):
        content = inner(message, "message").get("content")
        if isinstance(content, list):
            yield view.bad(f"{_many(content)} in message_start", message) if content else view.good()


def _many(content: list[object]) -> str:
    return "a block" if len(content) == 1 else f"{len(content)} blocks"
