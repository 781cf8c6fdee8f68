r"""How a secret may be written, and where in a text one is.

Letters may change their case. Characters may be escaped, each by itself or all, as JSON, PHP, Python, HTML and
percent-encoding do, also one over the other (percent-encoding in JSON): ``Finder`` takes escapes away, layer by layer,
and looks at each layer. The whole may be base64, of itself or within a longer text such as ``user:password``, and UTF-8
may have been read as Latin-1: those are further forms of the secret.

Not found: other encodings (hexadecimal, reversed, hashed) and base64 of what is escaped.
"""

from __future__ import annotations

import base64
import binascii
import html
import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from functools import cached_property
from operator import attrgetter
from typing import NamedTuple

SHORTEST = 4  # one of fewer characters anybody can guess, and it is in every document
MOST_LAYERS = 3
Span = tuple[int, int]

_ESCAPE = re.compile(
    r"""(?P<percent>(?:%[0-9a-f]{2})+)|(?P<bytes>(?:\\x[0-9a-f]{2})+)|(?P<units>(?:\\u[0-9a-f]{4})+)
      |(?P<entity>&(?:\#[0-9]{1,7}|\#x[0-9a-f]{1,6}|amp|lt|gt|quot|apos);)|(?P<chars>(?:\\["'/\\bfnrt])+)""",
    re.IGNORECASE | re.VERBOSE,
)
_UNFINISHED = re.compile(r"(?:%[0-9a-f]?|\\(?:u[0-9a-f]{0,3}|x[0-9a-f]?)?|&[#a-z0-9]{0,8})\Z", re.IGNORECASE)
_CONTROL = str.maketrans("bfnrt", "\b\f\n\r\t")
_NAMED = {"&amp;": "&", "&lt;": "<", "&gt;": ">", "&quot;": '"', "&apos;": "'"}
_EACH = {"percent": 3, "bytes": 4, "units": 6, "chars": 2}  # how long one is, of those that come in runs
_SCHEME = re.compile(r"(?i)(?:basic|bearer|digest|token|apikey)\s+(\S.*)")
_URL_SAFE = str.maketrans("+/", "-_")


class Finder:
    """Finds secrets in texts; those under four characters are ignored."""

    def __init__(self, secrets: Iterable[str]) -> None:
        named = {text for secret in secrets for text in _meant(secret) if len(text) >= SHORTEST}
        self._forms = sorted({form for text in named for form in _forms(text)}, key=len, reverse=True)
        self._pattern = re.compile("|".join(map(re.escape, self._forms)))
        # What a text ends in, one character or two, of which a secret's beginning is the end; and those secrets.
        self._ends: dict[str, list[str]] = {}
        for form in self._forms:
            for end in {form[:1], *(form[at : at + 2] for at in range(len(form) - 1))}:
                self._ends.setdefault(end, []).append(form)
        # So long a secret may be when it is escaped: three times over as JSON does, six characters for one.
        self.reach = 256 * max(map(len, self._forms), default=0)

    def __bool__(self) -> bool:
        """Whether there is anything to find."""
        return bool(self._forms)

    def find(self, text: str) -> list[Span]:
        """Return where secrets are, in order, those that touch or overlap as one."""
        if not self._forms:
            return []
        found = (
            layer.span(match.start(), match.end())
            for layer in _layers(text)
            for match in self._pattern.finditer(layer.text)
        )
        return list(_merged(sorted(found)))

    def begins(self, text: str, *, certain: bool = False) -> int:
        """Return where a secret may begin that the end of the text cuts off; the text's length where none does.

        With ``certain``, only where so much of it is there that it is no chance: half of it or 8 characters, and never
        fewer than 4.
        """
        skipped = max(0, len(text) - self.reach)
        tail = text[skipped:]
        places = [len(tail)]
        for layer, unfinished in _cut_off(_Layer(_lower(tail))):
            if unfinished is not None and not certain:  # it may be the first character
                places.append(layer.span(unfinished, len(layer.text))[0])
            if (place := self._begins(layer, certain=certain)) is not None:
                places.append(place)
        return skipped + min(places)

    def _begins(self, layer: _Layer, *, certain: bool) -> int | None:
        forms = [*self._ends.get(layer.text[-1:], ()), *self._ends.get(layer.text[-2:], ())]
        longest = max((_overlap(layer.text, form, _least(form) if certain else 1) for form in forms), default=0)
        return layer.span(len(layer.text) - longest, len(layer.text))[0] if longest else None


class _Mark(NamedTuple):
    """A run of escapes: where its characters are, how many, where it stood, and how long each escape was.

    ``each`` is 0 where characters and escapes are not one for one.
    """

    new: int
    length: int
    start: int
    end: int
    each: int

    def place(self, at: int) -> Span:
        """Return where the character stood, or the whole run where that cannot be told."""
        past = at - self.new - self.length
        if past >= 0:
            return self.end + past, self.end + past + 1
        start = self.start + (at - self.new) * self.each
        return (start, start + self.each) if self.each else (self.start, self.end)


class _Layer:
    """A text in lower case with so many layers of escapes taken away, and where its characters come from."""

    def __init__(self, text: str, outer: _Layer | None = None) -> None:
        self.text = text
        self._outer = outer

    @cached_property
    def _marks(self) -> list[_Mark]:
        """The escapes of the text, as the layer below came of them: made when somebody asks, which is seldom."""
        marks: list[_Mark] = []
        shift = 0  # by which a character below is nearer to the beginning
        for match in _ESCAPE.finditer(self.text):
            (start, end), length = match.span(), len(_unescaped(match))
            each = _EACH.get(match.lastgroup or "", 0)
            marks.append(_Mark(start - shift, length, start, end, each if each * length == end - start else 0))
            shift += end - start - length
        return marks

    def span(self, start: int, end: int) -> Span:
        """Return where in the text at the outside the characters from start to end are."""
        if self._outer is None:
            return start, end
        ends = self._outer.stood(end - 1)[1] if end > start else self._outer.stood(end)[0]
        return self._outer.span(self._outer.stood(start)[0], ends)

    def stood(self, at: int) -> Span:
        """Return where in this text a character of the layer below is."""
        number = bisect_right(self._marks, at, key=attrgetter("new")) - 1
        return self._marks[number].place(at) if number >= 0 else (at, at + 1)

    def until(self, at: int) -> _Layer:
        """Return the layer's beginning."""
        return _Layer(self.text[:at], self._outer)

    def inner(self) -> _Layer | None:
        """Return the layer below, None where nothing is escaped."""
        text, escapes = _ESCAPE.subn(_unescaped, self.text)
        return _Layer(_lower(text), self) if escapes else None


def _layers(text: str) -> Iterator[_Layer]:
    layer: _Layer | None = _Layer(_lower(text))
    for _ in range(MOST_LAYERS + 1):
        if layer is None:
            return
        yield layer
        layer = layer.inner()


def _cut_off(layer: _Layer, layers: int = MOST_LAYERS) -> Iterator[tuple[_Layer, int | None]]:
    """Yield a text that may be cut off, layer by layer, and where the escape at its end begins that is not whole.

    Such an escape may be one, or be none: each layer comes with it and without, and those below without.
    """
    unfinished = _UNFINISHED.search(layer.text)
    yield layer, unfinished.start() if unfinished else None
    if unfinished:
        layer = layer.until(unfinished.start())
        yield layer, None
    if layers and (inner := layer.inner()):
        yield from _cut_off(inner, layers - 1)


def _unescaped(match: re.Match[str]) -> str:
    kind, what = match.lastgroup, match[0]
    if kind == "entity":
        return _NAMED.get(what) or html.unescape(what)
    if kind == "chars":
        return what[1::2].translate(_CONTROL)
    if kind == "units":
        return bytes.fromhex(what.replace("\\u", "")).decode("utf-16-be", "surrogatepass")
    raw = bytes.fromhex(what.replace("%", "") if kind == "percent" else what.replace("\\x", ""))
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def _lower(text: str) -> str:
    """Return the text in lower case, character by character."""
    lower = text.lower()
    return lower if len(lower) == len(text) else "".join(low if len(low := one.lower()) == 1 else one for one in text)


def _meant(secret: str) -> Iterator[str]:
    """Yield what is secret where this is: itself, a token behind its scheme, user and password behind base64."""
    secret = secret.strip()
    yield secret
    if scheme := _SCHEME.fullmatch(secret):
        yield from _meant(scheme[1])
    elif ":" in (inside := _from_base64(secret)):
        yield inside
        yield inside.partition(":")[2]


def _from_base64(text: str) -> str:
    try:
        inside = base64.b64decode(text, validate=True).decode()
    except (ValueError, binascii.Error):
        return ""
    return inside if inside.isprintable() else ""


def _forms(secret: str) -> Iterator[str]:
    cased = {secret, secret.lower(), secret.upper(), secret.replace(" ", "+")}
    for one in cased:
        raw = one.encode("utf-8", "surrogatepass")
        yield from (_lower(one), _lower(raw.decode("latin-1")))
        if not one.isascii():
            yield from (left for left in _without_foreign(one) if len(left) >= SHORTEST)
    for coded in _in_base64(secret.encode("utf-8", "surrogatepass")):
        yield from (coded.lower(), coded.translate(_URL_SAFE).lower())


def _without_foreign(text: str) -> Iterator[str]:
    """Yield what readers that know ASCII alone make of it: left out, or a sign in their place."""
    for sign in ("", "?", "??", "\ufffd", "\ufffd\ufffd"):
        yield _lower("".join(one if one.isascii() else sign for one in text))


def _in_base64(raw: bytes) -> Iterator[str]:
    """Yield the characters that bytes become in base64 whatever stands before and after them."""
    for before in range(3):
        first, behind = -(-before * 8 // 6), (before + len(raw)) * 8 // 6
        if behind - first >= SHORTEST:
            yield base64.b64encode(bytes(before) + raw).decode()[first:behind]


def _least(form: str) -> int:
    return max(SHORTEST, min(8, (len(form) + 1) // 2))


def _overlap(text: str, form: str, least: int) -> int:
    """Return how many characters at the text's end begin the form; 0 when they are fewer than ``least``."""
    at = text.find(form[:least], max(0, len(text) - len(form) + 1))
    while at >= 0 and not form.startswith(text[at:]):
        at = text.find(form[:least], at + 1)
    return len(text) - at if at >= 0 else 0


def _merged(spans: Iterable[Span]) -> Iterator[Span]:
    last: Span | None = None
    for start, end in spans:
        if last and start <= last[1]:
            last = last[0], max(last[1], end)
        else:
            if last:
                yield last
            last = start, end
    if last:
        yield last
