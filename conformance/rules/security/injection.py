"""Rules on text from users that tries to break the framing; their codes are of the group ``security``.

An update's text holds line breaks, and behind each a `data` and an `id` field with a word of its own. Where that
word turns up outside the message's text, the text was written into the stream without being escaped.
"""

from collections.abc import Iterator

from ssegauge.conformance.facts import Facts
from ssegauge.conformance.rules.reading.spoiled import SPOILED
from ssegauge.conformance.rules.reading.texts import texts
from ssegauge.conformance.rules.rule import profile, rule
from ssegauge.conformance.seen import Item, Mark, Message, Seen, View
from ssegauge.conformance.sse import BlockWithoutData, Comment, Event, IgnoredField

STAYS_INSIDE = profile("E1.5")
NEEDS = ("update",)
LONE = ("security/injection-lf", "security/injection-cr")  # a CRLF is both


@rule("security/injection-lf", "must", STAYS_INSIDE, needs=NEEDS, rests_on=SPOILED)
def injection_lf(seen: Seen) -> Iterator[Mark]:
    r"""A line feed in a text stays inside the text.

    Why: Whoever can write a text can otherwise end the event and forge others: a fake result, a stolen id.

    Mend: Encode the message as JSON; never put text into a `data` line unescaped.

    Example: data: {"message":"before\ndata: forged\n\n
    """
    yield from _stays_inside(seen, "lf")


@rule("security/injection-cr", "must", STAYS_INSIDE, needs=NEEDS, rests_on=(*SPOILED, "security/injection-lf"))
def injection_cr(seen: Seen) -> Iterator[Mark]:
    r"""A carriage return in a text stays inside the text.

    Why: CR alone ends a line too; servers that split text at LF alone let it through.

    Mend: Encode the message as JSON; where plain text is sent, split at CRLF, CR and LF alike.

    Example: data: {"message":"before\rdata: forged\r\r
    """
    yield from _stays_inside(seen, "cr")


@rule("security/injection-crlf", "must", STAYS_INSIDE, needs=NEEDS, rests_on=(*SPOILED, *LONE))
def injection_crlf(seen: Seen) -> Iterator[Mark]:
    r"""A CRLF in a text stays inside the text.

    Why: Text from Windows and from forms has CRLF; unescaped it ends the line, and twice the event.

    Mend: Encode the message as JSON; where plain text is sent, split at CRLF, CR and LF alike.

    Example: data: {"message":"before\r\ndata: forged\r\n\r\n
    """
    yield from _stays_inside(seen, "crlf")


@rule("security/injection-separator", "must", STAYS_INSIDE, needs=NEEDS, rests_on=SPOILED)
def injection_separator(seen: Seen) -> Iterator[Mark]:
    r"""U+2028, U+2029 and U+0085 in a text end no line.

    Why: Only CR and LF end lines. Splitting functions such as Python's `splitlines` take more for line ends, and
    tear the JSON text into lines that no client can put together again.

    Mend: Split at CRLF, CR and LF alone, or do not split JSON at all: it has no raw line ends.

    Example: data: {"message":"before\ndata: after"}, where U+2028 stood between the words
    """
    yield from _stays_inside(seen, "separator")


@rule("security/injection-nul", "must", STAYS_INSIDE, needs=NEEDS, rests_on=SPOILED)
def injection_nul(seen: Seen) -> Iterator[Mark]:
    r"""A NUL in a text neither cuts the text nor breaks the event.

    Why: A raw control character makes JSON invalid, and code that ends strings at NUL cuts the event short.

    Mend: Encode the message as JSON, which writes \u0000.

    Example: data: {"message":"before\0after"}, with the byte 00
    """
    yield from _stays_inside(seen, "nul")


@rule("security/injection-quote", "must", STAYS_INSIDE, needs=NEEDS, rests_on=SPOILED)
def injection_quote(seen: Seen) -> Iterator[Mark]:
    r"""Quotes and backslashes in a text stay inside the text.

    Why: JSON that is put together from strings ends at the first quote of a text: the event cannot be parsed, or says
    what whoever wrote the text wants it to say.

    Mend: Let a JSON library write the whole event; never put a text between quotes by hand.

    Example: data: {"message":"before","forged":"yes"}, where the text was: before","forged":"yes
    """
    yield from _stays_inside(seen, "quote")


def _stays_inside(seen: Seen, case: str) -> Iterator[Mark]:
    if not any(update.head and update.head.status < 300 for update in seen.role("update")):
        return  # where nothing is accepted, nothing is kept out
    for update in seen.role("update", Facts(canary=case)):
        if update.facts.marker is None or not update.head:
            continue
        if 400 <= update.head.status < 500:
            yield update.good()  # refusing such a text is one way to keep it out
        elif update.head.status < 300:
            for view in seen.role("stream", Facts(situation="canary", task_id=update.facts.task_id)):
                yield from _inside(view, update, _markers(seen))


def _markers(seen: Seen) -> frozenset[str]:
    """Return what marks each of the texts that try to break the framing."""
    return frozenset(one.facts.marker for one in seen.role("update") if one.facts.canary and one.facts.marker)


def _inside(view: View, update: View, markers: frozenset[str]) -> Iterator[Mark]:
    marker = update.facts.marker or ""
    outside = [item for item in view.items if _is_outside(item, marker)]
    told = [message for message in view.messages if marker in message.event.data]
    if outside:
        yield view.bad("text from an update became part of the stream's framing", min(outside, key=_place))
    elif found := next(_broken(view, told, update, markers), None):
        yield view.bad(*found)
    elif told:
        yield view.good()


def _broken(view: View, told: list[Message], update: View, markers: frozenset[str]) -> Iterator[tuple[str, Message]]:
    """Yield how the text broke the events that tell it, or was broken."""
    marker, cut = update.facts.marker, update.facts.canary == "nul"
    speaks_json = _speaks_json(view, markers)
    for message in told:
        if f"{marker}-injected" in message.event.data.split("\n") or _is_member(message.value, f"{marker}-injected"):
            yield "text from an update became a value of its own", message
        elif message.error and speaks_json:
            raw = "\0" in message.event.data
            what = "a raw NUL from an update" if raw else "text from an update"
            yield f"{what} broke the JSON of its event", message
        elif cut and _whole_ones(view, markers) and f"{marker}-end" not in message.event.data:
            yield "text from an update was cut off at its NUL", message


def _speaks_json(view: View, markers: frozenset[str]) -> bool:
    """Whether the events that tell none of these texts are JSON objects or lists, all of them."""
    others = [one for one in view.messages if not any(marker in one.event.data for marker in markers)]
    return bool(others) and all(isinstance(one.value, dict | list) for one in others)


def _is_member(value: object, text: str) -> bool:
    """Whether a member of a JSON value is exactly this text."""
    return text in texts(value)


def _whole_ones(view: View, markers: frozenset[str]) -> bool:
    """Whether texts of this kind arrive to their ends: the server does not shorten them."""
    return any(f"{marker}-end" in message.event.data for marker in markers for message in view.messages)


def _place(item: Item) -> int:
    return item.what.start


def _is_outside(item: Item, marker: str) -> bool:
    """Whether the word stands where no text belongs: in an event's type or id, in another field, in a comment."""
    what = item.what
    if isinstance(what, Event | BlockWithoutData):
        return marker in what.type or marker in (what.id or "")
    if isinstance(what, IgnoredField):  # where it holds the text from its beginning, only its `data:` is missing
        line = f"{what.name}:{what.value}"
        return marker in line and f"{marker} before" not in line
    return isinstance(what, Comment) and marker in what.text
