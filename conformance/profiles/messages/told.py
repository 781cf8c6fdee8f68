"""What a stream of the Messages API tells: its events by type, and its content blocks. Pure.

An event is of the type that its data says, and where that says none, of the type that its name says: what is wrong with
the name alone has a rule of its own. Types that are not documented are nobody's business.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from ssegauge.conformance.seen import Message, View

START, DELTA, STOP = "content_block_start", "content_block_delta", "content_block_stop"
TYPES = frozenset({"message_start", START, DELTA, STOP, "message_delta", "message_stop", "ping", "error"})


@dataclass(frozen=True, slots=True)
class Block:
    """A content block: its events, as far as they came."""

    index: int
    start: Message
    deltas: list[Message] = field(default_factory=list)
    stops: list[Message] = field(default_factory=list)

    @property
    def kind(self) -> str:
        """Its type, empty where it has none."""
        return text(inner(self.start, "content_block").get("type"))


def kind(message: Message) -> str:
    """Return what type an event is of."""
    return message.type if isinstance(message.type, str) else message.event.type


def told(view: View, *kinds: str) -> list[Message]:
    """Return the events of these types whose data is an object; of all documented ones without any."""
    wanted = frozenset(kinds) or TYPES
    return [one for one in view.messages if isinstance(one.value, dict) and kind(one) in wanted]


def inner(message: Message, name: str) -> dict[str, object]:
    """Return an object in an event, empty where it is something else."""
    value = message.fields.get(name)
    return value if isinstance(value, dict) else {}


def text(value: object) -> str:
    """Return a string, and for anything else an empty one."""
    return value if isinstance(value, str) else ""


def index_of(message: Message) -> int | None:
    """Return the index of the block that an event is of; None where it has none, which the schema forbids."""
    value = message.fields.get("index")
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def course(view: View) -> tuple[list[Block], list[Message]]:
    """Return the blocks in the order of their starts, and the deltas and stops that belong to no open block."""
    found: list[Block] = []
    strays: list[Message] = []
    opened: dict[int, Block] = {}
    for message in told(view, START, DELTA, STOP):
        index = index_of(message)
        if index is None:
            continue
        if kind(message) == START:
            opened[index] = Block(index, message)
            found.append(opened[index])
        elif index not in opened:
            strays.append(message)
        elif kind(message) == DELTA:
            opened[index].deltas.append(message)
        else:
            opened.pop(index).stops.append(message)
    return found, strays


def blocks(view: View) -> list[Block]:
    """Return the blocks in the order of their starts."""
    return course(view)[0]


def reasons(view: View) -> Iterator[tuple[Message, str]]:
    """Yield each `message_delta` that tells a stop reason, and the reason."""
    for message in told(view, "message_delta"):
        if reason := text(inner(message, "delta").get("stop_reason")):
            yield message, reason


def is_whole(view: View) -> bool:
    """Whether the message came to its end, and no error cut it short."""
    return bool(told(view, "message_stop")) and not told(view, "error")
