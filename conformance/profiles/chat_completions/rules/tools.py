"""Rules on the calls of tools, which come in fragments."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from ssegauge.conformance.jsontext import read_json
from ssegauge.conformance.profiles.chat_completions.answers import SCHEMA, TORN, UNFINISHED, Piece, by_choice, finish_of
from ssegauge.conformance.rules.rule import profile, rule
from ssegauge.conformance.seen import Level, Mark, View
from ssegauge.conformance.words import shown

Fragment = tuple[Piece, Mapping[str, Any]]
CALLS = (*TORN, "chat/tool-without-index", "chat/goes-on-after-finish")


def _calls(view: View) -> Iterator[tuple[str, list[Piece], list[Fragment]]]:
    """Yield the calls of each choice: their name for people, the whole answer, and their fragments.

    Vendors send whole calls without index, or all with 0: a fragment with another id and a name begins another call.
    """
    for index, answer in by_choice(view).items():
        found: dict[object, list[Fragment]] = defaultdict(list)
        for piece in answer:
            for fragment in piece.fragments:
                found[_place(found, fragment)].append((piece, fragment))
        for number, fragments in enumerate(found.values()):
            yield f"choice {index}, call {number}", answer, fragments


def _place(found: Mapping[object, list[Fragment]], fragment: Mapping[str, Any]) -> object:
    """Return the key of the call to which a fragment belongs."""
    index = fragment.get("index")
    if isinstance(index, int):
        same = [key for key in found if isinstance(key, tuple) and key[0] == index]
        key = same[-1] if same else (index, 0)
        return (index, len(same)) if same and _begins_another(found[key], fragment) else key
    return ("?", len(found)) if fragment.get("id") or not found else list(found)[-1]


def _begins_another(call: list[Fragment], fragment: Mapping[str, Any]) -> bool:
    first, new = call[0][1].get("id"), fragment.get("id")
    return bool(first and new and first != new and _function(fragment).get("name"))


def _function(fragment: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what a fragment says of the function, or of the custom tool."""
    found = fragment.get("function") or fragment.get("custom")
    return found if isinstance(found, dict) else {}


@rule("chat/tool-without-name", "must", profile("C5.1"), over="streams", rests_on=CALLS)
def tool_without_name(view: View) -> Iterator[Mark]:
    """The first fragment of a call has its id and the function's name.

    Why: Without the name nothing can be called, and without the id the result cannot be sent back: the conversation
    ends there.

    Mend: Begin each call with `{"index", "id", "type": "function", "function": {"name", "arguments": ""}}`.

    Example: data: {"choices":[{"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{}"}}]}}]}, as the first
    """
    """
    """
    for name, _, fragments in _calls(view):
        piece, first = fragments[0]
        told = {"id": any(one.get("id") for _, one in fragments), "name": bool(_function(first).get("name"))}
        missing = [what for what, is_there in told.items() if not is_there]
        wrong = f"{name} has no {' and no '.join(missing)}"
        # Gemini's ids are empty: clients send the result back to the one call, or by its name.
        level: Level | None = "advice" if missing == ["id"] and first.get("id") == "" else None
        yield view.bad(wrong, piece.message, level) if missing else view.good()


@rule("chat/tool-without-index", "should", profile("C5.2"), over="streams", rests_on=(*TORN, *SCHEMA))
def tool_without_index(view: View) -> Iterator[Mark]:
    """Each fragment of a call has the call's index.

    Why: Clients put fragments together by it: OpenAI's Python package stops with an error, others mix two calls.

    Mend: Number the calls of an answer from 0, and write `index` into every fragment.

    Example: data: {"choices":[{"delta":{"tool_calls":[{"id":"call_1","function":{"name":"look","arguments":"{}"}}]}}]}
    """
    """
    """
    for answer in by_choice(view).values():
        for piece in answer:
            for fragment in piece.fragments:
                right = isinstance(fragment.get("index"), int)
                yield view.good() if right else view.bad("a fragment of a call without index", piece.message)


@rule("chat/tool-said-twice", "should", profile("C5.3"), over="streams", rests_on=CALLS)
def tool_said_twice(view: View) -> Iterator[Mark]:
    """The id and the name of a call come once, and no two calls have one id.

    Why: OpenAI's Python package adds strings up: a name that comes twice is a tool that does not exist. Results are
    sent back by the id: of two calls that share one, the model cannot tell which was answered.

    Mend: Send id and name in the first fragment, and arguments alone in all others; make an id for each call.

    Example: data: {"choices":[{"delta":{"tool_calls":[{"index":0,"id":"call_1","function":{"name":"look"}}]}}]}, twice
    """
    """
    """
    owners: dict[object, str] = {}
    for name, _, fragments in _calls(view):
        first = fragments[0][1].get("id")
        if isinstance(first, str) and first and owners.setdefault(first, name) != name:
            yield view.bad(f"{name} has the id of {owners[first]}", fragments[0][0].message)
        ids = [fragment for fragment in fragments if fragment[1].get("id")]
        names = [fragment for fragment in fragments if _function(fragment[1]).get("name")]
        again = [("name", names[1:]), ("id", ids[1:])]
        found = [(what, more[0][0]) for what, more in again if more]
        if found:
            what, piece = found[0]
            yield view.bad(f"{name}: the {what} comes again", piece.message)
        elif len(fragments) > 1:
            yield view.good()


@rule(
    "chat/tool-arguments-broken",
    "should",
    profile("C5.4"),
    over="streams",
    rests_on=(*CALLS, *UNFINISHED, "chat/half-characters"),
)
def tool_arguments_broken(view: View) -> Iterator[Mark]:
    r"""The fragments of a call's arguments add up to a JSON object.

    Why: A call whose arguments cannot be read is lost, or runs with others than were meant.

    Mend: Pass every fragment on, in order and as it is, blanks and line breaks too; look for one that a filter, a trim
    or a retry took. A small model may write what is no JSON by itself: constrain it to the schema (`strict`).

    Example: data: {"choices":[{"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{\"city\": "}}]}}]}, and no
    more
    """
    for name, answer, fragments in _calls(view):
        finish = finish_of(answer)
        is_custom = any("custom" in fragment for _, fragment in fragments)  # whose input is text
        if finish is None or finish.finish not in {"tool_calls", "stop"} or is_custom:
            continue  # an answer that was cut at a limit is cut in its arguments too
        said = "".join(_arguments(fragment) for _, fragment in fragments)
        if _is_object(said):
            yield view.good()
        else:
            many = f"{len(fragments)} fragment{'s' * (len(fragments) != 1)}"
            told = f"{name}: the arguments of {many} add up to {shown(said)}, which is no JSON object"
            yield view.bad(told, finish.message)


def _arguments(fragment: Mapping[str, Any]) -> str:
    said = _function(fragment).get("arguments")
    return said if isinstance(said, str) else ""


def _is_object(text: str) -> bool:
    """Whether it is a JSON object; a tool that takes no arguments may be given none at all, or null."""
    try:
        found = read_json(text or "{}")
    except ValueError:
        return False
    return found is None or isinstance(found, dict)
