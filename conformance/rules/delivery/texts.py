"""The rule on texts that arrive as they were written, whatever characters they are made of, and however many.

Two texts show it: letters of many alphabets with a blank on either side, and codes that some functions take for line
ends. A server may leave such codes out, put entities or escapes in a letter's place, and trim the ends; letters are to
arrive, and no line end where there was none. A third is long: it may be refused, or end with a word that something is
left out, but not anywhere.
"""

import html
import json
import re
import unicodedata
from collections.abc import Callable, Iterator
from urllib.parse import unquote_plus

from ssegauge.conformance.facts import Facts
from ssegauge.conformance.rules.reading.spoiled import SPOILED
from ssegauge.conformance.rules.reading.texts import texts
from ssegauge.conformance.rules.rule import profile, rule
from ssegauge.conformance.seen import Mark, Message, Seen, View
from ssegauge.conformance.words import shown

TAG = re.compile(r"</?[A-Za-z][^<>]*>")  # of a fragment of a page, where texts are to be written so
PART = "x" * 100  # of a long text
LEFT_OUT = ("…", "...", "]", ")")
# What says the same in another form.
FORMS: tuple[Callable[[str], str], ...] = (str, html.unescape, unquote_plus)


@rule(
    "delivery/text-altered",
    "must",
    profile("E1.9"),
    needs=("update",),
    rests_on=(*SPOILED, "wire/invalid-utf8", "wire/twice-encoded", "security/injection-separator"),
)
def text_altered(seen: Seen) -> Iterator[Mark]:
    r"""A text that was accepted arrives in the characters it was written in.

    Why: Whoever reads it reads question marks, or a line where there was none, and cannot know what was meant.

    Mend: Use UTF-8 from the request to the socket, in the database too; split texts at CRLF, CR and LF alone (Python's
    `splitlines` splits at more); write a blank after `data:`, for clients take one away. Leave it to the page that
    shows a text to escape it. Answer 413 to a text that is too long for a column or a buffer, instead of cutting it.

    Example: data: ? ? ? ?, where the text was: é Ж 中 😀
    """
    for update in seen.role("update"):
        if update.facts.canary in {"letters", "controls"} and update.head and update.head.status < 300:
            for view in seen.role("stream", Facts(situation="canary", task_id=update.facts.task_id)):
                yield from _as_written(view, update)
        elif update.facts.canary == "large" and update.head and update.head.status < 300:
            for view in seen.role("stream", Facts(situation="canary", task_id=update.facts.task_id)):
                yield from _whole(view, update)


def _as_written(view: View, update: View) -> Iterator[Mark]:
    marker = update.facts.marker or ""
    for message in view.messages:
        told = [text for text in _texts(message) if marker in text]
        if wrong := next(filter(None, (_wrong(text, update) for text in told)), ""):
            yield view.bad(wrong, message)
        elif any(" & " in (update.facts.message or "") and " &amp; " in text and not TAG.search(text) for text in told):
            yield view.bad(
                "& came as &amp;: the text is written as HTML is, and clients show what they get", message, "should"
            )
        elif any(f"{marker}-end" in text for text in told):
            yield view.good()


def _whole(view: View, update: View) -> Iterator[Mark]:
    """Judge a long text: a server may refuse it, tell it in several events, or say that it leaves something out."""
    marker, sent = update.facts.marker or "", update.facts.message or ""
    told = [(text, message) for message in view.messages for text in _texts(message) if PART in text]
    beginning = [(text, message) for text, message in told if marker in text]
    if any(f"{marker}-end" in message.event.data for message in view.messages):
        yield view.good()
    elif len(told) == len(beginning) == 1 and not beginning[0][0].endswith(LEFT_OUT):
        text, message = beginning[0]
        summary = f"a text of {len(sent):,} characters was accepted and came with {len(text):,}: its end is missing"
        yield view.bad(summary, message, "should")


def _texts(message: Message) -> Iterator[str]:
    """Yield the texts of an event: those in its JSON, or its data."""
    return iter([message.event.data]) if message.error else texts(message.value)


def _wrong(told: str, update: View) -> str:
    """Say what became of a text that is not as it was; nothing where it is, or was shortened for its length."""
    marker = update.facts.marker or ""
    inside = re.compile(f"{marker}(.*){marker}-end", re.DOTALL)
    sent, got = inside.search(update.facts.message or ""), inside.search(told)
    if not sent or not got:
        return _cut_off(sent[1], told.partition(marker)[2]) if sent else ""
    if update.facts.canary == "controls":
        return _made_line_ends(sent[1], got[1])
    if missing := _missing(sent[1], got[1]):
        return f"{' '.join(missing)} did not arrive: {shown(sent[1].strip())} came as {shown(got[1].strip())}"
    if told.startswith(marker) and told.endswith(f"{marker}-end "):  # a text that was trimmed has lost both
        return "the blank that the text began with was lost, and the one at its end was not"
    return ""


def _cut_off(sent: str, got: str) -> str:
    """Say before which letter the text ends; a text that is too long ends anywhere."""
    ends = {sent[:place].strip(): letter for place, letter in enumerate(sent) if not letter.isascii()}
    return f"the text was cut off before {shown(ends[got.strip()])}" if got.strip() in ends else ""


def _made_line_ends(sent: str, got: str) -> str:
    """Say which code came as a line end."""
    for before, code, after in zip(sent, sent[1:], sent[2:], strict=False):
        if not code.isdigit() and re.search(f"{before}[\r\n]+{after}", got):
            return f"U+{ord(code):04X} in a text came as a line end"
    return ""


def _missing(sent: str, got: str) -> list[str]:
    """Return the letters that did not arrive, in no form that says the same."""
    forms = [_composed(form(got)) for form in FORMS]
    letters = [letter for letter in sent.split() if not letter.isascii()]
    return [letter for letter in letters if not any(letter in form for form in forms) and not _is_escaped(letter, got)]


def _composed(text: str) -> str:
    return unicodedata.normalize("NFC", text)


def _is_escaped(letter: str, got: str) -> bool:
    """Whether it stands there as JSON escapes it."""
    return json.dumps(letter)[1:-1].lower() in got.lower()
