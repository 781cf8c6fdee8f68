"""Content codings undone piece by piece, as clients do, within bounds.

An ``Uncoder`` is fed the pieces of a coded body and gives the text that they complete. It takes what several codings
did, one upon the other, away again. A coding that is not known leaves the body as it is. What little bytes can be made
to give is bounded: past ``MOST_TEXT``, or past ``RATIO`` times what was fed, nothing more comes and ``exceeded`` is
true.
"""

import zlib
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

import brotli

GZIP, ZLIB, RAW = 31, 15, -15  # zlib's wbits
PIECE = 64 << 10
MOST_TEXT = 64 << 20
# Event streams of much the same JSON shrink to a thirtieth, hardly ever to a hundredth; a bomb to a thousandth.
RATIO, RATIO_APPLIES_FROM = 200, 1 << 20
MOST_CODINGS = 4

Step = Callable[[bytes], Iterator[bytes]]
Undone = tuple[Step, Callable[[], bool]]  # a coding, piece by piece, and whether its end has come


class CannotDecode(Exception):  # noqa: N818 - says what follows from it
    """The body is not in the coding that its head names."""


class _Inflater(Protocol):
    def decompress(self, data: bytes, max_length: int = 0, /) -> bytes: ...
    @property
    def unconsumed_tail(self) -> bytes: ...


class Uncoder:
    """Undoes the codings that a Content-Encoding field names (RFC 9110 section 8.4)."""

    def __init__(self, content_encoding: str) -> None:
        names = [name for one in content_encoding.split(",") if (name := one.strip().lower()) not in {"", "identity"}]
        known = len(names) <= MOST_CODINGS and set(names) <= set(_CODINGS)
        undone = [_CODINGS[name]() for name in reversed(names)] if known else []
        self._steps: Sequence[Step] = [step for step, _ in undone]
        self._ended = [ended for _, ended in undone]
        self._fed = self._given = 0
        self.exceeded = False

    def feed(self, data: bytes) -> bytes:
        """Return the text that the next piece completes, which may be empty; raises CannotDecode."""
        if not self._steps:
            return bytes(data)
        self._fed += len(data)
        try:
            text = b"".join(self._through(self._steps, data))
            return b"" if self.exceeded else text
        except _ERRORS as error:
            raise CannotDecode(str(error)) from None

    @property
    def is_whole(self) -> bool:
        """Whether what was fed is all that the codings were to give: their ends have come, or nothing was coded."""
        return all(ended() for ended in self._ended)

    def _through(self, steps: Sequence[Step], data: bytes) -> Iterator[bytes]:
        """Lead data through the steps, and stop where the sum of what all of them give is too much."""
        step, *further = steps
        for piece in step(data):
            self._given += len(piece)
            self.exceeded |= self._given > min(MOST_TEXT, max(RATIO_APPLIES_FROM, RATIO * self._fed))
            if self.exceeded:
                return
            if further:
                yield from self._through(further, piece)
            else:
                yield piece


def _pieces(inflater: _Inflater, data: bytes) -> Iterator[bytes]:
    """What does not fit into one piece is held by the inflater, as coded bytes or as text."""
    yield (text := inflater.decompress(data, PIECE))
    while len(text) == PIECE or inflater.unconsumed_tail:
        yield (text := inflater.decompress(inflater.unconsumed_tail, PIECE))


def _gzip() -> Undone:
    """One member may follow another (RFC 1952 section 2.2); some writers pad with zeros."""
    member = zlib.decompressobj(GZIP)

    def step(data: bytes) -> Iterator[bytes]:
        nonlocal member
        yield from _pieces(member, data)
        while member.eof and (rest := member.unused_data.lstrip(b"\0")):
            member = zlib.decompressobj(GZIP)
            yield from _pieces(member, rest)

    return step, lambda: member.eof


def _deflate() -> Undone:
    """Some servers leave out the zlib wrapper, and clients bear it (RFC 9110 section 8.4.1.2)."""
    inflater: zlib._Decompress | None = None

    def step(data: bytes) -> Iterator[bytes]:
        nonlocal inflater
        if inflater is None and data:
            wrapped = data[0] & 0x0F == 8  # without the wrapper: a stored block whose padding is not zero
            inflater = zlib.decompressobj(ZLIB if wrapped else RAW)
        if inflater:
            yield from _pieces(inflater, data)

    return step, lambda: inflater is not None and inflater.eof


def _brotli() -> Undone:
    inflater = brotli.Decompressor()

    def step(data: bytes) -> Iterator[bytes]:
        yield inflater.process(data, output_buffer_limit=PIECE)
        while not inflater.can_accept_more_data():
            yield inflater.process(b"", output_buffer_limit=PIECE)

    return step, inflater.is_finished


_CODINGS: dict[str, Callable[[], Undone]] = {"gzip": _gzip, "x-gzip": _gzip, "deflate": _deflate, "br": _brotli}
_ERRORS: tuple[type[Exception], ...] = (zlib.error, brotli.error)
