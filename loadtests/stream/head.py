"""A response head, byte by byte: ``take`` returns what follows it, once it is whole.

Interim responses (1xx) are passed over. Taken for HTTP is what clients at large take for it, and what the conformance
suite does: lines that end in LF alone, folded fields, control characters in values, a length beside chunks. Errors are
httptools' HttpParserError, and ``ConnectionResetError`` for a head of more than ``MOST_HEAD_BYTES``, all interim ones
included, for more than ``MOST_FIELDS`` of one response, and for another version or protocol.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from httptools import HttpParserUpgrade, HttpResponseParser

MOST_HEAD_BYTES: Final = 262_144
MOST_FIELDS: Final = 1000
TOO_MANY_FIELDS: Final = f"the response head has more than {MOST_FIELDS:,} fields"
SWITCHED: Final = "101: the server switches to another protocol, which nobody asked for"
HEAD_TOO_LARGE: Final = f"the response head has no end within {MOST_HEAD_BYTES // 1024} KiB"
NO_HTTP_1: Final = "the server speaks HTTP/2 alone, and streams are opened by HTTP/1.1; let it speak both"
SPEAKS_TLS: Final = "the server speaks TLS, and was asked without"
NOT_HTTP: Final = "not HTTP/1.1"
_END: Final = re.compile(rb"\n\r?\n").search
_LONGEST_END: Final = 3
_USUAL_END: Final = b"\r\n\r\n"


class Head:
    """Attributes: ``status`` (0 before the head is whole) and ``fields``, names in lower case, as they came."""

    def __init__(self) -> None:
        self.status = 0
        self.fields: list[tuple[str, str]] = []
        self._bytes = self._many = 0
        self._complaint = ""  # of a field: httptools makes another error of what its callbacks raise
        self._last = b""  # in which the end may have begun
        self._parser = self._anew()

    def take(self, data: bytes) -> bytes | None:
        """Take the next bytes; return those after the head, None while it is not whole."""
        if not self._bytes:
            _expect_http_1(data)
        self._bytes += len(data)
        while found := _END(self._last + data):
            end = found.end() - len(self._last)
            self._feed(data[:end])
            data = data[end:]
            self._last = b""
            if not self._parser.get_http_version().startswith("1."):
                raise ConnectionResetError(f"HTTP/{self._parser.get_http_version()}, not HTTP/1.1")
            if (status := self._parser.get_status_code()) >= 200:
                self.status = status
                del self._parser  # which holds our methods, and so us
                return data
            self.fields.clear()
            self._many = 0
            self._parser = self._anew()
        self._feed(data)
        if self._bytes > MOST_HEAD_BYTES:
            raise ConnectionResetError(HEAD_TOO_LARGE)
        self._last = (self._last + data)[-_LONGEST_END:]
        return None

    def field(self, name: str) -> str:
        """Return the last field of a name, an empty string for none."""
        return next((value for key, value in reversed(self.fields) if key == name), "")

    def _feed(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except HttpParserUpgrade:
            raise ConnectionResetError(SWITCHED) from None
        if self._complaint:
            raise ConnectionResetError(self._complaint)

    def _anew(self) -> HttpResponseParser:
        parser = HttpResponseParser(self)
        parser.set_dangerous_leniencies(
            lenient_headers=True, lenient_chunked_length=True, lenient_version=True, lenient_optional_cr_before_lf=True
        )
        return parser

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a field: httptools calls this. One with a NUL is "invalid and dangerous" (RFC 9110 section 5.5)."""
        self._many += 1
        if b"\0" in value:
            self._complaint = NOT_HTTP
        elif self._many > MOST_FIELDS:
            self._complaint = self._complaint or TOO_MANY_FIELDS
        self.fields.append((name.decode("latin-1").lower(), value.decode("latin-1")))


def whole(data: bytes) -> tuple[Head, bytes] | None:
    """Return the head with which bytes begin, and what follows it; None where it is not whole, or an interim one.

    Servers send nearly all their streams the same, which is then read once and shared. Raises as ``Head.take`` does.
    """
    end = data.find(_USUAL_END) + len(_USUAL_END)
    if end < len(_USUAL_END):
        return None
    head, rest = _read(data[:end])
    return (head, rest + data[end:]) if rest is not None else None


@lru_cache(maxsize=64)
def _read(data: bytes) -> tuple[Head, bytes | None]:
    head = Head()
    return head, head.take(data)


def _expect_http_1(data: bytes) -> None:
    """Raise ConnectionResetError where a response does not begin as one of HTTP/1.1."""
    if data[:1] == b"\0" and data[3:4] in {b"\4", b"\7"}:  # SETTINGS or GOAWAY, RFC 9113 section 4.1
        raise ConnectionResetError(NO_HTTP_1)
    if data[:2] == b"\x15\3":  # an alert, RFC 8446 section 5.1
        raise ConnectionResetError(SPEAKS_TLS)
    if data[:1] != b"H":  # httptools passes over blank lines
        raise ConnectionResetError(NOT_HTTP)
