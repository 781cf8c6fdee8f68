"""UTF-8 as the Encoding Standard decodes it (`#utf-8-decoder`): what is malformed becomes U+FFFD.

A line, a name or a value can be decoded by itself, which is the same as decoding the stream first: CR, LF, ":" and
space are ASCII, and an ASCII byte ends a malformed sequence without being part of it.
"""

import codecs
import re
from collections.abc import Iterator

ESCAPED_BYTES = re.compile("[\udc80-\udcff]+")


def text(data: bytes | bytearray) -> str:
    """Decode, with U+FFFD for each maximal malformed part."""
    return data.decode("utf-8", "replace")


def malformed(line: bytes, *, final: bool = True) -> Iterator[tuple[int, int]]:
    """Find the runs of bytes that are not UTF-8, as `[start, end)`.

    A character cut by the line's end is one if that end is `final`.
    """
    # "surrogateescape" marks every such byte in one pass; valid UTF-8 gives no surrogates.
    decoded, _ = codecs.utf_8_decode(line, "surrogateescape", final)
    at, seen = 0, 0
    for run in ESCAPED_BYTES.finditer(decoded):
        at += len(decoded[seen : run.start()].encode())
        yield at, at + len(run[0])
        at, seen = at + len(run[0]), run.end()
