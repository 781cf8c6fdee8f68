"""What a stream of the Responses API tells: its events by type, its items and their texts. Pure.

An event is of the type that its data says, and where that says none, of the type that its name says: what is wrong with
the name alone has a rule of its own. Types that are not documented are nobody's business.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from ssegauge.conformance.jsontext import read_json
from ssegauge.conformance.seen import Message, View

ADDED, ITEM_DONE = "response.output_item.added", "response.output_item.done"
PART_ADDED, PART_DONE = "response.content_part.added", "response.content_part.done"
SUMMARY_ADDED, SUMMARY_DONE = "response.reasoning_summary_part.added", "response.reasoning_summary_part.done"
CREATED, COMPLETED = "response.created", "response.completed"
TERMINAL: Mapping[str, str] = {
    COMPLETED: "completed",
    "response.incomplete": "incomplete",
    "response.failed": "failed",
}
LIFECYCLE = frozenset({CREATED, "response.queued", "response.in_progress", *TERMINAL})


class Kind(NamedTuple):
    """A text that is told in deltas: the key of the whole in its `done`, and the key of its place in the item."""

    whole: str
    place: str


TEXTS: Mapping[str, Kind] = {
    "response.output_text": Kind("text", "content_index"),
    "response.refusal": Kind("refusal", "content_index"),
    "response.reasoning_text": Kind("text", "content_index"),
    "response.reasoning_summary_text": Kind("text", "summary_index"),
    "response.function_call_arguments": Kind("arguments", ""),
    "response.mcp_call_arguments": Kind("arguments", ""),
    "response.custom_tool_call_input": Kind("input", ""),
    "response.code_interpreter_call_code": Kind("code", ""),
}
PARTS = frozenset({PART_ADDED, PART_DONE, SUMMARY_ADDED, SUMMARY_DONE})
OF_TEXTS = frozenset(f"{name}.{what}" for name in TEXTS for what in ("delta", "done"))
OF_ITEMS = frozenset({ITEM_DONE, *PARTS, *OF_TEXTS})
TYPES = frozenset({*LIFECYCLE, ADDED, *OF_ITEMS, "error"})


@dataclass(frozen=True, slots=True)
class Text:
    """A text that is told in deltas: of which kind, of which item, at which place in it."""

    kind: str
    index: int
    place: int
    deltas: list[Message] = field(default_factory=list)
    dones: list[Message] = field(default_factory=list)

    @property
    def told(self) -> str:
        """What the deltas add up to; where there are none, the whole."""
        return "".join(string(one.fields.get("delta")) for one in self.deltas) if self.deltas else self.whole or ""

    @property
    def differs(self) -> bool:
        """Whether it was told in deltas, and whole, and the two are not the same; JSON is, however it is written."""
        return self.is_told_twice and not says_the_same(self.told, self.whole or "", self.kind)

    @property
    def is_told_twice(self) -> bool:
        """Whether it was told in deltas, and whole; what deltas say that are no strings, nobody knows."""
        readable = all(isinstance(one.fields.get("delta"), str) for one in self.deltas)
        return bool(self.deltas) and readable and self.whole is not None

    @property
    def whole(self) -> str | None:
        """What `done` says the text is; None where it never came, or says none."""
        value = self.dones[0].fields.get(TEXTS[self.kind].whole) if self.dones else None
        return value if isinstance(value, str) else None


def says_the_same(one: str, other: str, kind: str) -> bool:
    """Whether two texts of this kind say the same."""
    if one == other or "arguments" not in kind:
        return one == other
    try:
        return bool(read_json(one) == read_json(other))
    except ValueError:
        return False


@dataclass(frozen=True, slots=True)
class Item:
    """An output item: its events, as far as they came."""

    index: int
    added: list[Message] = field(default_factory=list)
    dones: list[Message] = field(default_factory=list)
    others: list[Message] = field(default_factory=list)

    @property
    def kind(self) -> str:
        """Its type, empty where it has none."""
        return string(self.last.get("type"))

    @property
    def last(self) -> dict[str, object]:
        """The item as it was told last."""
        return inner((self.dones or self.added)[-1], "item") if self.dones or self.added else {}


def kind(message: Message) -> str:
    """Return what type an event is of."""
    return message.type if isinstance(message.type, str) else message.event.type


def told(view: View, *kinds: str) -> list[Message]:
    """Return the events of these types whose data is an object; of all documented ones without any."""
    wanted = frozenset(kinds) or TYPES
    return [one for one in view.messages if isinstance(one.value, dict) and kind(one) in wanted]


def inner(message: Message, name: str) -> dict[str, object]:
    """Return an object in an event, empty where it is something else."""
    return table(message.fields.get(name))


def table(value: object) -> dict[str, object]:
    """Return an object, and for anything else an empty one."""
    return value if isinstance(value, dict) else {}


def string(value: object) -> str:
    """Return a string, and for anything else an empty one."""
    return value if isinstance(value, str) else ""


def listed(value: object) -> list[object]:
    """Return a list, and for anything else an empty one."""
    return value if isinstance(value, list) else []


def number(value: object) -> int | None:
    """Return a whole number, and None for anything else."""
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def items(view: View) -> list[Item]:
    """Return the output items in the order of their indexes; one that nothing was ever said of is none."""
    found: dict[int, Item] = {}
    for message in told(view, ADDED, *OF_ITEMS):
        index = number(message.fields.get("output_index"))
        if index is None or (kind(message) == ADDED and message.fields.get("item") is None):
            continue  # "Stream indexes can have gaps when a provider emits an empty added event" (SDK)
        item = found.setdefault(index, Item(index))
        {ADDED: item.added, ITEM_DONE: item.dones}.get(kind(message), item.others).append(message)
    return [found[index] for index in sorted(found)]


def texts(view: View) -> list[Text]:
    """Return the texts in the order of their items and of their places in them."""
    found: dict[tuple[int, int, str], Text] = {}
    for message in told(view, *OF_TEXTS):
        name, _, what = kind(message).rpartition(".")
        index, place = number(message.fields.get("output_index")), number(message.fields.get(TEXTS[name].place, 0))
        if index is not None and place is not None:
            text = found.setdefault((index, place, name), Text(name, index, place))
            (text.deltas if what == "delta" else text.dones).append(message)
    return [found[where] for where in sorted(found)]


def terminal(view: View) -> Message | None:
    """Return the event with which the response ends."""
    return next(iter(told(view, *TERMINAL)), None)


def is_completed(view: View) -> bool:
    """Whether the response was completed, and seen from its beginning."""
    return bool(told(view, COMPLETED)) and not told(view, "error") and not is_resumed(view)


def is_resumed(view: View) -> bool:
    """Whether the stream goes on where another broke off; of a recording nobody knows but by its numbers."""
    if "starting_after=" in view.transcript.request.url:
        return True
    numbers = [number(one.fields.get("sequence_number")) for one in told(view)[:1]]
    return view.facts.capture and any(numbers) and not told(view, CREATED)


def identified(view: View) -> Iterator[tuple[Message, str, str]]:
    """Yield the events of items that name one, with the id that they name and that which the item was added with."""
    own = _own_ids(view)
    for message in told(view, ITEM_DONE, *OF_ITEMS):
        index = number(message.fields.get("output_index"))
        said = string(message.fields.get("item_id")) or string(inner(message, "item").get("id"))
        if index is not None and said and own.get(index):
            yield message, said, own[index]


def of_another_item(view: View) -> set[int]:
    """Return where the events begin that name one item by its place, and by its id another."""
    owners = set(_own_ids(view).values())
    return {message.event.start for message, said, own in identified(view) if said != own and said in owners}


def _own_ids(view: View) -> dict[int, str]:
    return {item.index: string(inner(item.added[0], "item").get("id")) for item in items(view) if item.added}
