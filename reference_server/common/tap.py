"""What stands between a reader and its connection, and changes the bytes that pass: a compressor, or a fault."""

import re
import zlib
from collections.abc import Callable, Iterable
from typing import Any

from ssegauge.reference_server.common.log import Reader, chunk


class Tap:
    """Stands in for a reader's transport: what is written passes through `edit`, which returns what to write."""

    def __init__(self, reader: Reader, edit: Callable[[bytes], Iterable[bytes]]) -> None:
        self.transport = reader.transport
        self.chunked = reader.chunked
        self.edit = edit
        reader.chunked = False
        reader.transport = self  # type: ignore[assignment] # everything else is passed on, see __getattr__

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the transport has
        return getattr(self.transport, name)

    def write(self, block: bytes) -> None:
        """Write what `edit` makes of the block."""
        for piece in self.edit(block):
            self.send(piece)

    def send(self, block: bytes) -> None:
        """Write the block as it is."""
        if block:
            self.transport.write(chunk(block) if self.chunked else block)


class Gzip(Tap):
    """Compresses each block and flushes it, so that none waits in the compressor for the next."""

    GZIP, SMALL_WINDOW = 16, 9  # of zlib's wbits: 512 bytes of window and 1 KiB of tables hold enough for small events

    def __init__(self, reader: Reader) -> None:
        super().__init__(reader, self.flushed)
        self.compressor = zlib.compressobj(wbits=self.GZIP + self.SMALL_WINDOW, memLevel=1)

    def flushed(self, block: bytes) -> Iterable[bytes]:
        """Return the compressed block whole."""
        return [self.compressor.compress(block) + self.compressor.flush(zlib.Z_SYNC_FLUSH)]

    def close(self) -> None:
        """Write the end of the compressed data."""
        self.send(self.compressor.flush())


def accepts_gzip(accept_encoding: str) -> bool:
    """Whether the field names gzip, or its old name, with a weight that is not 0 (RFC 9110, section 12.5.3)."""
    codings = (re.sub(r"\s", "", coding).lower().partition(";q=") for coding in accept_encoding.split(","))
    return any(name in {"gzip", "x-gzip"} and not re.fullmatch(r"0(\.0*)?", weight) for name, _, weight in codings)
