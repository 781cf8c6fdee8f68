"""Messages that do not come to the end that the API promises, or not for the reason that they say."""

from collections.abc import Iterator

from ssegauge.reference_server.common.encoding import Json
from ssegauge.reference_server.generation.faults import StaysOpen
from ssegauge.reference_server.generation.named import Change, behind, changed, changing, half, leaving_out, same
from ssegauge.reference_server.messages.faults.registry import breaks
from ssegauge.reference_server.messages.form import OVERLOADED, Asked, Messages

TEXT = "content_block_delta"


def _because(reason: str | None) -> Change:
    return changed("message_delta", lambda event: {**event, "delta": {**event["delta"], "stop_reason": reason}})


MORE: Json = {"type": "message_delta", "delta": {"stop_reason": None}, "usage": {"output_tokens": 9_999}}


def _no_usage(event: Json) -> Json:
    return {key: value for key, value in event.items() if key != "usage"}


FAULTS: dict[str, tuple[str, Change]] = {
    "end/marker-missing": ("Ends a message without `message_stop`.", leaving_out("message_stop")),
    "end/marker-missing:open": ("Does not end, and sends no `message_stop`.", leaving_out("message_stop")),
    "end/events-after-marker": ("Sends `message_stop` twice.", behind("message_stop", same)),
    "messages/error-shape": ("Tells an error in another shape.", half({"type": "error", "message": "Overloaded"})),
    "messages/goes-on-after-error": (
        "Tells an error, and goes on.",
        behind(TEXT, lambda _: {"type": "error", "error": OVERLOADED}, nth=3),
    ),
    "messages/stop-reason-missing": ("Does not say why the message stops.", _because(None)),
    "messages/stop-reason-missing:event": ("Sends no `message_delta`.", leaving_out("message_delta")),
    "messages/stop-reason-unknown": ("Says that the message stops with `stop`.", _because("stop")),
    "messages/tool-use-without-call": ("Says that a tool is to be called, and calls none.", _because("tool_use")),
    "messages/usage-falls": (
        "Counts fewer tokens at the end than before.",
        behind("content_block_stop", lambda _: MORE),
    ),
    "messages/usage-missing": ("Does not say what the message cost.", changed("message_delta", _no_usage)),
}
for code, (about, change) in FAULTS.items():
    breaks(code)(changing(Messages, about, change))
breaks("end/marker-missing:open")(StaysOpen)


@breaks("messages/done-marker")
class SaysDone(Messages):
    """Sends `[DONE]` after the last event."""

    def blocks(self, asked: Asked) -> Iterator[bytes]:
        """Add it."""
        yield from super().blocks(asked)
        yield b"data: [DONE]\n\n"
