"""HTTP/2 that breaks its rules: fields of the connection, and frames that do not fit (RFC 9113)."""

import aiohttp
from h2.errors import ErrorCodes
from h2.settings import SettingCodes, Settings

from ssegauge.reference_server.common.http2 import Fields, Front
from ssegauge.reference_server.feed.faults.registry import breaks

TOO_SHORT = 20  # bytes
LAST_PIECE, MOST_HEADER = 3, 65536
ON_NO_STREAM = b"\0\0\1" + b"\0" + b"\0" + b"\0\0\0\0" + b"x"  # a DATA frame of stream 0 (section 6.1)


class Unchecked(Front):
    """Sends what it has without a look."""

    checks_itself = False


@breaks("response/connection-field-in-http2")
class KeepsAlive(Unchecked):
    """Sends `connection: keep-alive`, as in HTTP/1.1; needs --http2."""

    def fields(self, response: aiohttp.ClientResponse) -> Fields:
        """Add it."""
        return [*super().fields(response), ("connection", "keep-alive")]


@breaks("response/connection-field-in-http2:chunked")
class Chunks(Unchecked):
    """Names the chunked transfer coding, which HTTP/2 has not; needs --http2."""

    def fields(self, response: aiohttp.ClientResponse) -> Fields:
        """Add it."""
        return [*super().fields(response), ("transfer-encoding", "chunked")]


@breaks("response/malformed-http2")
class ShortLength(Unchecked):
    """Names a length that is shorter than the stream; needs --http2."""

    def fields(self, response: aiohttp.ClientResponse) -> Fields:
        """Add the length."""
        return [*super().fields(response), ("content-length", str(TOO_SHORT))]


@breaks("response/malformed-http2:upper-case")
class UpperCase(Unchecked):
    """Writes the names of fields in upper case; needs --http2."""

    def fields(self, response: aiohttp.ClientResponse) -> Fields:
        """Write them so."""
        return [(name.upper(), value) for name, value in super().fields(response)]


@breaks("response/malformed-http2:frame")
class StrayFrame(Front):
    """Sends a frame of data that is of no stream, before the first event; needs --http2."""

    async def send(self, number: int, data: bytes) -> None:
        """Send that first."""
        self.transport.write(ON_NO_STREAM)
        await super().send(number, data)


@breaks("response/few-streams-in-http2")
class OneStream(Front):
    """Lets a connection have one stream at once; needs --http2."""

    def settle(self) -> None:
        """Say so."""
        said = {SettingCodes.MAX_CONCURRENT_STREAMS: 1, SettingCodes.MAX_HEADER_LIST_SIZE: MOST_HEADER}
        self.h2.local_settings = Settings(client=False, initial_values=said)


@breaks("wire/reset-in-http2")
class Resets(Front):
    """Resets a stream behind its third piece, as limits on a response do; needs --http2."""

    pieces = 0

    async def send(self, number: int, data: bytes) -> None:
        """Send it, and reset the stream where it is the third."""
        await super().send(number, data)
        self.pieces += 1
        if self.pieces == LAST_PIECE:
            self.h2.reset_stream(number, ErrorCodes.INTERNAL_ERROR)
            self.flush()
