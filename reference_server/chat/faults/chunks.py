"""Chunks that are not as the API has them: a fault has the code of the rule of chat completions that it breaks."""

import json
from collections.abc import Callable, Iterator

from ssegauge.reference_server.chat.completions import Completions
from ssegauge.reference_server.chat.faults.registry import breaks
from ssegauge.reference_server.common.encoding import Json
from ssegauge.reference_server.generation.faults import changing

Blocks = Iterator[bytes]
Change = Callable[[Json, int], None]  # of a chunk and its number
DONE = b"data: [DONE]\n\n"
HALVES = {4: "\ud83d", 5: "\uddfc"}
ERROR = {"message": "The model broke off. Ask again.", "type": "server_error", "param": None, "code": None}


def written(chunk: Json) -> bytes:
    """Return a chunk as an event, with halves of characters as escapes."""
    return f"data: {json.dumps(chunk, separators=(',', ':'))}\n\n".encode()


def read(block: bytes) -> Json:
    """Return the chunk of an event."""
    found: Json = json.loads(block.removeprefix(b"data: "))
    return found


def each(change: Change) -> Callable[[Blocks], Blocks]:
    """Return what changes every chunk of an answer."""

    def changed(blocks: Blocks) -> Blocks:
        for number, block in enumerate(blocks):
            if block == DONE:
                yield block
                continue
            chunk = read(block)
            change(chunk, number)
            yield written(chunk)

    return changed


def choice(change: Callable[[Json, int], None]) -> Callable[[Blocks], Blocks]:
    """Return what changes every choice of an answer."""

    def changed(chunk: Json, number: int) -> None:
        for one in chunk["choices"]:
            change(one, number)

    return each(changed)


def set_in_choice(**members: object) -> Callable[[Blocks], Blocks]:
    """Return what sets members of every choice."""
    return choice(lambda one, _: one.update(members))


def set_where_it_ends(reason: str) -> Callable[[Blocks], Blocks]:
    """Return what gives another reason for the end."""
    return choice(lambda one, _: one.update(finish_reason=one["finish_reason"] and reason))


def _spoken_for(one: Json, _: int) -> None:
    one["message"] = one.pop("delta")


def _without_role(one: Json, _: int) -> None:
    one["delta"].pop("role", None)


def _of_the_user(one: Json, _: int) -> None:
    if "role" in one["delta"]:
        one["delta"]["role"] = "user"


def _without_index(one: Json, _: int) -> None:
    del one["index"]


def _in_halves(one: Json, number: int) -> None:
    if one["delta"].get("content"):
        one["delta"]["content"] = HALVES.get(number, one["delta"]["content"])


def _silent(one: Json, _: int) -> None:
    if one["delta"].get("content"):
        one["delta"] = {}


def _gathered(blocks: Blocks) -> Blocks:
    so_far = ""
    for block in blocks:
        chunk = read(block) if block != DONE else {"choices": []}
        for one in chunk["choices"]:
            so_far += one["delta"].get("content") or ""
            if one["delta"].get("content"):
                one["delta"]["content"] = so_far
        yield block if block == DONE else written(chunk)


def _ends(block: bytes) -> bool:
    return block != DONE and any(one["finish_reason"] for one in read(block)["choices"])


def _uses(block: bytes) -> bool:
    return block != DONE and bool(read(block).get("usage"))


def _earlier(is_it: Callable[[bytes], bool]) -> Callable[[Blocks], Blocks]:
    """Return what sends the event before three others that it follows."""

    def changed(blocks: Blocks) -> Blocks:
        made = list(blocks)
        at = next(number for number, block in enumerate(made) if is_it(block))
        made.insert(at - 3, made.pop(at))
        yield from made

    return changed


def _named(blocks: Blocks) -> Blocks:
    return (block if block == DONE else b"event: chunk\n" + block for block in blocks)


def _breaks_off(error: object, *, goes_on: bool) -> Callable[[Blocks], Blocks]:
    """Return what tells an error in the midst of an answer."""

    def changed(blocks: Blocks) -> Blocks:
        made = list(blocks)
        half = len(made) // 2
        yield from made[:half]
        yield written({"error": error})
        yield from made[half:] if goes_on else ()

    return changed


# code -> what is done, and what becomes of the events
CHANGES: dict[str, tuple[str, Callable[[Blocks], Blocks]]] = {
    "chat/object-wrong": (
        "Calls each chunk a whole answer.",
        each(lambda chunk, _: chunk.update(object="chat.completion")),
    ),
    "chat/id-changes": ("Gives each chunk an id of its own.", each(lambda chunk, n: chunk.update(id=f"chatcmpl-{n}"))),
    "chat/created-changes": (
        "Stamps each chunk with another time.",
        each(lambda chunk, n: chunk.update(created=chunk["created"] + n)),
    ),
    "chat/model-changes": (
        "Names another model from the fifth chunk on.",
        each(lambda chunk, n: chunk.update(model="ssegauge-2" if n > 3 else chunk["model"])),
    ),
    "chat/named-event": ("Gives chunks an event type.", _named),
    "chat/message-for-delta": ("Streams `message` in place of `delta`.", choice(_spoken_for)),
    "chat/role-missing": ("Never says whose the text is.", choice(_without_role)),
    "chat/role-wrong": ("Lets the user speak.", choice(_of_the_user)),
    "chat/index-wrong": ("Gives choices no index.", choice(_without_index)),
    "chat/index-wrong:second": ("Answers with the second choice of one.", set_in_choice(index=1)),
    "chat/text-repeated": ("Sends all of the text so far with each token.", _gathered),
    "chat/half-characters": ("Sends a character in two halves.", choice(_in_halves)),
    "chat/empty-answer": ("Answers without a word.", choice(_silent)),
    "chat/finish-missing": ("Never says why an answer ends.", set_in_choice(finish_reason=None)),
    "chat/finish-repeated": ("Says with each chunk that the answer ends.", set_in_choice(finish_reason="stop")),
    "chat/finish-unknown": ("Says `end_turn` in place of `stop`.", set_where_it_ends("end_turn")),
    "chat/goes-on-after-finish": ("Says that the answer ends before it does.", _earlier(_ends)),
    "chat/finish-contradicts": ("Says that tools are called, and calls none.", set_where_it_ends("tool_calls")),
    "chat/usage-missing": ("Keeps the usage to itself.", lambda blocks: (one for one in blocks if not _uses(one))),
    "chat/usage-wrong": (
        "Adds the tokens up wrongly.",
        each(lambda chunk, _: chunk.get("usage") and chunk["usage"].update(total_tokens=1)),
    ),
    "chat/usage-misplaced": ("Sends the usage before the answer has ended.", _earlier(_uses)),
    "chat/error-told": ("Breaks off with an error.", _breaks_off(ERROR, goes_on=False)),
    "chat/error-without-message": (
        "Breaks off with an error that says nothing.",
        _breaks_off("overloaded", goes_on=False),
    ),
    "chat/goes-on-after-error": ("Goes on after an error.", _breaks_off(ERROR, goes_on=True)),
}

for code, (about, change) in CHANGES.items():
    breaks(code)(changing(Completions, about, change))
