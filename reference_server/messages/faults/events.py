"""Events of a message that are called, ordered, numbered or made wrongly."""

from typing import Any

from ssegauge.reference_server.common.encoding import Json
from ssegauge.reference_server.generation.named import (
    Change,
    Events,
    behind,
    calling,
    changed,
    changing,
    leaving_out,
    same,
    without,
)
from ssegauge.reference_server.messages.faults.registry import breaks
from ssegauge.reference_server.messages.form import Messages

START, DELTA, STOP = "content_block_start", "content_block_delta", "content_block_stop"


def _with_content(event: Json) -> Json:
    return {**event, "message": {**event["message"], "content": [{"type": "text", "text": ""}]}}


def _next(events: Events) -> Events:
    """Number the blocks from 1."""
    return ({**event, "index": event["index"] + 1} if "index" in event else event for event in events)


def _all_first(events: Events) -> Events:
    """Give each block the number 0."""
    return ({**event, "index": 0} if "index" in event else event for event in events)


def _late(events: Events) -> Events:
    """Stop the blocks after the stop reason."""
    held: list[Json] = []
    for event in events:
        if event["type"] == STOP:
            held.append(event)
            continue
        yield event
        if event["type"] == "message_delta":
            yield from held


def _late_delta(event: Json) -> Json:
    return {"type": DELTA, "index": event["index"], "delta": {"type": "text_delta", "text": " P.S."}}


def _as_json(event: Json) -> Json:
    return {**event, "delta": {"type": "input_json_delta", "partial_json": event["delta"].get("text", "")}}


def _once_more(events: Events) -> Events:
    """Send the block once more, by the next number."""
    block: list[Json] = []
    for event in events:
        yield event
        block += [event] if "index" in event else []
        if event["type"] == STOP:
            yield from ({**one, "index": one["index"] + 1} for one in block)


def _unsigned(events: Events) -> Events:
    return (event for event in events if event.get("delta", {}).get("type") != "signature_delta")


FAULTS: dict[str, tuple[str, Change]] = {
    "messages/start-not-first": ("Sends no `message_start`.", leaving_out("message_start")),
    "messages/start-repeated": ("Sends `message_start` twice.", behind("message_start", same)),
    "messages/start-with-content": ("Sends content in `message_start`.", changed("message_start", _with_content)),
    "messages/index-out-of-order": ("Numbers blocks from 1.", _next),
    "messages/delta-outside-block": ("Adds to a block that was stopped.", behind(STOP, _late_delta)),
    "messages/delta-outside-block:start": ("Starts no block.", leaving_out(START)),
    "messages/block-not-stopped": ("Does not stop blocks.", leaving_out(STOP)),
    "messages/block-not-stopped:late": ("Stops blocks after the stop reason.", _late),
    "messages/delta-of-another-kind": ("Sends text as fragments of JSON.", changed(DELTA, _as_json, nth=2)),
    "shape/breaks-schema": ("Sends a delta without its text.", changed(DELTA, lambda e: {**e, "delta": None}, nth=2)),
}
for code, (about, change) in FAULTS.items():
    breaks(code)(changing(Messages, about, change))
breaks("messages/tool-input-not-json")(
    calling(Messages, "Loses a fragment of the input of a tool call.", without(DELTA, 3)),
)
breaks("messages/tool-input-not-json:twice")(
    calling(Messages, "Sends a fragment of the input of a tool call twice.", behind(DELTA, same, nth=3)),
)
breaks("messages/tool-id-repeated")(calling(Messages, "Makes a tool call twice, by one id.", _once_more))
breaks("messages/tool-use-without-call:hidden")(
    calling(
        Messages,
        "Calls a tool, and says that the message is at its end.",
        changed("message_delta", lambda event: {**event, "delta": {"stop_reason": "end_turn"}}),
    ),
)


class Thinking(Messages):
    """Thinks, whether it was asked to or not."""

    def asked(self, body: Json) -> Any:  # noqa: ANN401 - the form's own `Asked`
        """Ask for it."""
        return super().asked({**body, "thinking": {"type": "enabled"}})


breaks("messages/thinking-unsigned")(changing(Thinking, "Thinks, and signs no thought.", _unsigned))
breaks("messages/index-out-of-order:again")(changing(Thinking, "Gives two blocks the same number.", _all_first))


@breaks("messages/name-differs")
class CallsItOtherwise(Messages):
    """Calls deltas `delta`."""

    def name(self, event: Json) -> str:
        """Return another name."""
        return "delta" if event["type"] == DELTA else super().name(event)


@breaks("messages/name-differs:nameless")
class CallsItNothing(Messages):
    """Sends events without names."""

    def named(self, event: Json) -> bytes:
        """Leave it out."""
        return self.block(event)
