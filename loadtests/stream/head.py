"""A response head, byte by byte: ``take`` returns what follows it, once it is whole.

Interim responses (1xx) are passed over. Errors are httptools' HttpParserError, and ``ConnectionResetError`` for a
head of more than ``MOST_HEAD_BYTES``, all interim ones included, and for HTTP/2.
"""

from __future__ import annotations

import re
from typing import Final

from httptools import HttpResponseParser

MOST_HEAD_BYTES: Final = 262_144
HEAD_TOO_LARGE: Final = f"the response head has no end within {MOST_HEAD_BYTES // 1024} KiB"
NO_HTTP_1: Final = "the server speaks HTTP/2 alone, and streams are opened by HTTP/1.1; let it speak both"
_END: Final = re.compile(rb"\n\r?\n").search
_LONGEST_END: Final = 3


class Head:
    """Attributes: ``status`` (0 before the head is whole) and ``fields``, names in lower case, as they came."""

    def __init__(self) -> None:
        self.status = 0
        self.fields: list[tuple[str, str]] = []
        self._bytes = 0
        self._last = b""  # in which the end may have begun
        self._parser = HttpResponseParser(self)

    def take(self, data: bytes) -> bytes | None:
        """Take the next bytes; return those after the head, None while it is not whole."""
        if not self._bytes and _is_http_2(data):
            raise ConnectionResetError(NO_HTTP_1)
        self._bytes += len(data)
        while found := _END(self._last + data):
            end = found.end() - len(self._last)
            self._parser.feed_data(data[:end])
            data = data[end:]
            self._last = b""
            if (status := self._parser.get_status_code()) >= 200:
                self.status = status
                del self._parser  # which holds our methods, and so us
                return data
            self.fields.clear()
            self._parser = HttpResponseParser(self)
        self._parser.feed_data(data)
        if self._bytes > MOST_HEAD_BYTES:
            raise ConnectionResetError(HEAD_TOO_LARGE)
        self._last = (self._last + data)[-_LONGEST_END:]
        return None

    def field(self, name: str) -> str:
        """Return the last field of a name, an empty string for none."""
        return next((value for key, value in reversed(self.fields) if key == name), "")

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a field: httptools calls this."""
        self.fields.append((name.decode("latin-1").lower(), value.decode("latin-1")))


def _is_http_2(data: bytes) -> bool:
    """Whether a response begins with a SETTINGS or GOAWAY frame (RFC 9113 section 4.1), as HTTP/1.1 never does."""
    return data[:1] == b"\0" and data[3:4] in {b"\4", b"\7"}
