"""Rules on what events are called, how they are numbered, and how a response begins."""

from collections.abc import Iterator
from itertools import pairwise

from ssegauge.conformance.profiles.responses.told import (
    CREATED,
    LIFECYCLE,
    inner,
    is_resumed,
    kind,
    number,
    texts,
    told,
)
from ssegauge.conformance.rules.rule import profile, rule
from ssegauge.conformance.seen import Mark, Message, View
from ssegauge.conformance.words import shown


@rule("responses/name-differs", "must", profile("R1.1"), over="streams", rests_on=("wire",))
def name_differs(view: View) -> Iterator[Mark]:
    """An event's name is the type in its data.

    Why: Some clients choose by the name what an event is, others by the type: where the two differ they see different
    streams. Events without a name reach only the second sort; gateways that pass on the data alone send such (as that
    of vLLM did).

    Mend: Write `event: TYPE` before the data, with the very type that the data has.

    Example: event: response.output_text.delta, and data: {"type": "response.output_text.done", ...}
    """
    nameless = [one for one in told(view) if one.event.type == "message"]
    for message in told(view):
        name, said = message.event.type, message.type
        if name == said:
            yield view.good()
        elif said is None:
            yield view.bad(f"the event is named {shown(name)}, and its data has no type", message)
        elif name != "message":
            yield view.bad(f"an event is named {shown(name)}, and the type in its data is {shown(said)}", message)
    if nameless:
        yield view.bad(f"{len(nameless)} events have no name", nameless[0], "advice")


def _numbered(view: View) -> list[tuple[Message, int]]:
    """Return the events with their sequence numbers; those of types that are not documented count too.

    Where some lack theirs, nobody counts on the others: none.
    """
    if any(True for _ in _unnumbered(view)):
        return []
    found = [(one, number(one.fields.get("sequence_number"))) for one in view.messages]
    return [(message, value) for message, value in found if value is not None]


def _unnumbered(view: View) -> Iterator[Message]:
    """Yield the documented events that lack their number; errors often do."""
    return (one for one in told(view) if "sequence_number" not in one.fields and kind(one) != "error")


@rule("responses/sequence-not-rising", "must", profile("R1.3"), over="streams", rests_on=("wire", "shape"))
def sequence_not_rising(view: View) -> Iterator[Mark]:
    """The sequence number rises from each event to the next.

    Why: It orders the events, and a reader that was cut off comes back with it: where it falls or repeats, that reader
    gets events twice, or loses some.

    Mend: Count events in one place, where they are written, and send each once.

    Example: "sequence_number": 7, and in the next event again "sequence_number": 7
    """
    found = _numbered(view)
    if len(found) > 2 and len({value for _, value in found}) == 1:
        yield view.bad(f"each of {len(found)} events has the number {found[0][1]}", found[1][0], "advice")
        return
    for (_, before), (message, after) in pairwise(found):
        yield view.good() if after > before else view.bad(f"the number {after} comes after {before}", message)


@rule(
    "responses/sequence-gap",
    "should",
    profile("R1.4"),
    over="streams",
    rests_on=("wire", "shape", "responses/sequence-not-rising"),
)
def sequence_gap(view: View) -> Iterator[Mark]:
    """Sequence numbers have no gaps.

    Why: A gap says that an event was lost: clients that look for it stop, or ask for the whole again. Where words are
    missing too, all readers have lost them.

    Mend: Look for what takes events out on the way; give no number to an event that is not sent.

    Example: "sequence_number": 7, and in the next event "sequence_number": 9
    """
    lost = [text for text in texts(view) if text.differs]
    missing = f", and {lost[0].kind} lacks what its done has" if lost else ""
    for (_, before), (message, after) in pairwise(_numbered(view)):
        if after == before + 1:
            yield view.good()
        elif after > before:
            said = f"the number {after} comes after {before}{missing}"
            yield view.bad(said, message, "must" if lost else None)


@rule(
    "responses/sequence-missing",
    "advice",
    profile("R1.5"),
    over="streams",
    rests_on=("wire", "shape", "responses/created-not-first"),
)
def sequence_missing(view: View) -> Iterator[Mark]:
    """Events have sequence numbers, and the first has 0.

    Why: Strict clients refuse an event without its number. LiteLLM, among others, is known to leave it out.

    Mend: Count the events of each response from 0, and put the number into each.

    Example: data: {"type": "response.created", "response": {...}}
    """
    found = told(view)
    missing = list(_unnumbered(view))
    if missing:
        yield view.bad(f"{len(missing)} of {len(found)} events have no sequence_number", missing[0])
    elif found and kind(found[0]) == CREATED:
        first = number(found[0].fields.get("sequence_number"))
        yield view.good() if first == 0 else view.bad(f"the first event has the number {shown(first)}", found[0])


@rule("responses/created-not-first", "must", profile("R2.1"), over="streams", rests_on=("wire",))
def created_not_first(view: View) -> Iterator[Mark]:
    """The first event is `response.created`.

    Why: It holds the response to which all others add; the official package raises at anything that comes before it.

    Mend: Send `response.created` before anything else, also where the response is queued, or comes from a cache.

    Example: event: response.output_item.added, as the first event
    """
    first = next((one for one in told(view) if kind(one) not in {"error", "response.failed"}), None)
    if first and not is_resumed(view):
        yield view.good() if kind(first) == CREATED else view.bad(f"the first event is {kind(first)}", first)


@rule("responses/created-repeated", "must", profile("R2.1"), over="streams", rests_on=("wire",))
def created_repeated(view: View) -> Iterator[Mark]:
    """`response.created` comes once.

    Why: Clients differ: some begin anew at a second one, and what was told before is gone, or told twice; the official
    Python package skips it.

    Mend: Send one response a stream; look for a retry upstream that replays the beginning.

    Example: event: response.created, a second time
    """
    starts = told(view, CREATED)
    if starts:
        yield view.bad(f"response.created came {len(starts)} times", starts[1]) if starts[1:] else view.good()


@rule(
    "responses/id-changes",
    "advice",
    profile("R2.2"),
    over="streams",
    rests_on=("wire", "shape", "responses/created-repeated"),
)
def id_changes(view: View) -> Iterator[Mark]:
    """A response has one id.

    Why: With it the next request goes on with the conversation (`previous_response_id`), and it tells events of one
    response from those of another; the official package raises where it changes. LiteLLM is known to write it anew
    where it translates from another API.

    Mend: Make the id once, when the response is created; where a gateway changes ids, let it change all.

    Example: "response": {"id": "resp_1", ...} in response.created, {"id": "resp_2", ...} in response.completed
    """
    told_ids = [(one, inner(one, "response").get("id")) for one in told(view, *LIFECYCLE)]
    for (_, before), (message, after) in pairwise((one, name) for one, name in told_ids if isinstance(name, str)):
        same = before == after
        yield view.good() if same else view.bad(f"the id was {shown(before)}, and is {shown(after)}", message)
