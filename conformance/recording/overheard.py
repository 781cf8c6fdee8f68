"""What a server prints that we started: passed on to standard error without secrets, so much and no more.

It is read to its end, however much comes, so that the server never waits for us; kept is the last line alone.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterable, Iterator

from ssegauge.conformance.recording.redaction import Redactor

MOST_SHOWN = 256 << 10  # bytes
LONGEST_LINE = 64 << 10
LONGEST_SAID = 300
LEFT_OUT = b"ssegauge: what the server prints from here on is left out\n"


class Overheard:
    """Reads a pipe in a thread of its own. ``last`` is the last line that was not blank."""

    def __init__(self, pipe: int, secrets: Iterable[str]) -> None:
        self.last = ""
        self._pipe = pipe
        self._redact = Redactor(secrets)
        self._room = MOST_SHOWN
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def said(self, wait_s: float = 0.5) -> str:
        """Return the last line as the end of a message, once the pipe has ended or a while has passed."""
        self._thread.join(wait_s)
        return f"; it said last: {self.last[:LONGEST_SAID]}" if self.last else ""

    def _listen(self) -> None:
        for line in _lines(self._pipe):
            clean = self._redact.text(line.decode("utf-8", "backslashreplace"))
            self.last = clean.strip() or self.last
            self._show(clean.encode("utf-8", "backslashreplace"))

    def _show(self, line: bytes) -> None:
        if self._room > 0:
            self._room -= len(line)
            _to_stderr(line if self._room > 0 else LEFT_OUT)


def _lines(pipe: int) -> Iterator[bytes]:
    """Yield lines as they end; one without end in pieces."""
    held = b""
    with os.fdopen(pipe, "rb", buffering=0) as file:
        while piece := file.read(LONGEST_LINE):
            *lines, held = (held + piece).split(b"\n")
            yield from (line + b"\n" for line in lines)
            if len(held) > LONGEST_LINE:
                yield held
                held = b""
    if held:
        yield held


def _to_stderr(line: bytes) -> None:
    try:
        sys.stderr.buffer.write(line)
        sys.stderr.buffer.flush()
    except (OSError, ValueError, AttributeError):  # nobody listens to us, or in a test no file is behind it
        pass
