"""A rule on text that was encoded twice; its code is of the group ``wire``."""

import re
from collections.abc import Iterator

from ssegauge.conformance.rules.reading.texts import texts
from ssegauge.conformance.rules.rule import profile, rule
from ssegauge.conformance.seen import Mark, Message, View
from ssegauge.conformance.words import shown

# Bytes of one character of UTF-8 that takes two to four, as characters of Windows-1252 or ISO 8859-1.
_ENCODED = re.compile(rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}")
FEWEST = 3  # different ones: a text may speak of one that looks so


@rule("wire/twice-encoded", "should", profile("E1.7"), over="streams", rests_on=("wire/invalid-utf8",))
def twice_encoded(view: View) -> Iterator[Mark]:
    r"""No text was read as ISO 8859-1 or Windows-1252 and encoded as UTF-8 again.

    Why: The reader sees two or three odd characters in place of each one that is not ASCII, and no error anywhere.

    Mend: Read what you pass on as UTF-8, or as bytes: an event stream is UTF-8 whatever its head says. Some libraries
    take text without a charset for ISO 8859-1, Python's requests (`decode_unicode=True`) among them.

    Example: data: {"text": "GrÃ¼ÃŸe aus KÃ¶ln"}
    """
    if view.facts.situation == "canary" or not view.messages:
        return
    told = [(one, _bytes(text)) for one in view.messages if not (text := _said(one)).isascii()]
    odd = [(one, raw) for one, raw in told if _ENCODED.sub(b"", raw).isascii()]
    if len({match for _, raw in odd for match in _ENCODED.findall(raw)}) >= FEWEST:
        where = odd[0][0]
        many = "wherever text is not ASCII" if len(odd) == len(told) else f"in {len(odd)} of {len(told)} texts"
        yield view.bad(f"{shown(_first(where))} for {shown(_meant(where))}, and so {many}", where)
    elif told:
        yield view.good()


def _said(message: Message) -> str:
    """Return the texts in an event, or its data where that is no JSON."""
    return message.event.data if message.error else "\n".join(texts(message.value))


def _bytes(text: str) -> bytes:
    """Return the bytes that a text was read from, if it was; for a character that stands for none, one of no UTF-8."""
    return b"".join(map(_byte, text))


def _byte(char: str) -> bytes:
    for encoding in ("cp1252", "latin-1"):
        try:
            return char.encode(encoding)
        except UnicodeEncodeError:
            continue
    return b"\xff"


def _first(message: Message) -> str:
    """Return the first characters that stand for one other."""
    return _bytes_found(message).decode("cp1252", "replace")


def _meant(message: Message) -> str:
    return _bytes_found(message).decode("utf-8", "replace")


def _bytes_found(message: Message) -> bytes:
    match = _ENCODED.search(_bytes(_said(message)))
    return match[0] if match else b""
