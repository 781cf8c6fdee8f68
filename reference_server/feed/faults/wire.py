"""Events whose bytes say something else than what was meant."""

import re

from aiohttp import web

from ssegauge.reference_server.common.encoding import Json
from ssegauge.reference_server.feed.events import Events
from ssegauge.reference_server.feed.faults.registry import breaks
from ssegauge.reference_server.feed.faults.tools import Spoiled
from ssegauge.reference_server.feed.streams import Streams


@breaks("wire/two-values-in-one")
class Unended(Spoiled):
    """Leaves out the blank line behind every third event, so that it and the next are one."""

    def spoil(self, block: bytes) -> bytes:
        """Return the block with one line break at its end."""
        return block.rstrip(b"\n") + b"\n"


@breaks("wire/unprefixed-data:text")
class Continued(Spoiled):
    """Makes every third event a text of two lines, of which only the first starts with `data:`."""

    def spoil(self, block: bytes) -> bytes:
        """Return the block with the text in place of its data."""
        text = b"data: The ferry leaves at five\nand the tide turns at six"
        return re.sub(rb"^data:.*", text, block, flags=re.MULTILINE)


@breaks("wire/unprefixed-data")
class Indented(Spoiled):
    """Writes every third event's JSON on several lines, of which only the first starts with `data:`."""

    def spoil(self, block: bytes) -> bytes:
        """Break the lines behind braces and commas."""
        return block.replace(b"{", b"{\n  ").replace(b',"', b',\n  "')


@breaks("wire/replacement-character")
class CutCharacters(Events):
    """Decodes texts in two pieces that are cut inside the first character of more than a byte."""

    def message(self, number: int, text: str) -> bytes:
        """Return the event with the text as the pieces give it."""
        raw = text.encode("utf-8", "replace")
        middle = next((at + 1 for at, byte in enumerate(raw) if byte > 0x7F), 0)
        pieces = (raw[:middle], raw[middle:])
        return super().message(number, "".join(piece.decode("utf-8", "replace") for piece in pieces))

    def dump(self, envelope: Json) -> str:
        """Write the replacement character as it is."""
        return super().dump(envelope).replace(r"\ufffd", "\ufffd")


@breaks("shape/unlike-the-others")
class EmptyPings(Spoiled):
    """Sends an event with empty data after every third event."""

    def spoil(self, block: bytes) -> bytes:
        """Return both."""
        return block + b"data: \n\n"


@breaks("shape/unlike-the-others:text")
class TextPings(Spoiled):
    """Sends an event whose data is no JSON after every third event."""

    def spoil(self, block: bytes) -> bytes:
        """Return both."""
        return block + b"data: ping\n\n"


@breaks("shape/name-missing")
class LosesNames(Events):
    """Gives events a name, and none to every seventh."""

    said = 0

    def message(self, number: int, text: str) -> bytes:
        """Return the event, mostly with a name."""
        self.said += 1
        block = super().message(number, text)
        return b"event: said\n" + block if self.said % 7 else block


@breaks("shape/json-rpc-response")
class BothAtOnce(Events):
    """Tells each event as a response in JSON-RPC, with a result and an error."""

    def dump(self, envelope: Json) -> str:
        """Put it into both."""
        return super().dump({"jsonrpc": "2.0", "id": 1, "result": envelope, "error": envelope})


@breaks("shape/misencoded")
class PutIntoText(Spoiled):
    """Makes every third event `[object Object]`, as JavaScript does with an object that is put into a text."""

    def spoil(self, block: bytes) -> bytes:
        """Return the block with that in place of its data."""
        return re.sub(rb"^data:.*", b"data: [object Object]", block, flags=re.MULTILINE)


@breaks("shape/misencoded:twice")
class FramedTwice(Spoiled):
    """Writes `data: ` twice before the data of every third event."""

    def spoil(self, block: bytes) -> bytes:
        """Return the block with it."""
        return re.sub(rb"^data: ?", b"data: data: ", block, flags=re.MULTILINE)


@breaks("shape/misencoded:python")
class Shown(Spoiled):
    """Writes every third event as Python shows a dictionary."""

    def spoil(self, block: bytes) -> bytes:
        """Return the block with single quotes."""
        return block.replace(b'"', b"'")


@breaks("shape/breaks-schema")
class StampsAsText(Spoiled):
    """Writes the time of every third event as text."""

    def spoil(self, block: bytes) -> bytes:
        """Put it between quotes."""
        return re.sub(rb'"at":(\d+)', rb'"at":"\1"', block)


@breaks("response/unasked-coding")
class AlwaysCompressed(Streams):
    """Compresses whether the client asked for it or not."""

    def offered(self, request: web.Request) -> web.StreamResponse:
        """Return the compressed response."""
        response = super().offered(request)
        response.headers["Content-Encoding"] = "gzip"
        return response
