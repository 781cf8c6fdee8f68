"""Rules on what is told in deltas: text, refusals, reasoning, the arguments of calls."""

from collections.abc import Iterator

from ssegauge.conformance.jsontext import read_json
from ssegauge.conformance.profiles.responses.told import Text, is_completed, is_resumed, items, texts
from ssegauge.conformance.rules.rule import profile, rule
from ssegauge.conformance.seen import Level, Mark, View
from ssegauge.conformance.words import shown

OF_ITEMS = ("responses/item-not-added", "responses/item-repeated", "responses/goes-on-after-done")
REASONING = "response.reasoning"
ARGUMENTS = "response.function_call_arguments"


@rule(
    "responses/text-differs",
    "must",
    profile("R4.1"),
    over="streams",
    rests_on=("wire", "shape", "responses/sequence-gap", *OF_ITEMS),
)
def text_differs(view: View) -> Iterator[Mark]:
    """The deltas of a text add up to the text that its done says.

    Why: Who shows the deltas and who takes the whole at the end have different answers: a delta was lost, doubled or
    changed on the way, or the whole was never filled in.

    Mend: Build the text of the done from the very deltas that were sent; look for what drops or trims deltas.

    Example: deltas "Hel" and "lo", and then {"type": "response.output_text.done", "text": "Helo"}
    """
    for text in texts(view):
        if text.is_told_twice and not is_resumed(view):
            yield view.bad(_difference(text), text.dones[0], _weight(text)) if text.differs else view.good()


def _weight(text: Text) -> Level:
    """Some servers trim what they say whole: that loses no word."""
    if text.told.strip() == (text.whole or "").strip():
        return "advice"
    return "should" if text.kind.startswith(REASONING) else "must"


def _difference(text: Text) -> str:
    """Say where the deltas and the whole part ways."""
    told, whole = text.told, text.whole or ""
    at = next((n for n, (a, b) in enumerate(zip(told, whole, strict=False)) if a != b), min(len(told), len(whole)))
    said = f"{len(text.deltas)} deltas add up to {len(told)} characters, {text.kind}.done has {len(whole)}"
    return f"{said}; from character {at} on: {shown(told[at : at + 12])} and {shown(whole[at : at + 12])}"


@rule("responses/text-not-done", "should", profile("R4.2"), over="streams", rests_on=("wire", "shape", *OF_ITEMS))
def text_not_done(view: View) -> Iterator[Mark]:
    """A text that was told in deltas is done when the response is completed.

    Why: Readers that parse or store the whole text wait for its done.

    Mend: Send `response.output_text.done`, with the whole text, after the last delta; likewise for refusals, reasoning
    and the arguments of calls.

    Example: response.output_text.delta, and then response.content_part.done
    """
    if is_completed(view):
        for text in texts(view):
            if text.deltas:
                missing = f"{text.kind}.done of item {text.index} never came"
                yield view.good() if text.dones else view.bad(missing, text.deltas[-1])


@rule(
    "responses/arguments-not-json",
    "should",
    profile("R4.3"),
    over="streams",
    rests_on=("wire", "shape", "responses/text-differs", *OF_ITEMS),
)
def arguments_not_json(view: View) -> Iterator[Mark]:
    r"""The arguments of a function call are JSON.

    Why: Readers parse them to run the function: a fragment that is missing, doubled or out of place is a call with
    wrong arguments, or none.

    Mend: Pass the fragments on one by one and in order; send `{}` for a call without arguments.

    Example: "arguments": "{\"city\": \"Par"
    """
    if not is_completed(view):
        return
    calls = {item.index for item in items(view) if item.kind == "function_call"}
    for text in texts(view):
        if text.kind == ARGUMENTS and text.index in calls:
            yield from _judged(view, text)


def _judged(view: View, text: Text) -> Iterator[Mark]:
    where = (text.dones or text.deltas)[-1]
    if not text.told:
        yield view.bad(f"the arguments of item {text.index} are empty, which is no JSON", where, "advice")
        return
    try:
        read_json(text.told)
    except ValueError:
        yield view.bad(f"the arguments of item {text.index} are no JSON: {shown(text.told)}", where)
    else:
        yield view.good()
