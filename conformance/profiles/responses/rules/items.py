"""Rules on output items and their parts: that they are added, done, and told apart."""

from collections import Counter
from collections.abc import Iterator

from ssegauge.conformance.profiles.responses.told import (
    COMPLETED,
    CREATED,
    ITEM_DONE,
    PART_ADDED,
    PART_DONE,
    PARTS,
    SUMMARY_ADDED,
    SUMMARY_DONE,
    TEXTS,
    Item,
    identified,
    inner,
    is_completed,
    is_resumed,
    items,
    kind,
    listed,
    number,
    of_another_item,
    string,
    table,
    texts,
    told,
)
from ssegauge.conformance.rules.rule import profile, rule
from ssegauge.conformance.seen import Level, Mark, Message, View
from ssegauge.conformance.words import shown

PLACES = {PART_ADDED: "content_index", PART_DONE: "content_index"}
DONE_OF = {PART_ADDED: PART_DONE, SUMMARY_ADDED: SUMMARY_DONE}
WHOLE = frozenset(kind.whole for kind in TEXTS.values())
IN_PARTS = frozenset({"response.output_text", "response.refusal"})


@rule(
    "responses/item-not-added",
    "must",
    profile("R3.1"),
    over="streams",
    rests_on=("wire", "shape", "responses/created-not-first"),
)
def item_not_added(view: View) -> Iterator[Mark]:
    """An item is added before events tell of it.

    Why: There is nothing that they could be added to: clients raise at them, or drop what they say.

    Mend: Send `response.output_item.added` when an item begins, with the index that all its events have.

    Example: response.created, and then response.output_text.delta
    """
    if is_resumed(view):
        return
    known = _already_there(view)
    for item in items(view):
        events = sorted([*item.others, *item.dones], key=lambda one: one.event.start)
        since = item.added[0].event.start if item.added else None
        early = [one for one in events if item.index not in known and (since is None or one.event.start < since)]
        if early:
            nothing_lost = {kind(one) for one in early} == {ITEM_DONE} or not any(map(_says, early))
            level: Level | None = "advice" if nothing_lost else None
            yield view.bad(f"{kind(early[0])} of item {item.index}, which was not added", early[0], level)
        elif item.added:
            yield view.good()


def _says(message: Message) -> bool:
    """Whether an event tells text, and not only that there is one."""
    return any(string(message.fields.get(key)) for key in ("delta", *WHOLE))


def _already_there(view: View) -> range:
    """Return the indexes of the items that the response had when it was created."""
    created = told(view, CREATED)
    return range(len(listed(inner(created[0], "response").get("output"))) if created else 0)


@rule("responses/item-repeated", "must", profile("R3.2"), over="streams", rests_on=("wire", "shape"))
def item_repeated(view: View) -> Iterator[Mark]:
    """An index belongs to one item, and each item, part and text begins and ends once.

    Why: Clients keep items by their index: a second one takes the place of the first, or they raise.

    Mend: Count the items of a response from 0, and add each once.

    Example: {"type": "response.output_item.added", "output_index": 0, ...}, two times
    """
    for item in items(view):
        yield from _once(view, item, item.added, "must")
        yield from _once(view, item, item.dones, "should")
        marks = [one for one in item.others if not kind(one).endswith(".delta")]
        for what, times in Counter(map(_mark, marks)).items():
            if times > 1:
                yield from _once(view, item, [one for one in marks if _mark(one) == what], "should")


def _mark(message: Message) -> tuple[str, int | None, int | None]:
    """Return what begins or ends, and where in its item."""
    fields = message.fields
    return kind(message), number(fields.get("content_index")), number(fields.get("summary_index"))


def _once(view: View, item: Item, events: list[Message], level: Level) -> Iterator[Mark]:
    if events:
        what = f"{kind(events[0])} of item {item.index} came {len(events)} times"
        yield view.bad(what, events[1], level) if events[1:] else view.good()


@rule(
    "responses/item-not-done",
    "must",
    profile("R3.3"),
    over="streams",
    rests_on=("wire", "shape", "responses/item-repeated"),
)
def item_not_done(view: View) -> Iterator[Mark]:
    """Each item that was added is done when the response is completed.

    Why: Readers act on an item when it is whole: they run a function, store a message. Without its done they never do,
    or only where they look into the final response too.

    Mend: Send `response.output_item.done` for each item, before `response.completed`.

    Example: response.output_item.added, response.output_text.delta, response.completed
    """
    if not is_completed(view):
        return
    final = [table(one) for one in listed(inner(told(view, COMPLETED)[0], "response").get("output"))]
    for item in items(view):
        if item.dones:
            yield view.good()
        elif item.added:
            level: Level = "should" if any(_is_same(item, one) for one in final) else "must"
            yield view.bad(f"{item.kind or 'item'} {item.index} was added, and never done", item.added[0], level)


def _is_same(item: Item, other: dict[str, object]) -> bool:
    keys = [key for key in ("id", "call_id") if item.last.get(key)]
    return any(item.last.get(key) == other.get(key) for key in keys)


@rule(
    "responses/part-not-added",
    "must",
    profile("R3.4"),
    over="streams",
    rests_on=("wire", "shape", "responses/item-not-added"),
)
def part_not_added(view: View) -> Iterator[Mark]:
    """A part of a message is added before its text.

    Why: Clients keep the text of each part apart: for one that was never added they raise, or drop it.

    Mend: Send `response.content_part.added` before the first delta of each part.

    Example: response.output_item.added of a message, and then response.output_text.delta
    """
    if is_resumed(view):
        return
    messages = {item.index for item in items(view) if _is_open_message(item)}
    added = {_place(one): one.event.start for one in reversed(told(view, PART_ADDED))}
    for text in texts(view):
        if text.kind not in IN_PARTS or text.index not in messages or not text.deltas:
            continue
        since = added.get((PART_ADDED, text.index, text.place))
        right = since is not None and since < text.deltas[0].event.start
        missing = f"{kind(text.deltas[0])} of part {text.place} of item {text.index}, which was not added"
        yield view.good() if right else view.bad(missing, text.deltas[0])


def _is_open_message(item: Item) -> bool:
    """Whether it is a message that had no content yet when it was added."""
    first = inner(item.added[0], "item") if item.added else {}
    return first.get("type") == "message" and not listed(first.get("content"))


def _place(message: Message) -> tuple[str, int | None, int | None]:
    """Return which part an event is of, by the type that the event with which it was added has."""
    name = kind(message)
    began = next((added for added, done in DONE_OF.items() if name == done), name)
    index = "content_index" if name in PLACES else "summary_index"
    return began, number(message.fields.get("output_index")), number(message.fields.get(index))


@rule("responses/part-not-done", "should", profile("R3.5"), over="streams", rests_on=("wire", "shape"))
def part_not_done(view: View) -> Iterator[Mark]:
    """Each part that was added is done when the response is completed.

    Why: Readers that show or store a part when it is whole wait for its done.

    Mend: Send `response.content_part.done` (for a summary `response.reasoning_summary_part.done`) after the text's
    done.

    Example: response.content_part.added, response.output_text.done, response.output_item.done
    """
    if not is_completed(view):
        return
    done = {_place(one) for one in told(view, PART_DONE, SUMMARY_DONE)}
    for message in told(view, PART_ADDED, SUMMARY_ADDED):
        _, index, place = _place(message)
        missing = f"part {place} of item {index} was added, and never done"
        yield view.good() if _place(message) in done else view.bad(missing, message)


@rule(
    "responses/item-id-differs",
    "advice",
    profile("R3.6"),
    over="streams",
    rests_on=("wire", "shape", "responses/item-not-added", "responses/item-repeated"),
)
def item_id_differs(view: View) -> Iterator[Mark]:
    """All events of an item have its id.

    Why: Clients that keep items by their id do not find the one that a delta belongs to, and stop, or add it to
    another. GitHub Copilot is known to give each event of an item another id.

    Mend: Make an item's id once, when it is added, and repeat it in each of its events.

    Example: "item": {"id": "msg_1", ...}, and then "item_id": "msg_2" with the same output_index
    """
    strange = of_another_item(view)
    for message, said, own in identified(view):
        if said == own:
            yield view.good()
        else:
            level: Level = "must" if message.event.start in strange else "advice"
            whose = "another item's id" if message.event.start in strange else "another id than it was added with"
            index = message.fields.get("output_index")
            yield view.bad(f"{kind(message)} of item {index} has {whose}: {shown(said)}", message, level)


@rule(
    "responses/goes-on-after-done",
    "must",
    profile("R3.7"),
    over="streams",
    rests_on=("wire", "shape", "responses/item-repeated"),
)
def goes_on_after_done(view: View) -> Iterator[Mark]:
    """Nothing is added to what is done.

    Why: Readers have shown, stored or run it by then: what is added later is lost to them.

    Mend: Send the done of a text, a part and an item when all of it was sent, in this order.

    Example: response.output_text.done, and then response.output_text.delta of the same part
    """
    # What names another item by its id is that one's, and told so by item-id-differs.
    strange = of_another_item(view)
    for text in texts(view):
        if text.dones and text.deltas:
            after = [one for one in text.deltas if one.event.start > text.dones[0].event.start]
            late = [one for one in after if one.event.start not in strange]
            yield view.bad(f"{kind(late[0])} after its done", late[0]) if late else view.good()
    for item in items(view):
        later = [one for one in item.others if item.dones and one.event.start > item.dones[0].event.start]
        added = [one for one in later if kind(one).endswith((".delta", ".added")) or kind(one) in PARTS]
        added = [one for one in added if one.event.start not in strange]
        if added:
            yield view.bad(f"{kind(added[0])} of item {item.index}, which was done", added[0])
