"""Rules on what becomes of an event's data on its way into the stream; their codes are of the group ``wire``."""

import re
from bisect import bisect_left
from collections.abc import Iterator
from itertools import islice, zip_longest

from ssegauge.conformance.rules.reading.json_texts import ends_with_marker, is_structure, json_texts
from ssegauge.conformance.rules.reading.texts import texts
from ssegauge.conformance.rules.reading.torn import line_ends_lost, orphans, torn, was_json
from ssegauge.conformance.rules.rule import profile, rule
from ssegauge.conformance.seen import Level, Mark, Message, Seen, View
from ssegauge.conformance.sse import ReplacedBytes
from ssegauge.conformance.words import shown

REPLACEMENT = "\ufffd"
# So many damaged texts of a stream are sought in others, with so many runs of U+FFFD, each beside so many texts.
MOST_SOUGHT, MOST_RUNS, MOST_COMPARED = 20, 20, 100
_ESCAPED_HALF, _HALF = re.compile(r"\\u[dD][89a-fA-F]"), re.compile("[\ud800-\udfff]")
TOLD_APART = frozenset({"chat-completions"})  # has a stricter rule on it
LEAST_LEFT = 8  # bytes of UTF-8
LONGEST_RUN = 8  # so many characters may have stood where a run of U+FFFD stands


@rule("wire/unprefixed-data", "must", profile("E1.1"), over="streams")
def unprefixed_data(view: View) -> Iterator[Mark]:
    r"""Every line of an event's data starts with `data:`.

    Why: Clients ignore the lines that do not: a text arrives without them, and what is left of JSON cannot be parsed,
    though it all looks whole in any tool that shows bytes.

    Mend: Split a text at CRLF, CR and LF and start each of its lines with `data: `, an empty one too. Write JSON on one
    line, as JSON libraries do unless told to indent, with line breaks in texts as `\n`.

    Example: data: first line\nsecond line\n\n
    """
    if view.facts.situation == "canary":  # judged by security/injection-lf and its like
        return
    found = list(torn(view))
    for message, lost in found:
        many = "a line" if len(lost) == 1 else f"{len(lost)} lines"
        rest = ": clients drop that part, and the rest is no JSON" if was_json(message) else ": clients drop that part"
        yield view.bad(f"{many} of an event's data without `data:`{rest}", message)
    behind = list(orphans(view))
    for message, item in behind:
        broken = was_json(message)  # else it may be that nobody was to see it
        what = "the rest of JSON behind a blank line" if broken else "a line behind a text's blank line"
        yield view.bad(f"{what}, without `data:`: clients drop it", item, None if broken else "should")
    raw = line_ends_lost(view)
    for message in raw:
        yield view.bad("a text's own line end without `data:`: clients drop it", message, "should")
    if view.messages and not found and not behind and not raw:
        yield view.good()


@rule("wire/two-values-in-one", "must", profile("E1.2"), over="streams")
def two_values_in_one(view: View) -> Iterator[Mark]:
    r"""One event carries one value.

    Why: Clients that parse the data stop at the second value, and both are lost: usually the blank line between two
    events is missing, and the second is what told of an error or of the end.

    Mend: End every event with an empty line before the next one is begun, also when what wrote the first has failed:
    whoever appends an error to a stream writes an empty line first.

    Example: data: {"type":"delta"}\ndata: {"type":"error"}\n\n
    """
    if view.facts.situation == "canary":  # judged by security/injection-lf and its like
        return
    several = [message for message in view.messages if message.error and json_texts(message.event.data) > 1]
    usual = any(is_structure(message.value) for message in view.messages)
    for message in several:
        # Where each event is so, it may be meant as lines of JSON.
        certain = usual or _was_begun_twice(view, message) or ends_with_marker(message.event.data)
        level: Level | None = None if certain else "should"
        many = json_texts(message.event.data)
        values = "JSON and the end marker [DONE]" if ends_with_marker(message.event.data) else f"{many} JSON values"
        yield view.bad(f"{values} in the data of one event", message, level)
    if usual and not several:
        yield view.good()


def _was_begun_twice(view: View, message: Message) -> bool:
    """Whether a second type or id is set after data: there ought to have been a blank line."""
    block = view.body[message.event.start : message.event.end]
    return bool(re.search(rb"(?:^|[\r\n])data:[^\r\n]*[\r\n]+(?:event|id):", block))


@rule("wire/replacement-character", "advice", profile("E1.4"), rests_on=("wire/invalid-utf8",))
def replacement_character(seen: Seen) -> Iterator[Mark]:
    r"""No text holds U+FFFD, which stands for bytes that were lost, nor half a character.

    Why: Somebody before the stream decoded half a character: most often bytes that were read in pieces, each decoded by
    itself. The character is lost for good.

    Mend: Decode incrementally (`TextDecoder` with `stream: true`, `StringDecoder`, `codecs.getincrementaldecoder`), or
    pass bytes on as they are; never cut a text between the bytes of a character.

    Example: data: caf\ufffd
    """
    views = [view for view in seen.streams if view.facts.situation != "canary" and view.messages]
    for view in views:
        damaged = list(_damaged(view))
        for number, (message, after) in enumerate(damaged):
            if number < MOST_SOUGHT and (other := _whole_elsewhere(views, view, message)):
                yield view.bad(f"U+FFFD, where {other} {_lost(message)}", message, "should")
            elif _is_cut_in_two(message, after):
                yield view.bad("half a character, and the other half in the next event", message, "should")
            else:
                yield view.bad("U+FFFD in the data", message)
        halves = [message for message in view.messages if _has_half(message)] if seen.profile not in TOLD_APART else []
        for message in halves:
            yield view.bad(
                "half of a surrogate pair, which is no character: a text was cut inside one", message, "should"
            )
        if not damaged and not halves:
            yield view.good()


def _has_half(message: Message) -> bool:
    """Whether JSON escapes half of a character: no UTF-8 stands for it, and most languages cannot print or store it."""
    told = message.event.data
    return bool(_ESCAPED_HALF.search(told)) and any(_HALF.search(text) for text in texts(message.value))


def _said(message: Message) -> str:
    """Return the data with its escapes of the character undone."""
    return message.event.data.replace("\\ufffd", REPLACEMENT).replace("\\uFFFD", REPLACEMENT)


def _damaged(view: View) -> Iterator[tuple[Message, Message | None]]:
    """Yield where the character was sent, and what came next. Where clients put it for bad bytes is another rule's."""
    bad_bytes = [what.start for _, what in view.of(ReplacedBytes)]
    for message, after in zip_longest(view.messages, view.messages[1:]):
        ours = bisect_left(bad_bytes, message.event.start) < bisect_left(bad_bytes, message.event.end)
        if REPLACEMENT in _said(message) and not ours:
            yield message, after


def _whole_elsewhere(views: list[View], view: View, message: Message) -> str:
    """Return who else was told the same text whole, and in which words to say so; "" where nobody was."""
    damaged = [re.split(f"{REPLACEMENT}+", text) for text in _texts(message) if REPLACEMENT in text]
    known = [pieces for pieces in damaged if _can_be_sought(pieces)]
    for one in views if known else ():
        if one.facts.task_id != view.facts.task_id:
            continue
        told = (text for other in one.messages for text in _texts(other))
        like = ((text, pieces) for text in told for pieces in known if _is_like(text, pieces))
        if any(_is_whole(text, pieces) for text, pieces in islice(like, MOST_COMPARED)):
            return f"{one.name} was told" if one is not view else "another event has"
    return ""


def _can_be_sought(pieces: list[str]) -> bool:
    """Whether enough is left of a text to know it by, and not too much was lost to look for it."""
    return len("".join(pieces).encode("utf-8", "replace")) >= LEAST_LEFT and len(pieces) <= MOST_RUNS


def _is_like(text: str, pieces: list[str]) -> bool:
    """Whether it may be a text of these pieces: what costs little, and is so of few others."""
    runs, rest = len(pieces) - 1, len(text) - sum(map(len, pieces))
    return runs <= rest <= runs * LONGEST_RUN and text.startswith(pieces[0]) and text.endswith(pieces[-1])


def _is_whole(text: str, pieces: list[str]) -> bool:
    """Whether a text is these pieces with a run of other characters between each two.

    All places to which the pieces so far may reach are gone on from at once: to try them one after the other, as an
    expression does, takes for ever where pieces repeat.
    """
    ends = {len(pieces[0])}
    for piece in pieces[1:]:
        starts = {end + run for end in ends for run in range(1, LONGEST_RUN + 1)}
        ends = {start + len(piece) for start in starts if text.startswith(piece, start)}
    return len(text) in ends and REPLACEMENT not in text


def _lost(message: Message) -> str:
    """Return what stands around the character."""
    text = next((one for one in texts(message.value) if REPLACEMENT in one), _said(message))
    at = text.index(REPLACEMENT) if REPLACEMENT in text else 0
    return f"the character ({shown(text[max(0, at - 10) : at + 10])})"


def _is_cut_in_two(message: Message, after: Message | None) -> bool:
    """Whether a text ends with the character and the next event's begins with it."""
    if after is None:
        return False
    ends = any(text.endswith(REPLACEMENT) for text in _texts(message))
    return ends and any(text.startswith(REPLACEMENT) for text in _texts(after))


def _texts(message: Message) -> list[str]:
    return [message.event.data] if message.error else list(texts(message.value))
