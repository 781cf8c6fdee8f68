"""Deliberate defects that a server of any wire form can have, by the code of the rule that each breaks."""

import asyncio
import itertools
from collections.abc import Callable, Iterator
from typing import Any

from aiohttp import web

from ssegauge.reference_server.common.faults.streams import cut, for_ever
from ssegauge.reference_server.common.log import Reader
from ssegauge.reference_server.common.registry import Registry
from ssegauge.reference_server.generation.form import Asked, Form
from ssegauge.reference_server.generation.streams import Pace, Streams

FEW = 2
PAUSE_S = 7.0
PIECE = 5  # bytes


class HalfAnswer(Form):
    """Closes the connection in the midst of an answer."""

    def blocks(self, asked: Asked) -> Iterator[bytes]:
        """Make half of it."""
        return itertools.islice(super().blocks(asked), len(asked.answer.pieces) // 2)


class Empty(Form):
    """Ends an answer at once, without one event."""

    def blocks(self, asked: Asked) -> Iterator[bytes]:  # noqa: ARG002 - what is not answered
        """Make none."""
        return iter(())


class CutCharacters(Form):
    """Cuts the text into pieces of five bytes, and decodes each by itself."""

    def pieces(self, asked: Asked) -> Iterator[str]:
        """Yield what the pieces give."""
        raw = asked.answer.text.encode()
        return (raw[at : at + PIECE].decode("utf-8", "replace") for at in range(0, len(raw), PIECE))


class EncodesTwice(Form):
    """Reads the text as ISO 8859-1, and encodes it again."""

    def pieces(self, asked: Asked) -> Iterator[str]:
        """Yield what the pieces become."""
        return (one.encode().decode("latin-1") for one in super().pieces(asked))


class ShowsTheEnd(Form):
    """Leaves the token with which the model ends its turn in the text."""

    def pieces(self, asked: Asked) -> Iterator[str]:
        """Yield it behind the others."""
        yield from super().pieces(asked)
        yield "<|im_end|>"


class ShowsTokens(Form):
    """Writes blanks as byte-level tokenizers do."""

    def pieces(self, asked: Asked) -> Iterator[str]:
        """Yield the tokens' names."""
        return (one.replace(" ", "\u0120") for one in super().pieces(asked))


class LosesBlanks(Form):
    """Strips each piece of the text."""

    def pieces(self, asked: Asked) -> Iterator[str]:
        """Yield what is left."""
        return (one.strip() for one in super().pieces(asked))


class MissesBlankLine(Form):
    """Leaves out the blank line behind an event, so that it and the next are one."""

    def blocks(self, asked: Asked) -> Iterator[bytes]:
        """Take it from the fourth."""
        for number, block in enumerate(super().blocks(asked)):
            yield block.rstrip(b"\n") + b"\n" if number == 3 else block


class StaysOpen(Streams):
    """Leaves the connection open after an answer."""

    async def finish(self, response: web.StreamResponse, reader: Reader) -> None:  # noqa: ARG002 - a hook
        """Wait for the client to go."""
        await for_ever()


class Breaks(Streams):
    """Closes the connection without the end of the body."""

    async def finish(self, response: web.StreamResponse, reader: Reader) -> None:  # noqa: ARG002 - a hook
        """Close it."""
        cut(reader)


class Queueing(Streams):
    """Answers as many at once as --slots says, or two; others get no head until one of those is done."""

    def __init__(self, form: Form, limit: int, heartbeat: float, pace: Pace) -> None:
        super().__init__(form, 20_000, heartbeat, pace)
        self.free = asyncio.Semaphore(limit if limit < 1_000 else FEW)

    async def stream(self, request: web.Request, asked: Asked) -> web.StreamResponse:
        """Wait for a place."""
        async with self.free:
            return await super().stream(request, asked)


class SlowStart(Streams):
    """Thinks seven seconds longer before the first event."""

    def pause(self, number: int) -> float:
        """Return more for the first."""
        return super().pause(number) + PAUSE_S * (number == 0)


class Stalls(Streams):
    """Stalls for seven seconds before an answer's fifth event."""

    def pause(self, number: int) -> float:
        """Return more for the fifth."""
        return super().pause(number) + PAUSE_S * (number == 4)


FORMS: dict[str, type[Form]] = {
    "end/without-any-event": Empty,
    "text/blanks-lost": LosesBlanks,
    "text/not-decoded": ShowsTokens,
    "text/special-token": ShowsTheEnd,
    "wire/replacement-character": CutCharacters,
    "wire/truncated-chunked-body": HalfAnswer,
    "wire/truncated-chunked-body:at-once": Empty,
    "wire/twice-encoded": EncodesTwice,
    "wire/two-values-in-one": MissesBlankLine,
}
STREAMS: dict[str, type[Streams]] = {
    "capacity/serves-few-at-once": Queueing,
    "end/open-after-marker": StaysOpen,
    "liveness/first-event-late": SlowStart,
    "liveness/gap-too-long": Stalls,
    "wire/truncated-chunked-body": Breaks,
    "wire/truncated-chunked-body:at-once": Breaks,
}


def register(registry: Registry[Any], form: type[Form]) -> None:
    """Register all of them with a server that has this wire form."""
    for code, mixin in FORMS.items():
        registry.breaks(code)(of(form, mixin))
    for code, streams in STREAMS.items():
        registry.breaks(code)(streams)


def of(form: type[Form], mixin: type[Form]) -> type[Form]:
    """Return the wire form with a defect."""
    return type(mixin.__name__, (mixin, form), {"__doc__": mixin.__doc__})


def changing(form: type[Form], about: str, change: Callable[[Iterator[bytes]], Iterator[bytes]]) -> type[Form]:
    """Return the wire form with a defect in the events of an answer; `about` says in a sentence what it is."""

    class Changed(form):  # type: ignore[misc, valid-type] # a base that is chosen by the caller
        def blocks(self, asked: Asked) -> Iterator[bytes]:
            return change(super().blocks(asked))

    Changed.__doc__ = about
    return Changed
