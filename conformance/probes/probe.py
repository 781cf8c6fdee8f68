"""What a probe is: a short coroutine that brings a situation about, and the list of all of them.

A probe judges nothing. It starts tasks, opens streams and leaves them; what rules need to know stands in the facts
of the exchanges (``ssegauge.conformance.facts`` has the list). It is a guest: it says how many requests it makes and
how many streams it has open at once, and asks for no more.
"""

import inspect
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal

from ssegauge.conformance.recording.server import Server
from ssegauge.conformance.target import Target

Play = Callable[[Server], Awaitable[None]]
# "first": alone, before all others. "together": all at once. "alone": one after the other when those are done, since
# they measure the server as a whole or need its attention. "patient": beside all others; longer than --quick waits.
# "last": when nobody else is there any more.
Stage = Literal["first", "together", "alone", "patient", "last"]


@dataclass(frozen=True, slots=True)
class Probe:
    """A situation, and the hooks of the target without which it cannot be brought about.

    ``streams``: open at once, at most; one that ``adapts`` makes do with fewer. ``asks``: requests in all, at most;
    ``counts`` tells them for a target, where that matters. ``long``: takes longer than ``--quick`` waits.
    """

    name: str
    needs: tuple[str, ...]
    stage: Stage
    play: Play
    streams: int = 2
    asks: int = 2
    adapts: bool = False
    long: bool = False
    counts: Callable[[Target], int] | None = None

    def asked(self, target: Target) -> int:
        """Return how many requests it makes of this target, at most."""
        return self.counts(target) if self.counts else self.asks

    @property
    def does(self) -> str:
        """What it does to the server, in words."""
        return " ".join((inspect.getdoc(self.play) or "").split())

    def possible(self, target: Target) -> bool:
        """Whether the target has the hooks."""
        return set(self.needs) <= hooks(target)


PROBES: list[Probe] = []


def probe(
    *needs: str,
    stage: Stage = "together",
    streams: int = 2,
    asks: int = 0,
    adapts: bool = False,
    long: bool = False,
    counts: Callable[[Target], int] | None = None,
) -> Callable[[Play], Play]:
    """Register a probe; its name is the function's with hyphens, its docstring says what it does to the server.

    Without ``asks`` it makes as many requests as it has streams.
    """

    def register(play: Play) -> Play:
        name = play.__name__.replace("_", "-")
        long_one = long or stage == "patient"
        PROBES.append(Probe(name, needs, stage, play, streams, asks or streams, adapts, long_one, counts))
        return play

    return register


def hooks(target: Target) -> frozenset[str]:
    """Return the names of the hooks that a target has, as rules and probes name them.

    "plain" or "tasks" says what streams are of; "update" that a stream can be made to say something, whichever way;
    "gets" that one more costs nothing, as it is asked for by GET; "generation" that a language model makes each for
    money, and "cheap" that none does; "observe" that something can be seen of the server beside what it answers.
    """
    task = {f"task.{name}" for name in target.task.__slots__ if getattr(target.task, name)}
    observe = {f"observe.{name}" for name in target.observe.__slots__ if getattr(target.observe, name)}
    promised = {"promises.vanished_s"} if target.promises.vanished_s else set()
    more = {name for name in ("before", "existing", "origin", "publish") if getattr(target, name)}
    given = {"stream.headers"} if credentials(target) else set()
    kind = {"tasks" if target.needs_task else "plain"}
    driven = {"update"} if target.publish or (target.task.create_manual and target.task.update) else set()
    cost = {"generation" if target.generates else "cheap"} | ({"gets"} if gets(target) else set())
    observed = {"observe"} if observe else set()
    return frozenset(task | observe | observed | promised | more | given | kind | driven | cost)


def gets(target: Target) -> bool:
    """Whether streams are asked for by GET: one more costs the server's owner nothing, and EventSource may read it."""
    return target.stream.method in {"", "GET"}


def credentials(target: Target) -> tuple[str, ...]:
    """Return the names of the header fields in which the target sends credentials."""
    names = [*target.headers, *target.stream.headers]
    return tuple(name for name in names if name.lower() in {"authorization", "cookie", "x-api-key"})
