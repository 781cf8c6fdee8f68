"""The body of a response, out of its framing (RFC 9112 section 6): what ``take`` returns of the bytes of a read.

Most reads of an event stream hold whole chunks; those are cut out here. For the rest, from the first byte that is
no whole chunk until the chunk's end, there is httptools. ``ending`` says how the body has ended: ``COMPLETE``, as its
framing says it should, or what is wrong with that; empty before. ``ends_with_connection`` says that nothing but the
connection's end ends it. Nothing that a server sends raises here but in ``framed``.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Final, Protocol

from httptools import HttpParserError, HttpResponseParser

COMPLETE: Final = "complete"
MALFORMED: Final = "malformed chunks"
MOST_SHOWN: Final = 40  # characters of what a server sent
MOST_FRAMING_BYTES: Final = 262_144
FRAMING_TOO_LARGE: Final = (
    f"more than {MOST_FRAMING_BYTES // 1024} KiB of trailers or framing without a byte of the body"
)
_SIZE: Final = re.compile(rb"([0-9a-fA-F]{1,7})\r\n").match
_HEAD: Final = b"HTTP/1.1 200 OK\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"


class Body(Protocol):
    """See the module."""

    @property
    def ending(self) -> str:
        """How the body has ended, empty before."""

    @property
    def ends_with_connection(self) -> bool:
        """Whether nothing but the connection's end says so."""

    @property
    def between_chunks(self) -> bool:
        """Whether the same bytes will give what they give any other body of the kind in this state."""

    def take(self, data: bytes) -> bytes:
        """Return the bytes of the body among those of a read."""


class Unframed:
    """A body that ends with the connection; it has no state, so one is enough."""

    __slots__ = ()
    ending = ""
    between_chunks = ends_with_connection = True

    def take(self, data: bytes) -> bytes:
        """Return all of it."""
        return data


class Sized:
    """A body of known length; what comes after it is nobody's."""

    __slots__ = ("_left",)
    between_chunks = ends_with_connection = False

    def __init__(self, length: int) -> None:
        self._left = length

    @property
    def ending(self) -> str:
        """Whether all of it has come."""
        return COMPLETE if self._left <= 0 else ""

    def take(self, data: bytes) -> bytes:
        """Return what belongs to the body."""
        body = data[: max(0, self._left)]
        self._left -= len(body)
        return body


class Chunked:
    """A body in chunks."""

    __slots__ = ("_torn", "ending")
    ends_with_connection = False

    def __init__(self) -> None:
        self.ending = ""
        self._torn: _Torn | None = None

    @property
    def between_chunks(self) -> bool:
        """Whether the next byte is that of a chunk's size."""
        return self._torn is None and not self.ending

    def take(self, data: bytes) -> bytes:
        """Return the content of the chunks."""
        if self._torn is None and not self.ending and (size := _SIZE(data)):
            start = size.end()
            end = start + int(size[1], 16)
            if start < end == len(data) - 2 and data.endswith(b"\r\n"):  # one whole chunk, as most reads hold
                return data[start:end]
        return self._take_any(data)

    def _take_any(self, data: bytes) -> bytes:
        if self.ending:
            return b""  # what comes after it is nobody's
        if self._torn:
            return self._take_torn(data)
        pieces, at = [], 0
        while size := _SIZE(data, at):
            start = size.end()
            end = start + int(size[1], 16)
            if end == start or data[end : end + 2] != b"\r\n":
                break
            pieces.append(data[start:end])
            at = end + 2
            if at == len(data):
                return b"".join(pieces)
        self._torn = _Torn()
        return b"".join(pieces) + self._take_torn(data[at:])

    def _take_torn(self, data: bytes) -> bytes:
        assert self._torn
        body = self._torn.take(data)
        self.ending = self._torn.ending
        if self._torn.between_chunks or self.ending:
            self._torn = None
        return body


class _Torn:
    """Reads chunks that are not whole, from the start of one on."""

    def __init__(self) -> None:
        self.ending, self.between_chunks = "", False
        self._fruitless = 0  # bytes since the last one of the body
        self._pieces: list[bytes] = []
        self._parser = HttpResponseParser(self)
        # Some old servers fill sizes up with spaces; what comes after the end is nobody's.
        self._parser.set_dangerous_leniencies(lenient_spaces_after_chunk_size=True, lenient_data_after_close=True)
        self._parser.feed_data(_HEAD)

    def take(self, data: bytes) -> bytes:
        """Return the content of the chunks."""
        self._fruitless += len(data)
        self.between_chunks = False
        try:
            self._parser.feed_data(data)
        except HttpParserError:
            self.ending = MALFORMED
        self.between_chunks &= data.endswith(b"\n")  # else a part of the next size followed
        if self._fruitless > MOST_FRAMING_BYTES:
            self.ending = self.ending or FRAMING_TOO_LARGE
        pieces, self._pieces = self._pieces, []
        if self.ending or self.between_chunks:
            del self._parser  # which holds our methods, and so us
        return b"".join(pieces)

    # What httptools calls.

    def on_body(self, body: bytes) -> None:
        """Keep a piece of the body."""
        self._fruitless = 0
        self._pieces.append(body)

    def on_chunk_header(self) -> None:
        """Note that a chunk has begun."""
        self.between_chunks = False

    def on_chunk_complete(self) -> None:
        """Note that a chunk has ended; with it, what was fed, unless a byte of the next follows."""
        self.between_chunks = True

    def on_message_complete(self) -> None:
        """Note that the last chunk and the trailers have come."""
        self.ending = COMPLETE


UNFRAMED: Final = Unframed()


def framed(fields: Collection[tuple[str, str]]) -> Body:
    """Return the body of a response by its header fields (RFC 9112 section 6.3), names in lower case.

    Raises ConnectionResetError for a transfer coding that nobody asked for.
    """
    codings = ", ".join(value for name, value in fields if name == "transfer-encoding")
    if codings:
        if codings.strip().lower() != "chunked":
            raise ConnectionResetError(f"transfer coding {codings[:MOST_SHOWN]}, which nobody asked for")
        return Chunked()
    length = next((value for name, value in fields if name == "content-length"), "")
    return Sized(int(length)) if length.strip() else UNFRAMED
