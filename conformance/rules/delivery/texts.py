"""The rule on texts that arrive as they were written, whatever characters they are made of, and however many.

Three texts show it: letters of many alphabets with a blank on either side; quotes, backslashes, a tab and runs of
blanks, as code has them; and codes that some functions take for line ends. A server may leave such codes out, put
entities or escapes in a letter's place, and trim the ends; all else is to arrive, and no line end where there was none.
A fourth is long: it may be refused, or end with a word that something is left out, but not anywhere.
"""

import html
import json
import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from urllib.parse import unquote_plus

from ssegauge.conformance.facts import Facts
from ssegauge.conformance.rules.reading.spoiled import SPOILED
from ssegauge.conformance.rules.reading.texts import texts
from ssegauge.conformance.rules.rule import profile, rule
from ssegauge.conformance.seen import Level, Mark, Message, Seen, View
from ssegauge.conformance.words import shown

INJECTED = ("security/injection-separator", "security/injection-quote")
TAG = re.compile(r"</?[A-Za-z][^<>]*>")  # of a fragment of a page, where texts are to be written so
PART = "x" * 100  # of a long text
LEFT_OUT = ("…", "...", "]", ")")
SOME = 12  # characters
SIGNS = {"\\": "backslashes", '"': "quotes", "'": "apostrophes"}
TYPESET = str.maketrans("“”„‘’", '"""\'\'')


def _without_escapes(text: str) -> str:
    """Return what a text says where it is written as in a JSON string, as in JSON within JSON."""
    try:
        return str(json.loads(f'"{text}"', strict=False))
    except ValueError:
        return text


def _from_csv(text: str) -> str:
    return text.replace('""', '"')


def _typed(text: str) -> str:
    return text.translate(TYPESET)


# What says the same in another form.
FORMS: tuple[Callable[[str], str], ...] = (str, html.unescape, unquote_plus)
OF_CODE = (*FORMS, _without_escapes, _from_csv, _typed)


@rule(
    "delivery/text-altered",
    "must",
    profile("E1.9"),
    needs=("update",),
    rests_on=(*SPOILED, "wire/invalid-utf8", "wire/twice-encoded", *INJECTED),
)
def text_altered(seen: Seen) -> Iterator[Mark]:
    r"""A text that was accepted arrives in the characters it was written in.

    Why: Whoever reads it reads question marks, or a line where there was none, and cannot know what was meant.

    Mend: Use UTF-8 from the request to the socket, in the database too; split texts at CRLF, CR and LF alone (Python's
    `splitlines` splits at more); write a blank after `data:`, for clients take one away. Leave it to the page that
    shows a text to escape it, and to the database's driver to quote it. Make no blanks one, nor `stripslashes` what
    nobody has given slashes. Answer 413 to a text that is too long for a column or a buffer, instead of cutting it.

    Example: data: ? ? ? ?, where the text was: é Ж 中 😀
    """
    for update in seen.role("update"):
        judge = JUDGES.get(update.facts.canary or "")
        if judge and update.head and update.head.status < 300:
            for view in seen.role("stream", Facts(situation="canary", task_id=update.facts.task_id)):
                yield from judge(view, update)


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


def _as_typed(view: View, update: View) -> Iterator[Mark]:
    """Judge a text as code has it; a page's fragment shows its blanks as one, and may have quotes of its own."""
    sent = _between(update.facts.message or "", update) or ""
    for message in view.messages:
        told = [got for text in _texts(message) if not TAG.search(text) and (got := _between(text, update))]
        forms = [form(text) for text in told for form in OF_CODE]
        if sent in forms:
            yield view.good()
        elif told:
            what, level = _how_changed(sent, forms)
            yield view.bad(f"{what}: {_from_the_change(sent, told[0])}", message, level)


def _from_the_change(sent: str, got: str) -> str:
    """Return both texts from a little before they part ways."""
    parts_at = next((n for n, (a, b) in enumerate(zip(sent, got, strict=False)) if a != b), min(len(sent), len(got)))
    begin = max(0, parts_at - SOME)
    return f"{shown(sent[begin : parts_at + SOME])} came as {shown(got[begin : parts_at + SOME])}"


def _between(text: str, update: View) -> str | None:
    """Return what stands between the two marks of a text; None where the text was shortened."""
    marker = update.facts.marker or ""
    found = re.search(f"{marker}(.*){marker}-end", text, re.DOTALL)
    return found[1] if found else None


def _how_changed(sent: str, forms: Sequence[str]) -> tuple[str, Level | None]:
    """Say what became of a text, and how grave that is: blanks alone change no word."""
    if sent.split() in [form.split() for form in forms]:
        return "blanks did not arrive as they were", "should"
    lost = [name for sign, name in SIGNS.items() if max(form.count(sign) for form in forms) < sent.count(sign)]
    return f"{' and '.join(lost)} did not arrive" if lost else "a text was changed", None


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
    sent, got = _between(update.facts.message or "", update), _between(told, update)
    if sent is None or got is None:
        return _cut_off(sent, told.partition(marker)[2]) if sent else ""
    if update.facts.canary == "controls":
        return _made_line_ends(sent, got)
    if missing := _missing(sent, got):
        return f"{' '.join(missing)} did not arrive: {shown(sent.strip())} came as {shown(got.strip())}"
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


JUDGES: Mapping[str, Callable[[View, View], Iterator[Mark]]] = {
    "letters": _as_written,
    "controls": _as_written,
    "code": _as_typed,
    "large": _whole,
}
