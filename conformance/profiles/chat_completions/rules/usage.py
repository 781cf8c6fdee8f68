"""Rules on the usage: what an answer cost."""

from collections.abc import Iterator, Mapping
from typing import Any

from ssegauge.conformance.profiles.chat_completions.answers import (
    UNFINISHED,
    errors,
    finish_of,
    is_over,
    pieces,
    usages,
    wants_usage,
)
from ssegauge.conformance.rules.rule import profile, rule
from ssegauge.conformance.seen import Mark, Message, View, is_number

COUNTS = ("prompt_tokens", "completion_tokens", "total_tokens")
WHOLE = (*UNFINISHED, "chat/finish-missing")


@rule("chat/usage-missing", "should", profile("C6.1"), over="streams", rests_on=WHOLE)
def usage_missing(view: View) -> Iterator[Mark]:
    """The usage comes where it was asked for.

    Why: What a stream cost is known from nowhere else: budgets, bills and limits of users stand on it.

    Mend: Honour `stream_options.include_usage`: send one more chunk with `"choices": []` and `usage` before `[DONE]`; a
    proxy passes the option on.

    Example: (with "stream_options": {"include_usage": true}: finish_reason "stop", and then data: [DONE])
    """
    if not wants_usage(view):
        return
    told = pieces(view)
    if any(True for _ in usages(view)):
        yield view.good()
    elif is_over(view) and finish_of(told) and not errors(view):
        yield view.bad("usage was asked for, and none came", told[-1].message)


@rule("chat/usage-wrong", "should", profile("C6.2"), over="streams", rests_on=WHOLE)
def usage_wrong(view: View) -> Iterator[Mark]:
    """The counts of the usage are there, and right.

    Why: Who sums them up, or bills by them, is wrong by as much.

    Mend: Count prompt and completion, and let the total be their sum. Gemini counts what a model thinks into the total
    alone; count that as completion.

    Example: data: {"choices":[],"usage":{"prompt_tokens":9,"completion_tokens":20,"total_tokens":20}}
    """
    found = list(usages(view))
    if not found:
        return
    message, usage = found[-1]  # where several come, the last counts
    complaint, is_minor = _complaint(usage, any(piece.text for piece in pieces(view)))
    if complaint:
        yield view.bad(complaint, message, "advice" if is_minor else None)
    else:
        yield view.good()


def _complaint(usage: Mapping[str, Any], has_text: bool) -> tuple[str, bool]:
    """Say what is wrong with the counts, and whether a vendor means it so."""
    if wrong := next((name for name in COUNTS if not is_number(usage.get(name)) or usage[name] < 0), ""):
        return f"usage: {wrong} is {'missing' if wrong not in usage else repr(usage[wrong])[:40]}", False
    prompt, completion, total = (usage[name] for name in COUNTS)
    if total != prompt + completion:
        return f"usage: {prompt} + {completion} tokens are {total} in all", total > prompt + completion
    if has_text and not completion:
        return "usage: completion_tokens is 0, though there is text", False
    return "", False


@rule("chat/usage-misplaced", "should", profile("C6.3"), over="streams", rests_on=WHOLE)
def usage_misplaced(view: View) -> Iterator[Mark]:
    """The usage comes in a chunk of its own, behind all others.

    Why: Clients look for it in the chunk without choices, and take the first for the last.

    Mend: Send it with `"choices": []`, after the last `finish_reason` and before `[DONE]`. Mistral, DeepSeek and Groq
    put it into the last chunk of the choice, which most clients understand.

    Example: data: {"choices":[],"usage":{...}}, and then data: {"choices":[{"delta":{"content":"Hi"}}]}
    """
    found = [message for message, _ in usages(view)]
    if not found or not finish_of(pieces(view)):
        return
    last = found[-1]
    if _goes_on(view, last):
        yield view.bad("usage comes before the end of the answer", last)
    elif last.fields.get("choices"):
        yield view.bad("usage comes in a chunk with choices, as Mistral, DeepSeek and Groq have it", last, "advice")
    else:
        yield view.good()


def _goes_on(view: View, usage: Message) -> bool:
    """Whether something is said, or a choice ends, in a later chunk."""
    at = usage.item.what.start
    return any(piece.message.item.what.start > at and (piece.says or piece.finish) for piece in pieces(view))
