"""Keeps secrets out of everything that is written: documents, messages, and the rows of transcripts.

Secrets are known strings, wherever and however they are written (``disguises``), and the values of header fields that
carry credentials. A secret that a server sends in pieces, over any number of chunks, is one secret: ``RowWriter`` holds
a row back while its end may be the beginning of one, and gives it with the next.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import accumulate
from typing import Any, Final

from ssegauge.conformance.credentials import is_credential
from ssegauge.conformance.facts import WORDS
from ssegauge.conformance.recording.disguises import Finder, Span
from ssegauge.conformance.recording.transcript import BOUNDED, Chunk, chunk_row, read_chunk, row_text
from ssegauge.conformance.seen.coding import CannotDecode, Uncoder

REDACTED: Final = "[redacted]"
_OURS = ("transcript", "name", "probe", "role")  # of an opening row: words and names that are never a server's
_HALF_CHARACTER = re.compile(r"(?:\\x[0-9a-f]{2}){1,3}\Z")  # where an excerpt was cut inside a character


class Redactor:
    """Replaces secrets in texts and JSON values.

    Of a secret that an ellipsis cuts off, a piece is found that is half of it or 8 characters, and never fewer than 4.
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._secrets = frozenset(secrets)
        self.finder = Finder(self._secrets)

    def learn(self, secrets: Iterable[str]) -> None:
        """Replace these from now on, too."""
        self._secrets |= frozenset(secrets)
        self.finder = Finder(self._secrets)

    def text(self, text: str) -> str:
        """Return the text without the known secrets."""
        if not self.finder:
            return text
        *cut, rest = replaced(text, self.finder.find(text)).split("…")
        return "…".join([*(self.tail(_HALF_CHARACTER.sub("", piece)) for piece in cut), rest])

    def tail(self, text: str) -> str:
        """Return the text without the piece of a secret at its end."""
        begins = self.finder.begins(text, certain=True) if self.finder else len(text)
        return text[:begins] + REDACTED if begins < len(text) else text

    def value(self, value: Any, ours: Collection[str] = (), others: Collection[str] | None = None) -> Any:  # noqa: ANN401 - any JSON value
        """Return a JSON value without secrets.

        Args:
            value: the value.
            ours: keys under which only words of ours stand.
            others: keys under which keys are not ours, and may hold a secret; None where none is ours.
        """
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return {self._key(key, others): self._entry(key, item, ours, others) for key, item in value.items()}
        if isinstance(value, list | tuple):
            if len(value) == 2 and _is_credential(value[0]):
                return [value[0], REDACTED]
            return [self.value(item, ours, others) for item in value]
        return value

    def row(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """Return a transcript's row without secrets; one of a chunk is looked at by itself."""
        if "chunk" in row:
            chunk = read_chunk(row["chunk"])
            text = chunk.data.decode("latin-1")
            clean = self.tail(replaced(text, self.finder.find(text)))
            return chunk_row(Chunk(chunk.at_ms, clean.encode("latin-1")))
        if "end" in row and row["end"]["detail"].startswith(BOUNDED):
            return dict(row)
        if "end" in row:
            return {"end": self.value(row["end"], ("how",), ())}
        return {**self.value(row, WORDS, ()), **{key: row[key] for key in _OURS if key in row}}

    def _key(self, key: Any, others: Collection[str] | None) -> Any:  # noqa: ANN401 - any key
        return self.text(key) if others is None and isinstance(key, str) else key

    def _entry(self, key: Any, item: Any, ours: Collection[str], others: Collection[str] | None) -> Any:  # noqa: ANN401
        if _is_credential(key) and isinstance(item, str):
            return REDACTED
        if others is not None and key in others:
            return self.value(item)
        return item if key in ours else self.value(item, ours, others)


SELDOM = 8  # what is held is looked at again when it has grown by this part of it


class RowWriter:
    """Turns the rows of one transcript into lines, in order, without secrets."""

    def __init__(self, redact: Redactor) -> None:
        self._redact = redact
        self._held: list[tuple[Chunk, str]] = []  # and the text, without content coding, in which to look
        self._uncoder: Uncoder | None = None
        self._withheld = False
        self._size = self._looked_at = 0  # bytes that are held, and at which they were looked at last

    def take(self, row: Mapping[str, Any]) -> str:
        """Take a row; return the lines that can be written now, which may be none."""
        finder = self._redact.finder
        if "chunk" in row and not finder:
            return row_text(row)
        if "chunk" not in row:
            if "head" in row:
                self._begin(row["head"]["headers"])
            return self.close() + row_text(self._redact.row(row))
        chunk = read_chunk(row["chunk"])
        self._held.append((chunk, self._text(chunk.data)))
        self._size += len(self._held[-1][1])
        if self._size - self._looked_at < self._looked_at // SELDOM:  # each byte of a long secret may come by itself
            return ""
        return self._give(certain=False)

    def close(self) -> str:
        """Return the lines that were held back."""
        return self._give(certain=True) if self._held else ""

    def _begin(self, headers: Iterable[Sequence[str]]) -> None:
        coding = ",".join(value for name, value in headers if name.lower() == "content-encoding")
        self._uncoder = Uncoder(coding) if coding else None

    def _text(self, data: bytes) -> str:
        try:
            return (self._uncoder.feed(data) if self._uncoder else data).decode("latin-1")
        except CannotDecode:
            self._uncoder = None
            return data.decode("latin-1")

    def _give(self, *, certain: bool) -> str:
        """Write all rows before the one in which a secret may begin; at the end all, without the piece of one."""
        finder, text = self._redact.finder, "".join(text for _, text in self._held)
        spans, begins = finder.find(text), finder.begins(text, certain=certain)
        if certain and begins < len(text):
            spans.append((begins, len(text)))
        ready = len(self._held) if certain else self._before(begins, spans)
        clean = list(self._clean(spans))[:ready]
        del self._held[:ready]
        self._size = self._looked_at = sum(len(text) for _, text in self._held)
        return "".join(row_text(chunk_row(chunk)) for chunk in clean)

    def _before(self, begins: int, spans: Sequence[Span]) -> int:
        """Return how many rows end before a place, and before each secret that goes on behind them."""
        until = min([begins, *(start for start, end in spans if start < begins < end)])
        return sum(end <= until for end in accumulate(len(text) for _, text in self._held))

    def _clean(self, spans: Sequence[Span]) -> Iterator[Chunk]:
        """Yield the rows' chunks without secrets; of coded ones nothing from where one begins."""
        at = 0
        left = deque(sorted(spans))  # with those that earlier rows end in taken off: each is looked at once a row
        for chunk, text in self._held:
            here = []
            while left and left[0][0] < at + len(text):
                start, end = left.popleft()
                here.append((max(start - at, -1), min(end - at, len(text))))
                if end > at + len(text):
                    left.appendleft((start, end))
                    break
            at += len(text)
            if self._uncoder is None:
                yield Chunk(chunk.at_ms, replaced(text, here).encode("latin-1"))
                continue
            self._withheld |= bool(here)
            yield Chunk(chunk.at_ms, b"" if self._withheld else chunk.data)


def replaced(text: str, spans: Iterable[Span]) -> str:
    """Return the text with the spans replaced; one that begins before the text leaves nothing."""
    pieces: list[str] = []
    at = 0
    for start, end in spans:
        pieces += (text[at : max(start, at)], REDACTED if start >= 0 else "")
        at = max(end, at)
    return "".join([*pieces, text[at:]])


def dump_rows(rows: Iterable[Mapping[str, Any]], redact: Redactor) -> str:
    """Return a transcript's rows as JSON Lines without secrets."""
    writer = RowWriter(redact)
    return "".join(map(writer.take, rows)) + writer.close()


def _is_credential(key: Any) -> bool:  # noqa: ANN401 - any JSON value
    return isinstance(key, str) and is_credential(key)
