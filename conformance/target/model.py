"""The server under test, as values: each table of a target file is one dataclass here and each key one field.

Only ``base_url`` and ``stream.path`` are required; what else is missing is a hook or a promise that some rules then
miss. A type that is ``Annotated`` with a ``Form`` says which strings the file may give.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Annotated, Any, NamedTuple

from ssegauge.conformance.target.filling import fill, pointer
from ssegauge.conformance.target.profiles import EVENT_STREAM

Profile = str  # one of ``profiles.KNOWN``
ANY_TYPE = "*"  # in ``Promises.schema``: the events whose type no other key names


class Form(NamedTuple):
    """What a string must look like, and its name in errors."""

    pattern: str
    name: str


Pointer = Annotated[str, Form(r"(?:/(?:[^~]|~[01])*)?", "a JSON Pointer (RFC 6901), as /data/0/id")]
Place = Annotated[
    str,
    Form(r"/(?:[^~]|~[01])*|(?:header|cookie):[\w!#$%&'*+.^`|~-]+", "a JSON Pointer (/id), header:Name or cookie:Name"),
]
Method = Annotated[str, Form(r"[\w!#$%&'*+.^`|~-]*", "an HTTP method")]


@dataclass(frozen=True, slots=True)
class Call:
    """One HTTP request: a hook, or the stream itself.

    ``{name}`` in path, header fields and JSON is filled in: ``{task_id}`` where tasks are described, and what a
    ``[[before]]`` keeps. Without a method it is GET, and POST where there is JSON to send.
    """

    path: str
    method: Method = ""
    json: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """Everything in which a placeholder may stand."""
        return f"{self.path} {list(self.headers.values())} {self.json!r}"

    def filled(self, values: Mapping[str, Any]) -> Call:
        """Return the request that the server gets, its placeholders filled in."""
        return fill(self, values)


@dataclass(frozen=True, slots=True)
class Create(Call):
    """Starts a task. ``id`` is the place of the new task's id in the reply."""

    id: Pointer = "/taskId"


@dataclass(frozen=True, slots=True)
class Before(Call):
    """A call that the stream needs first. ``keep`` says which names later calls may use, and where they stand."""

    keep: Mapping[str, Place] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Tasks:
    """How tasks are started, moved and looked at."""

    create: Create | None = None
    create_failing: Create | None = None
    create_manual: Create | None = None
    update: Call | None = None
    snapshot: Call | None = None


@dataclass(frozen=True, slots=True)
class Metric:
    """Where a number can be read: ``value`` is its place in the reply."""

    path: str
    value: Pointer


@dataclass(frozen=True, slots=True)
class Observe:
    """How to look inside the server: its count of open streams, its process."""

    open_streams: Metric | None = None
    pid: int | None = None


@dataclass(frozen=True, slots=True)
class Limits:
    """What the ticket promises; the defaults are its figures. Seconds, a ratio, a count."""

    connect_s: float = 1.0
    update_s: float = 2.0
    degradation: float = 0.05
    concurrent: int = 50
    heartbeat_s: float = 15.0


@dataclass(frozen=True, slots=True)
class Ends:
    """How a reader knows that a stream is over; one of five.

    ``data``: an event with exactly this data; ``event``: an event of this type; ``pointer`` and ``in_``: an event
    whose JSON has one of these values there; ``how`` "close": the response ends, and no event says so; "never".
    """

    data: str | None = None
    event: str | None = None
    pointer: Pointer | None = None
    in_: tuple[Any, ...] = ()
    how: str = ""

    @property
    def has_marker(self) -> bool:
        """Whether an event says that the stream is over."""
        return not self.how

    def is_marker(self, kind: str, data: str) -> bool:
        """Whether an event of this type and data is the one that says that the stream is over."""
        if self.data is not None:
            return data == self.data
        if self.event is not None:
            return kind == self.event
        return self.pointer is not None and self._has_value(data)

    def _has_value(self, data: str) -> bool:
        try:
            found = pointer(json.loads(data), self.pointer or "")
        except (ValueError, LookupError, RecursionError):
            return False
        return any(type(found) is type(value) and found == value for value in self.in_)

    def described(self) -> str:
        """Return it as words of a sentence: what ends the stream."""
        if self.data is not None:
            return f"an event with the data {self.data!r}"
        if self.event is not None:
            return f"an event of type {self.event!r}"
        if self.pointer is not None:
            return f"an event with {' or '.join(map(json.dumps, self.in_))} at {self.pointer}"
        return "the end of the response" if self.how == "close" else "nothing"


@dataclass(frozen=True, slots=True)
class Promises:
    """What a stream's owner promises its readers; None: nothing is promised. Seconds.

    ``shared``: every reader is told the same. ``resume``: a reconnect with Last-Event-ID goes on strictly after it.
    ``first_event_s``: from the request to the first event. ``gap_s``: the longest pause between events while the
    stream is at work. ``heartbeat_s``: the longest silence of any kind. ``vanished_s``: after
    which a reader that vanished without a word is let go. ``schema``: the JSON Schema of an event's data
    by event type, ``"*"`` for all others; the end marker ``ends.data`` is exempt. ``token``: where in an event's JSON
    the text of a language model stands.
    """

    ends: Ends | None = None
    shared: bool | None = None
    resume: bool | None = None
    first_event_s: float | None = None
    gap_s: float | None = None
    heartbeat_s: float | None = None
    schema: Mapping[str, Any] = field(default_factory=dict)
    token: Pointer | None = None
    vanished_s: float | None = None

    def schema_of(self, kind: str) -> Any:  # noqa: ANN401 - a JSON Schema
        """Return the JSON Schema of the data of events of this type; None when there is none."""
        return self.schema.get(kind, self.schema.get(ANY_TYPE))


@dataclass(frozen=True, slots=True)
class Tls:
    """Trust for servers with their own certificate authority, or none."""

    verify: bool = True
    ca_file: str | None = None


@dataclass(frozen=True, slots=True)
class Target:
    """A server under test.

    ``publish`` makes the stream say something: its ``{marker}`` comes back in an event. ``unused`` are the keys, by
    dotted name, that nothing uses in this profile, and ``notes`` the same as lines for the user.
    """

    base_url: str
    stream: Call
    profile: Profile = "task-progress"
    headers: Mapping[str, str] = field(default_factory=dict)  # sent with every request
    before: tuple[Before, ...] = ()
    promises: Promises = field(default_factory=Promises)
    publish: Call | None = None
    task: Tasks = field(default_factory=Tasks)
    existing: Call | None = None
    origin: str | None = None  # of a page that may read the stream from elsewhere
    observe: Observe = field(default_factory=Observe)
    limits: Limits = field(default_factory=Limits)
    objectives: tuple[str, ...] = ()  # of a load run, as --objective states them
    shape: str = ""  # of a load run, as --shape states it
    tls: Tls = field(default_factory=Tls)
    secrets: frozenset[str] = field(default_factory=frozenset, compare=False, repr=False)
    unused: tuple[str, ...] = field(default=(), compare=False)
    notes: tuple[str, ...] = field(default=(), compare=False, repr=False)

    def url(self, path: str, **values: str) -> str:
        """Return the absolute URL of a path, with ``{name}`` placeholders filled in."""
        for name, value in values.items():
            path = path.replace("{" + name + "}", value)
        return self.base_url.rstrip("/") + "/" + path.lstrip("/")

    @property
    def needs_task(self) -> bool:
        """Whether a stream can be opened only once a task exists."""
        return "{task_id}" in self.stream.path + repr(self.stream.json)

    @property
    def publishes_to_all(self) -> bool:
        """Whether what is published can be told, and taken to reach every reader: no stream is said to be one's own."""
        if self.publish is None or self.promises.shared is False or (self.before and not self.promises.shared):
            return False
        return "{marker}" in self.publish.text

    @property
    def generates(self) -> bool:
        """Whether each stream is made for the request by a language model: one more costs its owner money."""
        return self.promises.token is not None and self.stream.method not in {"", "GET"}

    @property
    def may_generate(self) -> bool:
        """Whether only a stream's first events can say that it ``generates``: nothing is said of its text."""
        asks = self.stream.method not in {"", "GET"} and not self.needs_task
        return asks and self.profile == EVENT_STREAM and self.promises.token is None

    def generating(self, token: str) -> Target:
        """Return the target as one that ``generates``, with its text at ``token``."""
        return replace(self, promises=replace(self.promises, token=token))

    @property
    def heartbeat_s(self) -> float:
        """The longest silence that is promised; of a stream that promises none, the usual 15 s."""
        promised = self.promises.heartbeat_s
        return self.limits.heartbeat_s if promised is None else promised
