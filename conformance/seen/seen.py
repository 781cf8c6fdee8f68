"""What rules look at: transcripts, decoded once, with the words in which rules speak.

``Seen`` is everything one run saw. ``View`` is one exchange: its items (events and observations, each with the
chunk and the time of its arrival), its messages (events whose data is a JSON object), and the two ways to speak
of it: ``good`` for an observation that supports a rule and ``bad`` for one that breaks it.

Roles and facts are the contract between probes, which set them, and rules, which read them:

=================  ====================================================================================
role               the exchange is
=================  ====================================================================================
``stream``         a stream that ought to work; its facts are below
``create``         a create hook; ``kind``
``update``         an update hook; ``task_id``, ``message`` (the text sent), ``progress``, ``status``;
                   ``canary`` (its case) and ``marker`` where the text tries to break the framing
``snapshot``       the polling endpoint; ``task_id``, ``when`` ("running", "ended")
``open-streams``   the metric hook; ``moment`` ("before", "during", "after"), ``value``, ``opened``
``process``        the server's process on this machine; ``moment`` ("before", "after"), ``cycles``,
                   ``descriptors``, ``memory_bytes``; ``opened``, how many of the cycles' streams were answered;
                   "slow-before" and "slow-after" around a reader that does not read
``harness``        ourselves; ``own_delay_ms``, by how much our own event loop was late at most
``sockets``        the kernel's TCP table on this machine; ``moment`` ("fin", "rst"), ``cut``, ``held``,
                   ``opened``, how many of the streams cut were answered
``metric``         the reply in which ``open-streams`` was read
``hello``          the very first request: whether there is a server at all
``unknown-task``   a stream of a task that never was
``malformed-id``   a stream whose task id is rubbish; ``case``
``method``         a stream by another method; ``case``
``origin``         a stream for a page of another origin; ``case`` ("allowed", "foreign"), ``origin``
``preflight``      the preflight of a reconnect from an allowed origin; ``origin``
``query``, ``large-header``, ``head``, ``no-token``, ``compressed``, ``http10``: an unusual request for a stream
=================  ====================================================================================

Facts of a ``stream``: ``task_id``; ``kind`` of the task ("self-running", "failing", "manual"; "plain" without
tasks); ``joined`` ("start", "late", "after-end"); ``reader`` where several read one task or stream ("uncut", "twin",
"cut", which comes back, and "newcomer", which comes beside that one and for the first time);
``last_event_id`` where one was sent, with ``resume`` saying which ("known", "terminal", "stale", "garbage");
``patience_ms``, how long we would have waited. A stream in a ``situation`` is judged by the rules of that situation,
and the ordinary rules on a task's course leave it alone: "idle", "race" (``race_ms``: subscribed so long after the
end), "canary", "after-cut", "after-storm", "storm", "slow", "beside-slow", "steady" (updates over many seconds, at
irregular times).
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, NamedTuple, TypeGuard, TypeVar

from ssegauge.conformance.recording.transcript import BOUNDED, Head, How, Transcript
from ssegauge.conformance.seen.coding import CannotDecode, Uncoder
from ssegauge.conformance.sse import Decoder, Event, Observation
from ssegauge.conformance.target import Limits, Profile
from ssegauge.conformance.words import excerpt, lasted

ENDED = frozenset({"completed", "failed"})
OUR_OWN_ENDS = ("interrupted", "the harness failed", BOUNDED)
HOW_IT_ENDED: Mapping[How, str] = {
    "eof": "the server ended it",
    "cut": "we left",
    "timeout": "we stopped waiting",
    "error": "it broke off",
}
Kind = TypeVar("Kind", bound=Observation)


@dataclass(frozen=True, slots=True)
class Evidence:
    """Where to look: a transcript, and in it a chunk, a byte of the body, a time; with the bytes that show it."""

    transcript: str
    chunk: int | None = None
    byte: int | None = None
    at_ms: float | None = None
    excerpt: str = ""


@dataclass(frozen=True, slots=True)
class Mark:
    """One observation of a rule: ``good`` or not; None where the rule turns out not to apply."""

    good: bool | None
    summary: str = ""
    evidence: Evidence | None = None


def not_applicable(reason: str) -> Mark:
    """Return the mark that says the rule has no business with this server."""
    return Mark(None, reason)


class Item(NamedTuple):
    """An event or observation, the number of the chunk that completed it, and when that arrived."""

    what: Event | Observation
    chunk: int
    at_ms: float


@dataclass(frozen=True, slots=True)
class Message:
    """An event and the JSON text in it. ``value`` is None and ``error`` says why where it is not JSON."""

    item: Item
    event: Event
    value: Any
    error: str = ""
    duplicate_keys: tuple[str, ...] = ()
    constants: tuple[str, ...] = ()  # NaN, Infinity, -Infinity: Python reads them, JSON has no such numbers

    @property
    def fields(self) -> Mapping[str, Any]:
        """The JSON object, empty where the data is something else."""
        return self.value if isinstance(self.value, dict) else {}

    @property
    def type(self) -> Any:  # noqa: ANN401 - whatever the server sent
        """The message's ``type``, None without one."""
        return self.fields.get("type")

    @property
    def progress(self) -> Mapping[str, Any]:
        """The task's state in a ``progress`` message, empty elsewhere."""
        inner = self.fields.get("progress") if self.type == "progress" else None
        return inner if isinstance(inner, dict) else {}

    @property
    def ends_task(self) -> bool:
        """Whether this is the terminal event."""
        status = self.progress.get("status")
        return isinstance(status, str) and status in ENDED


class View:
    """One exchange, decoded. One that our own interruption, failure or bound cut short has no end."""

    def __init__(self, transcript: Transcript) -> None:
        uncoder = Uncoder((transcript.head.header("content-encoding") if transcript.head else None) or "")
        self.chunks = tuple(_without_content_coding(transcript, uncoder))
        ours = transcript.end is not None and transcript.end.detail.startswith(OUR_OWN_ENDS)
        self.transcript = replace(transcript, end=None) if ours or uncoder.exceeded else transcript
        self.name = transcript.name
        self.facts = transcript.facts
        self.head: Head | None = transcript.head

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
        return tuple(_message(item, item.what) for item in self.events if isinstance(item.what, Event))

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
            return bool(self.facts.get("capture"))
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
            return json.loads(self.body)
        except (ValueError, RecursionError):
            return None

    @property
    def timed(self) -> bool:
        """Whether the times mean anything: a bare capture has none."""
        return not self.facts.get("capture")

    def epoch_ms(self, at_ms: float) -> float:
        """Return a time of this exchange in Unix epoch milliseconds, comparable across exchanges."""
        return self.transcript.started_ms + at_ms

    def good(self) -> Mark:
        """Return an observation that supports the rule."""
        return Mark(True)

    def bad(self, summary: str, where: Item | Message | str | None = None) -> Mark:
        """Return a violation; ``where`` is an item, a header field's name, or None for how the exchange ended."""
        return Mark(False, summary, self.evidence(where))

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
            return Evidence(self.name, excerpt=", ".join(f"{name}: {value}" for name, value in self.facts.items()))
        end = self.transcript.end
        how = f"{HOW_IT_ENDED[end.how]} after {end.at_ms:,.0f} ms" if end else "not ended"
        why = f": {end.detail}" if end and end.how == "error" else ""
        got = f" {len(self.body):,} bytes;" if self.head else ""
        said = f"{self._head_line('status')};{got} {how}{why}"
        return Evidence(self.name, None, len(self.body) if self.head else None, end.at_ms if end else None, said)


@dataclass(frozen=True)
class Seen:
    """Everything that one run saw. ``limits`` have ``own_delay_s`` added to them."""

    views: tuple[View, ...]
    profile: Profile = "task-progress"
    limits: Limits = field(default_factory=Limits)
    own_delay_s: float = 0.0

    @classmethod
    def of(
        cls,
        transcripts: Iterable[Transcript],
        profile: Profile = "task-progress",
        limits: Limits | None = None,
    ) -> Seen:
        """Return what there is to see in transcripts.

        The limits of time are widened by the recorder's own delay, so that no finding can be our own doing.
        """
        views = tuple(View(one) for one in transcripts)
        promised = limits or Limits()
        delays = (view.facts.get("own_delay_ms") for view in views if view.transcript.role == "harness")
        own_s = max((delay for delay in delays if isinstance(delay, int | float)), default=0.0) / 1000
        times = {name: getattr(promised, name) + own_s for name in ("connect_s", "update_s", "heartbeat_s")}
        return cls(views, profile, replace(promised, **times), own_s)

    @cached_property
    def _by_role(self) -> Mapping[str, list[View]]:
        found: dict[str, list[View]] = defaultdict(list)
        for view in self.views:
            found[view.transcript.role].append(view)
        return found

    def role(self, name: str, **facts: Any) -> tuple[View, ...]:  # noqa: ANN401 - facts are any JSON
        """Return the exchanges of one role, and of these the ones with the given facts."""
        return tuple(
            view
            for view in self._by_role.get(name, ())
            if all(view.facts.get(key) == value for key, value in facts.items())
        )

    @cached_property
    def streams(self) -> tuple[View, ...]:
        """The exchanges that are event streams and ought to work."""
        return tuple(view for view in self.role("stream") if view.is_event_stream)

    def tasks(self, choose: Callable[[View], bool] = lambda _: True) -> Iterator[tuple[str, tuple[View, ...]]]:
        """Yield each task's id with its event streams, of those that ``choose`` takes."""
        found: dict[str, list[View]] = defaultdict(list)
        for view in self.streams:
            if "task_id" in view.facts and choose(view):
                found[view.facts["task_id"]].append(view)
        yield from ((task_id, tuple(views)) for task_id, views in found.items())


def is_number(value: Any) -> TypeGuard[int | float]:  # noqa: ANN401 - whatever the server sent
    """Whether it is a number of JSON; Python counts True and False among the integers."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def _message(item: Item, event: Event) -> Message:
    duplicates: list[str] = []
    constants: list[str] = []

    def pairs(found: list[tuple[str, Any]]) -> dict[str, Any]:
        keys = [key for key, _ in found]
        duplicates.extend(sorted({key for key in keys if keys.count(key) > 1}))
        return dict(found)

    try:
        value = json.loads(event.data, object_pairs_hook=pairs, parse_constant=constants.append)
    except (ValueError, RecursionError) as error:
        return Message(item, event, None, str(error))
    return Message(item, event, value, "", tuple(duplicates), tuple(constants))


def _without_content_coding(transcript: Transcript, uncoder: Uncoder) -> Iterator[tuple[float, bytes]]:
    """Yield the chunks as a client reads them. A coding we cannot undo is left as it is: the rules will say so."""
    decode: Callable[[bytes], bytes] = uncoder.feed
    for chunk in transcript.chunks:
        try:
            text = decode(chunk.data)
        except CannotDecode:
            decode, text = bytes, chunk.data
        yield chunk.at_ms, text
        if uncoder.exceeded:
            return
