"""Rules on choices: who speaks, what is said, and why it ends."""

from collections.abc import Iterator
from itertools import pairwise

from ssegauge.conformance.profiles.chat_completions.answers import (
    SCHEMA,
    TORN,
    UNFINISHED,
    Piece,
    asked,
    by_choice,
    errors,
    finish_of,
    is_over,
    pieces,
)
from ssegauge.conformance.rules.reading.texts import texts
from ssegauge.conformance.rules.rule import profile, rule
from ssegauge.conformance.seen import Level, Mark, View
from ssegauge.conformance.words import shown

REASONS = frozenset({"stop", "length", "tool_calls", "content_filter", "function_call"})
# Reasons that vendors document beside those of the API.
VENDORS = {
    "insufficient_system_resource": "DeepSeek",
    "model_length": "Mistral",
    "error": "Mistral and OpenRouter",
    "eos": "Together",
    "eos_token": "Text Generation Inference",
    "stop_sequence": "Text Generation Inference",
    "load": "Ollama",
    "unload": "Ollama",
    "repetition": "vLLM",
    "abort": "vLLM and SGLang",
}
GROWING = 4  # deltas, each beginning with the one before
PAIRS = 5  # different deltas, each of which comes twice
ANEW = 3  # deltas that come again after a second role
REPLAYED, GOES_ON = 8, 3  # deltas that come again without one, and that come behind them
ENDS = tuple(".!?…:;,\n\"'”»)]}*`。！？")  # of a sentence, a line, or a part of one


@rule("chat/role-missing", "should", profile("C2.2"), over="streams", rests_on=(*TORN, "chat/message-for-delta"))
def role_missing(view: View) -> Iterator[Mark]:
    """The first delta of a choice has the role.

    Why: Clients put the message together from its deltas: OpenAI's own stops with "missing role for choice" at the end.

    Mend: Begin each choice with `"delta": {"role": "assistant", "content": ""}`.

    Example: data: {"choices":[{"index":0,"delta":{"content":"Hi"}}]}, as the first chunk
    """
    for index, answer in by_choice(view).items():
        telling = [piece for piece in answer if piece.delta]
        if not telling:
            continue
        late = next((piece for piece in telling if piece.delta.get("role")), None)
        if late is telling[0]:
            yield view.good()
        elif late:
            yield view.bad(
                f"choice {index}: the role comes with delta {telling.index(late) + 1}", late.message, "advice"
            )
        elif is_over(view):
            yield view.bad(f"choice {index}: no delta has a role", telling[0].message)


@rule("chat/role-wrong", "should", profile("C2.3"), over="streams")
def role_wrong(view: View) -> Iterator[Mark]:
    """The role is `assistant`, in every delta that has one.

    Why: Some clients show only what the assistant says, and some add roles up as they do texts.

    Mend: Write the role once, in the first delta of a choice.

    Example: data: {"choices":[{"index":0,"delta":{"role":"user","content":"Hi"}}]}
    """
    for piece in pieces(view):
        role = piece.delta.get("role")
        if role:
            wrong = f"choice {piece.index}: the role is {shown(role)}"
            yield view.good() if role == "assistant" else view.bad(wrong, piece.message)


@rule("chat/index-wrong", "should", profile("C2.4"), over="streams", rests_on=SCHEMA)
def index_wrong(view: View) -> Iterator[Mark]:
    """Each choice has its index, below the number of choices that were asked for.

    Why: Clients put a delta where its index says: without one it is lost, and behind the last it is a choice that
    nobody asked for.

    Mend: Write `"index": 0` where one choice is asked for, and with `n` the number of the choice.

    Example: data: {"choices":[{"delta":{"content":"Hi"}}]}
    """
    many = asked(view).get("n")
    most = many if isinstance(many, int) and many > 0 else 1
    for piece in pieces(view):
        if not isinstance(piece.choice.get("index"), int):
            yield view.bad("a choice without index", piece.message)
        elif asked(view) and piece.index >= most:
            wanted = "one was" if most == 1 else f"{most} were"
            yield view.bad(f"choice {piece.index}, where {wanted} asked for", piece.message)
        else:
            yield view.good()


@rule("chat/text-repeated", "must", profile("C3.1"), over="streams", rests_on=TORN)
def text_repeated(view: View) -> Iterator[Mark]:
    """A delta holds what is new: not all so far, nor what was sent before.

    Why: Clients add deltas up: the answer is shown as "Hi Hi there Hi there you".

    Mend: Send the difference to what was sent before; some libraries give the whole text so far with each token. Look
    for an event that is published twice, and for a gateway that asks again in mid-answer and passes both on.

    Example: data: {"choices":[{"delta":{"content":"Hi"}}]}, and then data: {"choices":[{"delta":{"content":"Hi
    there"}}]}
    """
    for index, answer in by_choice(view).items():
        told = [piece for piece in answer if piece.text]
        growing = [later.text != one.text and later.text.startswith(one.text) for one, later in pairwise(told)]
        if len(told) >= GROWING and all(growing):
            yield view.bad(f"choice {index}: each of {len(told)} deltas begins with the one before", told[1].message)
        elif _comes_in_pairs([piece.text for piece in told]):
            yield view.bad(f"choice {index}: each of {len(told) // 2} deltas comes twice", told[1].message)
        elif again := _begins_anew(answer) or _replays(told):
            yield view.bad(f"choice {index}: the answer begins anew, after a part of it", again.message)
        elif len(told) > 1:
            yield view.good()


def _comes_in_pairs(said: list[str]) -> bool:
    """Whether each text comes twice, one behind the other; a few alike may be meant ("ha ha")."""
    pairs = [said[at : at + 2] for at in range(0, len(said), 2)]
    return all(len(set(pair)) == 1 < len(pair) for pair in pairs) and len(set(said)) >= PAIRS


def _begins_anew(answer: list[Piece]) -> Piece | None:
    """Return the piece that names the role a second time, where the text before it comes again, and more."""
    roles = [at for at, piece in enumerate(answer) if piece.delta.get("role")]
    if len(roles) != 2:  # where each piece has it, it says nothing
        return None
    before, after = ([piece.text for piece in part if piece.text] for part in (answer[: roles[1]], answer[roles[1] :]))
    return answer[roles[1]] if len(after) > len(before) >= ANEW and after[: len(before)] == before else None


def _replays(told: list[Piece]) -> Piece | None:
    """Return the piece from which on all so far is told again, in the same pieces, from the midst of a sentence on.

    What is said twice on purpose, as a refrain, comes when it has been said to its end; and what is said round and
    round begins a third time.
    """
    said = [piece.text for piece in told]
    for at in range(REPLAYED, (len(said) - GOES_ON) // 2 + 1):
        is_again = said[at] == said[0] != said[2 * at] and said[:at] == said[at : 2 * at]
        if is_again and not "".join(said[:at]).rstrip(" ").endswith(ENDS):
            return told[at]
    return None


@rule("chat/half-characters", "must", profile("C3.2"), over="streams", rests_on=("wire/invalid-utf8",))
def half_characters(view: View) -> Iterator[Mark]:
    r"""No text is cut inside a surrogate pair.

    Why: Half of a UTF-16 pair is no text: Python cannot print or store it, Go makes U+FFFD of it, and strict readers of
    JSON refuse the chunk.

    Mend: Cut between characters: hold a high surrogate back until the low one is there, or cut by code points.

    Example: data: {"choices":[{"delta":{"content":"\ud83d"}}]}, and then data:
    {"choices":[{"delta":{"content":"\ude00"}}]}
    """
    for piece in pieces(view):
        said = list(texts(dict(piece.delta)))
        if any("\ud800" <= char <= "\udfff" for text in said for char in text):
            yield view.bad("half of a surrogate pair, which is no character", piece.message)
        elif said:
            yield view.good()


@rule("chat/empty-answer", "should", profile("C3.3"), over="streams", rests_on=UNFINISHED)
def empty_answer(view: View) -> Iterator[Mark]:
    """An answer that stopped by itself says something.

    Why: The user is shown nothing, and no error either.

    Mend: Look for what ate the text: a template whose first token is the end, a filter, a parser of tools or of
    thoughts that took all; answer with an error where the model gave nothing.

    Example: (one delta with the role, and then finish_reason "stop")
    """
    for index, answer in by_choice(view).items():
        finish = finish_of(answer)
        if any(piece.says for piece in answer):
            yield view.good()
        elif finish and finish.finish == "stop":
            yield view.bad(f"choice {index} stopped without a word", finish.message)


@rule("chat/finish-missing", "must", profile("C4.1"), over="streams", rests_on=UNFINISHED)
def finish_missing(view: View) -> Iterator[Mark]:
    """Each choice says why it ends.

    Why: Without it nobody knows whether the answer is whole, was cut at a limit or by a filter; OpenAI's client stops
    with "missing finish_reason for choice".

    Mend: Send one more chunk for each choice with `"delta": {}` and its `finish_reason`, before the usage and `[DONE]`.

    Example: data: {"choices":[{"index":0,"delta":{"content":"."},"finish_reason":null}]}, and then data: [DONE]
    """
    for index, answer in by_choice(view).items():
        if finish_of(answer):
            yield view.good()
        elif is_over(view) and not errors(view):
            yield view.bad(f"choice {index} ended without a finish_reason", answer[-1].message)


@rule("chat/finish-repeated", "should", profile("C4.2"), over="streams", rests_on=TORN)
def finish_repeated(view: View) -> Iterator[Mark]:
    """Each choice ends once.

    Why: Who acts when an answer ends (stores it, calls the tool) acts twice; who counts counts two.

    Mend: Send `finish_reason` in the last chunk of a choice alone, and null in all others.

    Example: data: {"choices":[{"delta":{"content":"Hi"},"finish_reason":"stop"}]}, in every chunk
    """
    for index, answer in by_choice(view).items():
        ends = [piece for piece in answer if piece.finish]
        again = [piece for piece in ends[1:] if piece.says or piece.finish != ends[0].finish]
        if len(ends) > 1:
            # Several vendors repeat it with the usage, where nothing is said any more.
            level: Level | None = None if again else "advice"
            yield view.bad(f"choice {index} has {len(ends)} finish_reasons", (again or ends[1:])[0].message, level)
        elif ends:
            yield view.good()


@rule("chat/finish-unknown", "should", profile("C4.3"), over="streams")
def finish_unknown(view: View) -> Iterator[Mark]:
    """The reason for the end is one that clients know.

    Why: Clients choose by it what to do, and typed ones fail on a word that they do not know.

    Mend: Translate what the engine says: its end of sequence is `stop`, its limit `length`, its filter
    `content_filter`.

    Example: data: {"choices":[{"delta":{},"finish_reason":"end_turn"}]}
    """
    for piece in pieces(view):
        if piece.finish in REASONS:
            yield view.good()
        elif vendor := VENDORS.get(piece.finish):
            yield view.bad(f"finish_reason is {piece.finish!r}, which {vendor} has", piece.message, "advice")
        elif piece.finish:
            yield view.bad(f"finish_reason is {shown(piece.finish)}", piece.message)


@rule("chat/goes-on-after-finish", "must", profile("C4.4"), over="streams", rests_on=TORN)
def goes_on_after_finish(view: View) -> Iterator[Mark]:
    """Nothing is added to a choice after its end.

    Why: Many clients stop reading a choice at its finish_reason: what follows is lost.

    Mend: Send all text and all calls first, then the finish_reason, then the usage, then `[DONE]`.

    Example: data: {"choices":[{"delta":{},"finish_reason":"stop"}]}, and then data:
    {"choices":[{"delta":{"content":"."}}]}
    """
    for index, answer in by_choice(view).items():
        if finish := finish_of(answer):
            later = _after(answer, finish)
            wrong = f"choice {index} goes on after finish_reason {finish.finish!r}"
            yield view.bad(wrong, later.message) if later else view.good()


def _after(answer: list[Piece], finish: Piece) -> Piece | None:
    """Return the first piece behind the end that says something; one that ends each time is another rule's."""
    later = answer[answer.index(finish) + 1 :]
    return next((piece for piece in later if piece.says and not piece.finish), None)


@rule("chat/finish-contradicts", "should", profile("C4.5"), over="streams", rests_on=TORN)
def finish_contradicts(view: View) -> Iterator[Mark]:
    """`tool_calls` is the reason where a tool was called, and only there.

    Why: Agents look at it to decide whether to run tools: they run none, or wait for calls that never came.

    Mend: Say `tool_calls` where there are calls. OpenAI itself says `stop` where the request forced one, and Ollama and
    Gemini said it always: clients do well to look for the calls themselves.

    Example: data: {"choices":[{"delta":{},"finish_reason":"tool_calls"}]}, with no call before it
    """
    for index, answer in by_choice(view).items():
        finish, called = finish_of(answer), any(piece.fragments for piece in answer)
        if finish and finish.finish == "tool_calls" and not called:
            yield view.bad(f"choice {index} ended for tool_calls, and no tool was called", finish.message)
        elif finish and called and finish.finish == "stop":
            yield view.bad(f"choice {index} called a tool and ended with 'stop'", finish.message, "advice")
        elif finish:
            yield view.good()
