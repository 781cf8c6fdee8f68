"""What an exchange was for: the contract between probes, which set roles and facts, and rules, which read them.

Each exchange has one ``Role`` and its ``Facts``. A fact that was not set is None, or False where it is a flag. Both are
types, so that a misspelt fact, or a value that no probe sets, fails in the type checker and not as "not observed". In a
transcript's file the facts that were set are one JSON object: ``as_json`` and ``read`` are exact inverses.
"""

from __future__ import annotations

import math
import re
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import lru_cache
from typing import Any, Literal, Self, get_args, get_origin

Role = Literal[
    "stream",  # an event stream that ought to work
    "hello",  # the very first request: whether there is a server at all
    "before",  # a call that a stream needs first
    "create",  # a create hook
    "update",  # an update hook, or a publish: what makes a stream say something
    "snapshot",  # the polling endpoint
    "metric",  # the reply in which a number was read
    "open-streams",  # the server's own count of them, at a moment
    "process",  # the server's process on this machine, at a moment
    "sockets",  # the kernel's table of connections on this machine, after clients left
    "harness",  # ourselves
    "unknown-task",  # a stream of a task that never was
    "malformed-id",  # a stream whose task id is rubbish
    "method",  # a stream by another method
    "origin",  # a stream for a page of another origin
    "preflight",  # the preflight of a reconnect from an allowed origin
    "query",  # an unusual request for a stream, as those that follow
    "large-header",
    "malformed-request",  # no proper HTTP, or a body that is not what it says
    "head",
    "no-token",
    "bad-request",  # a request for a generation that cannot be answered with one
    "compressed",
    "http10",
    "capture",
]
Kind = Literal["self-running", "failing", "manual", "plain"]
Joined = Literal["start", "late", "after-end", "race"]
Reader = Literal["uncut", "twin", "cut", "newcomer", "long", "beside"]
Resume = Literal["known", "terminal", "stale", "garbage"]
Situation = Literal[
    "idle", "race", "canary", "after-cut", "after-storm", "storm", "slow", "beside-slow", "steady", "crowd", "again"
]
Moment = Literal[
    "before", "during", "after", "slow-before", "slow-after", "fin", "rst", "vanished", "head-before", "head-after"
]
When = Literal["running", "ended"]
MARKER = re.compile(r"ssegauge[0-9a-f]{12}")  # in all that a stream is made to say


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is known of one exchange. Times in ms, sizes in bytes.

    Of a stream:
        task_id: the task that it tells of; None where streams are of no task.
        subject: what the calls before it made, where a stream needs such calls: streams with the same one have one
            source. None: every stream at the address has.
        kind: of the task; "plain" without tasks.
        joined: when the reader came.
        reader: where several read one task or stream: "cut" comes back, "newcomer" comes beside that one and for the
            first time; "long" reads for longer than a heartbeat takes, "beside" comes while it does.
        last_event_id: what was sent as Last-Event-ID; ``resume`` says what sort of id it is, ``case`` which.
        patience_ms: how long we would have waited.
        situation: a stream in a situation is judged by the rules of that situation, and the ordinary rules leave it
            alone. "steady": told much over many seconds, at irregular times. "crowd": one of many that came at once;
            ``nth`` says which, the first being 1. "again": as another, but when nobody else is there.
        race_ms: subscribed so long after the end of its task.
        capture: recorded by somebody else, without times.

    Of an update: ``task_id``, ``message`` (the text sent), ``progress``, ``status``; ``canary`` (its case) and
    ``marker`` where the text tries to break the framing.

    Of a look from outside: ``moment``; ``opened``, how many streams were answered; ``value`` (open-streams); ``cut``,
    ``held`` and ``unsent``, bytes in the kernel (sockets), after ``patience_ms`` at most; ``cycles``, streams that had
    come and gone by then, ``descriptors``, ``memory_bytes``, ``threads`` and processes together, ``busy``, the share of
    a core that is used (process); ``own_delay_ms``, by how much our own event loop was late at most (harness).

    Of an unusual request: ``case``, ``origin``. Of a snapshot: ``when``.
    """

    task_id: str | None = None
    subject: str | None = None
    kind: Kind | None = None
    joined: Joined | None = None
    reader: Reader | None = None
    last_event_id: str | None = None
    resume: Resume | None = None
    case: str | None = None
    patience_ms: float | None = None
    situation: Situation | None = None
    race_ms: float | None = None
    nth: int | None = None
    capture: bool = False
    message: str | None = None
    progress: float | None = None
    status: str | None = None
    canary: str | None = None
    marker: str | None = None
    moment: Moment | None = None
    opened: int | None = None
    value: float | None = None
    cut: int | None = None
    held: int | None = None
    unsent: int | None = None
    cycles: int | None = None
    descriptors: int | None = None
    memory_bytes: int | None = None
    threads: int | None = None
    busy: float | None = None
    own_delay_ms: float | None = None
    origin: str | None = None
    when: When | None = None

    def as_json(self) -> dict[str, Any]:
        """Return the facts that were set, as a JSON object."""
        found = ((item.name, getattr(self, item.name)) for item in fields(self))
        return {name: value for name, value in found if value is not None and value is not False}

    @classmethod
    def read(cls, row: Mapping[str, Any]) -> Self:
        """Return the facts of a JSON object; raises ValueError for a name or a value that is none of ours."""
        for name, value in row.items():
            if name not in _HINTS or not _fits(_HINTS[name], value):
                raise ValueError(f"{name!r}: {value!r} is no fact that this version knows")
        return cls(**row)

    def has(self, wanted: Facts) -> bool:
        """Whether these facts hold all that are set in ``wanted``."""
        return all(getattr(self, name) == value for name, value in _set_in(wanted))


@lru_cache(maxsize=64)
def _set_in(wanted: Facts) -> tuple[tuple[str, Any], ...]:
    """Return what is set in them: every rule asks for the same of every exchange."""
    return tuple(wanted.as_json().items())


# The facts whose values are words of ours, never a server's nor a secret.
_HINTS = typing.get_type_hints(Facts)
WORDS = frozenset(name for name, hint in _HINTS.items() if any(get_origin(one) is Literal for one in get_args(hint)))


def known_role(name: object) -> Role:
    """Return the role of that name; raises ValueError for one that is none of ours."""
    if name not in get_args(Role):
        raise ValueError(f"{name!r} is no role that this version knows")
    return typing.cast("Role", name)


def _fits(hint: Any, value: object) -> bool:  # noqa: ANN401 - a type, as get_type_hints gives it
    if get_origin(hint) in {types.UnionType, typing.Union}:
        return any(_fits(one, value) for one in get_args(hint))
    if get_origin(hint) is Literal:
        return value in get_args(hint)
    if isinstance(value, bool):
        return hint is bool
    if hint is float:
        return isinstance(value, int | float) and math.isfinite(value)
    return isinstance(value, hint)
