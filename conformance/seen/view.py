"""One exchange, decoded once, and the two ways to speak of it: ``good`` supports a rule, ``bad`` breaks it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import cached_property
from typing import Any, TypeVar

from ssegauge.conformance.jsontext import read_json
from ssegauge.conformance.recording.transcript import BOUNDED, Head, How, Transcript
from ssegauge.conformance.seen.coding import CannotDecode, Uncoder
from ssegauge.conformance.seen.marks import Evidence, Level, Mark
from ssegauge.conformance.seen.messages import Item, Message, read_message
from ssegauge.conformance.sse import Decoder, Event, Observation
from ssegauge.conformance.words import excerpt, lasted

OUR_OWN_ENDS = ("interrupted", "the harness failed", BOUNDED)
HOW_IT_ENDED: Mapping[How, str] = {
    "eof": "the server ended it",
    "cut": "we left",
    "timeout": "we stopped waiting",
    "error": "it broke off",
}
Kind = TypeVar("Kind", bound=Observation)


class View:
    """One exchange, decoded. One that our own interruption, failure or bound cut short has no end.

    ``miscoded``: why the body is not in the content coding that its head names; empty where it is.
    ``coding_breaks_off``: whether the end of that coding is missing, as it is while a stream goes on.
    """

    def __init__(self, transcript: Transcript) -> None:
        uncoder = Uncoder((transcript.head.header("content-encoding") if transcript.head else None) or "")
        self.miscoded = ""
        self.chunks = tuple(self._without_content_coding(transcript, uncoder))
        self.coding_breaks_off = bool(self.chunks) and not self.miscoded and not uncoder.is_whole
        ours = transcript.end is not None and transcript.end.detail.startswith(OUR_OWN_ENDS)
        self.transcript = replace(transcript, end=None) if ours or uncoder.exceeded else transcript
        self.name = transcript.name
        self.facts = transcript.facts
        self.head: Head | None = transcript.head

    def _without_content_coding(self, transcript: Transcript, uncoder: Uncoder) -> Iterator[tuple[float, bytes]]:
        """Yield the chunks as a client reads them. A coding we cannot undo is left as it is: the rules will say so."""
        decode: Callable[[bytes], bytes] = uncoder.feed
        for chunk in transcript.chunks:
            try:
                text = decode(chunk.data)
            except CannotDecode as error:
                self.miscoded, decode, text = str(error), bytes, chunk.data
            yield chunk.at_ms, text
            if uncoder.exceeded:
                return

    @cached_property
    def _decoded(self) -> tuple[tuple[Item, ...], Decoder]:
        decoder, items = Decoder(), []
        for number, (at_ms, data) in enumerate(self.chunks):
            items += [Item(what, number, at_ms) for what in decoder.feed(data)]
        if self.ended_by_server:
            at_ms = self.transcript.end.at_ms if self.transcript.end else 0.0
            items += [Item(what, max(len(self.chunks) - 1, 0), at_ms) for what in decoder.close()]
        return tuple(items), decoder

    @property
    def items(self) -> tuple[Item, ...]:
        """Events and observations in stream order."""
        return self._decoded[0]

    @property
    def decoder(self) -> Decoder:
        """The decoder after the last byte: line endings, last event ID, reconnection time."""
        return self._decoded[1]

    @cached_property
    def body(self) -> bytes:
        """The body without content coding."""
        return b"".join(data for _, data in self.chunks)

    @cached_property
    def events(self) -> tuple[Item, ...]:
        """The dispatched events."""
        return tuple(item for item in self.items if isinstance(item.what, Event))

    def of(self, kind: type[Kind]) -> Iterator[tuple[Item, Kind]]:
        """Yield the observations of one kind."""
        return ((item, item.what) for item in self.items if isinstance(item.what, kind))

    @cached_property
    def messages(self) -> tuple[Message, ...]:
        """Every event with its data read as JSON."""
        return tuple(read_message(item, item.what) for item in self.events if isinstance(item.what, Event))

    @cached_property
    def progress(self) -> tuple[Message, ...]:
        """The ``progress`` messages."""
        return tuple(message for message in self.messages if message.progress)

    @cached_property
    def terminal(self) -> Message | None:
        """The first terminal event."""
        return next((message for message in self.progress if message.ends_task), None)

    @property
    def is_event_stream(self) -> bool:
        """Whether a client would read it as an event stream; a bare capture counts as one."""
        if self.head is None:
            return bool(self.facts.capture)
        return self.head.status == 200 and self.media_type == "text/event-stream"

    @property
    def media_type(self) -> str:
        """The response's media type in lower case, without parameters."""
        value = (self.head.header("content-type") if self.head else None) or ""
        return value.partition(";")[0].strip().lower()

    @property
    def ended_by_server(self) -> bool:
        """Whether the server ended the stream in the way HTTP has for it."""
        return bool(self.transcript.end and self.transcript.end.how == "eof")

    @property
    def json(self) -> Any:  # noqa: ANN401 - any JSON value
        """The whole body as JSON, None where it is not."""
        try:
            return read_json(self.body)
        except ValueError:
            return None

    @property
    def timed(self) -> bool:
        """Whether the times mean anything: a bare capture has none."""
        return not self.facts.capture

    def epoch_ms(self, at_ms: float) -> float:
        """Return a time of this exchange in Unix epoch milliseconds, comparable across exchanges."""
        return self.transcript.started_ms + at_ms

    def good(self) -> Mark:
        """Return an observation that supports the rule."""
        return Mark(True)

    def bad(self, summary: str, where: Item | Message | str | None = None, level: Level | None = None) -> Mark:
        """Return a violation; ``where`` is an item, a header field's name, or None for how the exchange ended.

        ``level`` is for a breach that weighs more, or less, than the rule usually does.
        """
        return Mark(False, summary, self.evidence(where), level)

    def evidence(self, where: Item | Message | str | None = None) -> Evidence:
        """Return where to look."""
        if isinstance(where, Message):
            where = where.item
        if isinstance(where, Item):
            start, end = where.what.start, where.what.end
            return Evidence(self.name, where.chunk, start, where.at_ms, excerpt(self.body[start:end]))
        if isinstance(where, str):
            return Evidence(self.name, None, None, self.head.at_ms if self.head else None, self._head_line(where))
        return self._end_evidence()

    def said(self) -> str:
        """Return in a few words how the exchange went: the status, or why there is none."""
        end = self.transcript.end
        if self.head or not end:
            return self._head_line("status")
        return f"no answer within {lasted(end.at_ms)}" if end.how == "timeout" else end.detail

    def _head_line(self, name: str) -> str:
        if not self.head:
            return "(no response head)"
        if name == "status":
            return f"{self.head.http_version} {self.head.status} {self.head.reason}".strip()
        value = self.head.header(name)
        return f"{name}: {value}" if value is not None else f"(no {name} header field)"

    def _end_evidence(self) -> Evidence:
        if self.transcript.request.method == "LOOK":  # a look from outside: what it showed are the facts
            return Evidence(
                self.name, excerpt=", ".join(f"{name}: {value}" for name, value in self.facts.as_json().items())
            )
        end = self.transcript.end
        how = f"{HOW_IT_ENDED[end.how]} after {end.at_ms:,.0f} ms" if end else "not ended"
        why = f": {end.detail}" if end and end.how == "error" else ""
        got = f" {len(self.body):,} bytes;" if self.head else ""
        said = f"{self._head_line('status')};{got} {how}{why}"
        return Evidence(self.name, None, len(self.body) if self.head else None, end.at_ms if end else None, said)
