"""Rules on what all chunks of an answer have in common."""

from collections.abc import Iterator

from ssegauge.conformance.profiles.chat_completions.answers import TORN, chunks, pieces
from ssegauge.conformance.rules.rule import profile, rule
from ssegauge.conformance.seen import Level, Mark, Message, Seen, View
from ssegauge.conformance.words import shown

OBJECT = "chat.completion.chunk"


@rule("chat/object-wrong", "should", profile("C1.1"), over="streams")
def object_wrong(view: View) -> Iterator[Mark]:
    """The `object` of each chunk is `chat.completion.chunk`.

    Why: Clients and proxies tell by it what they have before them; typed ones refuse what is called otherwise.

    Mend: Write `"object": "chat.completion.chunk"` into every chunk; `chat.completion` is the name of whole answers.

    Example: data: {"object":"chat.completion","choices":[{"index":0,"delta":{"content":"Hi"}}]}
    """
    for chunk in chunks(view):
        name = chunk.fields.get("object")
        # Azure's first chunk and those with the results of its filters say nothing; some send the usage bare.
        is_annotation = not any(isinstance(one, dict) and one.get("delta") for one in chunk.fields.get("choices") or ())
        if name == OBJECT:
            yield view.good()
        elif not (is_annotation and not name):
            # GitHub Copilot's have none; clients that choose by it do not read these.
            level: Level | None
            told, level = (f"object is {shown(name)}", None) if name else ("a chunk without object", "advice")
            yield view.bad(told, chunk, level)


@rule("chat/id-changes", "should", profile("C1.2"), rests_on=TORN, alone=True)
def id_changes(seen: Seen) -> Iterator[Mark]:
    """All chunks of an answer have one id.

    Why: Clients take a new id for a new answer: OpenAI's own begins a second one there, and logs cannot be joined.
    Where it is the id of another answer, one user reads what is another's.

    Mend: Make the id once, when the request comes, and write it into every chunk, the last ones too. Where chunks are
    told to who has not asked, look for what requests share: a queue, a buffer, a variable of the module.

    Example: data: {"id":"chatcmpl-1",...}, and then data: {"id":"chatcmpl-2",...}
    """
    first = {view.name: told[0].fields["id"] for view in seen.streams if (told := _having(view, "id"))}
    for view in seen.streams:
        own = first.get(view.name)
        others = {*first.values()} - {own}
        strange = [one for one in _having(view, "id") if one.fields["id"] in others]
        if strange:
            whose = f"a chunk of another answer, {shown(strange[0].fields['id'])}, which was asked for at the same time"
            yield view.bad(whose, strange[0], "must")
        else:
            yield from _same(view, "id")


@rule("chat/created-changes", "advice", profile("C1.3"), over="streams", rests_on=TORN)
def created_changes(view: View) -> Iterator[Mark]:
    """All chunks of an answer have one `created`.

    Why: It is when the answer was begun; who sorts or joins chunks by it gets several answers out of one.

    Mend: Take the time once, when the request comes. Ollama stamps each chunk; its clients do without.

    Example: data: {"created":1760000000,...}, and then data: {"created":1760000001,...}
    """
    yield from _same(view, "created")


@rule("chat/model-changes", "advice", profile("C1.4"), over="streams", rests_on=TORN)
def model_changes(view: View) -> Iterator[Mark]:
    """All chunks of an answer name one model.

    Why: What an answer cost, and whose it is, is told by its model's name.

    Mend: Name the model that answers in every chunk; a gateway names either the one that was asked for or the one
    behind it, and that one throughout.

    Example: data: {"model":"small",...}, and then data: {"model":"large",...}
    """
    yield from _same(view, "model")


def _having(view: View, name: str) -> list[Message]:
    return [chunk for chunk in chunks(view) if isinstance(chunk.fields.get(name), str | int) and chunk.fields[name]]


def _same(view: View, name: str) -> Iterator[Mark]:
    """Judge that chunks agree in a member; where it is empty or missing, as in Azure's first chunk, nothing is said."""
    told = _having(view, name)
    odd = next((chunk for chunk in told if chunk.fields[name] != told[0].fields[name]), None)
    if odd:
        yield view.bad(f"{name} was {shown(told[0].fields[name])}, and then {shown(odd.fields[name])}", odd)
    elif len(told) > 1:
        yield view.good()


@rule("chat/named-event", "should", profile("C1.5"), over="streams")
def named_event(view: View) -> Iterator[Mark]:
    """Chunks have no event type.

    Why: These are data-only events: a client that listens for messages is not told of an event of another type.

    Mend: Leave the `event:` line out.

    Example: event: chunk
    """
    for chunk in chunks(view):
        kind = chunk.event.type
        yield view.good() if kind == "message" else view.bad(f"a chunk as an event of type {shown(kind)}", chunk)


@rule("chat/message-for-delta", "must", profile("C2.1"), over="streams", rests_on=TORN)
def message_for_delta(view: View) -> Iterator[Mark]:
    """What is added to a choice stands in its `delta`.

    Why: Clients read `delta` and nothing else: the text in `message` or `text` is shown by none of them. Code that
    reads `delta.content` fails at a delta that is null.

    Mend: Stream `{"delta": {"content": ...}}`, and `{"delta": {}}` where nothing is added; `message` belongs to answers
    that are not streamed, `text` to the older completions.

    Example: data: {"choices":[{"index":0,"message":{"role":"assistant","content":"Hi"}}]}
    """
    for piece in pieces(view):
        if other := _other_place(piece.choice):
            yield view.bad(f"a choice with {other} in place of delta", piece.message)
        elif "delta" in piece.choice and piece.choice["delta"] is None:
            yield view.bad("the delta of a choice is null, and clients read what is in it", piece.message, "should")
        elif piece.delta:
            yield view.good()


def _other_place(choice: object) -> str:
    fields = choice if isinstance(choice, dict) else {}
    found = [name for name in ("message", "text") if fields.get(name)]
    return found[0] if found and not fields.get("delta") else ""
