"""Rules on how a message ends: its reason, its usage, and what does not belong there."""

from collections.abc import Iterator
from itertools import pairwise

from ssegauge.conformance.profiles.messages.told import inner, is_whole, reasons, told
from ssegauge.conformance.rules.rule import profile, rule
from ssegauge.conformance.seen import Mark, Message, View, is_number
from ssegauge.conformance.words import shown

DONE = "[DONE]"
REASONS = frozenset(
    {
        *("end_turn", "max_tokens", "stop_sequence", "tool_use", "pause_turn", "refusal"),
        "model_context_window_exceeded",
    }
)
COUNTS = ("input_tokens", "output_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")


@rule("messages/stop-reason-missing", "must", profile("M5.1"), over="streams", rests_on=("wire", "shape"))
def stop_reason_missing(view: View) -> Iterator[Mark]:
    """A message says why it stopped.

    Why: It is how a reader knows whether the answer is whole, was cut at its longest, or waits for a tool: without it
    agents stop in the midst of their work.

    Mend: Send one `message_delta` with the `stop_reason` before `message_stop`, on every way out.

    Example: content_block_stop, and then message_stop
    """
    if is_whole(view):
        missing = "message_stop came, and no stop_reason before it"
        yield view.good() if any(reasons(view)) else view.bad(missing, told(view, "message_stop")[0])


@rule("messages/stop-reason-unknown", "advice", profile("M5.2"), over="streams", rests_on=("wire", "shape"))
def stop_reason_unknown(view: View) -> Iterator[Mark]:
    """The stop reason is one that is documented.

    Why: Clients compare it with the words that they know, and take another for the end of the answer.

    Mend: Translate the reasons of other APIs: `stop` is `end_turn`, `length` is `max_tokens`, `tool_calls` is
    `tool_use`.

    Example: {"delta": {"stop_reason": "stop"}, ...}
    """
    for message, reason in reasons(view):
        yield view.good() if reason in REASONS else view.bad(f"the stop reason is {shown(reason)}", message)


@rule("messages/usage-missing", "should", profile("M5.3"), over="streams", rests_on=("wire", "shape"))
def usage_missing(view: View) -> Iterator[Mark]:
    """The event that tells the stop reason tells what the message cost.

    Why: Clients add up `output_tokens` for their bills and limits; some take it unasked, and break where it is missing.

    Mend: Put `usage` with `output_tokens` into the `message_delta`; where the model's count comes later, wait for it.

    Example: {"type": "message_delta", "delta": {"stop_reason": "end_turn"}}
    """
    if is_whole(view):
        told_it = [_count(message, "output_tokens") is not None for message in told(view, "message_delta")]
        for message, _ in list(reasons(view))[:1]:
            missing = "no message_delta has a number of output_tokens in its usage"
            yield view.good() if any(told_it) else view.bad(missing, message)


def _count(message: Message, name: str) -> float | None:
    value = inner(message, "usage").get(name)
    return value if is_number(value) else None


@rule("messages/usage-falls", "should", profile("M5.4"), over="streams", rests_on=("wire", "shape"))
def usage_falls(view: View) -> Iterator[Mark]:
    """The counts of tokens add up: they do not fall.

    Why: Clients take the last count for the whole. Where each event tells only its own share, they bill a fraction.

    Mend: Tell in each `message_delta` the count of the whole message so far.

    Example: {"usage": {"output_tokens": 40}}, and then {"usage": {"output_tokens": 7}}
    """
    for name in COUNTS:
        counted = [(one, count) for one in told(view, "message_delta") if (count := _count(one, name)) is not None]
        for (_, before), (message, after) in pairwise(counted):
            yield view.good() if after >= before else view.bad(f"{name} fell from {before} to {after}", message)


@rule("messages/done-marker", "advice", profile("M5.8"), over="streams", rests_on=("wire",))
def done_marker(view: View) -> Iterator[Mark]:
    """The stream has no `[DONE]`.

    Why: It belongs to chat completions; here `message_stop` is the end. Most clients skip it, and those that parse the
    data of every event stop at it. DeepSeek and GitHub Copilot are known to send it.

    Mend: Leave it out where the answer is streamed as Messages.

    Example: data: [DONE], after message_stop
    """
    marks = [view.bad("[DONE], which this API does not have", one) for one in view.messages if one.event.data == DONE]
    yield from marks or ([view.good()] if is_whole(view) else [])
