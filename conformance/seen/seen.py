"""Everything that one run saw: its exchanges by role, facts and task."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, TypeVar

from ssegauge.conformance.facts import Facts, Role
from ssegauge.conformance.recording.transcript import Transcript
from ssegauge.conformance.seen.view import View
from ssegauge.conformance.target import Limits, Profile, Promises

NO_FACTS = Facts()
Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Seen:
    """Everything that one run saw, and what was promised. ``limits`` have ``own_delay_s`` added to them."""

    views: tuple[View, ...]
    profile: Profile = "task-progress"
    limits: Limits = field(default_factory=Limits)
    own_delay_s: float = 0.0
    promises: Promises = field(default_factory=Promises)

    @classmethod
    def of(
        cls,
        transcripts: Iterable[Transcript],
        profile: Profile = "task-progress",
        limits: Limits | None = None,
        promises: Promises | None = None,
    ) -> Seen:
        """Return what there is to see in transcripts.

        The limits of time are widened by the recorder's own delay, so that no finding can be our own doing.
        """
        views = tuple(View(one) for one in transcripts)
        promised = limits or Limits()
        own_s = max((view.facts.own_delay_ms or 0.0 for view in views), default=0.0) / 1000
        times = {name: getattr(promised, name) + own_s for name in ("connect_s", "update_s", "heartbeat_s")}
        return cls(views, profile, replace(promised, **times), own_s, promises or Promises())

    @cached_property
    def _answers(self) -> dict[object, Any]:
        return {}

    def once(self, ask: Callable[[Seen], Answer]) -> Answer:
        """Return what several rules ask of all that was seen, worked out once."""
        if ask not in self._answers:
            self._answers[ask] = ask(self)
        answer: Answer = self._answers[ask]
        return answer

    @cached_property
    def _by_role(self) -> Mapping[Role, list[View]]:
        found: dict[Role, list[View]] = defaultdict(list)
        for view in self.views:
            found[view.transcript.role].append(view)
        return found

    def role(self, name: Role, wanted: Facts = NO_FACTS) -> tuple[View, ...]:
        """Return the exchanges of one role, and of these the ones with the given facts."""
        return tuple(view for view in self._by_role.get(name, ()) if view.facts.has(wanted))

    @cached_property
    def streams(self) -> tuple[View, ...]:
        """The exchanges that are event streams and ought to work."""
        return tuple(view for view in self.role("stream") if view.is_event_stream)

    def tasks(self, choose: Callable[[View], bool] = lambda _: True) -> Iterator[tuple[str, tuple[View, ...]]]:
        """Yield each task's id with its event streams, of those that ``choose`` takes."""
        found: dict[str, list[View]] = defaultdict(list)
        for view in self.streams:
            if (task_id := view.facts.task_id) is not None and choose(view):
                found[task_id].append(view)
        yield from ((task_id, tuple(views)) for task_id, views in found.items())
