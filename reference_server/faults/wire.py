"""Blocks that break the rules on the bytes of a stream: extra lines, other line ends, unfinished ends."""

from collections.abc import Callable

from aiohttp import web

from ssegauge.reference_server.common.encoding import Json
from ssegauge.reference_server.common.log import Reader
from ssegauge.reference_server.events import Events
from ssegauge.reference_server.faults.registry import breaks
from ssegauge.reference_server.faults.tools import ProgressEvents
from ssegauge.reference_server.stream import Streams
from ssegauge.reference_server.tasks import Task

BOM = b"\xef\xbb\xbf"

# code -> lines before those of each progress event
EXTRA_LINES = {
    "invalid-utf8": b": caf\xe9\n",
    "mid-stream-bom": BOM + b"retry: 2000\n",
    "id-with-nul": b"id: 4\x00\n",
    "field-case": b"Retry: 2000\n",
    "unknown-field": b"time: now\n",
    "block-without-data": b"event: saved\n\n",
}


def _with_lines(lines: bytes) -> type[ProgressEvents]:
    class MoreLines(ProgressEvents):
        def spoil(self, block: bytes, number: int) -> bytes:  # noqa: ARG002 - a hook
            return lines + block

    return MoreLines


for code, lines in EXTRA_LINES.items():
    breaks(f"wire/{code}")(_with_lines(lines))


@breaks("wire/mixed-line-endings")
class MixedLineEndings(ProgressEvents):
    """Ends the lines of every other event with CRLF."""

    def spoil(self, block: bytes, number: int) -> bytes:
        """Return the block with its line ends."""
        return block.replace(b"\n", b"\r\n") if number % 2 else block


@breaks("wire/unprefixed-data")
class Indented(ProgressEvents):
    """Writes one event's JSON on several lines, of which only the first starts with `data:`."""

    def spoil(self, block: bytes, number: int) -> bytes:
        """Break the first event's lines behind its braces."""
        return block if number else block.replace(b"{", b"{\n  ")


@breaks("wire/oversized-event")
class Oversized(ProgressEvents):
    """Makes one event larger than the buffers of common readers."""

    def amend(self, envelope: Json, number: int) -> None:
        """Add a long member to the second event."""
        if number == 1:
            envelope["log"] = "." * 100_000


@breaks("wire/id-too-long")
class LongId(Events):
    """Makes IDs of more than 128 bytes."""

    def event_id(self, task_id: str, number: int) -> str:
        """Return a long ID."""
        return f"{task_id}.{'0' * 128}.{number}"


@breaks("wire/retry-extreme")
class RetryTomorrow(Events):
    """Lets clients come back after a day."""

    retry_ms = 86_400_000


# code -> what becomes of the block that opens a stream
OPENINGS: dict[str, Callable[[bytes], bytes]] = {
    "repeated-bom": lambda block: BOM + BOM + b"retry: 2000\n" + block,
    "retry-not-digits": lambda block: b"retry: 3s\n" + block,
    "event-named-open-or-error": lambda block: b"event: open\n" + block,
    "misread-by-common-clients": lambda block: BOM + b"\n".join(reversed(block.strip().split(b"\n"))) + b"\n\n",
}


def _opened_by(code: str) -> type[Streams]:
    class OtherOpening(Streams):
        def opening(self, task: Task) -> bytes:
            return OPENINGS[code](super().opening(task))

    return OtherOpening


for code in OPENINGS:
    breaks(f"wire/{code}")(_opened_by(code))


@breaks("wire/nothing-dispatched")
class UnendedEvents(ProgressEvents):
    """Leaves out the blank line behind each event."""

    def spoil(self, block: bytes, number: int) -> bytes:  # noqa: ARG002 - a hook
        """Return the block with one line break at its end."""
        return block.rstrip(b"\n") + b"\n"


@breaks("wire/nothing-dispatched")
class UnendedOpening(Streams):
    """Leaves out the blank line behind the opening, too."""

    def opening(self, task: Task) -> bytes:
        """Return the opening with one line break at its end."""
        return super().opening(task).rstrip(b"\n") + b"\n"


@breaks("wire/truncated-event")
class TruncatedEvent(Streams):
    """Ends inside an event."""

    async def finish(self, response: web.StreamResponse, reader: Reader) -> None:
        """Begin one more event, then end."""
        reader.write(b'data: {"type":"progress","taskId":"')
        await super().finish(response, reader)


@breaks("wire/truncated-chunked-body")
class TruncatedBody(Streams):
    """Closes the connection without the last chunk."""

    async def finish(self, response: web.StreamResponse, reader: Reader) -> None:  # noqa: ARG002 - a hook
        """Close."""
        reader.transport.close()
        raise ConnectionResetError("closed on purpose")
