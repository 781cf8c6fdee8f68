"""The calls that a stream needs first, ``[[before]]``, under load: each user makes its own, or all share one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from gevent.lock import Semaphore

from ssegauge.conformance.errors import CannotJudge
from ssegauge.conformance.target import Before, Target, each_its_own, fill, kept, kept_secrets
from ssegauge.loadtests.driving.client import Reply

Ask = Callable[[Before], Reply | None]  # None: no whole reply came
Kept = Mapping[str, str]


@dataclass(slots=True)
class Preparation:
    """Makes the calls for users. ``secrets`` are the credentials that were kept so far."""

    target: Target
    ask: Ask
    secrets: set[str] = field(default_factory=set)
    _shared: Kept | None = None
    _sharing: Semaphore = field(default_factory=Semaphore)

    def prepare(self, spent: Kept | None = None) -> Kept:
        """Return what the calls keep; ``spent`` is what the user had before, whose stream has ended.

        Where the stream's owner promises that all are told the same, all users have the same until it is spent.
        Raises CannotJudge: which call, and what came.
        """
        if not self.target.before:
            return {}
        if not self.target.promises.shared:
            return self._make()
        with self._sharing:
            if self._shared is None or self._shared is spent:
                self._shared = self._make()
            return self._shared

    def _make(self) -> Kept:
        found: dict[str, str] = {}
        for number, before in enumerate(self.target.before, 1):
            call = fill(before, each_its_own(found))
            try:
                more = _kept(call, self.ask(call))
            except LookupError as error:
                raise CannotJudge(f"[[before]] {number}, {before.method} {before.path}: {error.args[0]}") from None
            self.secrets |= kept_secrets(call, more, self.target)
            found |= more
        return found


def _kept(call: Before, reply: Reply | None) -> dict[str, str]:
    if not reply or not reply.ok:
        raise LookupError(f"status {reply.status}" if reply else "no reply")
    return kept(call, reply.headers, reply.body)
