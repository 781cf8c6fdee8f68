"""Rules on tool calls: that their input is JSON, and that they are there when they are announced."""

from collections.abc import Iterator

from ssegauge.conformance.jsontext import read_json
from ssegauge.conformance.profiles.messages.rules.blocks import TOOL_USES, described
from ssegauge.conformance.profiles.messages.told import Block, blocks, inner, is_whole, reasons, text
from ssegauge.conformance.rules.rule import profile, rule
from ssegauge.conformance.seen import Mark, View
from ssegauge.conformance.words import shown

OF_BLOCKS = ("messages/delta-outside-block", "messages/index-out-of-order", "messages/delta-of-another-kind")
# Reasons for which a message may stop in the midst of a call.
CUT = frozenset({"max_tokens", "model_context_window_exceeded", "refusal"})
FINE_GRAINED = ("fine-grained-tool-streaming", '"eager_input_streaming"')


@rule("messages/tool-input-not-json", "must", profile("M4.1"), over="streams", rests_on=("wire", "shape", *OF_BLOCKS))
def tool_input_not_json(view: View) -> Iterator[Mark]:
    r"""The fragments of a tool's input add up to a JSON object.

    Why: The tool is called with what they add up to: a fragment that is missing, doubled or out of place makes a call
    with wrong input, or none.

    Mend: Pass the fragments on one by one and in order; close what the model left open before `content_block_stop`.

    Example: {"partial_json": "{\"city\": \"Par"}, and then content_block_stop
    """
    if not is_whole(view) or {reason for _, reason in reasons(view)} & CUT or _is_fine_grained(view):
        return
    for block in blocks(view):
        given = fragments(block)
        if block.kind in TOOL_USES and block.stops and given.strip():
            wrong = _wrong(given)
            yield view.bad(f"the input of {described(block)} {wrong}", block.stops[0]) if wrong else view.good()


def fragments(block: Block) -> str:
    """Return what the fragments of a tool's input add up to."""
    said = (inner(delta, "delta") for delta in block.deltas)
    return "".join(text(one.get("partial_json")) for one in said if one.get("type") == "input_json_delta")


def _wrong(given: str) -> str:
    try:
        value = read_json(given)
    except ValueError:
        return f"is no JSON: {shown(given)}"
    return "" if isinstance(value, dict) else f"is no object: {shown(given)}"


def _is_fine_grained(view: View) -> bool:
    """Whether the request asked for input that is not held until it is known to be JSON."""
    request = view.transcript.request
    asked = (request.header("anthropic-beta") or "") + (request.body or "")
    return any(word in asked for word in FINE_GRAINED)


@rule("messages/tool-id-repeated", "must", profile("M4.3"), over="streams", rests_on=("wire", "shape"))
def tool_id_repeated(view: View) -> Iterator[Mark]:
    """No two tool uses of a message have one id.

    Why: Results are sent back by the id: of two calls that share one the model cannot tell which was answered, and the
    API refuses the request.

    Mend: Make an id for each call; look at what translates from another API, which may number calls anew.

    Example: two blocks of type tool_use with the id toolu_1
    """
    owners: dict[str, Block] = {}
    for block in blocks(view):
        call = inner(block.start, "content_block").get("id") if block.kind in TOOL_USES else None
        if isinstance(call, str) and call:
            other = owners.setdefault(call, block)
            same = f"{described(block)} has the id of {described(other)}: {shown(call)}"
            yield view.good() if other is block else view.bad(same, block.start)


@rule("messages/tool-use-without-call", "must", profile("M4.2"), over="streams", rests_on=("wire", "shape"))
def tool_use_without_call(view: View) -> Iterator[Mark]:
    """Where a message stops for a tool call, there is one.

    Why: Agents look for the calls when the stop reason is `tool_use`, run them and go on. Without one they stop with an
    error, or ask again for ever; and a call that another reason hides is never made.

    Mend: Send each call as a `tool_use` block, and `tool_use` as the reason when there is one. Look at what translates
    from another API: its reason and its calls come in different events.

    Example: {"type": "message_delta", "delta": {"stop_reason": "tool_use"}, ...} after blocks of text alone
    """
    if not is_whole(view):
        return
    calls = [block for block in blocks(view) if block.kind == "tool_use"]
    for message, reason in reasons(view):
        if reason == "tool_use":
            missing = "the stop reason is tool_use, and there is no tool_use block"
            yield view.good() if calls else view.bad(missing, message)
        elif reason == "end_turn" and calls:
            hidden = f"the stop reason is end_turn, though {described(calls[0])} is a tool call"
            yield view.bad(hidden, message, "should")
