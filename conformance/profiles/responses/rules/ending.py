"""Rules on how a response ends: its status, its usage, its whole output, and what does not belong there."""

from collections.abc import Iterator

from ssegauge.conformance.profiles.responses.told import (
    COMPLETED,
    TERMINAL,
    Item,
    Text,
    inner,
    is_completed,
    is_resumed,
    items,
    kind,
    listed,
    of_another_item,
    says_the_same,
    string,
    table,
    terminal,
    texts,
    told,
)
from ssegauge.conformance.rules.rule import profile, rule
from ssegauge.conformance.seen import Level, Mark, Message, View, is_number
from ssegauge.conformance.words import shown

DONE = "[DONE]"
# Where a response that is not completed says why.
WHY = {"response.failed": ("error", ("message", "code")), "response.incomplete": ("incomplete_details", ("reason",))}
EARLY = {"response.created": {*TERMINAL.values()}, "response.in_progress": {*TERMINAL.values()}}
Told = tuple[str, str]  # what an item is, and what it says


@rule("responses/status-differs", "should", profile("R5.5"), over="streams", rests_on=("wire", "shape"))
def status_differs(view: View) -> Iterator[Mark]:
    """The response's status is the one that the event names.

    Why: Some readers look at the event, others at the status: where they differ, one of them takes half an answer for a
    whole, or begins with one that is over.

    Mend: Set the status before the response is written into the event.

    Example: event: response.completed, with "response": {"status": "in_progress", ...}
    """
    for message in told(view, *TERMINAL, *EARLY):
        name, status = kind(message), inner(message, "response").get("status")
        if name in TERMINAL:
            right = status == TERMINAL[name]
        elif isinstance(status, str):
            right = status not in EARLY[name]
        else:
            continue
        yield view.good() if right else view.bad(f"the status in {name} is {shown(status)}", message)


@rule("responses/end-unexplained", "should", profile("R5.6"), over="streams", rests_on=("wire", "shape"))
def end_unexplained(view: View) -> Iterator[Mark]:
    """A response that is not completed says why.

    Why: The reader is to know whether to ask for more tokens, to ask something else, or to try again.

    Mend: Set `incomplete_details.reason` (`max_output_tokens`, `content_filter`), or `error` with code and message.

    Example: event: response.incomplete, with "incomplete_details": null
    """
    end = terminal(view)
    if end is None or kind(end) == COMPLETED:
        return
    response = inner(end, "response")
    key, names = WHY[kind(end)]
    told_why = any(string(table(response.get(key)).get(name)) for name in names)
    yield view.good() if told_why else view.bad(f"{kind(end)} came, and {key} does not say why", end)


def _count(message: Message, name: str) -> float | None:
    value = table(inner(message, "response").get("usage")).get(name)
    return value if is_number(value) else None


@rule("responses/usage-missing", "should", profile("R5.7"), over="streams", rests_on=("wire", "shape"))
def usage_missing(view: View) -> Iterator[Mark]:
    """The completed response tells what it cost.

    Why: It is the only event that does: clients add it up for their bills and limits.

    Mend: Put `usage` with `input_tokens`, `output_tokens` and `total_tokens` into the response of `response.completed`.

    Example: event: response.completed, with "usage": null
    """
    for message in told(view, COMPLETED)[:1]:
        missing = [name for name in ("input_tokens", "output_tokens") if _count(message, name) is None]
        said = f"the completed response has no {' and no '.join(missing)} in its usage"
        yield view.bad(said, message) if missing else view.good()


@rule("responses/usage-total-wrong", "should", profile("R5.8"), over="streams", rests_on=("wire", "shape"))
def usage_total_wrong(view: View) -> Iterator[Mark]:
    """The total of tokens is what they add up to.

    Why: Limits are counted by the total, bills by its parts.

    Mend: Add up `input_tokens` and `output_tokens`; what else a model counts belongs to one of the two.

    Example: {"input_tokens": 25, "output_tokens": 40, "total_tokens": 40}
    """
    for message in told(view, *TERMINAL)[:1]:
        given, made, total = (_count(message, f"{name}_tokens") for name in ("input", "output", "total"))
        if given is not None and made is not None and total is not None:
            level: Level = "should" if total < given + made else "advice"
            said = f"{given} and {made} tokens, and {total} in all"
            yield view.good() if total == given + made else view.bad(said, message, level)


@rule(
    "responses/output-differs",
    "must",
    profile("R5.9"),
    over="streams",
    rests_on=(
        *("wire", "shape", "responses/text-differs", "responses/item-not-added", "responses/item-repeated"),
        "responses/sequence-gap",
        *("responses/part-not-added", "responses/goes-on-after-done", "responses/item-not-done"),
    ),
)
def output_differs(view: View) -> Iterator[Mark]:
    """The items that are done, and the final response, hold what was streamed.

    Why: Some readers show the stream and store the final response: where they differ, what was seen is not what is
    kept. The backend of ChatGPT's Codex is known to send a final response without any output.

    Mend: Build both from the same text; add to the final response every item that was streamed.

    Example: deltas "Hello", and then response.completed with "output": []
    """
    if not is_completed(view) or of_another_item(view):  # nobody knows what is whose
        return
    found, said = items(view), texts(view)
    streamed = [(one, _streamed(one, said)) for one in found]
    for item, (what, text) in streamed:
        if item.dones and text and what in {"message", "function_call"}:
            kept = _kept(item.last)[1]
            differs = f"{what} {item.index} was streamed as {shown(text)}, and is done as {shown(kept)}"
            yield view.good() if _agree((what, kept), (what, text)) else view.bad(differs, item.dones[-1])
    yield from _final(view, [one for _, one in streamed if one[0] in {"message", "function_call"} and one[1]])


def _final(view: View, streamed: list[Told]) -> Iterator[Mark]:
    end = told(view, COMPLETED)[0]
    output = [table(one) for one in listed(inner(end, "response").get("output"))]
    kept = [one for one in map(_kept, output) if one[0] in {"message", "function_call"} and one[1]]
    if streamed and not output:
        yield view.bad(f"{len(streamed)} items were streamed, and the final response has no output", end, "advice")
    elif streamed and not (len(kept) == len(streamed) and all(map(_agree, kept, streamed))):
        missing = next((one for one in streamed if not any(_agree(one, other) for other in kept)), streamed[0])
        yield view.bad(f"the final response has no {missing[0]} with the text {shown(missing[1])}", end)
    elif trimmed := [pair for pair in zip(streamed, kept, strict=False) if pair[0][0] == "message" and _trims(*pair)]:
        (_, text), (_, left) = trimmed[0]
        less = f"the final response has {len(left)} of {len(text)} characters: blanks at the ends are others"
        yield view.bad(less, end, "advice")
    elif streamed:
        yield view.good()


def _trims(one: Told, other: Told) -> bool:
    """Whether two that say the same differ in the blanks around it: no word is lost."""
    return one[1] != other[1] and one[1].strip() == other[1].strip()


def _agree(one: Told, other: Told) -> bool:
    """Whether two items are of one type and say the same, but for blanks around it."""
    kind = "arguments" if one[0] == "function_call" else ""
    return one[0] == other[0] and says_the_same(one[1].strip(), other[1].strip(), kind)


def _streamed(item: Item, said: list[Text]) -> Told:
    """Return what an item is, and what its deltas said; where there were none, what it was done with."""
    own = [text for text in said if text.index == item.index]
    return item.kind, "".join(text.told for text in own) if own else _kept(item.last)[1]


def _kept(item: dict[str, object]) -> Told:
    """Return what an item is, and the text or the arguments in it."""
    parts = [table(one) for one in listed(item.get("content"))]
    text = "".join(string(one.get("text")) or string(one.get("refusal")) for one in parts)
    return string(item.get("type")), text or string(item.get("arguments"))


@rule("responses/done-marker", "advice", profile("R5.4"), over="streams", rests_on=("wire",))
def done_marker(view: View) -> Iterator[Mark]:
    """The stream has no `[DONE]`, as OpenAI's has none.

    Why: Vendors differ: OpenAI's API ends with `response.completed`, and Open Responses asks for `[DONE]` after it.
    Clients made for the one may parse it as JSON, clients made for the other may wait for it.

    Mend: Ask who your readers are; the official packages bear either.

    Example: data: [DONE], after response.completed
    """
    found = [one for one in view.messages if one.event.data == DONE]
    marks = [view.bad("[DONE], which OpenAI's API does not send", one) for one in found]
    ended = terminal(view) is not None and view.ended_by_server and not is_resumed(view)
    yield from marks or ([view.good()] if ended else [])
