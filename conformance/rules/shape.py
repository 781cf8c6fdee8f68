"""Rules on the shape of events: whether those of one type are made alike, and as promised."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence

from ssegauge.conformance.facts import MARKER
from ssegauge.conformance.rules.reading.heartbeat import HEARTBEAT_NAMES, names_heartbeat
from ssegauge.conformance.rules.reading.json_texts import is_structure, json_texts
from ssegauge.conformance.rules.reading.schemas import MARKERS, breach
from ssegauge.conformance.rules.reading.spoiled import SPOILED
from ssegauge.conformance.rules.reading.torn import CANARY, cut_by_comments, cut_in_html, halves, torn
from ssegauge.conformance.rules.rule import profile, rule
from ssegauge.conformance.seen import Mark, Message, Seen, View
from ssegauge.conformance.target.schemas import validator
from ssegauge.conformance.words import shown

LEAST_ALIKE = 5
MOST_ODD = 5  # one odd event among so many; where there are more, events of two sorts are meant
NOTHINGS = frozenset({"undefined", "nan", "none"})  # what languages show of what is not there
Type = tuple[str | None, str | None]  # a task or none, and a type of event or all


@rule(
    "shape/unlike-the-others",
    "should",
    profile("E1.3"),
    promised={"schema": "must"},
    rests_on=(*SPOILED, "shape/not-json", "shape/misencoded", "wire/unprefixed-data"),
)
def unlike_the_others(seen: Seen) -> Iterator[Mark]:
    """Where the events of a type are JSON, each of them is.

    Why: Clients call JSON.parse on what they are sent: the one event that is none throws, and most clients stop there.

    Mend: Say also what is rare as JSON (a greeting, a heartbeat, an error), or with an event type of its own; a
    heartbeat is best a comment, which no client sees. An event whose data is empty is an event. Write an event by one
    call, under the lock that heartbeats take too.

    Example: data: {"n": 1}, four more like it, and then data: ping
    """
    views = [view for view in seen.streams if view.facts.situation != "canary"]
    alike = _structures(views)
    for view in views:
        cut, rare = halves(view), _rare(view)
        yield from _cut_in_two(view, cut)
        others = {id(one) for one, _ in torn(view)}  # those are judged by wire/unprefixed-data
        others |= {id(half) for pair in cut for half in pair}
        judged = [one for one in view.messages if id(one) not in others and json_texts(one.event.data) < 2]
        for message in judged:
            if CANARY.search(message.event.data.encode()):  # judged by security/injection-lf and its like
                continue
            if wrong := _unlike(seen, view, message, alike, rare):
                yield view.bad(wrong, message)
            elif is_structure(message.value) and _many(alike, view, message.event.type) >= LEAST_ALIKE:
                yield view.good()


def _cut_in_two(view: View, cut: Sequence[tuple[Message, Message]]) -> Iterator[Mark]:
    """Yield the events whose other half is the next event; ``cut``: those that are JSON together alone."""
    for one, _ in cut:
        what = "JSON with the next event alone: a blank line in its midst, a heartbeat's perhaps, has cut it in two"
        yield view.bad(f"{shown(one.event.data)} is {what}", one, "must")
    for one, _ in cut_by_comments(view) if not cut else ():
        what = "a comment ends it, and the next event lacks its name: a heartbeat has cut it in two"
        yield view.bad(f"{shown(one.event.data)} is a part: {what}", one, "must")
    for one, after in cut_in_html(view):
        what = f"what it opens is closed in the next event ({shown(after.event.data)})"
        yield view.bad(f"{shown(one.event.data)} is a part: {what}: a blank line has cut it in two", one, "must")


def _structures(views: list[View]) -> Mapping[Type, int]:
    """Return how many different events of each type, and of all, are JSON objects or lists."""
    found: dict[Type, set[str]] = defaultdict(set)
    for view in views:
        for message in view.messages:
            ours = MARKER.search(message.event.data)  # by what we published the owner may say other things than usual
            if is_structure(message.value) and not (message.constants or ours):
                found[view.facts.task_id, message.event.type].add(message.event.data)
    counts: Counter[Type] = Counter({kind: len(texts) for kind, texts in found.items()})
    for (task_id, _), texts in found.items():
        counts[task_id, None] += len(texts)
    return counts


def _many(alike: Mapping[Type, int], view: View, kind: str | None = None) -> int:
    """Return how many different events of a type, or of all, are structures."""
    return alike.get((view.facts.task_id, kind), 0)


def _unlike(seen: Seen, view: View, message: Message, alike: Mapping[Type, int], rare: Collection[str]) -> str:
    """Say what is wrong with an event that is no JSON, or nothing."""
    kind, data = message.event.type, message.event.data
    if not (message.error or message.constants) or _is_marker(seen, view, message):
        return ""
    what = f"{shown(data)} is no JSON" if data.strip() else "the data is empty"
    if seen.promises.schema_of(kind) is not None:
        return f"{what}, where a JSON Schema is promised"
    if not data and message.event.id and message is view.messages[0]:
        return ""  # it gives an id to come back with: MCP, 2025-11-25, "Streamable HTTP"
    same, beats = _many(alike, view, kind), _is_beat(message)
    odd = beats or data.strip().lower() in NOTHINGS or kind in rare
    if same >= LEAST_ALIKE and odd:
        return f"{what}; {same} others of its type are"
    if beats and kind.lower() in HEARTBEAT_NAMES and (every := _many(alike, view)) >= LEAST_ALIKE:
        return f"{what}; {every} other events of the stream are"
    return ""


def _is_marker(seen: Seen, view: View, message: Message) -> bool:
    """Whether the event says that the stream is over: as promised, as is usual, or by being the last."""
    ends, kind, data = seen.promises.ends, message.event.type, message.event.data
    if ends and ends.is_marker(kind, data):
        return True
    usual = data.strip().lower() == "[done]"
    last = message is view.messages[-1] and (view.ended_by_server or data.strip().lower() in MARKERS)
    return usual or (last and kind.lower() not in HEARTBEAT_NAMES)


def _is_beat(message: Message) -> bool:
    return names_heartbeat(message) or not message.event.data.strip()


def _rare(view: View) -> Collection[str]:
    """Return the types of which nearly all events are JSON."""
    every = Counter(message.event.type for message in view.messages)
    odd = Counter(message.event.type for message in view.messages if message.error or message.constants)
    return {kind for kind, many in odd.items() if many == 1 or many * MOST_ODD <= every[kind] - many}


@rule("shape/breaks-schema", "should", profile("E1.6"), promised={"schema": "must"}, rests_on=SPOILED)
def breaks_schema(seen: Seen) -> Iterator[Mark]:
    """The JSON of every event keeps the schema that is promised for its type.

    Why: Who reads by the schema stops at the first event that breaks it, or shows what was never meant.

    Mend: Check events against the schema before they are sent, in the tests at least; or mend the schema.

    Example: data: {"price": "12.5"}, where a number is promised
    """
    validators = {kind: validator(schema) for kind, schema in seen.promises.schema.items()}
    for view in seen.streams:
        for message in view.messages if validators and view.facts.situation != "canary" else ():
            if message.error or _is_marker(seen, view, message) or seen.promises.schema_of(message.event.type) is None:
                continue  # what is no JSON is judged by shape/unlike-the-others
            checker = validators.get(message.event.type) or validators["*"]
            wrong = breach(checker, message.value)
            yield view.bad(wrong, message) if wrong else view.good()
