"""Bytes that are needed at the end alone, kept on disk until then: so a long run grows by nothing.

The file has no name, and is gone with the process. Where the disk is full no more is kept, and ``is_full`` says so.
"""

from __future__ import annotations

import contextlib
import tempfile
from typing import IO, Final

PAGE_BYTES: Final = 65_536


class Spool:
    """See the module."""

    __slots__ = ("_file", "_page", "is_full")

    def __init__(self) -> None:
        self._page = bytearray()
        self._file: IO[bytes] | None = None
        self.is_full = False

    def add(self, data: bytes) -> None:
        """Keep some more."""
        self._page += data
        if len(self._page) >= PAGE_BYTES:
            self._turn()

    def whole(self) -> bytes:
        """Return all that was kept, in order."""
        if not self._file:
            return b"" if self.is_full else bytes(self._page)
        self._file.seek(0)
        before = self._file.read()
        return before if self.is_full else before + self._page

    def close(self) -> None:
        """Forget it all."""
        self._page.clear()
        if self._file:
            with contextlib.suppress(OSError):  # what could not be written
                self._file.close()
            self._file = None

    def _turn(self) -> None:
        """Write the page down, and begin another; one that finds no room ends what is kept, at the page before."""
        if not self.is_full:
            try:
                self._file = self._file or tempfile.TemporaryFile(buffering=0)  # noqa: SIM115 - open until ``close``
                at = self._file.tell()
                if self._file.write(self._page) < len(self._page):
                    self._file.truncate(at)
                    self.is_full = True
            except OSError:
                self.is_full = True
        self._page.clear()
