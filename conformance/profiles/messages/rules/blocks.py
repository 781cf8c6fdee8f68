"""Rules on content blocks: their numbers, their beginnings and ends, and what they are made of."""

from collections.abc import Iterator, Mapping

from ssegauge.conformance.profiles.messages.told import (
    Block,
    blocks,
    course,
    inner,
    is_whole,
    kind,
    reasons,
    text,
)
from ssegauge.conformance.rules.rule import profile, rule
from ssegauge.conformance.seen import Mark, Message, View
from ssegauge.conformance.words import shown

TOOL_USES = frozenset({"tool_use", "server_tool_use", "mcp_tool_use"})
# The deltas that make up a block of these types. What else a delta may belong to is not documented, and not judged.
MAKES: Mapping[str, frozenset[str]] = {
    "text_delta": frozenset({"text"}),
    "input_json_delta": TOOL_USES,
    "thinking_delta": frozenset({"thinking"}),
}
DOCUMENTED = frozenset({"text", "thinking", "redacted_thinking", *TOOL_USES})


@rule("messages/index-out-of-order", "must", profile("M3.1"), over="streams", rests_on=("wire", "shape"))
def index_out_of_order(view: View) -> Iterator[Mark]:
    """Blocks are numbered 0, 1, 2, in the order in which they start.

    Why: The index is the block's place in the message. Clients append each block that starts and look deltas up by
    index: where the two disagree, deltas reach the wrong block, or none.

    Mend: Count blocks where they are started, from 0, and give no number twice.

    Example: {"type": "content_block_start", "index": 1, ...}, as the first block
    """
    for place, block in enumerate(blocks(view)):
        if block.index == place:
            yield view.good()
        else:
            yield view.bad(f"block number {place + 1} of the message has the index {block.index}", block.start)
            return


@rule(
    "messages/delta-outside-block",
    "must",
    profile("M3.2"),
    over="streams",
    rests_on=("wire", "shape", "messages/start-not-first"),
)
def delta_outside_block(view: View) -> Iterator[Mark]:
    """Deltas and stops belong to a block that is open.

    Why: There is nothing that they could be added to: clients raise at them, or drop what they say.

    Mend: Send `content_block_start` before a block's first delta, `content_block_stop` once after its last, and the
    block's own index with each.

    Example: {"type": "content_block_delta", "index": 1, ...}, and no block 1 was started
    """
    found, strays = course(view)
    for message in strays:
        yield view.bad(f"{kind(message)} of block {message.fields['index']}, which is not open", message)
    for block in found:
        yield from (view.good() for _ in (*block.deltas, *block.stops))


@rule("messages/block-not-stopped", "must", profile("M3.3"), over="streams", rests_on=("wire", "shape"))
def block_not_stopped(view: View) -> Iterator[Mark]:
    """Each block is stopped, and before the stop reason is told.

    Why: Readers act on a block when it is whole: they call a tool, close a paragraph. Without its stop they never do,
    or only after the message.

    Mend: Send `content_block_stop` for every block that was started, before `message_delta`.

    Example: content_block_start, content_block_delta, message_delta, message_stop
    """
    if not is_whole(view):
        return
    over = next((message.event.start for message, _ in reasons(view)), None)
    for block in blocks(view):
        if not block.stops:
            yield view.bad(f"block {block.index} was never stopped", block.start)
        elif over is not None and block.stops[0].event.start > over:
            late = f"block {block.index} was stopped after the stop reason was told"
            yield view.bad(late, block.stops[0], "should")
        else:
            yield view.good()


@rule("messages/delta-of-another-kind", "must", profile("M3.4"), over="streams", rests_on=("wire", "shape"))
def delta_of_another_kind(view: View) -> Iterator[Mark]:
    """A delta is of the kind of its block.

    Why: Clients ignore a text delta in a block that is no text, and fragments of JSON in one that is no tool use: what
    it says is lost without a word.

    Mend: Stop the block and start another where the kind of content changes: text, thinking and each tool use have
    blocks of their own.

    Example: {"type": "input_json_delta", ...} in a block that started as {"type": "text", ...}
    """
    for block in blocks(view):
        for delta in block.deltas:
            made = text(inner(delta, "delta").get("type"))
            if block.kind not in DOCUMENTED or made not in MAKES:
                continue
            right = block.kind in MAKES[made]
            yield view.good() if right else view.bad(f"{made} in block {block.index}, which is {block.kind}", delta)


@rule("messages/thinking-unsigned", "advice", profile("M3.5"), over="streams", rests_on=("wire", "shape"))
def thinking_unsigned(view: View) -> Iterator[Mark]:
    """A thinking block ends with its signature.

    Why: The API takes a thinking block back, as tool use asks for, only with the signature that it gave. Models of
    others behind the same wire form have none, and their servers take blocks without one.

    Mend: Pass `signature_delta` events on as they come; where the model has no signatures, say so to your clients.

    Example: content_block_start of a thinking block, thinking_delta, content_block_stop
    """
    for block in blocks(view):
        if block.kind == "thinking" and block.stops:
            signed = _is_signed(block)
            yield view.good() if signed else view.bad(f"thinking block {block.index} has no signature", block.stops[0])


def _is_signed(block: Block) -> bool:
    return bool(inner(block.start, "content_block").get("signature")) or any(map(_signs, block.deltas))


def _signs(delta: Message) -> bool:
    said = inner(delta, "delta")
    return said.get("type") == "signature_delta" and bool(said.get("signature"))


def described(block: Block) -> str:
    """Return what to call a block: its index, and its name where it has one."""
    name = inner(block.start, "content_block").get("name")
    return f"block {block.index}" + (f" ({shown(name)})" if name else "")
